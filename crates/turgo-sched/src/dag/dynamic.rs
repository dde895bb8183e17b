//! What is added to a graph while it runs: tasks, and edges to tasks that still wait.
//!
//! Additions are made one at a time under a lock, which keeps an order of all tasks to find cycles ([`order`](super::order)). What runners and
//! readers need of them is in two tables that they read under RCU: a runner whose task ends looks for edges only if its word says
//! that there are any (D5).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use turgo_lockfree::map::RcuHashMap;
use turgo_machine::atomic::{AtomicU32, Ordering};
use turgo_machine::mutant;

use super::body::Body;
use super::build::Outcome;
use super::execution::Context;
use super::order::Order;
use super::shape::{Cycle, Profile, Shape, Span, TaskId};
use super::state::{Edge, End, Extra, State};

/// Why something was not added. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EditError {
    /// The graph was sealed without [`room`](super::Dag::room), or all of it is taken.
    NoRoom,
    /// There is no such task in this run.
    Unknown(TaskId),
    /// The task waits for nothing any more: it may have begun.
    Started(TaskId),
    /// The edge would close this cycle.
    Cycle(Cycle),
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoom => f.write_str("no room for it: give the graph more with `Dag::room`"),
            Self::Unknown(task) => write!(f, "there is no task #{} in this run", task.0),
            Self::Started(task) => write!(f, "task #{} waits for nothing any more", task.0),
            Self::Cycle(cycle) => cycle.fmt(f),
        }
    }
}

impl std::error::Error for EditError {}

/// A task that was added.
pub(super) struct Added {
    pub(super) profile: Profile,
    pub(super) body: Body,
}

/// What only the adders see.
#[derive(Debug)]
struct Edits {
    order: Order,
    /// The sealed graph backwards, made when it is first needed.
    reversed: Option<(Vec<u32>, Vec<u32>)>,
    after: HashMap<u32, Vec<u32>>,
    before: HashMap<u32, Vec<u32>>,
}

pub(super) struct Dynamic {
    room: u32,
    sealed: u32,
    // LOCK: taken by tasks that add something, and by the report after the end. See the module.
    edits: Mutex<Edits>,
    tasks: RcuHashMap<u32, Arc<Added>>,
    edges: RcuHashMap<u32, Arc<[Arc<Edge>]>>,
    count: AtomicU32,
}

impl Dynamic {
    pub(super) fn new(shape: &Shape, room: u32) -> Self {
        let edits = Edits {
            order: Order::new(shape.order()),
            reversed: None,
            after: HashMap::new(),
            before: HashMap::new(),
        };
        Self {
            room,
            sealed: crate::layout::small(shape.len()),
            // LOCK: see the field.
            edits: Mutex::new(edits),
            tasks: RcuHashMap::new(),
            edges: RcuHashMap::new(),
            count: AtomicU32::new(0),
        }
    }

    /// How many tasks were added. Their entries are there.
    pub(super) fn added_count(&self) -> u32 {
        // Acquire: sees the entries of the tasks counted, by the Release in `spawn_with`.
        self.count.load(Ordering::Acquire)
    }

    pub(super) fn added(&self, task: u32) -> Option<Arc<Added>> {
        self.tasks.get(&task)
    }

    /// Arrives at the end of each edge that begins at `task` and was not delivered yet. The edges are held by a count, so that the read
    /// section is over before anything is handed out.
    pub(super) fn deliver(&self, task: u32, mut arrive: impl FnMut(u32)) {
        let edges = self.edges.get(&task);
        for edge in edges.iter().flat_map(|edges| edges.iter()) {
            if edge.deliver() {
                arrive(edge.to);
            }
        }
    }

    /// All edges, sealed and added, with the tasks in an order that agrees with them.
    pub(super) fn with_successors(
        &self,
        shape: &Shape,
        f: impl FnOnce(&[u32], &dyn Fn(u32, &mut dyn FnMut(u32))) -> Span,
    ) -> Span {
        let edits = self.edits();
        f(&edits.order.sorted(), &|task, visit| edits.successors(shape, task, visit))
    }

