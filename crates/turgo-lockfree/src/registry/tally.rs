//! What one thread has retired and freed: counters that only their owner writes, so that counting costs a load and a store.
//!
//! All accesses are Relaxed: each number stands for itself. Models do not count: every access would be one more place to switch threads.

use turgo_machine::atomic::{AtomicU64, Ordering};

/// Retired and freed, in nodes and bytes.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    retired: AtomicU64,
    retired_bytes: AtomicU64,
    reclaimed: AtomicU64,
    reclaimed_bytes: AtomicU64,
}

/// Adds to a counter that only the caller writes.
#[inline(always)]
fn add(counter: &AtomicU64, amount: usize) {
    if cfg!(not(loom)) {
        // Relaxed: the only writer adds.
        let now = counter.load(Ordering::Relaxed) + amount as u64;
        // Relaxed: as the header says.
        counter.store(now, Ordering::Relaxed);
    }
}

/// Reads a counter.
fn read(counter: &AtomicU64) -> u64 {
    // Relaxed: as the header says.
    counter.load(Ordering::Relaxed)
}

impl Tally {
    /// One node was retired.
    #[inline(always)]
    pub(crate) fn retire(&self, bytes: usize) {
        add(&self.retired, 1);
        add(&self.retired_bytes, bytes);
    }

    /// Nodes were run.
    pub(crate) fn reclaim(&self, nodes: usize, bytes: usize) {
        add(&self.reclaimed, nodes);
        add(&self.reclaimed_bytes, bytes);
    }

    /// Adds this thread's numbers to `stats`.
    pub(crate) fn add_to(&self, stats: &mut crate::reclaim::ReclaimStats) {
        // What was freed is read before what was retired, so that the difference is rather too large than negative.
        stats.reclaimed += read(&self.reclaimed);
        stats.reclaimed_bytes += read(&self.reclaimed_bytes);
        stats.retired += read(&self.retired);
        stats.retired_bytes += read(&self.retired_bytes);
    }
}

/// The same for threads that have no record: counters that everybody adds to.
#[derive(Debug)]
pub(crate) struct SharedTally(Tally);

impl SharedTally {
    crate::fence::maybe_const! {
        pub(crate) fn new() -> Self {
            Self(Tally {
                retired: AtomicU64::new(0),
                retired_bytes: AtomicU64::new(0),
                reclaimed: AtomicU64::new(0),
                reclaimed_bytes: AtomicU64::new(0),
            })
        }
    }

    /// One node was retired.
    pub(crate) fn retire(&self, bytes: usize) {
        if cfg!(not(loom)) {
            // Relaxed: as the header says, here and below.
            self.0.retired.fetch_add(1, Ordering::Relaxed);
            self.0.retired_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// Nodes were run.
    pub(crate) fn reclaim(&self, nodes: usize, bytes: usize) {
        if cfg!(not(loom)) {
            // Relaxed: as the header says, here and below.
            self.0.reclaimed.fetch_add(nodes as u64, Ordering::Relaxed);
            self.0.reclaimed_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// Adds these numbers to `stats`.
    pub(crate) fn add_to(&self, stats: &mut crate::reclaim::ReclaimStats) {
        self.0.add_to(stats);
    }
}
