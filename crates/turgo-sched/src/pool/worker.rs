//! A worker: its queues, and the loop that its thread runs.
//!
//! # Invariants
//!
//! - **K1** Only the worker's thread touches what is not shared: a `Worker` is neither `Send` nor `Sync`, and lives on that thread's stack.
//! - **K2** A worker pushes to its own queues only. What is meant for others goes to an inbox or a node's shared queue.
//! - **K3** Every queue gets its turn, however full the others are: of 64 turns at least one begins with what is outside (the inbox and the node's queue, each
//!   class of either in one of sixteen such turns), one with the background class, four with the normal one and four with the deque. All others begin with what is
//!   urgent: by class, what has a deadline first. Where tenants share the pool, the queue in which they take turns stands for the node's and for those of long-lived tasks.
//!   A frame that waits divides its worker's turns in the same way, once it has run what it pushed itself.
//! - **K4** `level` is pushes less pops of the deque. Thieves take the oldest, so while a frame waits, what lies above the level at which it began was
//!   pushed by it and what it called; if anything of that was stolen, everything older was as well.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::ptr;
use std::sync::Arc;

use turgo_lockfree::deque::Worker as Deque;
use turgo_machine::atomic::{AtomicU32, AtomicU64, Ordering};
use turgo_machine::mutant;

use crate::arena::{Place, Purse};
use crate::join::Forks;
use crate::layout::{NodeIndex, WorkerId};
use crate::pause;
use crate::policy::{Memory, TaskView};
use crate::random::Random;
use crate::run::{Ran, Runnable};
use crate::sleep::Pushed;
use crate::statistics::Tally;
use crate::trace::{Got, Kind};

use super::class::{CLASSES, Class};
use super::current;
use super::rota::Payer;
use super::shared::{Inbox, Shared, persist};

/// Turns after which the shared queues come first.
const SHARED_EVERY: u32 = 61;
/// Turns after which the normal class comes before closures and forks.
const NORMAL_EVERY: u32 = 16;
/// The turn, of as many as `NORMAL_EVERY`, in which closures and forks come before what is urgent.
const DEQUE_TURN: u32 = 8;
/// Turns after which the background class comes first.
const BACKGROUND_EVERY: u32 = 64;
/// The turn, of as many as `BACKGROUND_EVERY`, in which that is so: none that is another one's.
const BACKGROUND_TURN: u32 = 4;
/// Beside the bits of classes: the pool has tenants, and so a queue that is always looked into.
const TENANTS: u8 = 1 << CLASSES;
/// The most that is taken from a shared queue at once.
const SHARED_MAX: usize = if cfg!(turgo_without = "batching") { 1 } else { 8 };

/// One of a pool's workers, as the code that it runs sees it: forks, scopes and loops begin here.
///
/// It stays on its thread. See [`Pool`](super::Pool) for how to get at one.
pub struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: WorkerId,
    pub(crate) node: NodeIndex,
    pub(super) deque: Deque<u32>,
    pub(super) turns: [Deque<u32>; CLASSES],
    /// Classes whose queue may have something, and `TENANTS`.
    pub(super) waiting: Cell<u8>,
    /// K4.
    pub(super) level: Cell<u32>,
    pub(super) turn: Cell<u32>,
    /// Where the task comes from that runs next, for whoever writes that down.
    got: Cell<Got>,
    /// What it spawned and woke, to know what is [measured](super::waits).
    pub(super) readied: Cell<u32>,
    /// Tasks on the stack that were taken while something else waits.
    pub(super) helping: Cell<u32>,
    /// Who pays for the task that was just taken, and runs next.
    pub(super) payer: Cell<Option<Payer>>,
    /// Who pays for the one that runs.
    pub(super) paying: Cell<Option<Payer>>,
    /// When that one began.
    pub(super) began_ns: Cell<u64>,
    /// How long it waited since then, or others ran that pay for themselves (X2).
    pub(super) apart_ns: Cell<u64>,
    pub(crate) purse: Purse,
    pub(super) mind: RefCell<Mind>,
    pub(crate) forks: Forks,
    /// The word that says whether somebody has nothing to do.
    hunger: ptr::NonNull<AtomicU64>,
    /// The word that says which classes have deadlines on its node.
    due: ptr::NonNull<AtomicU32>,
    /// K1.
    thread: PhantomData<*const ()>,
}

