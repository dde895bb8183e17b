//! Waiting for a holder, where there is nothing else to do.

/// Spins shortly, and lets other threads run where that was not enough: the holder may not be running.
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
}
