//! A thread's section and the batches of what it retired.

use turgo_machine::CachePadded;
use turgo_machine::atomic::{AtomicU64, Ordering};
use turgo_machine::cell::UnsafeCell;
use turgo_machine::mutant;

use super::state::{Leave, Section};
use crate::fence::light;
use crate::reclaim::{List, Retired};
use crate::registry::Tally;

/// Two batches: one that grows, and one that waits for its grace period (U4).
#[derive(Default)]
pub(super) struct Batches {
    /// What came after the waiting batch was closed.
    pub(super) current: List,
    waiting: List,
    /// The waiting batch may be run when a grace period after this one has ended.
    stamp: u64,
}

impl Batches {
    pub(super) const fn new() -> Self {
        Self { current: List::new(), waiting: List::new(), stamp: 0 }
    }

    /// How many nodes wait in both.
    pub(super) fn len(&self) -> usize {
        self.current.len + self.waiting.len
    }

    /// How many bytes wait in both.
    pub(super) fn bytes(&self) -> usize {
        self.current.bytes + self.waiting.bytes
    }

    /// Takes the waiting batch if `completed` grace periods are enough for it, then closes the current one with a new stamp where none
    /// waits.
    pub(super) fn step(&mut self, completed: impl Fn() -> u64, stamp: impl Fn() -> u64) -> List {
        let mut done = List::new();
        if !self.waiting.is_empty() && completed() > self.stamp {
            done = core::mem::take(&mut self.waiting);
        }
        if mutant!("U4 promoted into a running period") && !self.waiting.is_empty() {
            self.waiting.append(&mut self.current);
        }
        if self.waiting.is_empty() && !self.current.is_empty() {
            self.stamp = stamp();
            self.waiting = core::mem::take(&mut self.current);
        }
        done
    }

    /// Everything, whether it may be run or not.
    pub(super) fn take_all(&mut self) -> List {
        let mut all = core::mem::take(&mut self.current);
        all.append(&mut self.waiting);
        all
    }
}

/// What only the owner touches.
struct Owner {
    batches: Batches,
    /// The length of the current batch that makes a look at the grace period worthwhile.
    look_at: usize,
    /// Callbacks are being run (U6).
    running: bool,
    /// The section is that of a `Qsbr`, which lasts for as long as it is online.
    is_qsbr: bool,
}

/// A thread's part of an RCU domain.
pub(super) struct RcuRecord {
    section: CachePadded<AtomicU64>,
    owner: CachePadded<UnsafeCell<Owner>>,
    pub(super) tally: Tally,
}

// SAFETY: G2, the cell is opened by the owner only, and owners follow each other (G3). Lists hold retired nodes, which are `Send`.
unsafe impl Send for RcuRecord {}
// SAFETY: as above; the rest is atomics.
unsafe impl Sync for RcuRecord {}

impl RcuRecord {
    pub(super) fn new() -> Self {
        Self {
            section: CachePadded::new(AtomicU64::new(Section::IDLE.word())),
            owner: CachePadded::new(UnsafeCell::new(Owner {
                batches: Batches::new(),
                look_at: 0,
                running: false,
                is_qsbr: false,
            })),
            tally: Tally::default(),
        }
    }

    /// What the owner itself has published.
    #[inline(always)]
    pub(super) fn own(&self) -> Section {
        // Relaxed: only the owner writes it.
        Section::from_word(self.section.load(Ordering::Relaxed))
    }

    /// What a scan sees.
    pub(super) fn seen(&self) -> Section {
        // Acquire: U3, pairs with the Release of a reader that left, or came again: its reads come before the free.
        Section::from_word(self.section.load(Ordering::Acquire))
    }

    /// The owner publishes what it does.
    #[inline(always)]
    fn publish(&self, section: Section) {
        // Release: U3, pairs with the Acquire in `seen`; what was read in the section before comes first.
        let order =
            if mutant!("U3 Relaxed publication") { Ordering::Relaxed } else { Ordering::Release };
        self.section.store(section.word(), order);
    }

    /// Begins a section, inside of another one or not.
    #[inline(always)]
    pub(super) fn lock(&self, periods: &AtomicU64) {
        let own = self.own();
        if own.is_idle() {
            self.lock_outermost(periods);
        } else {
            self.publish(own.transition_to_nested().unwrap_or_else(too_deep));
        }
    }

