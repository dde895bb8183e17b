//! Looking at many bytes at once: the ends of texts and the values of digits.
//!
//! The one module of this crate that may use `unsafe`, with what lies in it: for vector instructions,
//! those of every x86-64 processor and, asked for when the program runs, AVX2. Other processors look at
//! eight bytes in a 64-bit word.

#![expect(unsafe_code, reason = "vector instructions are reached by unsafe calls only")]

mod ends;

pub(crate) use ends::{TextEnds, text_end};

/// `N` bytes from `at` on, where there are as many.
#[inline(always)]
pub(crate) fn block<const N: usize>(bytes: &[u8], at: usize) -> Option<&[u8; N]> {
    // One comparison in a loop; slicing first takes three.
    let last = bytes.len().checked_sub(N)?;
    if at > last {
        return None;
    }
    // SAFETY: `at + N` is at most `bytes.len()`.
    let block = unsafe { bytes.get_unchecked(at..at + N) };
    block.first_chunk()
}

/// All runs of `N` of some bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Blocks<'a, const N: usize> {
    bytes: &'a [u8],
    /// How many there are.
    count: usize,
}

impl<'a, const N: usize> Blocks<'a, N> {
    #[inline(always)]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, count: (bytes.len() + 1).saturating_sub(N) }
    }

    /// The bytes.
    pub(crate) fn all(self) -> &'a [u8] {
        self.bytes
    }

    /// The run at `at`, where there are as many bytes.
    #[inline(always)]
    pub(crate) fn get(self, at: usize) -> Option<&'a [u8; N]> {
        if at >= self.count {
            return None;
        }
        // SAFETY: `at` is below `bytes.len() + 1 - N`, so that `N` bytes stand there.
        let block = unsafe { self.bytes.get_unchecked(at..at + N) };
        block.first_chunk()
    }
}

/// The first byte from `from` on that is a quote, a backslash, a control character or not ASCII; the
/// end of `bytes` where there is none.
#[inline(always)]
pub(crate) fn plain_text_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(block) = block(bytes, at) {
        match special(block) {
            LANES => at += LANES,
            first => return at + first,
        }
    }
    let length = bytes[at..].iter().position(|byte| ends_plain_text(*byte));
    length.map_or(bytes.len(), |length| at + length)
}

/// Whether a text up to here may be plain, and no further: quotes, backslashes, control characters and
/// all that is not ASCII.
const fn ends_plain_text(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | ..0x20 | 0x80..)
}

/// Whether `block` is `word` in the bits of `mask`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn is_masked(block: &[u8; 16], mask: u128, word: u128) -> bool {
    use std::arch::x86_64::{__m128i, _mm_and_si128, _mm_cmpeq_epi8, _mm_movemask_epi8};

    #[target_feature(enable = "sse2")]
    #[inline]
    fn equal(block: __m128i, mask: __m128i, word: __m128i) -> bool {
        _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(block, mask), word)) == 0xffff
    }

    let words = [u128::from_le_bytes(*block), mask, word];
    // SAFETY: all are 16 bytes in which any bits are allowed.
    let [block, mask, word] = unsafe { std::mem::transmute::<[u128; 3], [__m128i; 3]>(words) };
    // SAFETY: SSE2 is part of the x86-64 instruction set.
    unsafe { equal(block, mask, word) }
}

/// Whether `block` is `word` in the bits of `mask`.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(crate) fn is_masked(block: &[u8; 16], mask: u128, word: u128) -> bool {
    u128::from_le_bytes(*block) & mask == word
}

/// Bytes looked at in one step.
#[cfg(target_arch = "x86_64")]
const LANES: usize = 32;

/// The first byte of `block` that ends a plain text; [`LANES`] where none does.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn special(block: &[u8; LANES]) -> usize {
    // All zeros count 32.
    special_marks(block).trailing_zeros() as usize
}

/// One bit for each byte of `block` that ends a plain text.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn special_marks(block: &[u8; LANES]) -> u32 {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_cmplt_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    };

    /// One bit for each byte that ends a plain text.
    #[target_feature(enable = "sse2")]
    #[inline]
    fn marks(half: __m128i) -> u32 {
        let quote = _mm_cmpeq_epi8(half, _mm_set1_epi8(b'"' as i8));
        let backslash = _mm_cmpeq_epi8(half, _mm_set1_epi8(b'\\' as i8));
        // As signed numbers, bytes beyond ASCII are below the control characters.
        let odd = _mm_cmplt_epi8(half, _mm_set1_epi8(b' ' as i8));
        _mm_movemask_epi8(_mm_or_si128(odd, _mm_or_si128(quote, backslash))) as u32
    }

    // SAFETY: both are 32 bytes in which any bits are allowed.
    let halves = unsafe { std::mem::transmute::<[u8; LANES], [__m128i; 2]>(*block) };
    // SAFETY: SSE2 is part of the x86-64 instruction set.
    let [low, high] = halves.map(|half| unsafe { marks(half) });
    low | high << 16
}

