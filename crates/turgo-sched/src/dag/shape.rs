//! The skeleton of a task graph: who comes after whom, and what each task says about itself. No code of the user's; the simulator runs it as it is.

use std::fmt;
use std::sync::Arc;

use turgo_machine::mutant;
use turgo_machine::topology::NodeId;

use crate::layout::Layout;
use crate::policy::{Priority, TaskView};
use crate::resources::Resources;

/// A task of a graph: its number, from 0 in the order in which tasks were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u32);

/// What a task says about itself; all of it is optional.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// What reports and traces call it.
    pub name: Option<Arc<str>>,
    /// The node its data lives on.
    pub home: Option<NodeId>,
    /// What it needs while it runs.
    pub need: Resources,
    /// How urgent it is.
    pub priority: Priority,
    /// When it should be done, in nanoseconds from the start of the run; `u64::MAX` if never.
    pub deadline_ns: u64,
    /// How long it is expected to run, in nanoseconds; 0 if nobody knows.
    pub cost_ns: u64,
    /// Bytes it reads from its home node.
    pub bytes: u64,
    /// Who pays for it.
    pub tenant: u32,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            name: None,
            home: None,
            need: Resources::NONE,
            priority: Priority::Normal,
            deadline_ns: u64::MAX,
            cost_ns: 0,
            bytes: 0,
            tenant: 0,
        }
    }
}

impl Profile {
    /// As a policy sees it, with the deadline from the start of the run.
    pub(crate) fn view(&self, id: u32, layout: &Layout) -> TaskView {
        TaskView {
            id,
            home: self.home.and_then(|home| layout.node_index(home)),
            last: None,
            tenant: self.tenant,
            priority: self.priority,
            deadline_ns: self.deadline_ns,
            need: self.need,
            bytes: self.bytes,
            cost_ns: self.cost_ns,
        }
    }

    /// Whether it needs anything.
    pub(crate) fn has_need(&self) -> bool {
        self.need != Resources::NONE
    }

    /// Whether it says nothing that a decision could depend on; what it costs is for reports.
    pub(crate) fn is_plain(&self) -> bool {
        let Self { home, need, priority, deadline_ns, bytes, tenant, name: _, cost_ns: _ } = self;
        let said = (home, need, priority, deadline_ns, bytes, tenant);
        said == (&None, &Resources::NONE, &Priority::Normal, &u64::MAX, &0, &0)
    }
}

/// A graph whose edges form a cycle. Says which: each task comes before the next, and the last before the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// The tasks of the cycle, in the order of its edges; the first is not repeated at the end.
    pub path: Vec<TaskId>,
    names: Vec<Option<Arc<str>>>,
}

