//! Places in a text: from the parser's line and column to bytes.
//!
//! Lines end at `\n` and count from 1; columns count characters, not bytes, from 1. Every offset
//! given out lies inside the text and on a character boundary.

use std::ops::Range;

use datafusion_sql::sqlparser::tokenizer::{Location, Span};

/// Where the lines of a text begin.
#[derive(Debug, Clone)]
pub struct LineIndex<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> LineIndex<'a> {
    /// The lines of `text`.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The text itself.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The byte at a line and a column; places behind a line's end become its end, places behind
    /// the text's end become its end.
    #[must_use]
    pub fn offset(&self, line: u64, column: u64) -> usize {
        let before = |n: u64| usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX);
        let line = before(line);
        let Some(&start) = self.starts.get(line) else {
            return self.text.len();
        };
        let end = self.starts.get(line + 1).copied().unwrap_or(self.text.len());
        let content = &self.text[start..end];
        let inside = content.char_indices().nth(before(column)).map_or(content.len(), |(at, _)| at);
        start + inside
    }

    /// The bytes of a span, or `None` for the parser's empty span, which stands for "unknown".
    #[must_use]
    pub fn span_to_bytes(&self, span: Span) -> Option<Range<usize>> {
        if span.start.line == 0 || span.end.line == 0 {
            return None;
        }
        let start = self.location(span.start);
        Some(start..self.location(span.end).max(start))
    }

    fn location(&self, at: Location) -> usize {
        self.offset(at.line, at.column)
    }
}
