//! What was decided while a pool ran a graph, written down: which worker ran what, where from, and where it sent what became ready.
//!
//! Each run has a list of its own, with a place for every decision that can be made, so none is lost, and a run knows nothing of the others. A place is taken before what was
//! decided is carried out, and after what it depends on was seen: so the order of the list agrees with what came before what on the threads, and
//! [`Simulation::replay`](crate::sim::Simulation::replay) can go along it.
//!
//! Off, it costs a branch for each node that becomes ready; on, an exchange that all workers share and two stores for each decision. Closures, forks and long-lived tasks
//! are not in it: they have no numbers that another run would give them again.
//!
//! # Invariants
//!
//! - **E3** A decision that follows from another one has a later place.

use std::hash::Hasher;
use std::sync::Arc;

use turgo_machine::atomic::{AtomicU64, AtomicUsize, Ordering};
use turgo_machine::mutant;

use crate::dag::{Shape, TaskId};
use crate::layout::{NodeIndex, WorkerId, small};
use crate::policy::{Order, Place};

/// The decisions of a run of a graph, in one order for all workers. Plain data: whoever changes it has to expect that it is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// A hash of the graph's tasks and edges: see [`fingerprint`].
    pub graph: u64,
    /// How many workers the pool has.
    pub workers: u32,
    /// A [simulated machine](turgo_machine::topology::Spec) with as many nodes, as far apart: see [`Layout::spec`](crate::layout::Layout::spec).
    pub machine: String,
    /// What the run took, in nanoseconds.
    pub makespan_ns: u64,
    /// What was decided.
    pub decisions: Vec<Decision>,
}

impl Recording {
    /// The first of so many tasks that nobody runs, if there is one.
    pub(super) fn first_missing(&self, tasks: u32) -> Option<u32> {
        let mut is_run = vec![false; tasks as usize];
        for decision in &self.decisions {
            if let (Choice::Run(_), Some(is_run)) =
                (decision.choice, is_run.get_mut(decision.task as usize))
            {
                *is_run = true;
            }
        }
        is_run.iter().position(|is_run| !is_run).map(small)
    }
}

/// A decision of a worker's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Who decided.
    pub worker: WorkerId,
    /// What about: a task's number in its graph.
    pub task: u32,
    /// What was decided.
    pub choice: Choice,
}

/// What was decided about a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It became ready on this worker, and goes there. What is ready from the beginning has no such decision, nor has what goes on without a queue.
    Put(Place, Order),
    /// This worker runs it.
    Run(Got),
}

/// How a worker got what it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Got {
    /// From a queue of its own.
    Own,
    /// It became ready when the last one ended, and stayed.
    Next,
    /// From its inbox or a node's queue.
    Outside,
    /// From another worker's queue. What came along with it is its own from then on.
    Stolen(WorkerId),
}

/// A hash of a graph's tasks and edges, by which a recording of one of its runs is known again. What tasks cost or need is not in it. Takes time linear in both.
#[must_use]
pub fn fingerprint(shape: &Shape) -> u64 {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    hash.write_u32(small(shape.len()));
    for task in 0..small(shape.len()) {
        let successors = shape.successors(TaskId(task));
        hash.write_u32(small(successors.len()));
        successors.iter().for_each(|&next| hash.write_u32(next));
    }
    hash.finish()
}

/// FNV-1a by bytes: the same on every machine and in every version.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write(&number.to_le_bytes());
    }
}

/// A recording under way.
#[derive(Debug)]
pub(crate) struct Log {
    /// `worker << 32 | task` and the choice; 0 where nothing was written yet.
    words: Box<[[AtomicU64; 2]]>,
    next: AtomicUsize,
    workers: u32,
    machine: Arc<str>,
}

impl Log {
    /// A task is put somewhere once, and run once.
    const OF_TASK_MAX: usize = 2;

    /// For a run of so many tasks by so many workers, on such a machine.
    pub(crate) fn new(tasks: u32, workers: u32, machine: Arc<str>) -> Self {
        let word = || [AtomicU64::new(0), AtomicU64::new(0)];
        let words = (0..tasks as usize * Self::OF_TASK_MAX).map(|_| word()).collect();
        Self { words, next: AtomicUsize::new(0), workers, machine }
    }

