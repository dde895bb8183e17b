//! Pieces of work over one shared structure, and numbers that cost nothing to make.

use std::sync::Arc;

use crate::measure::Work;

/// The same work for every thread.
pub fn shared<T: Send + Sync + 'static>(
    threads: usize,
    value: T,
    work: impl Fn(&T, u64) -> u64 + Copy + Send + 'static,
) -> Vec<Work> {
    let value = Arc::new(value);
    (0..threads)
        .map(|_| {
            let value = Arc::clone(&value);
            Box::new(move |operations| work(&value, operations)) as Work
        })
        .collect()
}

/// One kind of work for the threads with even numbers, another for the odd ones.
pub fn two_sided<T: Send + Sync + 'static>(
    threads: usize,
    value: T,
    even: impl Fn(&T, u64) -> u64 + Copy + Send + 'static,
    odd: impl Fn(&T, u64) -> u64 + Copy + Send + 'static,
) -> Vec<Work> {
    let value = Arc::new(value);
    (0..threads)
        .map(|index| {
            let value = Arc::clone(&value);
            Box::new(move |operations| match index % 2 {
                0 => even(&value, operations),
                _ => odd(&value, operations),
            }) as Work
        })
        .collect()
}

/// Marsaglia's xorshift64*: the keys that are looked up.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 20
    }
}
