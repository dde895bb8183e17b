//! Made-up words and padding.

use crate::random::Random;
use crate::synthetic::columns::letters;

/// Appends 3 to `length_max - 1` letters, of which inner ones may be `gap`: one in 13.
pub(super) fn word(random: &mut Random, length_max: usize, gap: u8, out: &mut Vec<u8>) {
    /// Of the 256 values of a byte, those that stand for a gap.
    const GAPS: u8 = 20;
    let length = 3 + random.below(length_max as u64 - 3) as usize;
    let start = out.len();
    letters(random, length, out);
    let inner = &mut out[start + 1..start + length - 1];
    for block in inner.chunks_mut(8) {
        for (byte, draw) in block.iter_mut().zip(random.next().to_le_bytes()) {
            if draw < GAPS {
                *byte = gap;
            }
        }
    }
}

/// Appends letters: `length` of them, give or take a fifth.
pub(super) fn padding(random: &mut Random, length: usize, out: &mut Vec<u8>) {
    let fifth = length / 5;
    let length = length - fifth + random.below(2 * fifth as u64) as usize;
    letters(random, length, out);
}