impl Cycle {
    pub(super) fn new(path: Vec<TaskId>, name: impl Fn(TaskId) -> Option<Arc<str>>) -> Self {
        let names = path.iter().map(|&task| name(task)).collect();
        Self { path, names }
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tasks wait for each other: ")?;
        let tasks = || self.path.iter().zip(&self.names);
        for (position, (task, name)) in tasks().chain(tasks().take(1)).enumerate() {
            f.write_str(if position > 0 { " -> " } else { "" })?;
            match name {
                Some(name) => f.write_str(name)?,
                None => write!(f, "#{}", task.0)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Cycle {}

/// Tasks and edges without a cycle.
///
/// ```
/// use turgo_sched::dag::{Profile, Shape, TaskId};
/// let task = |cost_ns| Profile { cost_ns, ..Profile::default() };
/// let shape = Shape::new(vec![task(10), task(20), task(30)], &[(0, 1), (0, 2)]).expect("no cycle");
/// assert_eq!((shape.work_ns(), shape.span().length_ns), (60, 40));
/// assert_eq!(shape.span().path, [TaskId(0), TaskId(2)]);
/// let cycle = Shape::new(vec![task(1), task(1)], &[(0, 1), (1, 0)]).expect_err("a cycle");
/// assert_eq!(cycle.to_string(), "tasks wait for each other: #1 -> #0 -> #1");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    profiles: Vec<Profile>,
    /// Where the successors of each task begin in `next`; one more entry than there are tasks.
    first: Vec<u32>,
    next: Vec<u32>,
    before: Vec<u32>,
    order: Vec<u32>,
}

/// The longest path through a graph.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Span {
    /// The sum of its costs, in nanoseconds.
    pub length_ns: u64,
    /// Its tasks, from the first to the last.
    pub path: Vec<TaskId>,
}

impl Shape {
    /// A task may have this many predecessors at most.
    pub const PREDECESSORS_MAX: u32 = (1 << 24) - 2;

    /// Tasks with their numbers as positions, and edges from a task to one that comes after it. Takes time linear in both.
    ///
    /// # Errors
    ///
    /// The edges form a cycle.
    ///
    /// # Panics
    ///
    /// If an edge names a task that is not there, or there are more than 2^31 tasks or edges, or a task has more than
    /// [`PREDECESSORS_MAX`](Self::PREDECESSORS_MAX) predecessors.
    pub fn new(profiles: Vec<Profile>, edges: &[(u32, u32)]) -> Result<Self, Cycle> {
        let tasks = profiles.len();
        assert!(tasks <= 1 << 31, "{tasks} tasks: at most 2^31 can be told apart");
        assert!(edges.len() <= 1 << 31, "{} edges are too many", edges.len());
        let mut first = vec![0u32; tasks + 1];
        let mut before = vec![0u32; tasks];
        for &(from, to) in edges {
            first[from as usize + 1] += 1;
            before[to as usize] += 1;
        }
        let crowded = before.iter().position(|&count| count > Self::PREDECESSORS_MAX);
        assert_eq!(crowded, None, "a task with too many predecessors");
        for task in 0..tasks {
            first[task + 1] += first[task];
        }
        let mut place = first.clone();
        let mut next = vec![0u32; edges.len()];
        for &(from, to) in edges {
            let slot = &mut place[from as usize];
            next[*slot as usize] = to;
            *slot += 1;
        }
        let mut shape = Self { profiles, first, next, before, order: Vec::new() };
        shape.order = shape.sorted()?;
        Ok(shape)
    }

    /// How many tasks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.profiles.len()
    }

    /// Whether there is no task.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty()
    }

    /// How many edges there are.
    #[must_use]
    pub fn edges(&self) -> usize {
        self.next.len()
    }

    /// What a task says about itself.
    ///
    /// # Panics
    ///
    /// Here and below, if there is no such task.
    #[must_use]
    pub fn profile(&self, task: TaskId) -> &Profile {
        &self.profiles[task.0 as usize]
    }

    /// What all tasks say about themselves, by number.
    #[must_use]
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// Who comes after a task, as numbers.
    #[must_use]
    #[inline]
    pub fn successors(&self, task: TaskId) -> &[u32] {
        let task = task.0 as usize;
        &self.next[self.first[task] as usize..self.first[task + 1] as usize]
    }

    /// How many edges lead to a task.
    #[must_use]
    pub fn predecessors(&self, task: TaskId) -> u32 {
        self.before[task.0 as usize]
    }

    /// The successors of all tasks, one list after the other.
    pub(super) fn all_successors(&self) -> &[u32] {
        &self.next
    }

    /// Where the successors of a task begin among all, and how many they are.
    pub(super) fn after(&self, task: TaskId) -> (u32, u32) {
        let first = self.first[task.0 as usize];
        (first, self.first[task.0 as usize + 1] - first)
    }

    /// As [`predecessors`](Self::predecessors), of all tasks by number.
    pub(super) fn all_predecessors(&self) -> &[u32] {
        &self.before
    }

    /// All tasks as numbers, each before those that come after it.
    #[must_use]
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// T1: what all tasks cost together, in nanoseconds; at most `u64::MAX`.
    #[must_use]
    pub fn work_ns(&self) -> u64 {
        self.profiles.iter().map(|profile| profile.cost_ns).fold(0, u64::saturating_add)
    }

