//! The state of a task in one word, and of an edge that was added while the graph runs in another.
//!
//! ```text
//! 31    29 28      26    25       24    23                0
//! [ phase | nothing | EXTRA | POISONED | arrivals to come ]
//! ```
//!
//! A task waits while arrivals are to come; the last one hands it out. See the invariants of [`dag`](super): D1, D2, D3, D5, D6.

use turgo_machine::atomic::{AtomicBool, AtomicU32, Ordering};
use turgo_machine::mutant;

const ARRIVALS: u32 = (1 << 24) - 1;
const POISONED: u32 = 1 << 24;
const EXTRA: u32 = 1 << 25;
const PHASE: u32 = 29;

const RUNNING: u32 = 1;
const COMPLETED: u32 = 2;
const FAILED: u32 = 3;
const CANCELLED: u32 = 4;

/// What a task is doing, as a reader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Waits for others.
    Blocked,
    /// Waits for a worker.
    Ready,
    /// Runs.
    Running,
    /// Has run.
    Completed,
    /// Has run and failed, or panicked.
    Failed,
    /// Was not run: the run was cancelled, or something failed that it depends on.
    Cancelled,
}

impl State {
    /// Whether it will not change any more.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Completed,
    Failed,
    Cancelled,
}

impl End {
    const fn phase(self) -> u32 {
        match self {
            Self::Completed => COMPLETED,
            Self::Failed => FAILED,
            Self::Cancelled => CANCELLED,
        }
    }
}

/// What came of adding an edge that begins at a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Extra {
    /// The task will see it when it ends.
    Later,
    /// The task has ended, and may or may not have seen it: see [`Edge::deliver`].
    Over(State),
}

/// The packed word. All operations are wait-free but `hold`, which is lock-free.
#[derive(Debug)]
pub(super) struct Word(AtomicU32);

impl Word {
    /// A task that waits for this many arrivals, at most 2^24 - 1.
    pub(super) fn new(arrivals: u32) -> Self {
        debug_assert!(arrivals <= ARRIVALS);
        Self(AtomicU32::new(arrivals))
    }

    /// One of those it waits for is over. Whoever gets `true` hands the task out (D1).
    #[inline]
    #[must_use]
    pub(super) fn arrive(&self, poison: bool) -> bool {
        if poison && !mutant!("D3 poison comes after the arrival") {
            // Relaxed: the arrival below, by the same thread and with Release, comes after it.
            self.0.fetch_or(POISONED, Ordering::Relaxed);
        }
        if mutant!("D1 a load and a store") {
            let before = self.0.load(Ordering::Acquire);
            self.0.store(before - 1, Ordering::Release);
            return before & ARRIVALS == 1;
        }
        let ordering = if mutant!("D2 arrivals are Relaxed") {
            Ordering::Relaxed
        } else {
            // AcqRel: Release publishes what this predecessor did to the last arrival's Acquire, which hands the task out.
            Ordering::AcqRel
        };
        let before = self.0.fetch_sub(1, ordering);
        debug_assert!(before & ARRIVALS > 0, "D1: more arrivals than edges");
        if poison && mutant!("D3 poison comes after the arrival") {
            self.0.fetch_or(POISONED, Ordering::Relaxed);
        }
        let last = before & ARRIVALS == 1;
        last || (mutant!("D1 the last but one hands out, too") && before & ARRIVALS == 2)
    }

    /// As [`arrive`](Self::arrive), where no other thread writes any word of the run (D12): a load and a store will do.
    #[inline(always)]
    #[must_use]
    pub(super) fn arrive_alone(&self, poison: bool) -> bool {
        // Relaxed, both: the same thread hands the task out and runs it, or queues it for others, which publishes all that came before.
        let before = self.0.load(Ordering::Relaxed) | if poison { POISONED } else { 0 };
        debug_assert!(before & ARRIVALS > 0, "D1: more arrivals than edges");
        self.0.store(before - 1, Ordering::Relaxed);
        before & ARRIVALS == 1
    }

