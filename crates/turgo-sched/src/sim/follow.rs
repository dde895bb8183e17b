//! A real run, gone along on a simulated machine: the same tasks on the same workers in the same order, with the times that the cost model says.

use std::fmt;

use turgo_machine::mutant;

use super::costs::Costs;
use super::outcome::{Outcome, Tally};
use super::workload::Workload;
use super::world::Simulation;
use crate::dag::TaskId;
use crate::layout::{WorkerId, small};
use crate::policy::Place;
use crate::trace::{Choice, Decision, Event, Got, Kind, Recording, fingerprint};

/// Why a recording is not that of a whole run of this graph on this machine (V7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayError {
    /// It was made with another number of workers.
    OtherWorkers {
        /// When it was made.
        recorded: u32,
        /// Here.
        simulated: u32,
    },
    /// Its graph has other tasks or edges.
    OtherGraph {
        /// Of the recording: see [`fingerprint`].
        recorded: u64,
        /// Of the workload.
        simulated: u64,
    },
    /// There is no such task, or no such worker.
    Unknown {
        /// The position of the decision.
        at: usize,
        /// What was decided.
        decision: Decision,
    },
    /// A task is ready before all that it comes after have begun.
    TooEarly {
        /// The position of the decision.
        at: usize,
        /// What was decided.
        decision: Decision,
    },
    /// A task begins, or is put somewhere, and has begun before.
    Again {
        /// The position of the decision.
        at: usize,
        /// What was decided.
        decision: Decision,
    },
    /// Nobody runs this task.
    Missing {
        /// The first of them.
        task: u32,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, Decision { worker, task, .. }, what) = match self {
            Self::OtherWorkers { recorded, simulated } => {
                return write!(f, "recorded with {recorded} workers, and here are {simulated}");
            }
            Self::OtherGraph { recorded, simulated } => {
                return write!(
                    f,
                    "recorded from another graph: its fingerprint is {recorded:016x}, this one's {simulated:016x}"
                );
            }
            Self::Missing { task } => {
                return write!(
                    f,
                    "nobody runs task {task}: a run that failed or was cancelled cannot be replayed"
                );
            }
            Self::Unknown { at, decision } => {
                (at, decision, "no such task or worker; a graph that grows cannot be replayed")
            }
            Self::TooEarly { at, decision } => (at, decision, "not all before it have begun"),
            Self::Again { at, decision } => (at, decision, "it has begun before"),
        };
        write!(f, "decision {at}, of worker {} about task {task}: {what}", worker.0)
    }
}

impl std::error::Error for ReplayError {}

/// How far the run is.
struct Following<'a> {
    simulation: &'a Simulation<'a>,
    workload: &'a Workload,
    /// When each worker has done what it did so far.
    free_ns: Vec<u64>,
    ready_ns: Vec<u64>,
    waits: Vec<u32>,
    begun: Vec<bool>,
    tally: Tally,
}

impl Simulation<'_> {
    /// Goes along a run of a pool ([`Report::recorded`](crate::dag::Report::recorded)): each task is run by the worker that ran it, and each worker runs its tasks
    /// in the order in which it did. When, is what the costs say: so it shows what the very decisions of that run would take on another machine, or with other costs of tasks, and
    /// the same recording always has the same trace.
    ///
    /// The policy, knobs and faults are not asked. How long workers looked for work is not in a recording, and not in the times; a task that waited for others within itself takes
    /// its cost before those that its worker ran meanwhile. Takes time linear in tasks, edges and decisions.
    ///
    /// # Errors
    ///
    /// If the recording is not that of a whole run of this graph by as many workers (V7).
    pub fn replay(
        &self,
        workload: &Workload,
        recording: &Recording,
    ) -> Result<Outcome, ReplayError> {
        let (workers, shape) = (small(self.layout().workers()), workload.shape());
        if recording.workers != workers {
            let recorded = recording.workers;
            return Err(ReplayError::OtherWorkers { recorded, simulated: workers });
        }
        let print = fingerprint(shape);
        if recording.graph != print {
            return Err(ReplayError::OtherGraph { recorded: recording.graph, simulated: print });
        }
        let tasks = 0..small(shape.len());
        let mut following = Following {
            simulation: self,
            workload,
            free_ns: vec![0; workers as usize],
            ready_ns: tasks.clone().map(|task| workload.arrival_ns(task)).collect(),
            waits: tasks.map(|task| shape.predecessors(TaskId(task))).collect(),
            begun: vec![false; shape.len()],
            tally: Tally::new(workload, self.layout().nodes(), self.is_traced()),
        };
        for (at, decision) in recording.decisions.iter().enumerate() {
            following.check(at, decision)?;
            following.go(decision);
        }
        if let Some(task) = following.begun.iter().position(|begun| !begun) {
            return Err(ReplayError::Missing { task: small(task) });
        }
        let end_ns = following.free_ns.iter().copied().max().unwrap_or(0);
        let outcome = following.tally.outcome(workers, end_ns, workload, self.costs_of());
        Ok(Outcome { measured_ns: Some(recording.makespan_ns), ..outcome })
    }
}

