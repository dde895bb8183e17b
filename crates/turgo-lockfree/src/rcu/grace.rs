//! Grace periods: who drives them, when they end, and who waits.
//!
//! The state machine has two states: idle, and running with a target. Any thread may advance it; the one that holds the flag is the leader, and
//! whoever finds it taken goes on with something else, or waits if it has to.

use turgo_machine::atomic::{AtomicBool, Ordering};
use turgo_machine::cell::UnsafeCell;
use turgo_machine::mutant;

use super::InReadSection;
use super::domain::Inner;
use super::record::Batches;
use super::stall::Watch;
use super::state::SEQUENCE_MAX;
use super::wait::Wait;
use crate::fence::heavy;
use crate::pause;
use crate::reclaim::List;

/// What the leader alone touches.
pub(super) struct Leader {
    /// The grace period that runs.
    running: Option<u64>,
    pub(super) watch: Watch,
    /// What was handed to the domain.
    pub(super) batches: Batches,
    /// What was handed to the domain and may be run.
    pub(super) ready: List,
    /// How many nodes ever left `ready`.
    pub(super) taken: u64,
    /// Which of the two counters a runner adds itself to.
    pub(super) phase: usize,
}

impl Leader {
    const fn new() -> Self {
        Self {
            running: None,
            watch: Watch::new(),
            batches: Batches::new(),
            ready: List::new(),
            taken: 0,
            phase: 0,
        }
    }

    /// The grace period that runs.
    pub(super) fn running(&self) -> Option<u64> {
        self.running
    }
}

/// The leader's part of a domain, and the flag of who leads.
pub(super) struct Leadership {
    taken: AtomicBool,
    leader: UnsafeCell<Leader>,
}

// SAFETY: U5, the cell is opened by the thread that holds the flag only; nodes in its lists are `Send`.
unsafe impl Send for Leadership {}
// SAFETY: as above.
unsafe impl Sync for Leadership {}

/// Gives the flag back, also where a panic unwinds.
struct Release<'a>(&'a AtomicBool);

impl Drop for Release<'_> {
    fn drop(&mut self) {
        // Release: U5, pairs with the Acquire of the next leader.
        self.0.store(false, Ordering::Release);
    }
}

impl Leadership {
    crate::fence::maybe_const! {
        pub(super) fn new() -> Self {
            Self {
                taken: AtomicBool::new(false),
                leader: UnsafeCell::new(Leader::new()),
            }
        }
    }

    /// Calls `f` as the leader, unless somebody else leads.
    pub(super) fn try_lead<R>(&self, f: impl FnOnce(&mut Leader) -> R) -> Option<R> {
        // Acquire: U5, pairs with the Release of the last leader. Relaxed: somebody else leads.
        let taken = self.taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        if taken.is_err() && !mutant!("U5 two leaders") {
            return None;
        }
        let _release = Release(&self.taken);
        // SAFETY: U5, the flag is ours.
        Some(self.leader.with_mut(|leader| f(unsafe { &mut *leader })))
    }

    /// Forgets who led in the child of a fork, where that thread is gone, and leaks what it was moving. Returns how much the leader has, in
    /// nodes and bytes.
    ///
    /// # Safety
    ///
    /// There is one thread, and it does not lead.
    pub(super) unsafe fn after_fork_child(&self) -> (usize, usize) {
        // Relaxed: there is one thread.
        let was_led = self.taken.swap(false, Ordering::Relaxed);
        self.leader.with_mut(|leader| {
            // SAFETY: the caller's promise.
            let leader = unsafe { &mut *leader };
            if was_led {
                core::mem::forget(core::mem::replace(leader, Leader::new()));
            }
            let (batches, ready) = (&leader.batches, &leader.ready);
            (batches.len() + ready.len, batches.bytes() + ready.bytes)
        })
    }
}

/// Who holds up a grace period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// Nobody, or no grace period is wanted.
    Not,
    /// Readers of other threads.
    Others,
    /// The calling thread, so that waiting would never end.
    Own,
}

impl Inner {
    /// The number that what was unlinked until now has to wait for: it may be freed when a later grace period has ended (U4).
    pub(super) fn stamp(&self) -> u64 {
        // AcqRel: U4, the Release makes the unlinking visible to whoever begins a later period, whose read-modify-write continues the
        // sequence, and to readers that name it; the Acquire has no partner but keeps what follows behind.
        let stamp = if mutant!("U1 stamp without a write") {
            // Relaxed: as above.
            self.periods.load(Ordering::Relaxed)
        } else {
            self.periods.fetch_add(0, Ordering::AcqRel)
        };
        self.want(stamp);
        stamp
    }

    /// Asks for a grace period after `stamp`.
    pub(super) fn want(&self, stamp: u64) {
        // Relaxed: a leader that misses it lets the next one begin the period.
        self.wanted.fetch_max(stamp + 1, Ordering::Relaxed);
    }

    /// The last grace period that ended.
    pub(super) fn completed(&self) -> u64 {
        // Acquire: pairs with the Release in `advance`; the reads of all readers it waited for come before.
        self.completed.load(Ordering::Acquire)
    }

    /// The leader does what can be done without waiting.
    pub(super) fn advance(&self, leader: &mut Leader) -> Held {
        // A second round, as the first may end a period that was too old for whoever asked.
        for _ in 0..2 {
            let target = match leader.running {
                Some(target) => target,
                // Relaxed: as in `want`.
                None if self.wanted.load(Ordering::Relaxed) <= self.completed() => break,
                None => self.begin(leader),
            };
            pause::point("rcu period");
            let held = self.holders(target);
            if held != Held::Not {
                self.watch(leader, target);
                if !(mutant!("U8 ended by force") && leader.watch.has_reported()) {
                    return held;
                }
            }
            leader.running = None;
            self.count_period(leader);
            // Release: U3, publishes that all readers were seen to have left to the Acquire in `completed`.
            self.completed.store(target, Ordering::Release);
        }
        Held::Not
    }

    /// Begins a grace period.
    fn begin(&self, leader: &mut Leader) -> u64 {
        // AcqRel: U1, readers that name the new period see what was unlinked before it, by this thread or, through the sequence of
        // read-modify-writes in `stamp`, by others; the Acquire makes that known to this thread and so to the fence below.
        let target = self.periods.fetch_add(1, Ordering::AcqRel) + 1;
        assert!(target < SEQUENCE_MAX, "a domain counts no more than 2^48 grace periods");
        leader.watch.begin((self.config.clock)());
        if !mutant!("U2 period without heavy") {
            heavy();
        }
        self.count_heavy();
        leader.running = Some(target);
        target
    }

    /// Whether every reader has left, or began in the period or after (U3).
    fn holders(&self, target: u64) -> Held {
        if mutant!("U3 period without scan") {
            return Held::Not;
        }
        let mut held = Held::Not;
        for record in self.registry.iter() {
            if record.seen().holds_up(target) {
                if record.identity.is_current() {
                    return Held::Own;
                }
                held = Held::Others;
            }
        }
        held
    }

    /// Waits until a grace period after `stamp` has ended, and drives it where nobody else does. Blocking.
    pub(super) fn wait_for(&self, stamp: u64) -> Result<(), InReadSection> {
        let mut wait = Wait::default();
        self.want(stamp);
        while self.completed() <= stamp {
            match self.lead(|leader| self.advance(leader)) {
                Some(Held::Own) => return Err(InReadSection),
                Some(Held::Not) => {}
                Some(Held::Others) | None => wait.pause(),
            }
        }
        Ok(())
    }
}
