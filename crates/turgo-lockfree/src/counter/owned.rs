//! Counters of which every thread owns a slot. Invariants: [the module above](super).

use core::fmt;

use turgo_machine::CachePadded;
use turgo_machine::atomic::{AtomicU64, Ordering};
use turgo_machine::mutant;

use crate::pause;

use super::thread_number::{PerThread, thread_number};

/// A counter that threads do not contend for.
///
/// [`add`](Self::add) is wait-free, but for a thread's first, which allocates: a plain load and store on a line of the thread's own.
/// [`sum`](Self::sum) is wait-free and walks over a slot per thread. Sums never fall, and are not linearizable.
///
/// ```
/// let counter = turgo_lockfree::counter::Counter::new();
/// counter.add(2);
/// counter.increment();
/// assert_eq!(counter.sum(), 3);
/// ```
pub struct Counter {
    slots: PerThread<CachePadded<AtomicU64>>,
}

impl Counter {
    crate::fence::maybe_const! {
        /// A counter at 0.
        ///
        /// ```
        /// use turgo_lockfree::counter::Counter;
        /// static REQUESTS: Counter = Counter::new();
        /// REQUESTS.increment();
        /// assert_eq!(REQUESTS.sum(), 1);
        /// ```
        #[must_use]
        pub fn new() -> Self {
            Self { slots: PerThread::new(CachePadded::new(AtomicU64::new(0))) }
        }
    }

    /// Adds `count`; wraps past 2^64.
    #[inline]
    pub fn add(&self, count: u64) {
        match thread_number() {
            Some(number) => self.add_as(number, count),
            None if mutant!("C4 shared slot stored to") => {
                // Relaxed: as below.
                let before = self.slots.shared.load(Ordering::Relaxed);
                // Relaxed: as below.
                self.slots.shared.store(before.wrapping_add(count), Ordering::Relaxed);
            }
            // Relaxed: C4; a count orders nothing.
            None => {
                self.slots.shared.fetch_add(count, Ordering::Relaxed);
            }
        }
    }

    /// Adds by the thread that has `number`.
    #[inline(always)]
    pub(super) fn add_as(&self, number: usize, count: u64) {
        let slot = self.slots.at(number);
        // Relaxed: C1, only we store to it.
        let before = slot.load(Ordering::Relaxed);
        if mutant!("C3 slot emptied first") {
            // Relaxed: as below.
            slot.store(0, Ordering::Relaxed);
        }
        pause::point(if before == 0 { "counter first add" } else { "counter add" });
        // Relaxed: a count orders nothing. A reader sees it grow (C3).
        slot.store(before.wrapping_add(count), Ordering::Relaxed);
    }

    /// Adds 1.
    #[inline]
    pub fn increment(&self) {
        self.add(1);
    }

    /// What all threads have added, those that have ended included.
    #[must_use]
    pub fn sum(&self) -> u64 {
        // Relaxed: C3.
        self.slots.all().map(|slot| slot.load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Counter").field(&self.sum()).finish()
    }
}
