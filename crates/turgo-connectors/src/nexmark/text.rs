//! Made-up words and padding.

use crate::random::Random;

/// Appends `length` letters.
pub(super) fn letters(random: &mut Random, length: usize, out: &mut Vec<u8>) {
    let mut left = length;
    while left > 0 {
        let block = random.next().to_le_bytes().map(|byte| b'a' + letter(byte, 26));
        let taken = left.min(block.len());
        out.extend_from_slice(&block[..taken]);
        left -= taken;
    }
}

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

/// Appends a number.
pub(super) fn number(number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let (mut left, mut at) = (number, digits.len());
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// A number below `count`, from a byte.
fn letter(byte: u8, count: u16) -> u8 {
    ((u16::from(byte) * count) >> 8) as u8
}
