//! The simulator's loop: what there is, and the events by which it changes.

mod claims;
mod search;
mod work;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use turgo_machine::mutant;
use turgo_machine::topology::Topology;

use super::costs::Costs;
use super::outcome::{Outcome, Tally};
use super::queues::Queue;
use super::replay::{Answer, Decision, Log};
use super::turns::Shared;
use super::workload::Workload;
use crate::dag::TaskId;
use crate::fair::Interleaving;
use crate::layout::{Layout, NodeIndex, WorkerId, small};
use crate::policy::{Knobs, Loads, Memory, Now, Order, Place, Policy, Source, TaskView, View};
use crate::random::Random;
use crate::resources::{Lane, Resources};
use crate::trace::{Event, Kind};

/// Something that goes wrong (V5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A worker does nothing for a while: another program got its processor.
    Stall {
        /// Which.
        worker: WorkerId,
        /// From when, in nanoseconds.
        at_ns: u64,
        /// For how long.
        for_ns: u64,
    },
    /// Workers that are woken in a certain time rise late.
    LateWakes {
        /// From when, in nanoseconds.
        from_ns: u64,
        /// Until when.
        until_ns: u64,
        /// By how much.
        extra_ns: u64,
    },
}

/// A simulated machine and what decides on it. Runs any number of workloads.
///
/// ```
/// use turgo_machine::topology::Topology;
/// use turgo_sched::policy::Standard;
/// use turgo_sched::sim::{Simulation, Workload};
/// let machine = Topology::simulate("2x4")?;
/// let policy = Standard::default();
/// let simulation = Simulation::new(&machine, 8, &policy).seed(7);
/// let workload = Workload::made("bag:4000", 1)?;
/// let outcome = simulation.run(&workload);
/// assert_eq!(outcome.tasks, 4_000);
/// assert!(outcome.efficiency() > 0.8, "{outcome:?}");
/// assert_eq!(outcome.hash, simulation.run(&workload).hash);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Simulation<'a> {
    layout: Cow<'a, Layout>,
    policy: &'a dyn Policy,
    costs: Costs,
    knobs: Knobs,
    seed: u64,
    faults: Vec<Fault>,
    traced: bool,
    recorded: bool,
    known: &'a [Decision],
    interleaving: Interleaving,
}

impl<'a> Simulation<'a> {
    /// `workers` workers on a machine, with decisions by `policy`.
    ///
    /// # Panics
    ///
    /// As [`Layout::new`].
    #[must_use]
    pub fn new(machine: &Topology, workers: usize, policy: &'a dyn Policy) -> Self {
        Self::at(Cow::Owned(Layout::new(machine, workers)), policy)
    }

    /// The workers of a layout, with decisions by `policy`: for many simulations of one machine, of which a large one takes longer to lay out than to simulate.
    #[must_use]
    pub fn on(layout: &'a Layout, policy: &'a dyn Policy) -> Self {
        Self::at(Cow::Borrowed(layout), policy)
    }

    fn at(layout: Cow<'a, Layout>, policy: &'a dyn Policy) -> Self {
        Self {
            layout,
            policy,
            costs: Costs::default(),
            knobs: Knobs::default(),
            seed: 1,
            faults: Vec::new(),
            traced: false,
            recorded: false,
            known: &[],
            interleaving: Interleaving::InTurn,
        }
    }

    /// What things cost.
    #[must_use]
    pub fn costs(mut self, costs: Costs) -> Self {
        self.costs = costs;
        self
    }

    /// The knobs' values.
    #[must_use]
    pub fn knobs(mut self, knobs: Knobs) -> Self {
        self.knobs = knobs;
        self
    }

    /// Where its random numbers begin.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Something goes wrong.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Whether the outcome has all events; their hash it has in any case.
    #[must_use]
    pub fn traced(mut self, traced: bool) -> Self {
        self.traced = traced;
        self
    }

    /// Whether the outcome has all decisions.
    #[must_use]
    pub fn recorded(mut self, recorded: bool) -> Self {
        self.recorded = recorded;
        self
    }

