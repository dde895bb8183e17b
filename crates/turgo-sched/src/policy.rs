//! Every decision of the scheduler, as functions without a memory of their own.
//!
//! A [`Policy`] is asked at six places, of which five are those of Linux's `sched_ext` (`select_cpu`, `enqueue`, `dispatch`, `running`, `stopping`).
//! It sees a [`View`]: the layout of the workers, the time, a stream of random numbers, the loads, the knobs, and the asking worker's
//! [`Memory`]. Whatever it answers follows from these alone, so that the threads of a pool and the simulator run the same code, and a
//! decision that was recorded in one can be made again in the other.
//!
//! # Invariants
//!
//! - **P1** An answer is a function of the view: no clock, no global, no random number but the view's.
//! - **P2** A search ends: `dispatch` answers `None` after finitely many attempts, and before that it has named every source that had work
//!   all along (for a policy that claims to be work-conserving), so that a worker that parks has looked everywhere.
//! - **P3** Whatever the answer, the executor keeps every task: a place that is full or gone is replaced by the nearest one that is not.
//! - **P4** Whom `pass` goes past are those whom `dispatch` would have named next and who have nothing, and afterwards all is as if it had named them.

use turgo_machine::clock::Clock;

use crate::layout::{Layout, NodeIndex, WorkerId};
use crate::random::Random;
use crate::resources::Resources;

mod placement;
mod search;
mod standard;
mod victims;

pub use placement::{Placement, Queueing};
pub use search::{Reach, Scope};
pub use standard::{Adaptive, Standard};
pub use victims::Victims;

/// How urgent a task is, before deadlines are looked at. Classes share a worker as the interleaver says; none starves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// When there is nothing else to do, and a share that keeps it from starving.
    Background,
    /// What most tasks are.
    #[default]
    Normal,
    /// Before the others.
    High,
}

/// What a decision may know about a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TaskView {
    /// The task's number: unique among the tasks that are alive.
    pub id: u32,
    /// The node its data lives on, if it said so.
    pub home: Option<NodeIndex>,
    /// The worker that ran it the last time, for tasks that run again.
    pub last: Option<WorkerId>,
    /// Who pays for it: a tenant, a query.
    pub tenant: u32,
    /// How urgent it is.
    pub priority: Priority,
    /// When it should be done, in nanoseconds of the view's clock; `u64::MAX` if never.
    pub deadline_ns: u64,
    /// What it needs while it runs.
    pub need: Resources,
    /// Bytes it reads from its home node.
    pub bytes: u64,
    /// How long it is expected to run; 0 if nobody knows.
    pub cost_ns: u64,
}

impl TaskView {
    /// A task that says nothing about itself.
    #[must_use]
    pub const fn plain(id: u32) -> Self {
        Self {
            id,
            home: None,
            last: None,
            tenant: 0,
            priority: Priority::Normal,
            deadline_ns: u64::MAX,
            need: Resources::NONE,
            bytes: 0,
            cost_ns: 0,
        }
    }
}

/// Numbers about the workers and nodes as they were a moment ago: a hint that may be old when it is used, and is never relied on for more.
pub trait Loads {
    /// Tasks in a worker's own queue.
    fn queued(&self, worker: WorkerId) -> u32;
    /// The position of the first of these workers that has something in its queue.
    fn first_busy(&self, workers: &[WorkerId]) -> Option<usize> {
        workers.iter().position(|&worker| self.queued(worker) > 0)
    }
    /// Tasks in a node's shared queue.
    fn shared(&self, node: NodeIndex) -> u32;
    /// Whether a worker is parked.
    fn parked(&self, worker: WorkerId) -> bool;
    /// What the tasks in a worker's queue and the one it runs need together, as shares of the node's capacity.
    fn demand(&self, worker: WorkerId) -> Resources;
    /// What is left of a node's capacity, as shares of it.
    fn free(&self, node: NodeIndex) -> Resources;
}

/// Numbers that tuning may change while a pool runs. Each has one owner: [`tune`](crate).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knobs {
    /// How long a worker looks for work before it parks, in nanoseconds.
    pub spin_ns: u64,
    /// A worker of another node is robbed only if it has at least this many tasks for each unit of relative distance.
    pub remote_threshold: u32,
    /// How many attempts within a node fail before another node is tried; more than 1,024 are 1,024, so that a search ends (P2).
    pub local_attempts: u32,
    /// The time from one promotion of a fork to the next, in nanoseconds.
    pub heartbeat_ns: u64,
    /// How long a re-armed task may run before it is asked to yield, in nanoseconds.
    pub quantum_ns: u64,
    /// The fewest iterations of a parallel loop that are worth giving away.
    pub grain: u32,
}

impl Knobs {
    /// The local attempts that are made.
    fn attempts(&self) -> u32 {
        self.local_attempts.min(1_024)
    }
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            spin_ns: 20_000,
            remote_threshold: 2,
            local_attempts: 2,
            heartbeat_ns: 100_000,
            quantum_ns: 1_000_000,
            grain: 1,
        }
    }
}

/// What a worker remembers from one decision to the next, on a policy's behalf. The executor owns it; one per worker, never shared.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Memory {
    /// Where a circular search goes on.
    pub next: u32,
    /// Where the last successful steal was.
    pub last_victim: Option<WorkerId>,
    /// Attempts in a row that found nothing.
    pub failures: u32,
    /// Which arm an adaptive policy plays now.
    pub arm: u32,
    /// How far the search that goes on has come.
    pub cursor: u32,
    /// Where in the circle of workers that search began.
    pub start: u32,
    /// When the worker last looked at others, for policies that do so periodically; nanoseconds of the view's clock.
    pub balanced_ns: u64,
}