/// Bytes looked at in one step.
#[cfg(not(target_arch = "x86_64"))]
const LANES: usize = 8;

/// The first byte of `block` that ends a plain text; [`LANES`] where none does.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn special(block: &[u8; LANES]) -> usize {
    swar::special(u64::from_le_bytes(*block))
}

/// What stands where in up to 64 bytes: bit `i` for byte `i`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Delimiters, line feeds and quotes.
    pub(crate) special: u64,
    /// Some byte is not ASCII.
    pub(crate) wide: bool,
}

/// The marks of the 64 bytes from `from` on, fewer at the end of `bytes`.
#[inline(always)]
pub(crate) fn marks(bytes: &[u8], from: usize, delimiter: u8) -> Marks {
    match block(bytes, from) {
        Some(block) => marks_of(block, delimiter),
        None => {
            let rest = bytes.get(from..).unwrap_or_default();
            let mut padded = [b' '; 64];
            padded[..rest.len()].copy_from_slice(rest);
            let marks = marks_of(&padded, delimiter);
            let within = (1 << rest.len()) - 1;
            Marks { special: marks.special & within, ..marks }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn marks_of(block: &[u8; 64], delimiter: u8) -> Marks {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    };

    /// One bit for each byte that is special.
    #[target_feature(enable = "sse2")]
    #[inline]
    fn special(quarter: __m128i, delimiter: u8) -> u64 {
        let quote = _mm_cmpeq_epi8(quarter, _mm_set1_epi8(b'"' as i8));
        let line_feed = _mm_cmpeq_epi8(quarter, _mm_set1_epi8(b'\n' as i8));
        let delimiter = _mm_cmpeq_epi8(quarter, _mm_set1_epi8(delimiter as i8));
        let any = _mm_or_si128(delimiter, _mm_or_si128(quote, line_feed));
        u64::from(_mm_movemask_epi8(any) as u32)
    }

    /// Whether the high bit of a byte is set.
    #[target_feature(enable = "sse2")]
    #[inline]
    fn wide([a, b, c, d]: [__m128i; 4]) -> bool {
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d))) != 0
    }

    // SAFETY: both are 64 bytes in which any bits are allowed.
    let quarters = unsafe { std::mem::transmute::<[u8; 64], [__m128i; 4]>(*block) };
    // SAFETY: SSE2 is part of the x86-64 instruction set.
    let [a, b, c, d] = quarters.map(|quarter| unsafe { special(quarter, delimiter) });
    // SAFETY: as above.
    let wide = unsafe { wide(quarters) };
    Marks { special: a | b << 16 | c << 32 | d << 48, wide }
}

#[cfg(not(target_arch = "x86_64"))]
use marks_one_by_one as marks_of;

/// As `marks_of`, without vectors.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn marks_one_by_one(block: &[u8; 64], delimiter: u8) -> Marks {
    let special = |byte: u8| byte == delimiter || matches!(byte, b'"' | b'\n');
    let add = |marks, (index, byte): (usize, &u8)| marks | u64::from(special(*byte)) << index;
    Marks { special: block.iter().enumerate().fold(0, add), wide: !block.is_ascii() }
}

/// The decimal digits from `from` on: their value, and where they end. More than 16 digits are
/// passed over, but their value is not right.
#[inline(always)]
pub(crate) fn digits(bytes: &[u8], from: usize) -> (u64, usize) {
    let (mut value, mut at) = (0u64, from);
    while let Some(block) = block(bytes, at) {
        let (part, count) = swar::digits(u64::from_le_bytes(*block));
        value = value.wrapping_mul(swar::POWERS_OF_TEN[count]).wrapping_add(part);
        at += count;
        if count < 8 {
            return (value, at);
        }
    }
    while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        at += 1;
    }
    (value, at)
}

/// The value of eight digits; `None` where one is something else.
#[inline(always)]
pub(crate) fn eight_digits(digits: [u8; 8]) -> Option<u64> {
    let (value, count) = swar::digits(u64::from_le_bytes(digits));
    (count == 8).then_some(value)
}

/// The value of the `count` digits, 1 to 16, at the start of `block`.
#[inline(always)]
pub(crate) fn first_digits(block: &[u8; 16], count: usize) -> u64 {
    // Zeros move in from the left.
    let word = u128::from_le_bytes(*block) ^ swar::ZEROS_TWICE;
    match count {
        ..=8 => swar::value(word as u64, count),
        _ => {
            let word = word << (128 - 8 * count);
            swar::value(word as u64, 8) * 100_000_000 + swar::value((word >> 64) as u64, 8)
        }
    }
}