    /// Tinf: the longest path by declared costs.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span_by(|task| self.profiles[task as usize].cost_ns)
    }

    /// The longest path by other costs.
    pub(crate) fn span_by(&self, cost: impl Fn(u32) -> u64) -> Span {
        longest(&self.order, cost, |task, visit| {
            self.successors(TaskId(task)).iter().for_each(|&next| visit(next));
        })
    }

    /// The graph with every edge turned round, as (first, next) of its successor lists.
    pub(super) fn reversed(&self) -> (Vec<u32>, Vec<u32>) {
        let mut first = vec![0u32; self.len() + 1];
        for (task, &count) in self.before.iter().enumerate() {
            first[task + 1] = first[task] + count;
        }
        let mut place = first.clone();
        let mut next = vec![0u32; self.next.len()];
        for task in 0..crate::layout::small(self.len()) {
            for &successor in self.successors(TaskId(task)) {
                let slot = &mut place[successor as usize];
                next[*slot as usize] = task;
                *slot += 1;
            }
        }
        (first, next)
    }

    /// Kahn's algorithm (CACM 1962).
    fn sorted(&self) -> Result<Vec<u32>, Cycle> {
        let mut waits = self.before.clone();
        let mut order: Vec<u32> = (0..crate::layout::small(self.len()))
            .filter(|&task| waits[task as usize] == 0)
            .collect();
        let mut at = 0;
        while at < order.len() {
            for &next in self.successors(TaskId(order[at])) {
                waits[next as usize] -= 1;
                if waits[next as usize] == 0 {
                    order.push(next);
                }
            }
            at += 1;
        }
        if order.len() == self.len() {
            return Ok(order);
        }
        if mutant!("D4 a cycle is sealed") {
            order.extend(
                (0..crate::layout::small(self.len())).filter(|&task| waits[task as usize] > 0),
            );
            return Ok(order);
        }
        Err(self.cycle_among(&waits))
    }

    /// A cycle among the tasks that still wait: each of them waits for another one of them, so that going from one to such a predecessor
    /// comes round at last.
    fn cycle_among(&self, waits: &[u32]) -> Cycle {
        let (first, next) = self.reversed();
        let mut seen = vec![u32::MAX; self.len()];
        let stuck =
            waits.iter().position(|&count| count > 0).expect("a sort that stopped left some");
        let mut path = Vec::new();
        let mut task = crate::layout::small(stuck);
        while seen[task as usize] == u32::MAX {
            seen[task as usize] = crate::layout::small(path.len());
            path.push(TaskId(task));
            let range = first[task as usize] as usize..first[task as usize + 1] as usize;
            task = (next[range].iter().copied())
                .find(|&before| waits[before as usize] > 0)
                .expect("who waits has a predecessor that waits");
        }
        path.drain(..seen[task as usize] as usize);
        path.reverse();
        Cycle::new(path, |task| self.profile(task).name.clone())
    }
}

/// The longest path by `cost` over tasks in an order in which each comes before its successors.
pub(super) fn longest(
    order: &[u32],
    cost: impl Fn(u32) -> u64,
    successors: impl Fn(u32, &mut dyn FnMut(u32)),
) -> Span {
    let size = order.iter().max().map_or(0, |&last| last as usize + 1);
    // For each task the longest path that ends before it, and whom that comes through.
    let mut before = vec![(0u64, u32::MAX); size];
    let mut end = None;
    let mut length_ns = 0;
    for &task in order {
        let through = before[task as usize].0.saturating_add(cost(task));
        if end.is_none() || through > length_ns {
            (end, length_ns) = (Some(task), through);
        }
        successors(task, &mut |next| {
            let slot = &mut before[next as usize];
            if slot.1 == u32::MAX || through > slot.0 {
                *slot = (through, task);
            }
        });
    }
    let mut path = Vec::new();
    while let Some(task) = end {
        path.push(TaskId(task));
        let through = before[task as usize].1;
        end = (through != u32::MAX).then_some(through);
    }
    path.reverse();
    Span { length_ns, path }
}
