//! Waiting for another thread's store, where there is nothing else to do.

/// Spins shortly, and lets other threads run where that was not enough: the one waited for may not be running.
#[derive(Default)]
pub(crate) struct Patience(#[cfg(not(any(loom, shuttle)))] turgo_machine::Backoff);

impl Patience {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn wait(&self) {
        #[cfg(not(any(loom, shuttle)))]
        self.0.snooze();
        #[cfg(any(loom, shuttle))]
        turgo_machine::thread::spin_loop();
    }

    /// Whether waiting on is of no use, for whoever has something else to do: others have been let run a few times. At once in a model.
    pub(crate) fn is_over(&self) -> bool {
        #[cfg(not(any(loom, shuttle)))]
        return self.0.is_completed();
        #[cfg(any(loom, shuttle))]
        true
    }
}

/// Keeping away from a line that another thread has just won.
///
/// A line takes as long to come from another processor as a dozen operations take on one that stays. So whoever has lost an exchange waits for longer than
/// that before it looks at the line again: the winner gets through several operations meanwhile. It waits for twice as long where it loses again.
#[derive(Default)]
pub(crate) struct Contention {
    lost: core::cell::Cell<u32>,
}

/// Pauses after the first loss: about a microsecond.
const PAUSES: u32 = 64;

/// How often they double at most.
const DOUBLINGS_MAX: u32 = 2;

impl Contention {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// After a lost exchange.
    #[cold]
    pub(crate) fn wait(&self) {
        let lost = self.lost.get();
        self.lost.set((lost + 1).min(DOUBLINGS_MAX));
        // In a model one pause is enough to let others run.
        let pauses = if cfg!(any(loom, shuttle)) { 1 } else { PAUSES << lost };
        (0..pauses).for_each(|_| turgo_machine::thread::spin_loop());
    }
}