impl Following<'_> {
    /// Whether a run can have come to this decision (V7).
    fn check(&self, at: usize, decision: &Decision) -> Result<(), ReplayError> {
        let decision = *decision;
        let task = decision.task as usize;
        let is_there = |worker: WorkerId| (worker.0 as usize) < self.free_ns.len();
        let from = match decision.choice {
            Choice::Run(Got::Stolen(from)) => from,
            _ => decision.worker,
        };
        if task >= self.begun.len() || !is_there(decision.worker) || !is_there(from) {
            return Err(ReplayError::Unknown { at, decision });
        }
        if mutant!("V7 whatever is there is gone along") {
            return Ok(());
        }
        if self.begun[task] {
            return Err(ReplayError::Again { at, decision });
        }
        if self.waits[task] > 0 {
            return Err(ReplayError::TooEarly { at, decision });
        }
        Ok(())
    }

    fn go(&mut self, decision: &Decision) {
        let Decision { worker, task, choice } = *decision;
        match choice {
            Choice::Put(place, _) => {
                let free_ns = self.pay(worker, self.put_ns(worker, place));
                let ready_ns = &mut self.ready_ns[task as usize];
                *ready_ns = free_ns.max(*ready_ns);
            }
            Choice::Run(got) => {
                let is_wrong = mutant!("V7 one worker runs everything");
                self.run(task, if is_wrong { WorkerId(0) } else { worker }, got);
            }
        }
    }

    /// A worker does something for so long; answers when it has.
    fn pay(&mut self, worker: WorkerId, cost_ns: u64) -> u64 {
        self.tally.busy_ns += cost_ns;
        let free_ns = &mut self.free_ns[worker.0 as usize];
        *free_ns += cost_ns;
        *free_ns
    }

    /// What it costs a worker to put a task somewhere. A place that is not there is replaced by its own node, as pools do.
    fn put_ns(&self, worker: WorkerId, place: Place) -> u64 {
        let (layout, costs) = (self.simulation.layout(), self.simulation.costs_of());
        let to = match place {
            Place::Here => return costs.deque_ns,
            Place::Worker(to) if (to.0 as usize) < layout.workers() => layout.node(to),
            Place::Node(node) if (node.0 as usize) < layout.nodes() => node,
            Place::Worker(_) | Place::Node(_) => layout.node(worker),
        };
        Costs::at(costs.shared_ns, layout.distance(layout.node(worker), to))
    }

    /// What it costs a worker to get a task.
    fn get_ns(&mut self, worker: WorkerId, got: Got) -> u64 {
        let (layout, costs) = (self.simulation.layout(), self.simulation.costs_of());
        match got {
            Got::Own => costs.deque_ns,
            Got::Next => 0,
            Got::Outside => costs.shared_ns,
            Got::Stolen(from) => {
                let (here, there) = (layout.node(worker), layout.node(from));
                self.tally.stole(1, here != there);
                Costs::at(costs.steal_ns, layout.distance(here, there))
            }
        }
    }

    /// A worker gets a task, runs it, and tells those that come after it.
    fn run(&mut self, task: u32, worker: WorkerId, got: Got) {
        let (layout, workload) = (self.simulation.layout(), self.workload);
        let (costs, ready_ns) = (self.simulation.costs_of(), self.ready_ns[task as usize]);
        let free_ns = &mut self.free_ns[worker.0 as usize];
        *free_ns = ready_ns.max(*free_ns);
        let get_ns = self.get_ns(worker, got);
        let begin_ns = self.pay(worker, get_ns);
        let view = workload.shape().profile(TaskId(task)).view(task, layout);
        let run_ns = self.tally.cost_ns(&view, layout.node(worker), layout, costs);
        let end_ns = self.pay(worker, run_ns);
        self.begun[task as usize] = true;
        self.tally.begun(task, begin_ns - ready_ns);
        self.tally.over(task);
        for (at_ns, kind) in [(begin_ns, Kind::Begin), (end_ns, Kind::End)] {
            self.tally.note(Event { at_ns, worker, kind, subject: task });
        }
        for &next in workload.shape().successors(TaskId(task)) {
            let told_ns = self.pay(worker, costs.edge_ns);
            self.waits[next as usize] -= 1;
            let ready_ns = &mut self.ready_ns[next as usize];
            *ready_ns = told_ns.max(*ready_ns);
        }
    }
}