/// How many bytes at the start of `block` are decimal digits.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn digit_count(block: &[u8; 16]) -> usize {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi8, _mm_cmpgt_epi8, _mm_movemask_epi8, _mm_set1_epi8,
    };

    #[target_feature(enable = "sse2")]
    #[inline]
    fn others(block: __m128i) -> u32 {
        // As signed numbers, the ten largest are digits now.
        let moved = _mm_add_epi8(block, _mm_set1_epi8((0x7f - b'9') as i8));
        let digits = _mm_cmpgt_epi8(moved, _mm_set1_epi8(0x7f - 10));
        !_mm_movemask_epi8(digits) as u32
    }

    // SAFETY: both are 16 bytes in which any bits are allowed.
    let block = unsafe { std::mem::transmute::<[u8; 16], __m128i>(*block) };
    // SAFETY: SSE2 is part of the x86-64 instruction set.
    unsafe { others(block) }.trailing_zeros() as usize
}

/// How many bytes at the start of `block` are decimal digits.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(crate) fn digit_count(block: &[u8; 16]) -> usize {
    block.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Where the decimal digits from `from` on end.
#[inline]
pub(crate) fn digits_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(block) = block(bytes, at) {
        let count = swar::digit_count(u64::from_le_bytes(*block) ^ swar::ZEROS);
        at += count;
        if count < 8 {
            return at;
        }
    }
    at + bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Eight bytes as the little-endian word they make.