    /// A worker begins it; whether it was poisoned. `alone` says that nobody adds edges to this graph: then this thread is the only one
    /// that writes the word, and a store will do.
    #[inline]
    #[must_use]
    pub(super) fn begin(&self, alone: bool) -> bool {
        let before = if alone {
            // Relaxed, both: who handed the task out gave this thread all there is to know; readers only count.
            let before = self.0.load(Ordering::Relaxed);
            self.0.store(before + (RUNNING << PHASE), Ordering::Relaxed);
            before
        } else {
            // Relaxed: as above; a read-modify-write keeps the bit of an edge that is added meanwhile.
            self.0.fetch_add(RUNNING << PHASE, Ordering::Relaxed)
        };
        debug_assert_eq!(before & ARRIVALS, 0, "D1: handed out before all had arrived");
        debug_assert_eq!(before >> PHASE, 0, "D1: handed out twice");
        before & POISONED != 0
    }

    /// Whether something failed that it depends on; asked by whoever was handed the task.
    pub(super) fn is_poisoned(&self) -> bool {
        // Relaxed: as in `begin`.
        self.0.load(Ordering::Relaxed) & POISONED != 0
    }

    /// The worker that began it ends it; whether edges were added to it. `alone` as in [`begin`](Self::begin).
    #[inline]
    #[must_use]
    pub(super) fn finish(&self, end: End, alone: bool) -> bool {
        let step = (end.phase() - RUNNING) << PHASE;
        if alone {
            // Relaxed: nobody else writes it.
            let before = self.0.load(Ordering::Relaxed);
            // Release: publishes what the task did to the Acquire load of `state`, for those who look at it from outside.
            self.0.store(before + step, Ordering::Release);
            return false;
        }
        if mutant!("D5 the end does not look for edges") {
            self.0.fetch_add(step, Ordering::AcqRel);
            return false;
        }
        // AcqRel: Release as above, and to the adder's Acquire in `add_extra`; Acquire sees the edges of those who came before.
        self.0.fetch_add(step, Ordering::AcqRel) & EXTRA != 0
    }

    /// Says that an edge was added that begins here; it was published before.
    pub(super) fn add_extra(&self) -> Extra {
        // AcqRel: Release publishes the edge to the Acquire in `finish`; Acquire sees what a task did that is over.
        let before = self.0.fetch_or(EXTRA, Ordering::AcqRel);
        match decode(before) {
            over if over.is_over() => Extra::Over(over),
            _ => Extra::Later,
        }
    }

    /// Makes the task wait for one more, if it still waits for anything (D6).
    #[must_use]
    pub(super) fn hold(&self) -> bool {
        // Relaxed: the compare-exchange looks again.
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            if seen & ARRIVALS == ARRIVALS {
                return false;
            }
            if seen & ARRIVALS == 0 && !mutant!("D6 what was handed out is held") {
                return false;
            }
            // Relaxed, both: it changes a count only; the release sequences of earlier arrivals go on through it.
            match self.0.compare_exchange_weak(seen, seen + 1, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
    }

    /// What the task is doing.
    #[must_use]
    pub(super) fn state(&self) -> State {
        // Acquire: sees what a task did that is over, from the Release in `finish`.
        decode(self.0.load(Ordering::Acquire))
    }
}

fn decode(word: u32) -> State {
    match word >> PHASE {
        RUNNING => State::Running,
        COMPLETED => State::Completed,
        FAILED => State::Failed,
        CANCELLED => State::Cancelled,
        _ if word & ARRIVALS > 0 => State::Blocked,
        _ => State::Ready,
    }
}

/// An edge that was added while the graph ran.
#[derive(Debug)]
pub(super) struct Edge {
    /// Where it leads.
    pub(super) to: u32,
    delivered: AtomicBool,
}

impl Edge {
    pub(super) fn new(to: u32) -> Self {
        Self { to, delivered: AtomicBool::new(false) }
    }

    /// Whether the caller is the one who arrives at the edge's end: of the task that ends and the adder who finds it over, one (D5). Wait-free.
    #[must_use]
    pub(super) fn deliver(&self) -> bool {
        if mutant!("D5 an edge is delivered twice") {
            return true;
        }
        // Relaxed: who arrives publishes by arriving.
        !self.delivered.swap(true, Ordering::Relaxed)
    }
}