impl Memory {
    /// Notes what came of an attempt: what [`Policy::found`] does unless a policy does more.
    pub fn remember(&mut self, source: Source, tasks: u32) {
        if tasks == 0 {
            self.failures = self.failures.saturating_add(1);
            return;
        }
        self.failures = 0;
        if let Source::Worker(victim, _) = source {
            self.last_victim = Some(victim);
        }
    }
}

/// The time of a decision. Most do not depend on it, and reading a clock takes as long as the rest of a decision: so it is read when it is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Now<'a> {
    /// A moment, in nanoseconds.
    At(u64),
    /// Whatever this clock shows then.
    Shown(&'a Clock),
}

impl Now<'_> {
    /// Nanoseconds of the pool's clock.
    #[must_use]
    pub fn ns(self) -> u64 {
        match self {
            Self::At(ns) => ns,
            Self::Shown(clock) => clock.now_ns(),
        }
    }
}

/// All a decision may depend on.
#[derive(Debug)]
pub struct View<'a, L: Loads + ?Sized = dyn Loads + 'a> {
    /// Who is where.
    pub layout: &'a Layout,
    /// What time it is.
    pub now: Now<'a>,
    /// The asking worker's random numbers.
    pub random: &'a mut Random,
    /// The asking worker's memory.
    pub memory: &'a mut Memory,
    /// The knobs as they are now.
    pub knobs: Knobs,
    /// How busy everyone is.
    pub loads: &'a L,
}

/// Where a task that is ready goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The queue of the worker that made it ready (from outside: as [`Place::Node`] of node 0).
    Here,
    /// The inbox of a certain worker.
    Worker(WorkerId),
    /// The shared queue of a node, from which its workers take in turn.
    Node(NodeIndex),
}

/// Where in its queue a task goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Next: the owner takes the newest first.
    Newest,
    /// After all that are there.
    Oldest,
    /// By deadline, earliest first, among those of its class.
    Deadline,
}

/// How much is taken at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// The oldest: right for trees, where the oldest is the biggest.
    One,
    /// Half of the queue, at most [`Amount::HALF_MAX`]: right for bags of equals.
    Half,
}

impl Amount {
    /// The most tasks that move at once.
    pub const HALF_MAX: usize = 32;
}

/// Where a worker that has nothing looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Another worker's queue.
    Worker(WorkerId, Amount),
    /// A node's shared queue.
    Node(NodeIndex),
}

/// The decisions. Every method is asked often: none may block or allocate. A panic in one ends the worker that asked, which nobody replaces.
pub trait Policy: std::fmt::Debug + Send + Sync {
    /// Where a task goes that has become ready on `from`, or outside of the pool.
    fn select(&self, task: &TaskView, from: Option<WorkerId>, view: &mut View<'_>) -> Place;

    /// Where in that place's queue it goes.
    fn enqueue(&self, task: &TaskView, place: Place, view: &mut View<'_>) -> Order;

    /// Where `me`, who has nothing of its own, looks in the `attempt`-th attempt of this search, from 0; `None` ends the search.
    fn dispatch(&self, me: WorkerId, attempt: u32, view: &mut View<'_>) -> Option<Source>;

    /// `me` has found work and ends its search: another node of which one worker is to be woken, to look for work. Its own node's workers are woken in any case, one after the
    /// other; this is for nodes that would hear of the work only when all of these are busy.
    fn spread(&self, me: WorkerId, view: &mut View<'_>) -> Option<NodeIndex> {
        let _ = (me, view);
        None
    }

    /// What came of an attempt: how many tasks were taken.
    fn found(&self, me: WorkerId, source: Source, tasks: u32, view: &mut View<'_>) {
        let _ = me;
        view.memory.remember(source, tasks);
    }

    /// Goes past workers that have nothing, for who can look at all of them in one moment, as the simulator can: after `dispatch` has been asked once in this search, it
    /// may be asked instead of it. `passed` is told whom it goes past, each time it is called some in a row (P4). Answers how many those were, which counts as so many
    /// attempts; 0 if `dispatch` is to be asked.
    fn pass(&self, me: WorkerId, view: &mut View<'_>, passed: &mut dyn FnMut(&[WorkerId])) -> u32 {
        let _ = (me, view, passed);
        0
    }

    /// Whether [`running`](Self::running) and [`stopping`](Self::stopping) are to be called: they cost a task two readings of the clock. Asked once.
    fn watches(&self) -> bool {
        false
    }

    /// Whether [`select`](Self::select) may answer anything but [`Place::Here`] with [`Order::Newest`] for a task that says nothing about itself and became ready on a worker.
    /// If not, it is not asked about such tasks. Asked once.
    fn moves_plain(&self) -> bool {
        true
    }

    /// `me` begins to run the task.
    fn running(&self, task: &TaskView, me: WorkerId, view: &mut View<'_>) {
        let _ = (task, me, view);
    }

    /// `me` has run the task for `ran_ns`.
    fn stopping(&self, task: &TaskView, me: WorkerId, ran_ns: u64, view: &mut View<'_>) {
        let _ = (task, me, ran_ns, view);
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
