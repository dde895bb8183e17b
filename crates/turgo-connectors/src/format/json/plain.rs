//! Values as programs mostly write them: strings of ASCII without escapes, short integers.
//!
//! Read in one go, as offsets into a text and nothing that lives in memory: these are the
//! innermost steps of decoding. What is not plain is left to [`super::scan`].

use crate::format::bytes;

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

/// The integer of at most 16 digits that stands at `from`, and its end.
#[inline(always)]
pub(super) fn integer(text: &[u8], from: usize) -> Option<(i64, usize)> {
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

/// The end of the integer without sign that stands at `from`.
#[inline(always)]
pub(super) fn integer_end(text: &[u8], from: usize) -> Option<usize> {
    let end = bytes::digits_end(text, from);
    is_whole(text, from, end).then_some(end)
}

/// Whether the digits from `start` to `end` are a number, and all of it.
#[inline(always)]
fn is_whole(text: &[u8], start: usize, end: usize) -> bool {
    let leading_zero = end - start > 1 && text[start] == b'0';
    let goes_on = matches!(text.get(end), Some(b'.' | b'e' | b'E'));
    end > start && !leading_zero && !goes_on
}
