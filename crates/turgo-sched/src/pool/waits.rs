//! How long tasks wait: from when they are ready until they begin.
//!
//! Measured is what somebody may have to be woken for: futures and long-lived tasks when they are spawned and whenever they are woken, and closures that are moved to the pool from
//! another thread. Each takes a reading of the clock; of those that workers spawn or wake, one of [`SAMPLE`] has one and counts as many times. Where nobody asked for it there is
//! a branch for each, and no reading.
//!
//! Not measured are closures and forks, which begin when nobody has anything better to do and whose sum is what counts; nodes of graphs, of which the makespan tells; and a step that
//! follows one that yielded: that one waits for its turn because it said so.
//!
//! # Invariants
//!
//! - **Y1** A wait is counted once, when its task begins, from when that became ready for this step. A step that follows one that yielded has none.
//! - **Y2** What is measured stands for what is not: a sample counts as often as it was drawn.

use turgo_lockfree::counter::{Histogram, HistogramSnapshot};
use turgo_machine::clock::Clock;
use turgo_machine::mutant;

use super::shared::Shared;
use super::worker::Worker;

/// Of what workers spawn and wake, one of so many is measured.
pub(super) const SAMPLE: u32 = 8;

/// When a task became ready, and for how many it stands: nanoseconds twice, and one more for a sample. 0 where that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ready(u64);

impl Ready {
    pub(crate) const UNKNOWN: Self = Self(0);

    pub(super) fn at(now_ns: u64, is_sample: bool) -> Self {
        Self(now_ns.max(1) << 1 | u64::from(is_sample))
    }

    pub(crate) fn of(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) fn bits(self) -> u64 {
        self.0
    }
}

/// The waits of a pool's tasks, in nanoseconds: 15 KiB for each worker.
#[derive(Debug)]
pub(crate) struct Waits(Histogram);

impl Waits {
    pub(super) fn new() -> Self {
        Self(Histogram::new())
    }

    /// A task becomes ready, on a worker or on another thread. Wait-free.
    pub(crate) fn ready(&self, clock: &Clock, worker: Option<&Worker>) -> Ready {
        let Some(worker) = worker else { return Ready::at(clock.now_ns(), false) };
        let turn = worker.readied.get().wrapping_add(1);
        worker.readied.set(turn);
        if turn.is_multiple_of(SAMPLE) { Ready::at(clock.now_ns(), true) } else { Ready::UNKNOWN }
    }

    /// It begins. Wait-free, but for a thread's first, which allocates.
    pub(crate) fn begun(&self, ready: Ready, now_ns: impl FnOnce() -> u64) {
        if ready != Ready::UNKNOWN {
            let is_sample = ready.0 & 1 != 0 && !mutant!("Y2 a sample counts once");
            let times = if is_sample { u64::from(SAMPLE) } else { 1 };
            self.0.record_many(now_ns().saturating_sub(ready.0 >> 1), times);
        }
    }

    /// All waits so far. Takes time linear in the workers.
    pub(super) fn snapshot(&self) -> HistogramSnapshot {
        self.0.snapshot()
    }
}

impl Shared {
    /// A task that takes turns, or is moved to the pool, becomes ready.
    #[inline]
    pub(crate) fn ready(&self, worker: Option<&Worker>) -> Ready {
        match &self.waits {
            None => Ready::UNKNOWN,
            Some(waits) => waits.ready(&self.clock, worker),
        }
    }
}
