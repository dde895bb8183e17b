//! Waiting until everything that was begun has ended, by a worker that may work or sleep meanwhile.
//!
//! # Invariants
//!
//! - **W1** What is outstanding is the owner's own count plus the shared one. Only the owner knows the first; before it sleeps it adds it to
//!   the second, so that then whoever brings that to zero knows that all has ended.
//! - **W2** Whoever brings the shared count to zero while the owner is marked as sleeping wakes it, and has made his last access to the countdown by then.

use std::cell::Cell;

use turgo_machine::atomic::{AtomicI64, Ordering};
use turgo_machine::mutant;

use crate::layout::WorkerId;
use crate::sleep::Sleep;

use super::worker::Worker;

#[cfg(all(test, loom))]
mod tests;

/// How an owner sleeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bed {
    /// Among others, who may wake it for work.
    Shared,
    /// Only for this.
    Alone,
}

const SHARED: i64 = 1;
const ALONE: i64 = 2;
const FLAGS: i64 = SHARED | ALONE;
const ONE: i64 = 4;

/// The countdown of one owner, a worker. Wait-free but for the owner's waiting.
#[derive(Debug)]
pub(crate) struct Countdown {
    /// What others began less what others ended, times four, and how the owner sleeps.
    others: AtomicI64,
    /// What the owner began less what it ended.
    own: Cell<i64>,
    owner: WorkerId,
}

// SAFETY: `own` is touched by the owner alone: the methods for it say so.
unsafe impl Sync for Countdown {}

impl Countdown {
    pub(crate) fn new(owner: WorkerId) -> Self {
        Self { others: AtomicI64::new(0), own: Cell::new(0), owner }
    }

    pub(crate) fn owner(&self) -> WorkerId {
        self.owner
    }

    /// The owner begins something.
    #[inline(always)]
    pub(crate) fn begin_own(&self) {
        self.own.set(self.own.get() + 1);
    }

    /// The owner has ended something.
    #[inline(always)]
    fn end_own(&self) {
        self.own.set(self.own.get() - 1);
    }

    /// Another thread begins something, while something is outstanding.
    pub(crate) fn begin(&self) {
        // Relaxed: what is outstanding keeps the count from zero; its end orders.
        self.others.fetch_add(ONE, Ordering::Relaxed);
    }

    /// Another thread has ended something. Nothing of what the countdown is a part of may be touched afterwards.
    pub(crate) fn end(&self, sleep: &Sleep) {
        let owner = self.owner;
        // Release: what was done comes before the owner's Acquire in `is_over`. Acquire: passes on what others did.
        let left = self.others.fetch_sub(ONE, Ordering::AcqRel) - ONE;
        if left == SHARED && !mutant!("W2 the last one does not wake the owner") {
            sleep.wake(owner);
        } else if left == ALONE {
            sleep.wake_alone(owner);
        }
    }

    /// As [`end`](Self::end), or [`end_own`](Self::end_own) where this worker is the owner.
    #[inline(always)]
    pub(crate) fn end_as(&self, worker: &Worker) {
        if worker.id == self.owner {
            self.end_own();
        } else {
            self.end(&worker.shared.sleep);
        }
    }

    /// Whether all has ended; asked by the owner.
    #[inline(always)]
    pub(crate) fn is_over(&self) -> bool {
        // Acquire: pairs with the Release in `end`.
        (self.others.load(Ordering::Acquire) >> 2) + self.own.get() == 0
    }

    /// The owner is about to sleep (W1); false where all has ended, and nobody will wake it.
    pub(super) fn announce(&self, bed: Bed) -> bool {
        let flag = if bed == Bed::Shared { SHARED } else { ALONE };
        let own = if mutant!("W1 the owner's count stays") { 0 } else { self.own.take() };
        // AcqRel: as in `end`.
        let before = self.others.fetch_add(own * ONE + flag, Ordering::AcqRel);
        debug_assert!(before & FLAGS == 0, "announced once");
        if (before >> 2) + own == 0 {
            self.withdraw();
            return false;
        }
        true
    }

    /// The owner is up again.
    pub(super) fn withdraw(&self) {
        // Acquire: pairs with the Release in `end`.
        self.others.fetch_and(!FLAGS, Ordering::Acquire);
    }
}
