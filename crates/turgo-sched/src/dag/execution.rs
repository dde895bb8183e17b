//! One run of a graph, without saying who runs it: whoever takes a task calls [`Execution::step`], which says what became ready.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use turgo_machine::atomic::{AtomicU32, AtomicU64, Ordering};
use turgo_machine::clock::Clock;
use turgo_machine::mutant;
use turgo_machine::prefetch;

use super::build::{Error, Graph, OnFailure};
use super::dynamic::{Dynamic, EditError};
use super::report::{Failure, TaskFailure};
use super::shape::{Profile, TaskId};
use super::state::{End, State, Word};
use crate::pool::forget_panic;

/// The user asked for the end.
pub(super) const CANCELLED: u32 = 1;
/// A failure asked for it.
const ABORTED: u32 = 2;

/// Who hands tasks to workers. Each task that it gets is to be run.
pub(crate) trait Ready {
    /// A task that became ready when another one ended.
    fn successor(&self, task: u32);

    /// A task that became ready while another one still runs.
    fn added(&self, task: u32);

    /// The task has ended, and nobody was told yet.
    fn ended(&self) {}
}

/// Who else runs tasks of the same run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// Nobody, until what this thread does has happened before (D12).
    None,
    Some,
}

/// A list of what is ready.
impl Ready for RefCell<Vec<u32>> {
    fn successor(&self, task: u32) {
        self.borrow_mut().push(task);
    }

    fn added(&self, task: u32) {
        self.borrow_mut().push(task);
    }
}

/// When and where a task ran.
#[derive(Debug, Default)]
pub(super) struct Times {
    pub(super) worker: AtomicU32,
    pub(super) start_ns: AtomicU64,
    pub(super) ran_ns: AtomicU64,
}

/// A run.
pub(crate) struct Execution {
    pub(super) graph: Graph,
    pub(super) words: Box<[Word]>,
    pub(super) times: Box<[Times]>,
    /// Ends that are not over (D7).
    left: AtomicU32,
    pub(super) stop: AtomicU32,
    pub(super) dynamic: Option<Dynamic>,
    // LOCK: taken by tasks that fail, and at the end.
    failures: Mutex<Vec<TaskFailure>>,
    clock: Clock,
    pub(super) start_ns: u64,
    pub(super) end_ns: AtomicU64,
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution").field("graph", &self.graph).finish_non_exhaustive()
    }
}