    fn edits(&self) -> std::sync::MutexGuard<'_, Edits> {
        // LOCK: see the field. Nothing of the user's runs while it is held, so it is not poisoned.
        self.edits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Edits {
    fn successors(&self, shape: &Shape, task: u32, visit: &mut dyn FnMut(u32)) {
        if (task as usize) < shape.len() {
            shape.successors(TaskId(task)).iter().for_each(|&next| visit(next));
        }
        self.after.get(&task).into_iter().flatten().for_each(|&next| visit(next));
    }

    fn predecessors(&self, task: u32, visit: &mut dyn FnMut(u32)) {
        if let Some((first, next)) = &self.reversed
            && (task as usize) + 1 < first.len()
        {
            let range = first[task as usize] as usize..first[task as usize + 1] as usize;
            next[range].iter().for_each(|&before| visit(before));
        }
        self.before.get(&task).into_iter().flatten().for_each(|&before| visit(before));
    }

    /// Puts an edge into the order.
    fn insert(&mut self, shape: &Shape, from: u32, to: u32) -> Result<(), Vec<u32>> {
        if self.reversed.is_none() {
            self.reversed = Some(shape.reversed());
        }
        let mut order = std::mem::replace(&mut self.order, Order::new(&[]));
        let done = order.insert(
            from,
            to,
            &|task, visit| self.successors(shape, task, visit),
            &|task, visit| self.predecessors(task, visit),
        );
        self.order = order;
        done?;
        self.after.entry(from).or_default().push(to);
        self.before.entry(to).or_default().push(from);
        Ok(())
    }
}

impl Context<'_> {
    /// Like [`spawn_after`](Self::spawn_after), with something said about the task.
    ///
    /// # Errors
    ///
    /// As [`spawn_after`](Self::spawn_after).
    pub fn spawn_with<O: Outcome>(
        &self,
        profile: Profile,
        before: &[TaskId],
        run: impl Fn(&Context<'_>) -> O + Send + Sync + 'static,
    ) -> Result<TaskId, EditError> {
        let dynamic = self.run.dynamic.as_ref().ok_or(EditError::NoRoom)?;
        let added = Arc::new(Added { profile, body: Body::new(run) });
        let mut edits = dynamic.edits();
        // Relaxed: written under the lock only.
        let count = dynamic.count.load(Ordering::Relaxed);
        let known = |task: &TaskId| task.0 < dynamic.sealed + count;
        if let Some(&stranger) = before.iter().find(|task| !known(task)) {
            return Err(EditError::Unknown(stranger));
        }
        if count == dynamic.room {
            return Err(EditError::NoRoom);
        }
        let task = edits.order.push();
        assert_eq!(task, dynamic.sealed + count, "tasks are numbered as they come");
        dynamic.tasks.insert(task, added);
        // Release: publishes the entry to the Acquire load in `added_count`.
        dynamic.count.store(count + 1, Ordering::Release);
        if !mutant!("D7 what is added does not count") {
            self.run.stay();
        }
        for &TaskId(from) in before {
            edits.insert(self.run.graph().shape(), from, task).expect("nothing comes after it yet");
            self.attach(dynamic, from, task);
        }
        drop(edits);
        // The arrival that it was made with: until now it could not begin.
        self.arrive(task, false);
        Ok(TaskId(task))
    }

    /// Adds an edge: `task` begins only when `on` is over, too.
    ///
    /// # Errors
    ///
    /// The graph was sealed without [room](super::Dag::room), one of the tasks is not of this run, `task` waits for nothing any more, or the
    /// edge would close a cycle.
    pub fn depend(&self, task: TaskId, on: TaskId) -> Result<(), EditError> {
        let dynamic = self.run.dynamic.as_ref().ok_or(EditError::NoRoom)?;
        let mut edits = dynamic.edits();
        // Relaxed: written under the lock only.
        let tasks = dynamic.sealed + dynamic.count.load(Ordering::Relaxed);
        if let Some(&stranger) = [task, on].iter().find(|known| known.0 >= tasks) {
            return Err(EditError::Unknown(stranger));
        }
        // Held from here on: it cannot begin before the edge is in place, or the hold is given back.
        if !self.run.words[task.0 as usize].hold() {
            return Err(EditError::Started(task));
        }
        if let Err(path) = edits.insert(self.run.graph().shape(), on.0, task.0) {
            drop(edits);
            self.arrive(task.0, false);
            let path = path.into_iter().map(TaskId).collect();
            return Err(EditError::Cycle(Cycle::new(path, |task| self.run.name(task))));
        }
        self.attach_held(dynamic, on.0, task.0);
        Ok(())
    }

    /// Publishes an edge to a task that cannot begin yet.
    fn attach(&self, dynamic: &Dynamic, from: u32, to: u32) {
        assert!(self.run.words[to as usize].hold(), "D6: it was not handed out");
        self.attach_held(dynamic, from, to);
    }

    /// Publishes an edge whose end waits for it already.
    fn attach_held(&self, dynamic: &Dynamic, from: u32, to: u32) {
        let edge = Arc::new(Edge::new(to));
        dynamic.edges.upsert(from, |edges| {
            let edges = edges.iter().flat_map(|edges| edges.iter()).cloned();
            edges.chain([Arc::clone(&edge)]).collect()
        });
        let end = match self.run.words[from as usize].add_extra() {
            Extra::Later => return,
            Extra::Over(State::Completed) => End::Completed,
            Extra::Over(State::Failed) => End::Failed,
            Extra::Over(_) => End::Cancelled,
        };
        if edge.deliver() {
            self.arrive(to, self.run.poisons(end));
        }
    }

    fn arrive(&self, task: u32, poison: bool) {
        self.run.arrive_within(task, poison, self.ready);
    }
}

impl fmt::Debug for Dynamic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dynamic").field("added", &self.added_count()).finish_non_exhaustive()
    }
}