    /// Does what these decisions say, and counts where its policy would have decided otherwise.
    #[must_use]
    pub fn replaying(mut self, known: &'a [Decision]) -> Self {
        self.known = known;
        self
    }

    /// How tenants take turns at a node's shared queue.
    #[must_use]
    pub fn interleaving(mut self, interleaving: Interleaving) -> Self {
        self.interleaving = interleaving;
        self
    }

    /// Where workers are.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(super) fn costs_of(&self) -> &Costs {
        &self.costs
    }

    pub(super) fn is_traced(&self) -> bool {
        self.traced
    }

    /// Runs a workload to its end.
    ///
    /// # Panics
    ///
    /// If the simulator or a policy breaks V2: nothing happens any more although tasks are left.
    #[must_use]
    pub fn run(&self, workload: &Workload) -> Outcome {
        World::new(self, workload).run()
    }
}

/// What a worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Busy,
    /// Searches, or was woken to.
    Searching,
    /// Has found nothing, and sees what is pushed.
    Waiting,
    Parked,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Happening {
    /// A task is over.
    Done { worker: u32, task: u32 },
    /// The worker goes on telling the successors of a task.
    Release(work::Release),
    /// The worker looks for something to do.
    Look { worker: u32 },
    /// The worker is at a place that had work when it set out.
    Take { worker: u32, source: Source, attempt: u32 },
    /// The worker's search has ended; it began when so many tasks had been pushed.
    Vain { worker: u32, pushes: u64 },
    /// The worker has waited since then.
    Rest { worker: u32, since_ns: u64 },
    /// A task comes from outside.
    Arrive { task: u32 },
    /// A worker loses its processor.
    Stall { worker: u32, for_ns: u64 },
}

impl Happening {
    fn worker(self) -> Option<u32> {
        match self {
            Self::Done { worker, .. }
            | Self::Release(work::Release { worker, .. })
            | Self::Look { worker }
            | Self::Take { worker, .. }
            | Self::Vain { worker, .. }
            | Self::Rest { worker, .. } => Some(worker),
            Self::Arrive { .. } | Self::Stall { .. } => None,
        }
    }
}

/// An event on the heap, by time and then by number (V1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    at_ns: u64,
    number: u64,
    what: Happening,
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_ns, self.number).cmp(&(other.at_ns, other.number))
    }
}

/// A worker: its queues, and what it does.
#[derive(Debug)]
struct Worker {
    phase: Phase,
    queue: Queue,
    inbox: VecDeque<u32>,
    node: NodeIndex,
    /// When it began to look for work.
    since_ns: u64,
    /// When it began to wait, if it waits.
    waits_ns: u64,
    turn: u32,
    inline: u32,
    /// Time that a fault takes from it, still to be taken.
    stalled_ns: u64,
}

/// Loads as policies see them. A worker that waits counts as parked: either has nothing to do.
#[derive(Debug)]
struct Tables {
    queued: Vec<u32>,
    shared: Vec<u32>,
    parked: Vec<bool>,
    demand: Vec<Resources>,
    used: Vec<Resources>,
}

impl Loads for Tables {
    fn queued(&self, worker: WorkerId) -> u32 {
        self.queued[worker.0 as usize]
    }

    fn shared(&self, node: NodeIndex) -> u32 {
        self.shared[node.0 as usize]
    }

    fn parked(&self, worker: WorkerId) -> bool {
        self.parked[worker.0 as usize]
    }

    fn demand(&self, worker: WorkerId) -> Resources {
        self.demand[worker.0 as usize]
    }

    fn free(&self, node: NodeIndex) -> Resources {
        Resources([1.0; Resources::LANES]).saturating_sub(self.used[node.0 as usize])
    }
}

/// Who of a node has nothing to do.
#[derive(Debug, Default)]
struct Idle {
    searching: u32,
    waiting: Vec<u32>,
    parked: Vec<u32>,
}