impl Execution {
    /// A run in which nothing is ready yet.
    pub(crate) fn new(graph: Graph, clock: Clock) -> Arc<Self> {
        let shape = graph.shape();
        let room = graph.0.room.unwrap_or(0) as usize;
        let mut words = Vec::with_capacity(shape.len() + room);
        words.extend(shape.all_predecessors().iter().map(|&count| Word::new(count)));
        // One more than there will be edges: the adder arrives last.
        words.extend((0..room).map(|_| Word::new(1)));
        let timed = if graph.0.timed { shape.len() + room } else { 0 };
        let start_ns = clock.now_ns();
        Arc::new(Self {
            words: words.into_boxed_slice(),
            times: (0..timed).map(|_| Times::default()).collect(),
            left: AtomicU32::new(graph.0.ends),
            stop: AtomicU32::new(0),
            dynamic: graph.0.room.map(|room| Dynamic::new(shape, room)),
            // LOCK: see the field.
            failures: Mutex::new(Vec::new()),
            start_ns,
            // A run of nothing is over as it begins.
            end_ns: AtomicU64::new(if graph.0.ends == 0 { start_ns.max(1) } else { 0 }),
            clock,
            graph,
        })
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The tasks that wait for nothing. Each is to be run once.
    pub(crate) fn sources(&self) -> &[u32] {
        &self.graph.0.sources
    }

    /// How many numbers tasks of this run may have.
    pub(crate) fn numbers(&self) -> u32 {
        crate::layout::small(self.words.len())
    }

    /// Runs a task that was handed out, and hands out what became ready. Returns whether the run is over.
    ///
    /// The last thing it does with the run is to arrive at the last successor, or to count an end: from then on the run may be over, and gone (D7).
    #[inline(always)]
    pub(crate) fn step<R: Ready>(&self, task: u32, worker: u32, others: Others, ready: &R) -> bool {
        let word = &self.words[task as usize];
        let alone = self.dynamic.is_none();
        if cfg!(turgo_with = "prefetch") {
            self.prefetch_successors(task);
        }
        let poisoned = word.begin(alone) && !mutant!("D3 poison is not looked at");
        // Relaxed: whoever stopped the run hears of the tasks that begin meanwhile (D9).
        let stopped =
            self.stop.load(Ordering::Relaxed) != 0 && !mutant!("D9 a stop is not looked at");
        let end = if poisoned || stopped {
            End::Cancelled
        } else if self.times.is_empty() {
            self.call(task, worker, ready)
        } else {
            self.call_timed(task, worker, ready)
        };
        self.end(task, end, others, ready)
    }

    /// The words at which a task will arrive. Not part of the product: it costs more than it saves (`bench/sched`).
    #[inline(always)]
    fn prefetch_successors(&self, task: u32) {
        let graph = &*self.graph.0;
        let successors =
            graph.steps.get(task as usize).map_or(&[][..], |step| graph.successors(step));
        for &next in successors {
            prefetch::read(&raw const self.words[next as usize]);
        }
    }

    /// Runs tasks that were handed out, and all that become ready, the newest first.
    pub(super) fn run_here(&self, tasks: &[u32]) {
        let ready = RefCell::new(tasks.to_vec());
        let next = || ready.borrow_mut().pop();
        while let Some(task) = next() {
            self.step(task, 0, Others::None, &ready);
        }
    }

    /// Ends a task that was handed out without running it: it fails, unless it would not have been run anyway. Returns whether the run is over.
    #[cold]
    pub(crate) fn refuse<R: Ready>(&self, task: u32, why: Failure, ready: &R) -> bool {
        let poisoned = self.words[task as usize].begin(self.dynamic.is_none());
        if poisoned || self.stopped() {
            return self.end(task, End::Cancelled, Others::Some, ready);
        }
        let end = self.fail(task, why);
        self.end(task, end, Others::Some, ready)
    }

    /// The end of a task that was begun: hands out what became ready, and says whether the run is over.
    #[inline(always)]
    fn end<R: Ready>(&self, task: u32, end: End, others: Others, ready: &R) -> bool {
        ready.ended();
        let extra = self.words[task as usize].finish(end, self.dynamic.is_none());
        let poison = self.poisons(end);
        if extra && let Some(dynamic) = &self.dynamic {
            dynamic.deliver(task, |next| self.arrive(next, poison, others, ready));
        }
        let graph = &*self.graph.0;
        if let Some(step) = graph.steps.get(task as usize) {
            let successors = graph.successors(step);
            for &next in successors {
                self.arrive(next, poison, others, ready);
            }
            if !successors.is_empty() {
                return false;
            }
        }
        self.leave()
    }

    #[inline(always)]
    fn arrive(&self, task: u32, poison: bool, others: Others, ready: &impl Ready) {
        let word = &self.words[task as usize];
        let is_ready = match others {
            Others::None => word.arrive_alone(poison),
            Others::Some => word.arrive(poison),
        };
        if is_ready {
            // It runs soon, and on this processor if nobody takes it.
            prefetch::read(self.graph.0.steps.as_ptr().wrapping_add(task as usize));
            ready.successor(task);
        }
    }

    /// Arrives at a task on behalf of one that runs.
    pub(super) fn arrive_within(&self, task: u32, poison: bool, ready: &dyn Ready) {
        if self.words[task as usize].arrive(poison) {
            ready.added(task);
        }
    }

    /// What a task is doing.
    pub(crate) fn state(&self, task: TaskId) -> Option<State> {
        (task.0 < self.tasks()).then(|| self.words[task.0 as usize].state())
    }

    pub(super) fn poisons(&self, end: End) -> bool {
        match end {
            End::Completed => false,
            End::Cancelled => true,
            End::Failed => self.graph.0.on_failure == OnFailure::PoisonDownstream,
        }
    }

    /// One more task must be over before the run is. The caller is within a task, so the run is not over yet.
    pub(super) fn stay(&self) {
        // Relaxed: the caller's own end comes later, with Release.
        self.left.fetch_add(1, Ordering::Relaxed);
    }

    /// An end is over; whether it was the last.
    fn leave(&self) -> bool {
        // AcqRel: Release publishes what this end did, Acquire shows what all others did to whoever finds the run over.
        if self.left.fetch_sub(1, Ordering::AcqRel) != 1 {
            return false;
        }
        let now = self.clock.now_ns();
        // Release: to the Acquire load in `is_over`.
        self.end_ns.store(now.max(1), Ordering::Release);
        true
    }

    /// Whether all tasks are over.
    pub(crate) fn is_over(&self) -> bool {
        // Acquire: sees all tasks' ends, by the Release in `leave`.
        self.left.load(Ordering::Acquire) == 0
    }

    /// Nothing begins from now on.
    pub(crate) fn cancel(&self) {
        // Relaxed: a hint that each task takes when it begins.
        self.stop.fetch_or(CANCELLED, Ordering::Relaxed);
    }

    /// Whether a task that was handed out will not be run.
    pub(crate) fn is_doomed(&self, task: u32) -> bool {
        self.stopped() || self.words[task as usize].is_poisoned()
    }

    /// When it began, in nanoseconds of its clock.
    pub(crate) fn start_ns(&self) -> u64 {
        self.start_ns
    }

    fn stopped(&self) -> bool {
        // Relaxed: as in `step`.
        self.stop.load(Ordering::Relaxed) != 0
    }

    #[inline(always)]
    fn call(&self, task: u32, worker: u32, ready: &dyn Ready) -> End {
        let context = Context { run: self, me: TaskId(task), worker, ready };
        if mutant!("D8 a panic goes through") {
            return self.enter(task, &context).map_or(End::Failed, |()| End::Completed);
        }
        match catch_unwind(AssertUnwindSafe(|| self.enter(task, &context))) {
            Ok(Ok(())) => End::Completed,
            Ok(Err(error)) => self.fail(task, Failure::Error(error)),
            Err(panic) => self.fail(task, Failure::Panic(text_of(panic))),
        }
    }

    #[cold]
    fn call_timed(&self, task: u32, worker: u32, ready: &dyn Ready) -> End {
        let start_ns = self.elapsed_ns();
        let end = self.call(task, worker, ready);
        let ran_ns = self.elapsed_ns() - start_ns;
        let times = &self.times[task as usize];
        // Relaxed, all: published by the task's end.
        times.worker.store(worker, Ordering::Relaxed);
        times.start_ns.store(start_ns, Ordering::Relaxed);
        times.ran_ns.store(ran_ns.max(1), Ordering::Relaxed);
        end
    }

    #[inline(always)]
    fn enter(&self, task: u32, context: &Context<'_>) -> Result<(), Error> {
        match self.graph.0.steps.get(task as usize) {
            Some(step) => step.body.call(context),
            None => self.enter_added(task, context),
        }
    }

    #[cold]
    fn enter_added(&self, task: u32, context: &Context<'_>) -> Result<(), Error> {
        self.added(TaskId(task)).map_or(Ok(()), |added| added.body.call(context))
    }

    #[cold]
    fn fail(&self, task: u32, cause: Failure) -> End {
        let failure = TaskFailure { task: TaskId(task), name: self.name(TaskId(task)), cause };
        self.lock_failures().push(failure);
        if self.graph.0.on_failure == OnFailure::AbortGraph {
            // Relaxed: as in `cancel`.
            self.stop.fetch_or(ABORTED, Ordering::Relaxed);
        }
        End::Failed
    }

    pub(super) fn lock_failures(&self) -> MutexGuard<'_, Vec<TaskFailure>> {
        // LOCK: see the field. A panic while it is held leaves the list whole.
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn elapsed_ns(&self) -> u64 {
        self.clock.now_ns() - self.start_ns
    }

    fn added(&self, task: TaskId) -> Option<Arc<super::dynamic::Added>> {
        self.dynamic.as_ref().and_then(|dynamic| dynamic.added(task.0))
    }

    /// What a task of this run says about itself.
    pub(crate) fn profile<U>(&self, task: TaskId, f: impl FnOnce(&Profile) -> U) -> Option<U> {
        match self.graph.shape().profiles().get(task.0 as usize) {
            Some(profile) => Some(f(profile)),
            None => self.added(task).map(|added| f(&added.profile)),
        }
    }

    pub(super) fn name(&self, task: TaskId) -> Option<Arc<str>> {
        self.profile(task, |profile| profile.name.clone()).flatten()
    }

    /// How many tasks there are by now.
    pub(super) fn tasks(&self) -> u32 {
        let added = self.dynamic.as_ref().map_or(0, Dynamic::added_count);
        crate::layout::small(self.graph.shape().len()) + added
    }
}

/// The text of a panic.
fn text_of(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_string());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    // D8
    forget_panic(panic);
    text.unwrap_or_else(|| "a value that is not text".to_string())
}

