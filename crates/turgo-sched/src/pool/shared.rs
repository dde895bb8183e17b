//! What the workers of a pool share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use turgo_lockfree::deque::{Injector, Steal, Stealer};
use turgo_machine::CachePadded;
use turgo_machine::atomic::{AtomicBool, AtomicU32, Ordering};
use turgo_machine::clock::Clock;

use crate::admission::Deadlines;
use crate::arena::Arena;
use crate::layout::{Layout, NodeIndex, WorkerId};
use crate::policy::{Knobs, Policy};
use crate::resources::Resources;
use crate::sleep::{Pushed, Sleep};
use crate::statistics::Tally;
use crate::task::Held;
use crate::trace::Trace;

use super::calls::Calls;
use super::claims::Claims;
use super::class::{CLASSES, Class};
use super::control::Control;
use super::due::Due;
use super::rota::{Rota, Tenancy};
use super::tunable::Tunable;
use super::waits::Waits;

/// Queues into which anybody pushes: one for each class.
pub(super) type Inbox = [Injector<u32>; CLASSES];

/// What others may do with a worker.
pub(super) struct Seat {
    /// Closures, forks and nodes, of which it runs the newest first.
    pub(super) deque: Stealer<u32>,
    /// Long-lived tasks and what was taken from a shared queue, each run in turn.
    pub(super) turns: [Stealer<u32>; CLASSES],
    pub(super) inbox: Inbox,
    pub(super) tally: Tally,
}

/// What the workers of a node share.
pub(crate) struct Node {
    /// What came from outside, or from elsewhere.
    pub(super) inbox: Inbox,
    pub(super) due: Due,
    /// Where tenants take turns, if there are any.
    pub(super) rota: Option<Rota>,
    pub(crate) claims: Claims,
    // LOCK: taken when a promise is made or ends, and by a task that took longer than was promised.
    pub(super) promised: Mutex<Deadlines>,
}

impl Node {
    pub(super) fn new(
        workers: usize,
        capacity: Resources,
        tenancy: Option<&Tenancy>,
        rota: Option<Rota>,
    ) -> Self {
        Self {
            inbox: std::array::from_fn(|_| Injector::new()),
            due: Due::new(),
            rota,
            claims: Claims::new(capacity, tenancy.map(|tenancy| &*tenancy.weights)),
            // LOCK: see the field.
            promised: Mutex::new(Deadlines::shared(workers)),
        }
    }
}

pub(crate) struct Shared {
    pub(crate) layout: Layout,
    pub(crate) arena: Arena,
    pub(crate) sleep: Sleep,
    pub(crate) clock: Clock,
    pub(crate) trace: Option<Trace>,
    pub(super) policy: Box<dyn Policy>,
    /// Whether the policy is told of every task that begins and ends.
    pub(crate) is_watching: bool,
    /// Whether anybody is: the policy, the trace, who writes decisions down, or tenants that pay.
    pub(super) is_observed: bool,
    /// If what is decided about nodes of graphs is written down, a simulated machine like the one it runs on.
    pub(super) recorded_on: Option<Arc<str>>,
    /// Whether it is asked about tasks that say nothing about themselves.
    pub(crate) is_asked_of_plain: bool,
    pub(super) tunable: Tunable,
    pub(super) control: Option<Control>,
    /// How long tasks wait, if that is measured.
    pub(crate) waits: Option<Waits>,
    /// The first order in which all places of a node are one: that of deadlines; with tenants, any.
    pub(super) for_all_from: u8,
    /// Who shares the pool, if anybody does.
    pub(super) tenancy: Option<Tenancy>,
    pub(super) seats: Box<[CachePadded<Seat>]>,
    pub(super) nodes: Box<[CachePadded<Node>]>,
    /// What workers of other pools call.
    pub(super) calls: Calls,
    pub(super) seed: u64,
    /// How many tasks of others a worker that waits may have on its stack.
    pub(super) help_max: u32,
    pub(super) is_closed: AtomicBool,
    /// Workers that have not ended.
    pub(super) running: AtomicU32,
    /// Nobody waits for the workers' end: the last of them does what is left to do.
    pub(super) is_orphaned: AtomicBool,
    // LOCK: taken once at the end of the pool, and by each task that is spawned through a promise.
    pub(super) is_dissolved: Mutex<bool>,
}

impl Shared {
    pub(super) fn seat(&self, worker: WorkerId) -> &Seat {
        &self.seats[worker.0 as usize]
    }

    pub(crate) fn node(&self, node: NodeIndex) -> &Node {
        &self.nodes[node.0 as usize]
    }

    pub(crate) fn knobs(&self) -> Knobs {
        self.tunable.get()
    }

