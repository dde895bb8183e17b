//! How far the scans of one run have come in event time, so that none runs far ahead of another:
//! whatever waits in windows for the slowest would grow without bound.
//!
//! - A1. The scan that has come least far is never held back: its own lowest watermark is the lowest
//!   of all. So some scan can always be read, and nobody waits for ever.
//! - A2. A scan that has been read to its end holds nobody back.
//! - A3. Its lock is taken under the lock of a dispenser, never the other way round.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::time::{EventTime, WATERMARK_END, WATERMARK_NONE};

/// The lowest watermark of each scan that takes part.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    // LOCK: taken a few times per chunk of some MiB, never per row.
    state: Mutex<State>,
    // LOCK: only threads that read sources wait here.
    moved: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lowest: Vec<EventTime>,
    stopped: bool,
}

impl State {
    fn lowest(&self) -> EventTime {
        self.lowest.iter().copied().min().unwrap_or(WATERMARK_END)
    }
}

impl Pace {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of one more scan, of whose time nothing is known yet.
    pub(crate) fn join(&self) -> usize {
        let mut state = self.lock();
        state.lowest.push(WATERMARK_NONE);
        state.lowest.len() - 1
    }

    /// The lowest watermark of scan `scan` is `lowest` now.
    pub(crate) fn set(&self, scan: usize, lowest: EventTime) {
        let mut state = self.lock();
        if state.lowest[scan] != lowest {
            state.lowest[scan] = lowest;
            self.moved.notify_all();
        }
    }

    /// The lowest watermark of all scans.
    pub(crate) fn lowest(&self) -> EventTime {
        self.lock().lowest()
    }

    /// Waits until the lowest watermark of all is no longer `seen`, or the run is stopped.
    pub(crate) fn wait(&self, seen: EventTime) {
        let stays = |state: &mut State| state.lowest() == seen && !state.stopped;
        drop(self.moved.wait_while(self.lock(), stays).unwrap_or_else(PoisonError::into_inner));
    }

    /// Nobody waits any more.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.moved.notify_all();
    }
}