mod swar {
    pub(super) const POWERS_OF_TEN: [u64; 9] =
        [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

    pub(super) const ZEROS: u64 = all(b'0');
    pub(super) const ZEROS_TWICE: u128 = u128::from_le_bytes([b'0'; 16]);

    const fn all(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }

    /// The first byte that ends a plain text; 8 where none does.
    #[cfg(any(test, not(target_arch = "x86_64")))]
    pub(super) fn special(word: u64) -> usize {
        // A byte borrows from the next one only where it is itself below what is taken from it, so
        // the lowest mark is right, and the lowest is what counts.
        let below = |word: u64, byte: u8| word.wrapping_sub(all(byte)) & !word;
        let quote = below(word ^ all(b'"'), 1);
        let backslash = below(word ^ all(b'\\'), 1);
        let marks = (below(word, b' ') | quote | backslash | word) & all(0x80);
        marks.trailing_zeros() as usize / 8
    }

    /// How many bytes at the start are digits, where [`ZEROS`] have been taken from all of them.
    #[inline(always)]
    pub(super) fn digit_count(values: u64) -> usize {
        // The high bit of each byte that is no digit; carries reach only bytes behind the first.
        let marks = (values.wrapping_add(all(0x76)) | values) & all(0x80);
        marks.trailing_zeros() as usize / 8
    }

    /// The value of the digits at the start, and how many there are.
    #[inline(always)]
    pub(super) fn digits(word: u64) -> (u64, usize) {
        let values = word ^ ZEROS;
        let count = digit_count(values);
        if count == 0 {
            return (0, 0);
        }
        (value(values, count), count)
    }

    /// The number that the first `count` of eight values stand for as digits, 1 to 8.
    #[inline(always)]
    pub(super) fn value(values: u64, count: usize) -> u64 {
        // Leading zeros take the place of what follows; then neighbours are added up in pairs.
        let values = values << (64 - 8 * count);
        let pairs = values.wrapping_mul(10).wrapping_add(values >> 8) & 0x00ff_00ff_00ff_00ff;
        let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
        fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_lies_in_the_bytes() {
        let bytes: Vec<u8> = (0..40).collect();
        for length in 0..bytes.len() {
            for at in (0..50).chain([usize::MAX - 3, usize::MAX]) {
                let expected = bytes[..length].get(at..).and_then(<[u8]>::first_chunk::<16>);
                assert_eq!(block(&bytes[..length], at), expected);
            }
        }
    }

    #[test]
    fn all_runs_lie_in_the_bytes() {
        let bytes: Vec<u8> = (0..40).collect();
        for length in 0..bytes.len() {
            let blocks = Blocks::<16>::new(&bytes[..length]);
            for at in (0..50).chain([usize::MAX - 3, usize::MAX]) {
                let expected = bytes[..length].get(at..).and_then(<[u8]>::first_chunk::<16>);
                assert_eq!(blocks.get(at), expected);
            }
        }
    }

    #[test]
    fn a_masked_word_is_compared_in_its_mask() {
        let block: [u8; 16] = *b"0123456789abcdef";
        let word = u128::from_le_bytes(block);
        for bytes in 0..=16u32 {
            let mask = if bytes == 0 { 0 } else { u128::MAX >> (128 - 8 * bytes) };
            assert!(is_masked(&block, mask, word & mask));
            for bit in 0..128 {
                let inside = mask >> bit & 1 == 1;
                let other = (word ^ (1 << bit)).to_le_bytes();
                assert_eq!(
                    is_masked(&other, mask, word & mask),
                    !inside,
                    "{bytes} bytes, bit {bit}"
                );
            }
        }
    }

    #[test]
    fn digits_of_a_block_are_counted_and_read() {
        for end in (0..=255u8).filter(|byte| !byte.is_ascii_digit()) {
            for count in 0..=16 {
                for rest in [b'0', b'9', b'x', end] {
                    let mut block = [rest; 16];
                    block[..count].copy_from_slice(&b"9172035604918273"[..count]);
                    block.iter_mut().skip(count).take(1).for_each(|byte| *byte = end);
                    assert_eq!(digit_count(&block), count, "{block:?}");
                    let digits = std::str::from_utf8(&block[..count]).unwrap();
                    if count > 0 {
                        assert_eq!(
                            first_digits(&block, count),
                            digits.parse::<u64>().unwrap(),
                            "{digits}"
                        );
                    }
                }
            }
        }
        let others = |byte: &u8| !byte.is_ascii_digit();
        assert_eq!(eight_digits(*b"00917203"), Some(917_203));
        for at in 0..8 {
            for byte in (0..=255u8).filter(others) {
                let mut digits = *b"12345678";
                digits[at] = byte;
                assert_eq!(eight_digits(digits), None);
            }
        }
    }

    #[test]
    fn plain_text_ends_at_any_special_byte() {
        let special = |byte: u8| byte == b'"' || byte == b'\\' || !(0x20..0x80).contains(&byte);
        for byte in 0..=255 {
            for before in 0..40 {
                for filler in [b' ', b'a', 0x7f, b'!', b'#', b'[', b']'] {
                    let mut text = vec![filler; before];
                    text.push(byte);
                    text.extend([filler; 20]);
                    let expected = if special(byte) { before } else { text.len() };
                    assert_eq!(plain_text_end(&text, 0), expected, "{byte:#x} after {before}");
                    let from = before.min(3);
                    assert_eq!(plain_text_end(&text, from), expected);
                }
            }
        }
        assert_eq!(plain_text_end(b"abc", 3), 3);
    }

    #[test]
    fn words_find_what_vectors_find() {
        let mut random = 1u64;
        for _ in 0..100_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Mostly letters, so that the first special byte stands anywhere.
            let spread = random.rotate_left(17).to_le_bytes();
            let block = spread.map(|byte| if byte % 4 > 0 { b'a' + byte % 26 } else { byte });
            assert_eq!(
                swar::special(u64::from_le_bytes(block)),
                plain_text_end(&block.repeat(4), 0).min(8)
            );
        }
    }

    #[test]
    fn marks_stand_where_the_special_bytes_do() {
        let mut random = 1u64;
        for round in 0..20_000 {
            let block: [u8; 64] = std::array::from_fn(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let byte = (random >> 33) as u8;
                // Half of the blocks are ASCII.
                if round % 2 == 0 { byte % 0x80 } else { byte }
            });
            for delimiter in [b',', b';', b'\t', b' '] {
                let expected = marks_one_by_one(&block, delimiter);
                assert_eq!(marks(&block, 0, delimiter), expected);
                for from in [1, 17, 63, 64, 70] {
                    let rest = marks(&block, from, delimiter);
                    let special = expected.special.checked_shr(from as u32).unwrap_or(0);
                    assert_eq!(rest.special, special, "from {from}");
                    let wide = block.get(from..).is_some_and(|rest| !rest.is_ascii());
                    assert_eq!(rest.wide, wide, "from {from}");
                }
            }
        }
    }

    #[test]
    fn digits_end_at_any_other_byte() {
        for end in (0..=255u8).filter(|byte| !byte.is_ascii_digit()) {
            for count in 0..=16 {
                for rest in [&b""[..], b"123456789", b"xxxxxxxxx"] {
                    let text = [&b"9172635404918273"[..count], &[end], rest].concat();
                    let expected: u64 =
                        std::str::from_utf8(&text[..count]).unwrap().parse().unwrap_or_default();
                    assert_eq!(digits(&text, 0), (expected, count), "{text:?}");
                    assert_eq!(digits_end(&text, 0), count, "{text:?}");
                }
            }
        }
        assert_eq!(digits(b"1234567", 0), (1_234_567, 7));
        assert_eq!(digits(&[b'7'; 100], 0).1, 100);
        assert_eq!(digits_end(&[b'7'; 100], 0), 100);
        assert_eq!(digits(b"12", 2), (0, 2));
    }
}