struct World<'a> {
    simulation: &'a Simulation<'a>,
    workload: &'a Workload,
    now_ns: u64,
    numbers: u64,
    heap: BinaryHeap<Reverse<Due>>,
    workers: Vec<Worker>,
    shared: Vec<Shared>,
    idle: Vec<Idle>,
    loads: Tables,
    claims: claims::Claims,
    /// How many workers of each node a search has gone past, while it does so.
    passed: Vec<u64>,
    /// One more than there are workers: the last is the outside.
    minds: Vec<(Random, Memory)>,
    /// What each task still waits for.
    waits: Vec<u32>,
    ready_ns: Vec<u64>,
    queued: u64,
    pushes: u64,
    left: u32,
    log: Log<'a>,
    tally: Tally,
}

impl<'a> World<'a> {
    fn new(simulation: &'a Simulation<'a>, workload: &'a Workload) -> Self {
        let layout = &simulation.layout;
        let (workers, nodes, shape) = (layout.workers(), layout.nodes(), workload.shape());
        let seed = if mutant!("V1 the seed is the time") {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            now.map_or(0, |since| since.as_nanos() as u64)
        } else {
            simulation.seed
        };
        let numbers = 0..small(workers);
        let worker = |number: u32| Worker {
            phase: Phase::Parked,
            queue: Queue::default(),
            inbox: VecDeque::new(),
            node: layout.node(WorkerId(number)),
            since_ns: 0,
            waits_ns: 0,
            turn: 0,
            inline: 0,
            stalled_ns: 0,
        };
        let mind = |stream: u32| (Random::new(seed, u64::from(stream)), Memory::default());
        let tasks = small(shape.len());
        let mut idle: Vec<Idle> = (0..nodes).map(|_| Idle::default()).collect();
        for number in numbers.clone().rev() {
            idle[layout.node(WorkerId(number)).0 as usize].parked.push(number);
        }
        let shared = (0..small(nodes))
            .map(|node| {
                Shared::new(simulation.interleaving, workload.weights(), node, small(nodes), seed)
            })
            .collect();
        Self {
            simulation,
            workload,
            now_ns: 0,
            numbers: 0,
            heap: BinaryHeap::new(),
            workers: numbers.clone().map(worker).collect(),
            shared,
            idle,
            loads: Tables {
                queued: vec![0; workers],
                shared: vec![0; nodes],
                parked: vec![true; workers],
                demand: vec![Resources::NONE; workers],
                used: vec![Resources::NONE; nodes],
            },
            claims: claims::Claims::new(nodes, shape.len(), workload.weights()),
            passed: vec![0; nodes],
            minds: (0..=small(workers)).map(mind).collect(),
            waits: (0..tasks).map(|task| shape.predecessors(TaskId(task))).collect(),
            ready_ns: vec![0; shape.len()],
            queued: 0,
            pushes: 0,
            left: tasks,
            log: Log::new(simulation.recorded, simulation.known),
            tally: Tally::new(workload, nodes, simulation.traced),
        }
    }

    fn run(mut self) -> Outcome {
        for task in 0..self.left {
            if self.waits[task as usize] == 0 {
                self.at(self.workload.arrival_ns(task), Happening::Arrive { task });
            }
        }
        for fault in &self.simulation.faults {
            if let Fault::Stall { worker, at_ns, for_ns } = *fault {
                self.at(at_ns, Happening::Stall { worker: worker.0, for_ns });
            }
        }
        while let Some(Reverse(due)) = self.heap.pop() {
            assert!(due.at_ns >= self.now_ns, "V1: {due:?} at {}", self.now_ns);
            self.now_ns = due.at_ns;
            self.happen(due);
            if self.left == 0 {
                break;
            }
        }
        assert_eq!(self.left, 0, "V2: nothing happens any more, and tasks are left");
        let waiting = self.workers.iter().filter(|worker| worker.phase == Phase::Waiting);
        self.tally.waiting_ns += waiting.map(|worker| self.now_ns - worker.waits_ns).sum::<u64>();
        let workers = small(self.workers.len());
        let decisions = self.log.take();
        let outcome =
            self.tally.outcome(workers, self.now_ns, self.workload, &self.simulation.costs);
        Outcome { decisions, differing: self.log.differing, ..outcome }
    }