/// What decisions need and change.
#[derive(Debug)]
pub(super) struct Mind {
    pub(super) random: Random,
    pub(super) memory: Memory,
    /// How long the next search spins, in nanoseconds: less after searches in vain.
    pub(super) patience_ns: u64,
}

/// A worker's own ends of its queues, made by whoever builds the pool.
pub(super) struct Queues {
    pub(super) deque: Deque<u32>,
    pub(super) turns: [Deque<u32>; CLASSES],
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, id: WorkerId, queues: Queues) -> Self {
        let mind = Mind {
            random: Random::new(shared.seed, u64::from(id.0)),
            memory: Memory::default(),
            patience_ns: shared.tunable.spin_ns(),
        };
        let node = shared.layout.node(id);
        let waiting = if shared.has_tenants() { TENANTS } else { 0 };
        Self {
            node,
            hunger: ptr::NonNull::from(shared.sleep.hunger()),
            due: ptr::NonNull::from(shared.node(node).due.some()),
            payer: Cell::new(None),
            paying: Cell::new(None),
            began_ns: Cell::new(0),
            apart_ns: Cell::new(0),
            shared,
            id,
            deque: queues.deque,
            turns: queues.turns,
            waiting: Cell::new(waiting),
            level: Cell::new(0),
            turn: Cell::new(0),
            got: Cell::new(Got::Own),
            readied: Cell::new(0),
            helping: Cell::new(0),
            purse: Purse::new(id.0),
            mind: RefCell::new(mind),
            forks: Forks::new(),
            thread: PhantomData,
        }
    }

    /// Whether somebody has nothing to do. A hint.
    #[inline(always)]
    pub(crate) fn is_somebody_hungry(&self) -> bool {
        // SAFETY: it is part of `shared`, which we hold.
        let word = unsafe { self.hunger.as_ref() };
        // Relaxed: a hint.
        word.load(Ordering::Relaxed) != 0
    }

    /// Whether a task of its node has a deadline. A hint.
    #[inline(always)]
    fn is_anything_due(&self) -> bool {
        // SAFETY: it is part of `shared`, which we hold.
        let word = unsafe { self.due.as_ref() };
        // Relaxed: a hint.
        word.load(Ordering::Relaxed) != 0
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> WorkerId {
        self.id
    }

    /// Its node.
    #[must_use]
    pub fn node(&self) -> NodeIndex {
        self.node
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.shared.seat(self.id).tally
    }

    /// Runs tasks until the pool is closed and nothing is left to do.
    pub(super) fn work(&self) {
        let _current = current::enter(self);
        // SAFETY: this is the worker's thread, and nothing came before.
        unsafe { self.shared.sleep.introduce(self.id) };
        while let Some(id) = self.next().or_else(|| self.search_idle()) {
            self.run(id);
        }
        self.purse.flush(&self.shared.arena);
        self.shared.retire();
    }

    /// What runs next where nothing is below.
    fn next(&self) -> Option<u32> {
        let first = self.next_before_last();
        if first.is_some() {
            return first;
        }
        // Nobody counts from it (K4).
        self.level.set(0);
        self.next_at_last()
    }

    /// What runs next where a frame waits that has nothing of its own left.
    pub(super) fn next_while_waiting(&self) -> Option<u32> {
        if mutant!("K3 who waits has its own first") {
            return self.take_turn(Class::Normal);
        }
        self.next_before_last().or_else(|| self.next_at_last())
    }

    /// Something of its own, or from outside where it is time for that (K3).
    #[inline(always)]
    fn next_before_last(&self) -> Option<u32> {
        let turn = self.turn.get().wrapping_add(1);
        self.turn.set(turn);
        if turn.is_multiple_of(SHARED_EVERY) && !mutant!("K3 the shared queues have no turn") {
            self.shared.control(|| self.now_ns());
            let outside = self.take_outside(turn / SHARED_EVERY);
            if outside.is_some() {
                return outside;
            }
        }
        if self.waiting.get() != 0 || self.is_anything_due() {
            let urgent = self.next_in_turn(turn);
            if urgent.is_some() {
                return urgent;
            }
        }
        self.pop()
    }

    /// What of its own can wait until there is nothing else.
    fn next_at_last(&self) -> Option<u32> {
        self.take_turn(Class::Normal).or_else(|| self.take_class(Class::Background))
    }

    /// What comes before the deque in this turn; the deque itself, where that is not to wait any longer.
    fn next_in_turn(&self, turn: u32) -> Option<u32> {
        let first = if turn % BACKGROUND_EVERY == BACKGROUND_TURN {
            if mutant!("K3 the background has no turn") {
                None
            } else {
                self.take_class(Class::Background)
            }
        } else if turn.is_multiple_of(NORMAL_EVERY) {
            self.take_turn(Class::Normal)
        } else if turn % NORMAL_EVERY == DEQUE_TURN && !mutant!("K3 the deque has no turn") {
            self.pop()
        } else {
            None
        };
        first.or_else(|| self.take_class(Class::High)).or_else(|| self.take_due(Class::Normal))
    }

    /// The most urgent of a class: what has a deadline, then the oldest.
    fn take_class(&self, class: Class) -> Option<u32> {
        self.take_due(class).or_else(|| self.take_turn(class))
    }

    fn take_due(&self, class: Class) -> Option<u32> {
        if self.shared.node(self.node).due.has(class) {
            self.note_got(self.pop_due(self.node, class), Got::Outside)
        } else {
            None
        }
    }

    /// Notes where a task comes from, if there is one.
    pub(super) fn note_got(&self, task: Option<u32>, got: Got) -> Option<u32> {
        if task.is_some() {
            self.got.set(got);
        }
        task
    }

    /// Where the node that begins comes from. To be asked once.
    pub(crate) fn take_got(&self) -> Got {
        self.got.replace(Got::Own)
    }

    /// The next node stays on this worker.
    pub(crate) fn goes_on(&self) {
        self.got.set(Got::Next);
    }

    /// The oldest of a class.
    pub(super) fn take_turn(&self, class: Class) -> Option<u32> {
        if self.waiting.get() & (class.bit() | TENANTS) == 0 {
            return None;
        }
        let task = self.turns[class as usize].pop();
        if task.is_some() { task } else { self.take_turn_elsewhere(class) }
    }

    /// Its own queue of a class is empty; tenants have another one.
    #[cold]
    fn take_turn_elsewhere(&self, class: Class) -> Option<u32> {
        self.waiting.set(self.waiting.get() & !class.bit());
        self.note_got(self.take_turn_of_tenants(self.node, class), Got::Outside)
    }

    /// The newest of the deque.
    #[inline(always)]
    pub(super) fn pop(&self) -> Option<u32> {
        let id = self.deque.pop()?;
        self.level.set(self.level.get().wrapping_sub(1));
        Some(id)
    }

    /// From its inbox or its node's queue, in the order of the round (K3).
    pub(super) fn take_outside(&self, round: u32) -> Option<u32> {
        let order = Class::order(round / 2);
        let inbox = || self.take_from(&self.shared.seat(self.id).inbox, order);
        let node = || self.take_node(self.node, order);
        let task =
            if round.is_multiple_of(2) { inbox().or_else(node) } else { node().or_else(inbox) };
        self.note_got(task, Got::Outside)
    }

    /// From a node's queue: of each class what has a deadline first.
    pub(super) fn take_node(&self, node: NodeIndex, order: [Class; CLASSES]) -> Option<u32> {
        let there = self.shared.node(node);
        let next = |class| {
            let due = if there.due.has(class) { self.pop_due(node, class) } else { None };
            let turn = || self.take_turn_of_tenants(node, class);
            due.or_else(turn).or_else(|| self.take_from(&there.inbox, [class]))
        };
        order.into_iter().find_map(next)
    }

    /// The oldest of the first class that has any, and some that follow into its own queue of that class, where others can take them.
    pub(super) fn take_from<const N: usize>(
        &self,
        inbox: &Inbox,
        order: [Class; N],
    ) -> Option<u32> {
        for class in order {
            let queue = &inbox[class as usize];
            if queue.is_empty() {
                continue;
            }
            let turns = &self.turns[class as usize];
            let taken = persist(|| queue.steal_batch_with_limit_and_pop(turns, SHARED_MAX));
            if taken.is_some() {
                pause::point("taken");
                self.waiting.set(self.waiting.get() | class.bit());
                self.tally().shared.add(1);
                return taken;
            }
        }
        None
    }

    /// Runs what has this number.
    pub(super) fn run(&self, id: u32) {
        self.tally().tasks.add(1);
        if self.shared.is_observed {
            self.run_observed(id);
        } else {
            self.call(id);
        }
    }

    /// Runs it before the eyes of the trace, of a policy that watches, and of tenants who pay for it.
    #[cold]
    fn run_observed(&self, id: u32) {
        // SAFETY: N1, we took it from a queue.
        let Place::Slot(slot) = (unsafe { self.shared.arena.place(id) }) else {
            // Nodes are watched, traced and written down one by one, where they are called.
            self.paid(|| self.call(id));
            return self.got.set(Got::Own);
        };
        self.trace(Kind::Begin, id);
        // Tasks are watched where they are called: there it is known what they say about themselves.
        let watched = if slot.is_task() { None } else { self.begins(|| TaskView::plain(id)) };
        // A closure or a step is not written down, and what it pops while it waits is its worker's own.
        self.got.set(Got::Own);
        self.paid(|| self.call(id));
        self.got.set(Got::Own);
        self.stops(watched);
        self.trace(Kind::End, id);
    }

    #[inline(always)]
    fn call(&self, id: u32) {
        // SAFETY: N1, we took it from a queue.
        match unsafe { self.shared.arena.place(id) } {
            Place::Slot(slot) => {
                // SAFETY: N1: it was filled before its number was queued.
                let call = unsafe { slot.call() };
                // SAFETY: as above; whoever filled it says what is called.
                unsafe { call(slot, id, self) };
            }
            Place::Node(run, index) => self.run_nodes(id, run, index),
        }
    }

    /// Runs a node, and some that it makes ready.
    fn run_nodes(&self, id: u32, run: &dyn Runnable, first: u32) {
        match run.run(first, self) {
            // That one has run up to here inline: now the queues have their turn.
            Ran::Next(next) => self.push(run.number(next)),
            Ran::Nothing => {}
            Ran::Finished => {
                // SAFETY: the range is released below at the earliest.
                unsafe { self.shared.arena.run_of(id) }.finished(self);
            }
        }
    }

    /// Where its deque stands (K4).
    #[inline(always)]
    pub(crate) fn level(&self) -> u32 {
        self.level.get()
    }

    /// Whether its deque has anything that others could take.
    pub(crate) fn has_own(&self) -> bool {
        !self.deque.is_empty()
    }

    /// A long-lived task's job ended after its deadline.
    pub(crate) fn tally_late(&self) {
        self.tally().late.add(1);
    }

    /// A task with a home runs here (Z1).
    pub(crate) fn tally_home(&self, home: NodeIndex) {
        if (home.0 as usize) < self.shared.layout.nodes() {
            let is_here = home == self.node || mutant!("Z1 home is where it runs");
            if is_here { &self.tally().local } else { &self.tally().remote }.add(1);
        }
    }

    /// A fork was promoted.
    pub(crate) fn tally_promotion(&self) {
        self.tally().promotions.add(1);
    }

    /// Queues a number in its own deque, and tells others if they have nothing to do.
    #[inline(always)]
    pub(crate) fn push(&self, id: u32) {
        self.push_quietly(id);
        self.shared.sleep.notify(self.node, Pushed::Within);
    }

    #[inline(always)]
    fn push_quietly(&self, id: u32) {
        self.deque.push(id);
        self.level.set(self.level.get().wrapping_add(1));
    }

    /// Queues all of them, and tells others once.
    pub(crate) fn push_all(&self, ids: impl IntoIterator<Item = u32>) {
        let before = self.level.get();
        ids.into_iter().for_each(|id| self.push_quietly(id));
        if self.level.get() != before {
            self.shared.sleep.notify(self.node, Pushed::Within);
        }
    }

    /// Queues a long-lived task behind the others of its class.
    pub(crate) fn push_turn(&self, class: Class, id: u32) {
        self.turns[class as usize].push(id);
        self.waiting.set(self.waiting.get() | class.bit());
        self.shared.sleep.notify(self.node, Pushed::Within);
    }

    /// Gives the numbers that began with `base` back.
    ///
    /// # Safety
    ///
    /// `base` came from a `reserve` of this pool, and none of those numbers is queued or runs any more.
    pub(crate) unsafe fn release(&self, base: u32) {
        // SAFETY: the caller's promise.
        unsafe { self.shared.arena.release(base) };
    }

    /// Nanoseconds of the pool's clock.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.shared.clock.now_ns()
    }

    #[inline(always)]
    pub(crate) fn trace(&self, kind: Kind, subject: u32) {
        if let Some(trace) = &self.shared.trace {
            trace.record(self.id, self.now_ns(), kind, subject);
        }
    }

    /// Whether this worker belongs to the pool.
    pub(crate) fn is_of(&self, shared: &Arc<Shared>) -> bool {
        ptr::eq(Arc::as_ptr(&self.shared), Arc::as_ptr(shared))
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("id", &self.id).field("node", &self.node).finish()
    }
}
