//! Putting a graph together, and sealing it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use turgo_machine::clock::Clock;
use turgo_machine::topology::NodeId;

use super::body::Body;
use super::execution::{Context, Execution};
use super::pace::Pace;
use super::report::{Report, RunError};
use super::shape::{Cycle, Profile, Shape, TaskId};
use crate::policy::Priority;
use crate::resources::Resources;

/// What a task fails with.
pub(super) type Error = Box<dyn std::error::Error + Send + Sync>;

/// What a task's closure returns: nothing, or a result whose error is the task's failure.
pub trait Outcome {
    /// The error, if it failed.
    ///
    /// # Errors
    ///
    /// The task failed.
    fn outcome(self) -> Result<(), Error>;
}

impl Outcome for () {
    fn outcome(self) -> Result<(), Error> {
        Ok(())
    }
}

impl<E: Into<Error>> Outcome for Result<(), E> {
    fn outcome(self) -> Result<(), Error> {
        self.map_err(Into::into)
    }
}

/// What the failure of a task does to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnFailure {
    /// Nothing: those that come after it run as if it had not failed.
    FailNode,
    /// Those that come after it, and after those, are not run.
    #[default]
    PoisonDownstream,
    /// Nothing begins any more.
    AbortGraph,
}

/// A task graph in the making. See [the module](super).
#[derive(Default)]
pub struct Dag {
    bodies: Vec<Body>,
    profiles: Vec<Profile>,
    edges: Vec<(u32, u32)>,
    on_failure: OnFailure,
    room: Option<u32>,
    timed: bool,
}

impl fmt::Debug for Dag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dag")
            .field("tasks", &self.profiles.len())
            .field("edges", &self.edges.len())
            .finish_non_exhaustive()
    }
}

impl Dag {
    /// A graph without tasks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a task. It may be run again and again, and by any thread.
    pub fn node<O: Outcome>(
        &mut self,
        run: impl Fn(&Context<'_>) -> O + Send + Sync + 'static,
    ) -> Node<'_> {
        self.bodies.push(Body::new(run));
        self.profiles.push(Profile::default());
        let id = TaskId(crate::layout::small(self.profiles.len() - 1));
        Node { dag: self, id }
    }

    /// Adds an edge: `to` begins when `from` is over. A cycle is found by [`seal`](Self::seal).
    ///
    /// # Panics
    ///
    /// If one of them is not a task of this graph.
    pub fn edge(&mut self, from: TaskId, to: TaskId) {
        let tasks = self.profiles.len();
        assert!((from.0 as usize) < tasks, "{from:?} is not a task of this graph");
        assert!((to.0 as usize) < tasks, "{to:?} is not a task of this graph");
        self.edges.push((from.0, to.0));
    }

    /// What failures do; at first, [`OnFailure::PoisonDownstream`].
    pub fn on_failure(&mut self, policy: OnFailure) {
        self.on_failure = policy;
    }

    /// Lets the graph change while it runs: edges between tasks that wait, and up to `tasks` further ones a run. Costs each task two
    /// atomic operations more.
    ///
    /// # Panics
    ///
    /// If there is room for more than 2^24 tasks.
    pub fn room(&mut self, tasks: u32) {
        assert!(tasks <= 1 << 24, "room for {tasks} tasks: at most 2^24");
        self.room = Some(tasks);
    }

    /// Whether reports say how long each task ran, and where; costs each task two readings of the clock. Off at first.
    pub fn timed(&mut self, timed: bool) {
        self.timed = timed;
    }

    /// The graph, ready to run.
    ///
    /// # Errors
    ///
    /// Tasks wait for each other in a cycle, which is named.
    ///
    /// # Panics
    ///
    /// As [`Shape::new`].
    pub fn seal(self) -> Result<Graph, Cycle> {
        let shape = Shape::new(self.profiles, &self.edges)?;
        let has_needs = self.room.is_some() || shape.profiles().iter().any(Profile::has_need);
        let is_plain = self.room.is_none() && shape.profiles().iter().all(Profile::is_plain);
        let tasks = || (0..crate::layout::small(shape.len())).map(TaskId);
        let sources = tasks().filter(|&task| shape.predecessors(task) == 0).map(|task| task.0);
        let ends = tasks().filter(|&task| shape.successors(task).is_empty()).count();
        let after = tasks().map(|task| shape.after(task));
        let nodes =
            after.zip(self.bodies).map(|((first, count), body)| Step { body, first, count });
        Ok(Graph(Arc::new(Sealed {
            steps: nodes.collect(),
            sources: sources.collect(),
            ends: crate::layout::small(ends),
            shape,
            is_plain,
            has_needs,
            pace: Pace::default(),
            on_failure: self.on_failure,
            room: self.room,
            timed: self.timed,
        })))
    }
}

