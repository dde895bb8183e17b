//! When rows are due: so many a second, counted from the start.

use std::time::{Duration, Instant};

/// How long the rows of one chunk take at most: what a row waits for the last one of its chunk.
const CHUNK_SECONDS: f64 = 0.02;

/// The longest wait: further than any process runs, and short of what a clock can count.
const WAIT_SECONDS_MAX: f64 = 1e9;

/// A steady number of rows a second.
#[derive(Debug)]
pub(super) struct Pace {
    rate: f64,
    begun: Instant,
    first: u64,
}

impl Pace {
    /// `rate` rows a second, from now and row `first` on.
    pub(super) fn new(rate: f64, first: u64) -> Self {
        #[expect(clippy::disallowed_methods, reason = "a rate is one of the wall clock")]
        let begun = Instant::now();
        Self { rate, begun, first }
    }

    /// Most rows a chunk may have.
    pub(super) fn rows_max(&self) -> u64 {
        ((self.rate * CHUNK_SECONDS) as u64).max(1)
    }

    /// Waits until all rows before `end` are due. It holds the thread of its source, which nobody
    /// waits for when a run is stopped.
    pub(super) fn wait(&self, end: u64) {
        let seconds = (end - self.first) as f64 / self.rate;
        let due = Duration::from_secs_f64(seconds.min(WAIT_SECONDS_MAX));
        if let Some(wait) = due.checked_sub(self.begun.elapsed()) {
            std::thread::sleep(wait);
        }
    }
}
