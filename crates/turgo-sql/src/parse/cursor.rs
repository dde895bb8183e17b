//! A reading position in the tokens of one statement, with the errors that point at it.

use std::ops::Range;

use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::lines::LineIndex;
use crate::error::{Result, SqlError};
use crate::statement::Name;

/// Whether `token` is the unquoted word `word`, in any case.
pub(super) fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
}

/// A position in a run of tokens. Cloning it is cheap and remembers the place.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    lines: &'a LineIndex<'a>,
    tokens: &'a [TokenWithSpan],
    /// Half of a `>>` has been read: `ROW<a ROW<b INT>>` closes two types with one token.
    half: bool,
    /// Where the tokens end in the text.
    end: usize,
}

impl<'a> Cursor<'a> {
    /// At the first of `tokens`; `end` is where errors about their end point.
    pub(super) fn new(
        lines: &'a LineIndex<'a>,
        tokens: &'a [TokenWithSpan],
        fallback_end: usize,
    ) -> Self {
        let end = tokens
            .last()
            .and_then(|token| lines.span_to_bytes(token.span))
            .map_or(fallback_end, |span| span.end);
        Self { lines, tokens, half: false, end }
    }

    pub(super) fn lines(&self) -> &'a LineIndex<'a> {
        self.lines
    }

    /// A cursor over `tokens`, which stand for those not yet read.
    pub(super) fn over<'t>(&self, tokens: &'t [TokenWithSpan]) -> Cursor<'t>
    where
        'a: 't,
    {
        Cursor { lines: self.lines, tokens, half: false, end: self.end }
    }

    /// The tokens not yet read.
    pub(super) fn rest(&self) -> &'a [TokenWithSpan] {
        self.tokens
    }

    /// Where the tokens end in the text.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// A cursor over the first `count` tokens not yet read.
    pub(super) fn take(&self, count: usize) -> Self {
        Self::new(self.lines, &self.tokens[..count], self.span().start)
    }

    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.peek_nth(0)
    }

    pub(super) fn peek_nth(&self, n: usize) -> Option<&'a Token> {
        self.tokens.get(n).map(|token| &token.token)
    }

    /// The bytes of the next token; nothing at the end of the tokens.
    pub(super) fn span(&self) -> Range<usize> {
        self.tokens.first().map_or(self.end..self.end, |token| self.bytes(token))
    }

    /// The bytes of all tokens not yet read.
    pub(super) fn rest_span(&self) -> Range<usize> {
        self.span().start..self.end
    }

    /// The bytes of `token`.
    pub(super) fn bytes(&self, token: &TokenWithSpan) -> Range<usize> {
        self.lines.span_to_bytes(token.span).unwrap_or(self.end..self.end)
    }

    /// The bytes from the first to the last of `tokens`.
    pub(super) fn bytes_of(&self, tokens: &[TokenWithSpan]) -> Range<usize> {
        match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => self.bytes(first).start..self.bytes(last).end,
            _ => self.end..self.end,
        }
    }

    /// What the user wrote there.
    pub(super) fn text(&self, span: Range<usize>) -> &'a str {
        &self.lines.text()[span]
    }

    pub(super) fn skip(&mut self, count: usize) {
        self.tokens = &self.tokens[count.min(self.tokens.len())..];
        self.half = false;
    }

    pub(super) fn is(&self, word: &str) -> bool {
        self.are(&[word])
    }

    /// Whether these words come next.
    pub(super) fn are(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(n, word)| self.peek_nth(n).is_some_and(|t| is_word(t, word)))
    }

    /// Reads these words if they come next.
    pub(super) fn eat(&mut self, words: &[&str]) -> bool {
        let found = self.are(words);
        if found {
            self.skip(words.len());
        }
        found
    }

    pub(super) fn eat_token(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        if found {
            self.skip(1);
        }
        found
    }

    pub(super) fn expect(&mut self, word: &str) -> Result<()> {
        if self.eat(&[word]) { Ok(()) } else { Err(self.unexpected(word)) }
    }

    pub(super) fn expect_token(&mut self, token: &Token) -> Result<()> {
        if self.eat_token(token) { Ok(()) } else { Err(self.unexpected(&format!("`{token}`"))) }
    }

    /// Reads `>`, which may be one half of a `>>`.
    pub(super) fn expect_close_angle(&mut self) -> Result<()> {
        if self.peek() == Some(&Token::ShiftRight) && !self.half {
            self.half = true;
            return Ok(());
        }
        if self.half || self.peek() == Some(&Token::Gt) {
            self.skip(1);
            return Ok(());
        }
        Err(self.unexpected("`>`"))
    }

    /// Reads a name: folded to lower case unless it is quoted.
    pub(super) fn name(&mut self, what: &str) -> Result<Name> {
        let Some(Token::Word(word)) = self.peek() else {
            return Err(self.unexpected(what));
        };
        let value = match word.quote_style {
            Some(_) => word.value.clone(),
            None => word.value.to_lowercase(),
        };
        let name = Name { value, span: self.span() };
        self.skip(1);
        Ok(name)
    }

    /// Reads the name of a table or view, which has no schema before it.
    pub(super) fn table_name(&mut self, what: &str) -> Result<Name> {
        let start = self.clone();
        let name = self.name(what)?;
        if self.peek() == Some(&Token::Period) {
            let mut part = self.clone();
            part.skip(1);
            let end = part.span().end;
            return Err(SqlError::new("a schema before a name is not there yet")
                .at(start.span().start..end)
                .help("use the bare name"));
        }
        Ok(name)
    }

    /// Reads a string in single quotes.
    pub(super) fn string(&mut self, what: &str) -> Result<Name> {
        let Some(Token::SingleQuotedString(value)) = self.peek() else {
            return Err(self.unexpected(what));
        };
        let name = Name { value: value.clone(), span: self.span() };
        self.skip(1);
        Ok(name)
    }

    /// Checks that the statement ends here.
    pub(super) fn finish(&self) -> Result<()> {
        if self.tokens.is_empty() {
            Ok(())
        } else {
            Err(self.unexpected("the end of the statement"))
        }
    }

    /// "expected {what}, found ..." at the next token.
    pub(super) fn unexpected(&self, what: &str) -> SqlError {
        let found = match self.text(self.span()) {
            "" => "the end of the statement".to_owned(),
            text => format!("`{text}`"),
        };
        SqlError::new(format!("expected {what}, found {found}")).at(self.span())
    }

    /// How many tokens come before the `,` or the closing bracket that ends this item of a list.
    pub(super) fn item_len(&self) -> usize {
        let mut depth = 0usize;
        for (n, token) in self.tokens.iter().enumerate() {
            match token.token {
                Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
                Token::RParen | Token::RBracket | Token::RBrace if depth == 0 => return n,
                Token::RParen | Token::RBracket | Token::RBrace => depth -= 1,
                Token::Comma if depth == 0 => return n,
                _ => {}
            }
        }
        self.tokens.len()
    }
}

/// The index of the bracket that closes the one at `open`.
pub(super) fn closing(tokens: &[TokenWithSpan], open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (n, token) in tokens.iter().enumerate().skip(open) {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(n);
                }
            }
            _ => {}
        }
    }
    None
}