/// A task that was just added, to say more about. [`id`](Self::id) names it to those that come later.
#[derive(Debug)]
pub struct Node<'d> {
    dag: &'d mut Dag,
    id: TaskId,
}

impl Node<'_> {
    fn profile(&mut self) -> &mut Profile {
        &mut self.dag.profiles[self.id.0 as usize]
    }

    /// It begins when `other` is over.
    ///
    /// # Panics
    ///
    /// Here and in [`before`](Self::before), if that is not a task of this graph.
    pub fn after(self, other: TaskId) -> Self {
        self.dag.edge(other, self.id);
        self
    }

    /// It begins when all of these are over.
    ///
    /// # Panics
    ///
    /// As [`after`](Self::after).
    pub fn after_all(self, others: &[TaskId]) -> Self {
        others.iter().for_each(|&other| self.dag.edge(other, self.id));
        self
    }

    /// `other` begins when it is over.
    pub fn before(self, other: TaskId) -> Self {
        self.dag.edge(self.id, other);
        self
    }

    /// What reports, traces and errors call it.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.profile().name = Some(name.into());
        self
    }

    /// The node its data lives on.
    pub fn home(mut self, node: NodeId) -> Self {
        self.profile().home = Some(node);
        self
    }

    /// What it needs while it runs, of its home node or, without one, of the node where it is run. On a [pool](crate::Pool) it begins when all of that is
    /// [free](crate::pool::Builder::capacity), and has it until it ends; who comes later waits behind it.
    pub fn need(mut self, need: Resources) -> Self {
        self.profile().need = need;
        self
    }

    /// How urgent it is.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.profile().priority = priority;
        self
    }

    /// When it should be done, from the start of the run. Of tasks of the same priority those with a deadline come first, the earliest before the others; reports of
    /// [timed](Dag::timed) graphs say which were late.
    pub fn deadline(mut self, after_start: Duration) -> Self {
        self.profile().deadline_ns = nanoseconds(after_start);
        self
    }

    /// How long it is expected to run.
    pub fn cost(mut self, expected: Duration) -> Self {
        self.profile().cost_ns = nanoseconds(expected);
        self
    }

    /// How much it reads from its home node.
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.profile().bytes = bytes;
        self
    }

    /// Who pays for it, in a pool with [tenants](crate::pool::Builder::tenants); at 0, the tenant [for whom](crate::Pool::run_for) the graph is run.
    pub fn tenant(mut self, tenant: u32) -> Self {
        self.profile().tenant = tenant;
        self
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// What whoever runs a task reads, in one place.
pub(super) struct Step {
    pub(super) body: Body,
    /// Where its successors begin in the [shape's](Shape::all_successors).
    first: u32,
    count: u32,
}

#[cfg(not(any(loom, shuttle)))]
const _: () = assert!(size_of::<Step>() <= 32, "half a line");

pub(super) struct Sealed {
    pub(super) shape: Shape,
    /// By task.
    pub(super) steps: Box<[Step]>,
    /// Tasks that wait for nothing.
    pub(super) sources: Box<[u32]>,
    /// How many tasks there are that nothing waits for.
    pub(super) ends: u32,
    /// No task says anything about itself, and none will be added that does.
    pub(super) is_plain: bool,
    /// Tasks may need something while they run.
    pub(super) has_needs: bool,
    pub(super) pace: Pace,
    pub(super) on_failure: OnFailure,
    pub(super) room: Option<u32>,
    pub(super) timed: bool,
}

impl Sealed {
    /// Who comes after a task.
    #[inline(always)]
    pub(super) fn successors(&self, step: &Step) -> &[u32] {
        let first = step.first as usize;
        &self.shape.all_successors()[first..first + step.count as usize]
    }
}

/// A sealed graph: runs any number of times, also at once. Clones are the same graph.
#[derive(Clone)]
pub struct Graph(pub(super) Arc<Sealed>);

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph")
            .field("tasks", &self.0.shape.len())
            .field("edges", &self.0.shape.edges())
            .finish_non_exhaustive()
    }
}

impl Graph {
    /// Who comes after whom: what a simulator needs.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.0.shape
    }

    /// Runs the graph on this thread, the newest task first.
    ///
    /// # Errors
    ///
    /// A task failed.
    pub fn run_here(&self) -> Result<Report, RunError> {
        let execution = Execution::new(self.clone(), Clock::real());
        execution.run_here(execution.sources());
        execution.result(1)
    }
}
