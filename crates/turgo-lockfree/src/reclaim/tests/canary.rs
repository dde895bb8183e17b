//! Values that know whether they are alive.

use turgo_machine::atomic::{AtomicU64, AtomicUsize, Ordering};

const ALIVE: u64 = 0x5eed_5eed_5eed_5eed;
const DEAD: u64 = 0xdead_dead_dead_dead;

/// How many canaries were made and dropped.
#[derive(Debug, Default)]
pub(crate) struct Census {
    pub(crate) born: AtomicUsize,
    pub(crate) died: AtomicUsize,
}

impl Census {
    /// A census that outlives all its canaries.
    pub(crate) fn leaked() -> &'static Self {
        Box::leak(Box::default())
    }

    pub(crate) fn alive(&self) -> usize {
        // Acquire: a test reads it after the threads are joined.
        let died = self.died.load(Ordering::Acquire);
        // Acquire: as above.
        self.born.load(Ordering::Acquire) - died
    }
}

/// A value that is poisoned when it is dropped, and that readers check.
#[derive(Debug)]
pub(crate) struct Canary {
    word: AtomicU64,
    census: &'static Census,
}

impl Canary {
    pub(crate) fn new(census: &'static Census) -> Self {
        // Relaxed: a count.
        census.born.fetch_add(1, Ordering::Relaxed);
        Self { word: AtomicU64::new(ALIVE), census }
    }

    /// Panics unless the canary is alive.
    #[track_caller]
    pub(crate) fn check(&self) {
        // Relaxed: it is never written while it is alive.
        assert_eq!(self.word.load(Ordering::Relaxed), ALIVE, "a freed value was read");
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.check();
        // Relaxed: nobody should be looking.
        self.word.store(DEAD, Ordering::Relaxed);
        // Relaxed: a count.
        self.census.died.fetch_add(1, Ordering::Relaxed);
    }
}
