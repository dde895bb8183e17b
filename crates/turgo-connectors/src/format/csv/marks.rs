//! Finding the fields of records that are well formed, 64 bytes at a time.
//!
//! The delimiters, line feeds and quotes of 64 bytes are one word of bits, which is used up from one
//! end: fields that nobody reads cost a few instructions, whatever their length.
//!
//! - M1. Fields begin and end where [`super::split`] has them begin and end; where that would find
//!   a fault, or no line end, there is no field here.

use crate::format::bytes;

/// Bytes looked at in one step.
const BLOCK: usize = 64;

/// A place in a text, and what is special from there on.
#[derive(Debug)]
pub(super) struct Marks {
    delimiter: u8,
    /// Where the block starts.
    block: usize,
    /// Its special bytes that have not been used up.
    special: u64,
    /// It has bytes that are not ASCII.
    block_wide: bool,
    /// So had a block since the record began.
    wide: bool,
    /// Where the next record is expected.
    next: usize,
}

/// A field, without its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) quoted: bool,
    /// There are quotes in it, each written twice.
    pub(super) doubled: bool,
    /// What follows the delimiter or line feed behind it.
    pub(super) next: usize,
}

impl Marks {
    /// No text yet.
    pub(super) fn new(delimiter: u8) -> Self {
        let (block, special, next) = (0, 0, usize::MAX);
        Self { delimiter, block, special, block_wide: false, wide: false, next }
    }

    /// Another text follows.
    pub(super) fn reset(&mut self) {
        self.next = usize::MAX;
    }

    /// A record begins at `at`. One that could not be read is not begun again.
    #[inline(always)]
    pub(super) fn begin(&mut self, text: &[u8], at: usize) {
        if self.next != at {
            self.look(text, at);
        }
        self.wide = self.block_wide;
    }

    /// The record that began at `from` has ended before `end`; false where it is not UTF-8.
    #[inline(always)]
    pub(super) fn end(&mut self, text: &[u8], from: usize, end: usize) -> bool {
        self.next = end;
        !self.wide || std::str::from_utf8(&text[from..end]).is_ok()
    }

    /// The field at `start`, with a delimiter behind it.
    #[inline(always)]
    pub(super) fn field(&mut self, text: &[u8], start: usize) -> Option<Field> {
        let mark = self.next_mark(text)?;
        if text[mark] == self.delimiter {
            return Some(Field { start, end: mark, quoted: false, doubled: false, next: mark + 1 });
        }
        let field = self.field_with_quotes(text, start, mark)?;
        (text[field.next - 1] == self.delimiter).then_some(field)
    }

    /// The field at `start`, with a line end behind it.
    #[inline(always)]
    pub(super) fn last_field(&mut self, text: &[u8], start: usize) -> Option<Field> {
        let mark = self.next_mark(text)?;
        let mut field = match text[mark] {
            b'\n' => Field { start, end: mark, quoted: false, doubled: false, next: mark + 1 },
            _ => self.field_with_quotes(text, start, mark)?,
        };
        if text[field.next - 1] != b'\n' {
            return None;
        }
        if !field.quoted && text[start..field.end].ends_with(b"\r") {
            field.end -= 1;
        }
        Some(field)
    }

    /// The field at `start`, the first mark from which on is at `mark`: around all of it, or within.
    fn field_with_quotes(&mut self, text: &[u8], start: usize, mut mark: usize) -> Option<Field> {
        if mark == start && text[mark] == b'"' {
            return self.quoted(text, start);
        }
        while text[mark] == b'"' {
            mark = self.next_mark(text)?;
        }
        Some(Field { start, end: mark, quoted: false, doubled: false, next: mark + 1 })
    }

    /// The field whose opening quote is at `open`.
    fn quoted(&mut self, text: &[u8], open: usize) -> Option<Field> {
        let mut doubled = false;
        loop {
            let end = self.next_mark(text)?;
            if text[end] != b'"' {
                continue;
            }
            let separator = match text[end + 1..] {
                [b'"', ..] => {
                    self.next_mark(text)?;
                    doubled = true;
                    continue;
                }
                [b'\r', b'\n', ..] => end + 2,
                [b'\n', ..] => end + 1,
                [byte, ..] if byte == self.delimiter => end + 1,
                _ => return None,
            };
            self.next_mark(text)?;
            return Some(Field {
                start: open + 1,
                end,
                quoted: true,
                doubled,
                next: separator + 1,
            });
        }
    }

    /// Uses up the next mark and returns its place.
    #[inline(always)]
    fn next_mark(&mut self, text: &[u8]) -> Option<usize> {
        while self.special == 0 {
            let block = self.block + BLOCK;
            if block >= text.len() {
                return None;
            }
            self.look(text, block);
            self.wide |= self.block_wide;
        }
        let at = self.block + self.special.trailing_zeros() as usize;
        self.special &= self.special - 1;
        Some(at)
    }

    #[inline(always)]
    fn look(&mut self, text: &[u8], block: usize) {
        let marks = bytes::marks(text, block, self.delimiter);
        (self.block, self.special, self.block_wide) = (block, marks.special, marks.wide);
    }
}