/// What a task sees of the run it is part of.
pub struct Context<'r> {
    pub(super) run: &'r Execution,
    me: TaskId,
    worker: u32,
    pub(super) ready: &'r dyn Ready,
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("me", &self.me).finish_non_exhaustive()
    }
}

impl Context<'_> {
    /// The task's own number.
    #[must_use]
    pub fn me(&self) -> TaskId {
        self.me
    }

    /// The worker that runs it.
    #[must_use]
    pub fn worker(&self) -> u32 {
        self.worker
    }

    /// Whether the run was cancelled or aborted: a long task looks now and then, and returns early.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.run.stopped()
    }

    /// Cancels the run: nothing begins any more.
    pub fn cancel(&self) {
        self.run.cancel();
    }

    /// Nanoseconds since the run began.
    #[must_use]
    pub fn elapsed_ns(&self) -> u64 {
        self.run.elapsed_ns()
    }

    /// Adds a task that begins when all of these are over; where one of them failed, it is poisoned as others are.
    ///
    /// # Errors
    ///
    /// There is no [room](super::Dag::room) left, or one of them is not a task of this run.
    pub fn spawn_after<O: super::Outcome>(
        &self,
        before: &[TaskId],
        run: impl Fn(&Context<'_>) -> O + Send + Sync + 'static,
    ) -> Result<TaskId, EditError> {
        self.spawn_with(Profile::default(), before, run)
    }
}
