//! What a pool has done, in numbers that each worker counts for itself.
//!
//! # Invariants
//!
//! - **Z1** A task whose home is a node of the pool is counted once each time it is run, as local where that was at home, as remote elsewhere. One that is not run, or
//!   has no home, is neither.

use turgo_machine::atomic::{AtomicU64, Ordering};

use crate::layout::{NodeIndex, WorkerId};
use crate::tune::KnobReport;

/// A worker's numbers: written by it alone, with a load and a store, on lines of its own.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) tasks: Count,
    pub(crate) steals_tried: Count,
    pub(crate) steals_local: Count,
    pub(crate) steals_remote: Count,
    pub(crate) shared: Count,
    pub(crate) parks: Count,
    pub(crate) promotions: Count,
    pub(crate) late: Count,
    pub(crate) local: Count,
    pub(crate) remote: Count,
}

/// A number that one thread writes and all may read.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Adds, by the owner. Wait-free.
    #[inline(always)]
    pub(crate) fn add(&self, count: u64) {
        // Relaxed: only the owner writes, and a count orders nothing.
        let before = self.0.load(Ordering::Relaxed);
        // Relaxed: as above.
        self.0.store(before.wrapping_add(count), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        // Relaxed: as above.
        self.0.load(Ordering::Relaxed)
    }
}

/// What one worker has done since its pool was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkerStatistics {
    /// Tasks it took from a queue and ran: closures, forks, nodes, steps of long-lived tasks. What was run inline is not in it.
    pub tasks: u64,
    /// Looks into another worker's queues.
    pub steals_tried: u64,
    /// Steals from workers of its node that succeeded, each of one task or more.
    pub steals_local: u64,
    /// Steals from workers of other nodes that succeeded.
    pub steals_remote: u64,
    /// Takes from a shared queue or an inbox that succeeded.
    pub shared: u64,
    /// How often it went to sleep.
    pub parks: u64,
    /// Forks, and pieces of loops, that it gave away.
    pub promotions: u64,
    /// Jobs of long-lived tasks that ended after their deadlines.
    pub late: u64,
    /// Nodes of graphs, and steps of long-lived tasks, that have a home and ran there.
    pub local: u64,
    /// Those that have a home and ran on another node.
    pub remote: u64,
}

impl WorkerStatistics {
    pub(crate) fn of(tally: &Tally) -> Self {
        Self {
            tasks: tally.tasks.get(),
            steals_tried: tally.steals_tried.get(),
            steals_local: tally.steals_local.get(),
            steals_remote: tally.steals_remote.get(),
            shared: tally.shared.get(),
            parks: tally.parks.get(),
            promotions: tally.promotions.get(),
            late: tally.late.get(),
            local: tally.local.get(),
            remote: tally.remote.get(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.tasks += other.tasks;
        self.steals_tried += other.steals_tried;
        self.steals_local += other.steals_local;
        self.steals_remote += other.steals_remote;
        self.shared += other.shared;
        self.parks += other.parks;
        self.promotions += other.promotions;
        self.late += other.late;
        self.local += other.local;
        self.remote += other.remote;
    }
}

/// What a tenant of a pool has had since that was built: see [`Builder::tenants`](crate::pool::Builder::tenants).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TenantStatistics {
    /// Its weight.
    pub weight: u32,
    /// How often a task of its was run: steps of long-lived tasks, closures from outside, nodes of graphs with those that followed at once.
    pub steps: u64,
    /// How long they took, in nanoseconds: of processors, unless the system suspended a worker meanwhile. Without those that run now.
    pub ran_ns: u64,
    /// Its tasks that are ready and wait for a worker, or for what they need.
    pub waiting: u64,
    /// By how many turns it is behind its share of those that were given, or ahead if that is below 0, since it began to take turns: in the queue where that is most. At most the
    /// [bound](crate::fair) of the interleaver while the same tenants take turns, and 0 while it takes none.
    pub lag: f64,
}

/// What a pool has done since it was built: each number was right a moment ago, though not all at the same moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Statistics {
    /// By worker.
    pub workers: Vec<WorkerStatistics>,
    /// The node of each worker.
    pub node_of: Vec<NodeIndex>,
    /// Sleepers woken, by node: each took a system call.
    pub wakeups: Vec<u64>,
    /// Every knob: what it is, what it was at the beginning, its last change and why, if the pool [tunes](crate::pool::Builder::tune) itself.
    pub knobs: Vec<KnobReport>,
    /// How long tasks waited, if that is [measured](crate::pool::Builder::latency) and some have begun.
    pub latency: Option<Latency>,
    /// By tenant; nothing if it has none.
    pub tenants: Vec<TenantStatistics>,
}

/// How long tasks waited: from when they were ready until they began, all since the pool was built. What is measured is said at [`Builder::latency`](crate::pool::Builder::latency).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// How many have begun; one that was sampled counts for those that were not.
    pub tasks: u64,
    /// The median in nanoseconds, off by 1/64 at most.
    pub p50_ns: u64,
    /// The same: one in a hundred waited longer.
    pub p99_ns: u64,
}

/// Jain's index of fairness: 1 if all parts are equal, a part for each of them if one has all; `None` where there is nothing (Jain, Chiu, Hawe, "A quantitative measure of fairness
/// and discrimination", DEC-TR-301, 1984).
///
/// ```
/// use turgo_sched::statistics::jain;
/// assert_eq!(jain([3.0, 3.0]), Some(1.0));
/// assert_eq!(jain([0.0, 3.0]), Some(0.5));
/// assert_eq!(jain([0.0, 0.0]), None);
/// ```
#[must_use]
pub fn jain(parts: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for part in parts {
        (count, sum, squares) = (count + 1.0, sum + part, squares + part * part);
    }
    (squares > 0.0).then(|| sum * sum / (squares * count))
}

impl Statistics {
    /// All workers together.
    #[must_use]
    pub fn total(&self) -> WorkerStatistics {
        let mut total = WorkerStatistics::default();
        self.workers.iter().for_each(|worker| total.add(worker));
        total
    }

    /// The workers of a node together.
    #[must_use]
    pub fn on_node(&self, node: NodeIndex) -> WorkerStatistics {
        let mut total = WorkerStatistics::default();
        let workers = self.workers.iter().zip(&self.node_of);
        workers.filter(|(_, of)| **of == node).for_each(|(worker, _)| total.add(worker));
        total
    }

    /// The share of tasks that ran at home, of those that have one.
    #[must_use]
    pub fn local(&self) -> Option<f64> {
        let WorkerStatistics { local, remote, .. } = self.total();
        (local + remote > 0).then(|| local as f64 / (local + remote) as f64)
    }

    /// How evenly tasks were spread over the workers: [Jain's index](jain) of their numbers; `None` before the first.
    #[must_use]
    pub fn jain(&self) -> Option<f64> {
        jain(self.workers.iter().map(|worker| worker.tasks as f64))
    }

    /// How fairly tenants had the time of workers: [Jain's index](jain) over the time of each for each unit of weight, of those that had any; `None` before anybody had. Who had little
    /// because it had little to do makes it smaller, too.
    #[must_use]
    pub fn fairness(&self) -> Option<f64> {
        let had = self.tenants.iter().filter(|tenant| tenant.ran_ns > 0);
        jain(had.map(|tenant| tenant.ran_ns as f64 / f64::from(tenant.weight)))
    }

    /// One worker.
    ///
    /// # Panics
    ///
    /// If there is no such worker.
    #[must_use]
    pub fn worker(&self, worker: WorkerId) -> WorkerStatistics {
        self.workers[worker.0 as usize]
    }
}