    fn happen(&mut self, due: Due) {
        if let Some(worker) = due.what.worker() {
            let stalled_ns = std::mem::take(&mut self.workers[worker as usize].stalled_ns);
            if stalled_ns > 0 {
                self.tally.stalled_ns += stalled_ns;
                self.at(due.at_ns + stalled_ns, due.what);
                return;
            }
        }
        match due.what {
            Happening::Done { worker, task } => self.done(worker, task),
            Happening::Release(release) => self.release(release),
            Happening::Look { worker } => self.look(worker, self.now_ns),
            Happening::Take { worker, source, attempt } => self.take(worker, source, attempt),
            Happening::Vain { worker, pushes } => self.vain(worker, pushes),
            Happening::Rest { worker, since_ns } => self.rest(worker, since_ns),
            Happening::Arrive { task } => {
                self.ready_ns[task as usize] = self.now_ns;
                // What is pushed from outside is paid for outside.
                self.hand_out(task, None, self.now_ns);
            }
            Happening::Stall { worker, for_ns } => {
                let all = mutant!("V5 all stall together");
                for (number, stalled) in (0..).zip(&mut self.workers) {
                    stalled.stalled_ns += if all || number == worker { for_ns } else { 0 };
                }
            }
        }
    }

    fn at(&mut self, at_ns: u64, what: Happening) {
        self.numbers += 1;
        self.heap.push(Reverse(Due { at_ns, number: self.numbers, what }));
    }

    /// Asks the policy on behalf of a worker, or of the outside.
    fn ask<R>(
        &mut self,
        worker: Option<u32>,
        now_ns: u64,
        f: impl FnOnce(&dyn Policy, &mut View<'_>) -> R,
    ) -> R {
        let mind = worker.map_or(self.workers.len(), |worker| worker as usize);
        let (random, memory) = &mut self.minds[mind];
        let mut view = View {
            layout: &self.simulation.layout,
            now: Now::At(now_ns),
            random,
            memory,
            knobs: self.simulation.knobs,
            loads: &self.loads as &dyn Loads,
        };
        f(self.simulation.policy, &mut view)
    }

    /// Writes down what a policy answered, and says what is to be done.
    fn decide(&mut self, worker: Option<u32>, at_ns: u64, answer: Answer) -> Answer {
        self.log.decide(Decision { at_ns, worker: worker.map(WorkerId), answer })
    }

    /// Where a task goes that is ready.
    fn put(&mut self, task: u32, view: &TaskView, from: Option<u32>, at_ns: u64) -> (Place, Order) {
        let (place, order) = self.ask(from, at_ns, |policy, asks| {
            let place = policy.select(view, from.map(WorkerId), asks);
            (place, policy.enqueue(view, place, asks))
        });
        match self.decide(from, at_ns, Answer::Put { task, place, order }) {
            Answer::Put { place, order, .. } => (place, order),
            _ => (place, order),
        }
    }

    fn view_of(&self, task: u32) -> TaskView {
        let profile = self.workload.shape().profile(TaskId(task));
        TaskView { need: self.need_of(task), ..profile.view(task, &self.simulation.layout) }
    }

    /// What a task needs as shares of a node; who says nothing needs a processor.
    fn need_of(&self, task: u32) -> Resources {
        let need = self.workload.shape().profile(TaskId(task)).need;
        if need == Resources::NONE {
            let layout = &self.simulation.layout;
            let cores = layout.workers() / layout.nodes();
            Resources::NONE.with(Lane::Cpu, 1.0 / cores.max(1) as f32)
        } else {
            need
        }
    }

    fn note(&mut self, at_ns: u64, worker: u32, kind: Kind, subject: u32) {
        self.tally.note(Event { at_ns, worker: WorkerId(worker), kind, subject });
    }
}