    /// Begins the outermost section, or goes on in a newer one.
    #[inline(always)]
    pub(super) fn lock_outermost(&self, periods: &AtomicU64) {
        // Acquire: U1, pairs with the Release that began the period; a reader that names it sees what was unlinked before.
        let sequence = periods.load(Ordering::Acquire);
        if mutant!("U2 section not published") {
            return;
        }
        self.publish(Section::outermost(sequence));
        if !mutant!("U2 lock without light") {
            light();
        }
    }

    /// Goes on reading, but uses nothing any more that was read before (Q1).
    #[inline]
    pub(super) fn renew(&self, periods: &AtomicU64) {
        // Acquire: U1, as in `lock_outermost`.
        let sequence = periods.load(Ordering::Acquire);
        let ahead = u64::from(mutant!("Q1 quiescent ahead of its period"));
        self.publish(Section::outermost(sequence + ahead));
    }

    /// Reads nothing any more, whatever was published.
    pub(super) fn set_idle(&self) {
        self.publish(Section::IDLE);
    }

    /// Forgets everything, in the child of a fork where the owner is gone. What it had retired is leaked: it may have been at it.
    ///
    /// # Safety
    ///
    /// There is one thread, and the record is not its own.
    pub(super) unsafe fn reset(&self) {
        self.set_idle();
        self.owner(|owner| {
            // A list that is dropped leaks its nodes.
            owner.batches = Batches::new();
            owner.running = false;
            owner.is_qsbr = false;
        });
    }

    /// Ends a section; true where the record goes back to the registry.
    #[inline(always)]
    pub(super) fn unlock(&self) -> bool {
        let own = self.own();
        if own.is_plain() {
            self.publish(Section::IDLE);
            return false;
        }
        self.unlock_slow(own)
    }

    fn unlock_slow(&self, own: Section) -> bool {
        match own.transition_to_left() {
            Leave::Nested(section) => self.publish(section),
            Leave::Idle => self.publish(Section::IDLE),
            Leave::Gone => {
                self.publish(Section::IDLE);
                return true;
            }
        }
        false
    }

    /// The thread has no place for the record any more: its last section gives it back.
    pub(super) fn set_leaving(&self) {
        self.publish(self.own().transition_to_leaving());
    }

    fn owner<R>(&self, change: impl FnOnce(&mut Owner) -> R) -> R {
        // SAFETY: G2, the owner calls; `change` runs nothing of the user's, so it does not get here again.
        self.owner.with_mut(|owner| change(unsafe { &mut *owner }))
    }

    /// Queues a node; true where it is time to look at the grace period.
    #[inline]
    pub(super) fn push(&self, node: Retired) -> bool {
        self.owner(|owner| {
            let bytes = owner.batches.current.push(node);
            self.tally.retire(bytes);
            owner.batches.current.len >= owner.look_at && !owner.running
        })
    }

    /// The next look is after so many nodes more. The first call of a thread only sets that; false says so.
    pub(super) fn look_again_after(&self, nodes: usize) -> bool {
        self.owner(|owner| {
            let first = owner.look_at == 0;
            owner.look_at = if first { nodes } else { owner.batches.current.len + nodes };
            !first || owner.batches.current.len >= nodes
        })
    }

    /// The owner's batches.
    pub(super) fn batches<R>(&self, change: impl FnOnce(&mut Batches) -> R) -> R {
        self.owner(|owner| change(&mut owner.batches))
    }

    /// Begins to run callbacks; false where that goes on already (U6).
    pub(super) fn begin(&self) -> bool {
        self.owner(|owner| !core::mem::replace(&mut owner.running, true))
    }

    /// Whether the owner is in a section or runs callbacks, so that it may run none (U6). Called by the thread whose record it is.
    pub(super) fn is_engaged(&self) -> bool {
        let is_idle = self.own().is_idle();
        self.owner(|owner| owner.running || (!is_idle && !owner.is_qsbr))
    }

    /// Says whether the record is that of a `Qsbr`.
    pub(super) fn set_qsbr(&self, is: bool) {
        self.owner(|owner| owner.is_qsbr = is);
    }

    /// No callbacks run any more.
    pub(super) fn end(&self) {
        self.owner(|owner| owner.running = false);
    }
}

#[cold]
fn too_deep() -> Section {
    panic!("more than {} read sections in each other", super::state::NESTING_MAX)
}
