//! Which numbers of threads are taken (C1, C2).

use turgo_machine::atomic::{AtomicU64, Ordering};
use turgo_machine::mutant;

use super::thread_number::NUMBERS_MAX;

const BITS: usize = 64;

/// Which numbers are taken.
pub(super) struct Numbers {
    taken: [AtomicU64; NUMBERS_MAX / BITS],
}

impl Numbers {
    #[cfg(not(any(loom, shuttle)))]
    pub(super) const fn new() -> Self {
        Self { taken: [const { AtomicU64::new(0) }; NUMBERS_MAX / BITS] }
    }

    #[cfg(loom)]
    pub(super) fn new() -> Self {
        Self { taken: core::array::from_fn(|_| AtomicU64::new(0)) }
    }

    /// The lowest free number. Lock-free.
    pub(super) fn take(&self) -> Option<usize> {
        for (word, taken) in self.taken.iter().enumerate() {
            // Relaxed: the read-modify-write below decides.
            let mut seen = taken.load(Ordering::Relaxed);
            while seen != u64::MAX {
                let bit = seen.trailing_ones() as usize;
                let order =
                    if mutant!("C2 Relaxed take") { Ordering::Relaxed } else { Ordering::Acquire };
                // Acquire: pairs with the Release in `give_back`: we see the last values of the slots.
                let before = taken.fetch_or(1 << bit, order);
                if before & (1 << bit) == 0 || mutant!("C1 number given twice") {
                    return Some(word * BITS + bit);
                }
                seen = before;
            }
        }
        None
    }

    /// Frees a number.
    pub(super) fn give_back(&self, number: usize) {
        // Release: hands the slots to the Acquire in `take`.
        self.taken[number / BITS].fetch_and(!(1 << (number % BITS)), Ordering::Release);
    }

    #[cfg(all(mutants, not(loom)))]
    pub(super) fn is_taken(&self, number: usize) -> bool {
        self.taken[number / BITS].load(Ordering::Relaxed) & (1 << (number % BITS)) != 0
    }
}
