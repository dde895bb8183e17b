//! The targets of the fuzzers on bytes made at random.

use crate::{bytes, judged};

/// Bytes of any length up to 160; the same in every run.
fn made(count: usize, attempt: fn(&[u8])) {
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        // Marsaglia's xorshift (2003).
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random >> 16
    };
    for _ in 0..count {
        let length = next() % 160;
        let input: Vec<u8> = (0..length).map(|_| next() as u8).collect();
        if let Err(panic) = std::panic::catch_unwind(|| attempt(&input)) {
            eprintln!("the bytes are {input:?}");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn histories_chosen_by_bytes_are_linearizable() {
    made(if cfg!(shuttle) { 4000 } else { 600 }, bytes::hold);
}

#[test]
fn any_bytes_are_judged_right() {
    made(4000, judged::judge);
}
