//! What a pool has done, in numbers that each worker counts for itself.

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
    }
}

/// What a pool has done since it was built: each number was right a moment ago, though not all at the same moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statistics {
    /// By worker.
    pub workers: Vec<WorkerStatistics>,
    /// The node of each worker.
    pub node_of: Vec<NodeIndex>,
    /// Sleepers woken, by node: each took a system call.
    pub wakeups: Vec<u64>,
    /// Every knob: what it is, what it was at the beginning, its last change and why, if the pool [tunes](crate::pool::Builder::tune) itself.
    pub knobs: Vec<KnobReport>,
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
