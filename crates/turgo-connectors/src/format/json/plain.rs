//! Values as programs mostly write them: strings of ASCII without escapes, short integers.
//!
//! Read in one go, as offsets into a text and nothing that lives in memory: these are the
//! innermost steps of decoding. What is not plain is left to [`super::scan`].

use super::scan::Cursor;
use crate::format::bytes::{self, Blocks, TextEnds};

/// Where a plain string ends that starts at `from`, behind its opening quote: the offset of its
/// closing quote.
#[inline(always)]
pub(super) fn text_end(text: &[u8], from: usize) -> Option<usize> {
    if from > text.len() {
        return None;
    }
    let end = bytes::plain_text_end(text, from);
    (text.get(end) == Some(&b'"')).then_some(end)
}

/// As [`text_end`], looked up in the `ends` of `text`.
#[inline(always)]
pub(super) fn known_text_end(text: &[u8], ends: &TextEnds, from: usize) -> Option<usize> {
    let end = bytes::text_end(text, ends.known(), from);
    (text.get(end) == Some(&b'"')).then_some(end)
}

/// The integer of at most 16 digits that stands at `from`, and its end.
#[inline(always)]
pub(super) fn integer(text: &[u8], from: usize) -> Option<(i64, usize)> {
    if let Some(block @ [b'1'..=b'9', ..]) = bytes::block::<16>(text, from) {
        let count = bytes::digit_count(block);
        if let Some(b',' | b'}') = block.get(count) {
            return Some((bytes::first_digits(block, count) as i64, from + count));
        }
    }
    any_integer(text, from)
}

#[inline(never)]
fn any_integer(text: &[u8], from: usize) -> Option<(i64, usize)> {
    const DIGITS_MAX: usize = 16;
    let negative = text.get(from) == Some(&b'-');
    let start = from + usize::from(negative);
    let (value, end) = bytes::digits(text, start);
    if end - start > DIGITS_MAX || !is_whole(text, start, end) {
        return None;
    }
    let value = value as i64;
    Some((if negative { -value } else { value }, end))
}

/// Where a plain number ends that starts at `from`, or some place in it where it is another one. The end
/// of any other value; no place at all where there is none.
#[inline(always)]
pub(super) fn number_end(text: Blocks<'_, 16>, from: usize) -> usize {
    match text.get(from) {
        Some(block) if matches!(block[0], b'1'..=b'9') => from + bytes::digit_count(block),
        _ => value_end(text.all(), from).unwrap_or(usize::MAX),
    }
}

/// The end of the value at `from`, of any kind.
#[inline(never)]
pub(super) fn value_end(text: &[u8], from: usize) -> Option<usize> {
    let mut cursor = Cursor::new(text, from);
    cursor.value(1).ok()?;
    Some(cursor.at())
}

/// Whether the digits from `start` to `end` are a number, and all of it.
#[inline(always)]
fn is_whole(text: &[u8], start: usize, end: usize) -> bool {
    let leading_zero = end - start > 1 && text[start] == b'0';
    let goes_on = matches!(text.get(end), Some(b'.' | b'e' | b'E'));
    end > start && !leading_zero && !goes_on
}