    /// How long a step of a long-lived task may take, in nanoseconds.
    pub(crate) fn quantum_ns(&self) -> u64 {
        self.tunable.quantum_ns()
    }

    /// Whether the long-lived tasks that were left have ended with the pool, or are about to. As long as the guard lives, that stays so.
    pub(super) fn is_dissolved(&self) -> MutexGuard<'_, bool> {
        // LOCK: see the field.
        self.is_dissolved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the long-lived tasks that are left.
    ///
    /// # Safety
    ///
    /// All workers have ended, and no other thread takes slots meanwhile, but where [`is_dissolved`](Self::is_dissolved) says that it may.
    pub(super) unsafe fn dissolve(&self) {
        *self.is_dissolved() = true;
        // SAFETY: the caller's promise.
        for slot in unsafe { self.arena.tasks() } {
            // SAFETY: N1, nobody else reads it; it holds that.
            let held = unsafe { slot.read::<Held>() };
            // SAFETY: the caller's promise.
            unsafe { held.dissolve() };
        }
    }

    /// From now on nobody waits for the workers' end. Called by one of them.
    pub(super) fn orphan(&self) {
        // Relaxed: the caller's own end comes later, with Release.
        self.is_orphaned.store(true, Ordering::Relaxed);
    }

    /// A worker has ended: it will not touch its queues any more.
    pub(super) fn retire(&self) {
        // AcqRel: Release publishes what this worker did to the Acquire of the last one, which sees what all did.
        let is_last = self.running.fetch_sub(1, Ordering::AcqRel) == 1;
        // Relaxed: written before the end of the worker that wrote it.
        if is_last && self.is_orphaned.load(Ordering::Relaxed) {
            // SAFETY: all workers have ended, and there is no pool any more through which somebody could take slots; promises ask (A8).
            unsafe { self.dissolve() };
        }
    }

    /// The time between promotions, in nanoseconds.
    pub(crate) fn heartbeat_ns(&self) -> u64 {
        self.tunable.heartbeat_ns()
    }

    /// Queues a number for the workers of a node, from any thread.
    pub(crate) fn inject(&self, node: NodeIndex, class: Class, id: u32) {
        let there = self.node(node);
        match &there.rota {
            Some(rota) => rota.push(class, 0, id),
            None => there.inbox[class as usize].push(id),
        }
        self.sleep.notify(node, Pushed::Outside);
    }

    /// As [`inject`](Self::inject), many at once, and tells others once.
    pub(crate) fn inject_all(&self, node: NodeIndex, ids: impl IntoIterator<Item = u32>) {
        let queue = &self.node(node).inbox[Class::Normal as usize];
        ids.into_iter().for_each(|id| queue.push(id));
        self.sleep.notify(node, Pushed::Outside);
    }

    /// Queues a number for one worker; others take it only if they have nothing else.
    pub(super) fn send(&self, worker: WorkerId, class: Class, id: u32) {
        self.seat(worker).inbox[class as usize].push(id);
        self.rouse(worker);
    }

    /// Something was pushed for a worker: wakes it, or somebody of its node.
    pub(super) fn rouse(&self, worker: WorkerId) {
        if self.sleep.is_asleep(worker) {
            self.sleep.wake(worker);
        } else {
            self.sleep.notify(self.layout.node(worker), Pushed::Outside);
        }
    }

    /// Whether there is anything to do anywhere.
    pub(super) fn is_work(&self) -> bool {
        let waits = |inbox: &Inbox| inbox.iter().any(|queue| !queue.is_empty());
        let in_turn = |node: &Node| node.rota.as_ref().is_some_and(|rota| !rota.is_empty());
        self.nodes.iter().any(|node| waits(&node.inbox) || !node.due.is_empty() || in_turn(node))
            || self.seats.iter().any(|seat| {
                !seat.deque.is_empty()
                    || seat.turns.iter().any(|queue| !queue.is_empty())
                    || waits(&seat.inbox)
            })
    }

    pub(crate) fn is_closed(&self) -> bool {
        // Acquire: pairs with the Release in `close`.
        self.is_closed.load(Ordering::Acquire)
    }

    /// From now on workers end when they find nothing, and long-lived tasks are cancelled where they would run.
    pub(super) fn close(&self) {
        // Release: pairs with the Acquire in `is_closed`.
        self.is_closed.store(true, Ordering::Release);
        self.sleep.wake_all();
    }
}

/// Takes from a queue, as long as others come first.
pub(crate) fn persist<T>(mut steal: impl FnMut() -> Steal<T>) -> Option<T> {
    loop {
        match steal() {
            Steal::Success(stolen) => return Some(stolen),
            Steal::Empty => return None,
            Steal::Retry => turgo_machine::thread::spin_loop(),
        }
    }
}