    /// Writes a decision down. Wait-free.
    #[cold]
    pub(crate) fn note(&self, worker: WorkerId, task: u32, choice: Choice) {
        // Relaxed: all changes of one word have one order, which agrees with what happened before what (E3). The words are published with the end of the run.
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        let place = if mutant!("E3 two by two in the wrong order") { place ^ 1 } else { place };
        let [who, what] = &self.words[place];
        // Relaxed: as above.
        who.store(u64::from(worker.0) << 32 | u64::from(task), Ordering::Relaxed);
        // Relaxed: as above.
        what.store(choice.bits(), Ordering::Relaxed);
    }

    /// What was written. To be asked for when the run is over, by somebody who has heard so from it.
    pub(crate) fn recording(&self, shape: &Shape, makespan_ns: u64) -> Recording {
        // Relaxed: the run is over.
        let count = self.next.load(Ordering::Relaxed);
        let decision = |[who, what]: &[AtomicU64; 2]| {
            // Relaxed: as above.
            let (who, what) = (who.load(Ordering::Relaxed), what.load(Ordering::Relaxed));
            let worker = WorkerId((who >> 32) as u32);
            Decision { worker, task: who as u32, choice: Choice::of(what) }
        };
        let decisions = self.words[..count].iter().map(decision).collect();
        let (graph, machine) = (fingerprint(shape), self.machine.to_string());
        Recording { graph, workers: self.workers, machine, makespan_ns, decisions }
    }
}

/// Where in its queue a task goes: two bits above the worker or node.
const ORDER: u32 = 32;
/// Which choice: the bits above that.
const TAG: u32 = 34;

impl Choice {
    fn bits(self) -> u64 {
        let (tag, order, index) = match self {
            Self::Put(Place::Here, order) => (0, order as u64, 0),
            Self::Put(Place::Worker(to), order) => (1, order as u64, to.0),
            Self::Put(Place::Node(to), order) => (2, order as u64, to.0),
            Self::Run(Got::Own) => (3, 0, 0),
            Self::Run(Got::Next) => (4, 0, 0),
            Self::Run(Got::Outside) => (5, 0, 0),
            Self::Run(Got::Stolen(from)) => (6, 0, from.0),
        };
        tag << TAG | order << ORDER | u64::from(index)
    }

    fn of(bits: u64) -> Self {
        let order = match bits >> ORDER & 3 {
            0 => Order::Newest,
            1 => Order::Oldest,
            _ => Order::Deadline,
        };
        let index = bits as u32;
        match bits >> TAG {
            0 => Self::Put(Place::Here, order),
            1 => Self::Put(Place::Worker(WorkerId(index)), order),
            2 => Self::Put(Place::Node(NodeIndex(index)), order),
            3 => Self::Run(Got::Own),
            4 => Self::Run(Got::Next),
            5 => Self::Run(Got::Outside),
            _ => Self::Run(Got::Stolen(WorkerId(index))),
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_choice_comes_back_from_its_word() {
        let places = [Place::Here, Place::Worker(WorkerId(u32::MAX)), Place::Node(NodeIndex(3))];
        let orders = [Order::Newest, Order::Oldest, Order::Deadline];
        let puts =
            places.into_iter().flat_map(|place| orders.map(|order| Choice::Put(place, order)));
        let gots = [Got::Own, Got::Next, Got::Outside, Got::Stolen(WorkerId(u32::MAX))];
        for choice in puts.chain(gots.map(Choice::Run)) {
            assert_eq!(Choice::of(choice.bits()), choice);
        }
    }

    #[test]
    fn a_graph_is_known_by_its_tasks_and_edges() {
        let print = |tasks, edges: &[(u32, u32)]| {
            let shape = Shape::new(vec![crate::dag::Profile::default(); tasks], edges);
            fingerprint(&shape.expect("no cycle"))
        };
        let one = print(4, &[(0, 1), (1, 2)]);
        assert_eq!(one, print(4, &[(0, 1), (1, 2)]));
        assert!(
            [print(5, &[(0, 1), (1, 2)]), print(4, &[(0, 1), (2, 1)]), print(4, &[(0, 1)])]
                .iter()
                .all(|other| *other != one)
        );
    }
}
