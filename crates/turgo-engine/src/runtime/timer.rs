//! The clock of a run: one thread that rings bells, where an operator wants to be asked from time to
//! time. Operators know no clock, and a chain that waits for input is woken by its bell.
//!
//! - K1. A bell that has rung is heard once, however often it has rung since it was last heard.
//! - K2. Whoever has listened in vain is woken when it rings.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::Context;
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use turgo_machine::atomic::{AtomicBool, Ordering};
use turgo_sync::AtomicWaker;

use crate::error::{EngineError, Result};

/// Rings for one chain; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bell(Arc<Rung>);

#[derive(Debug, Default)]
struct Rung {
    rung: AtomicBool,
    waker: AtomicWaker,
}

impl Bell {
    /// Rings.
    pub(crate) fn ring(&self) {
        // Relaxed: the waker orders it (K2); what the bell is about is the chain's own.
        self.0.rung.store(true, Ordering::Relaxed);
        self.0.waker.wake();
    }

    /// Whether it has rung since it was last heard; if not, `cx` is woken when it does.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> bool {
        let is_heard = || {
            // Relaxed, both: as in `ring`.
            self.0.rung.load(Ordering::Relaxed) && self.0.rung.swap(false, Ordering::Relaxed)
        };
        if is_heard() {
            return true;
        }
        // K2: whoever rings before this is heard below, and whoever rings after it wakes.
        self.0.waker.register(cx.waker());
        is_heard()
    }
}

/// The bells of a run.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    bells: Vec<(Duration, Bell)>,
    // LOCK: taken once per interval.
    stopped: Mutex<bool>,
    // LOCK: only the timer's own thread waits here.
    moved: Condvar,
}

/// Ends the thread of a timer when it goes out of scope.
pub(crate) struct StopOnDrop<'a>(&'a Timer);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        *self.0.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.moved.notify_all();
    }
}

impl Timer {
    /// A bell that rings every `interval`.
    pub(crate) fn bell(&mut self, interval: Duration) -> Bell {
        let bell = Bell::default();
        self.bells.push((interval, bell.clone()));
        bell
    }

    /// Starts the thread, where there is a bell; it ends with what is returned.
    ///
    /// # Errors
    /// `External` when it cannot be started.
    pub(crate) fn start<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
    ) -> Result<Option<StopOnDrop<'scope>>> {
        if self.bells.is_empty() {
            return Ok(None);
        }
        let cannot = |error| EngineError::external("cannot start the timer's thread", error);
        let thread = thread::Builder::new().name("timer".into());
        thread.spawn_scoped(scope, || self.run()).map_err(cannot)?;
        Ok(Some(StopOnDrop(self)))
    }

    /// Rings until it is stopped. What is rung late is not made up for.
    fn run(&self) {
        #[expect(clippy::disallowed_methods, reason = "the one place that turns time into calls")]
        let start = Instant::now();
        let mut due: Vec<Duration> = self.bells.iter().map(|(interval, _)| *interval).collect();
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        while !*stopped {
            let now = start.elapsed();
            let mut wait = Duration::MAX;
            for ((interval, bell), due) in self.bells.iter().zip(&mut due) {
                if *due <= now {
                    bell.ring();
                    *due = now.saturating_add(*interval);
                }
                wait = wait.min(*due - now);
            }
            let goes_on = |stopped: &mut bool| !*stopped;
            let woken = self.moved.wait_timeout_while(stopped, wait, goes_on);
            stopped = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
