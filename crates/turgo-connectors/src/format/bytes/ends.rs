//! Where plain texts end, looked up in place of searched: one bit for each byte of a chunk.
//!
//! A chunk is looked at once, in order, 64 bytes at a step and a stretch at a time, so that its bytes are
//! still in the cache when they are decoded. Processors with AVX2 take half of the steps.
//!
//! - B1. As far as there are bits, a byte's bit is set exactly where [`ends_plain_text`] says so; behind
//!   that the bytes are looked at themselves. So where the bits end changes no answer.

#[cfg(any(test, not(target_arch = "x86_64")))]
use super::ends_plain_text;
use super::{Blocks, plain_text_end};

/// Bytes that are looked at in one go, and how many of them are left when the next ones are: both remain
/// in the nearest cache.
const STRETCH: usize = 32 << 10;
const MARGIN: usize = 8 << 10;

/// The ends of plain texts in a chunk.
#[derive(Debug)]
pub(crate) struct TextEnds {
    /// Bit `i % 8` of byte `i / 8 - first` is that of byte `i`.
    bits: Vec<u8>,
    first: usize,
    /// From this byte on, more bits are worth having.
    enough: usize,
}

impl TextEnds {
    /// No bits: every text is searched.
    pub(crate) const fn none() -> Self {
        Self { bits: Vec::new(), first: 0, enough: usize::MAX }
    }

    /// Forgets the chunk before.
    pub(crate) fn begin(&mut self) {
        self.bits.clear();
        (self.first, self.enough) = (0, 0);
    }

    /// Sees to bits for what stands at `from` in the chunk `bytes`; those before it may be gone.
    #[inline(always)]
    pub(crate) fn prepare(&mut self, bytes: &[u8], from: usize) {
        if from >= self.enough {
            self.extend(bytes, from);
        }
    }

    #[inline(never)]
    fn extend(&mut self, bytes: &[u8], from: usize) {
        let known = (self.first + self.bits.len()) * 8;
        let wanted = bytes.len().min(from.saturating_add(STRETCH)).max(known);
        let (blocks, _) = bytes[known..wanted].as_chunks();
        let passed = (from / 64 * 8).saturating_sub(self.first).min(self.bits.len());
        self.bits.drain(..passed);
        self.first += passed;
        let kept = self.bits.len();
        self.bits.resize(kept + blocks.len() * 8, 0);
        let (words, _) = self.bits[kept..].as_chunks_mut();
        mark(blocks, words);
        // What is left at the end of a chunk is less than a block.
        let more = wanted < bytes.len();
        self.enough = if more { (self.first + self.bits.len()) * 8 - MARGIN } else { usize::MAX };
    }

    /// To look them up.
    #[inline(always)]
    pub(crate) fn known(&self) -> KnownEnds<'_> {
        KnownEnds { bits: Blocks::new(&self.bits), first: self.first }
    }
}

/// The bits of a [`TextEnds`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownEnds<'a> {
    bits: Blocks<'a, 16>,
    first: usize,
}

/// As [`plain_text_end`], of a text with these `ends`.
#[inline(always)]
pub(crate) fn text_end(text: &[u8], ends: KnownEnds<'_>, from: usize) -> usize {
    let mut at = from;
    // Bits that are gone are as far away as any that are not there.
    while let Some(word) = ends.bits.get((at / 8).wrapping_sub(ends.first)) {
        // 121 bits at the least: most texts end in them, and how long they are no branch has to guess.
        match u128::from_le_bytes(*word) >> (at % 8) {
            0 => at = (at / 8 + 16) * 8,
            word => return at + word.trailing_zeros() as usize,
        }
    }
    searched(text, at)
}

#[inline(never)]
fn searched(text: &[u8], from: usize) -> usize {
    plain_text_end(text, from)
}

/// Bits for each block.
fn mark(blocks: &[[u8; 64]], bits: &mut [[u8; 8]]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { avx2(blocks, bits) };
    }
    mark_baseline(blocks, bits);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(blocks: &[[u8; 64]], bits: &mut [[u8; 8]]) {
    use std::arch::x86_64::{
        __m256i, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_movemask_epi8, _mm256_or_si256,
        _mm256_set1_epi8,
    };

    /// One bit for each byte that ends a plain text.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn marks(half: __m256i) -> u32 {
        let quote = _mm256_cmpeq_epi8(half, _mm256_set1_epi8(b'"' as i8));
        let backslash = _mm256_cmpeq_epi8(half, _mm256_set1_epi8(b'\\' as i8));
        // As signed numbers, bytes beyond ASCII are below the control characters.
        let odd = _mm256_cmpgt_epi8(_mm256_set1_epi8(b' ' as i8), half);
        _mm256_movemask_epi8(_mm256_or_si256(odd, _mm256_or_si256(quote, backslash))) as u32
    }

    for (block, bits) in blocks.iter().zip(bits) {
        // SAFETY: both are 64 bytes in which any bits are allowed.
        let [low, high] = unsafe { std::mem::transmute::<[u8; 64], [__m256i; 2]>(*block) };
        *bits = (u64::from(marks(low)) | u64::from(marks(high)) << 32).to_le_bytes();
    }
}

/// As [`mark`], by what every processor of its kind has.
fn mark_baseline(blocks: &[[u8; 64]], bits: &mut [[u8; 8]]) {
    #[cfg(target_arch = "x86_64")]
    // The steps of a search, which takes 32 bytes in one.
    for (block, bits) in blocks.iter().zip(bits) {
        let (halves, _) = block.as_chunks();
        let [low, high] = [0, 1].map(|half: usize| u64::from(super::special_marks(&halves[half])));
        *bits = (low | high << 32).to_le_bytes();
    }
    #[cfg(not(target_arch = "x86_64"))]
    mark_one_by_one(blocks, bits);
}

/// As [`mark`], without vectors.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn mark_one_by_one(blocks: &[[u8; 64]], bits: &mut [[u8; 8]]) {
    let add = |bits, (index, byte): (usize, &u8)| bits | u64::from(ends_plain_text(*byte)) << index;
    for (block, bits) in blocks.iter().zip(bits) {
        *bits = block.iter().enumerate().fold(0, add).to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mostly letters, so that the next end is near or far; with `odd`, not only quotes among them.
    fn text(length: usize, seed: u64, odd: bool) -> Vec<u8> {
        let mut random = seed;
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) as u8
        };
        let byte = |_| match next() {
            ..16 if odd => next(),
            ..16 => b'"',
            letter => b'a' + letter % 26,
        };
        (0..length).map(byte).collect()
    }

    #[test]
    fn every_way_sets_the_same_bits() {
        let check = |block: [u8; 64]| {
            let expected = &mut [[0; 8]; 2];
            mark_one_by_one(&[block, block], expected);
            type Way = fn(&[[u8; 64]], &mut [[u8; 8]]);
            for (name, way) in [("any", mark as Way), ("baseline", mark_baseline)] {
                let mut bits = [[0x55; 8]; 2];
                way(&[block, block], &mut bits);
                assert_eq!(bits, *expected, "{name}: {block:?}");
            }
        };
        for byte in 0..=255 {
            for at in 0..64 {
                let mut block = [b'a'; 64];
                block[at] = byte;
                check(block);
            }
        }
        for seed in 0..1000 {
            check(text(64, seed, true).try_into().unwrap());
        }
    }

    #[test]
    fn what_is_looked_up_is_what_is_found_by_a_search() {
        for seed in 0..40 {
            for length in (0..20).chain(50..80).chain([127, 128, 129, 500]) {
                let text = text(length, seed, seed % 2 == 0);
                let mut ends = TextEnds::none();
                ends.begin();
                ends.prepare(&text, 0);
                for from in 0..=length {
                    let expected = plain_text_end(&text, from);
                    assert_eq!(
                        text_end(&text, ends.known(), from),
                        expected,
                        "{length} bytes, from {from}"
                    );
                    assert_eq!(text_end(&text, TextEnds::none().known(), from), expected);
                }
            }
        }
    }

    #[test]
    fn texts_of_any_length_end_across_words_and_stretches() {
        let length = STRETCH * 2 + MARGIN;
        for gap in [0, 1, 55, 56, 57, 62, 63, 64, 65, 127, 128, 129, 700, MARGIN + 1, STRETCH + 1] {
            let mut text = vec![b'a'; length];
            (gap..length).step_by(gap + 1).for_each(|at| text[at] = b'"');
            let mut ends = TextEnds::none();
            ends.begin();
            let mut at = 0;
            while at < length {
                ends.prepare(&text, at);
                let end = text_end(&text, ends.known(), at);
                assert_eq!(end, (at + gap).min(length), "gap {gap}, from {at}");
                at = end + 1;
            }
        }
    }

    #[test]
    fn a_new_chunk_has_bits_of_its_own() {
        let mut ends = TextEnds::none();
        for seed in 0..50 {
            // Shorter ones and longer ones.
            let text = text(1 + seed as usize * 37 % 50 * 3001, seed, true);
            ends.begin();
            for from in (0..text.len()).step_by(997) {
                ends.prepare(&text, from);
                assert_eq!(text_end(&text, ends.known(), from), plain_text_end(&text, from));
            }
        }
    }
}
