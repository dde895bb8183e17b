//! One run of a graph, without saying who runs it: whoever takes a task calls [`Execution::step`], which says what became ready.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use turgo_machine::atomic::{AtomicU32, AtomicU64, Ordering};
use turgo_machine::clock::Clock;
use turgo_machine::mutant;

use super::build::{Graph, OnFailure};
use super::dynamic::{Dynamic, EditError};
use super::report::{Failure, Progress, Report, RunError, TaskFailure, TaskReport};
use super::shape::{Profile, TaskId, longest};
use super::state::{End, State, Word};

/// The user asked for the end.
const CANCELLED: u32 = 1;
/// A failure asked for it.
const ABORTED: u32 = 2;

/// Who hands tasks to workers. Each task that it gets is to be run.
pub(crate) trait Ready {
    /// A task that became ready when another one ended.
    fn successor(&mut self, task: u32);

    /// A task that became ready while another one still runs.
    fn added(&mut self, task: u32);

    /// The task has ended, and nobody was told yet.
    fn ended(&mut self) {}
}

impl<F: FnMut(u32)> Ready for F {
    fn successor(&mut self, task: u32) {
        self(task);
    }

    fn added(&mut self, task: u32) {
        self(task);
    }
}

/// When and where a task ran.
#[derive(Debug, Default)]
struct Times {
    worker: AtomicU32,
    start_ns: AtomicU64,
    ran_ns: AtomicU64,
}

/// A run.
pub(crate) struct Execution {
    graph: Graph,
    pub(super) words: Box<[Word]>,
    times: Box<[Times]>,
    /// Ends that are not over (D7).
    left: AtomicU32,
    stop: AtomicU32,
    pub(super) dynamic: Option<Dynamic>,
    // LOCK: taken by tasks that fail, and at the end.
    failures: Mutex<Vec<TaskFailure>>,
    clock: Clock,
    start_ns: u64,
    end_ns: AtomicU64,
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution").field("graph", &self.graph).finish_non_exhaustive()
    }
}

impl Execution {
    /// A run in which nothing is ready yet.
    pub(crate) fn new(graph: Graph, clock: Clock) -> Self {
        let shape = graph.shape();
        let room = graph.0.room.unwrap_or(0) as usize;
        let tasks = crate::layout::small(shape.len());
        let words = (0..tasks)
            .map(|task| Word::new(shape.predecessors(TaskId(task))))
            // One more than there will be edges: the adder arrives last.
            .chain((0..room).map(|_| Word::new(1)))
            .collect();
        let timed = if graph.0.timed { shape.len() + room } else { 0 };
        let ends = (0..tasks).filter(|&task| shape.successors(TaskId(task)).is_empty()).count();
        Self {
            words,
            times: (0..timed).map(|_| Times::default()).collect(),
            left: AtomicU32::new(crate::layout::small(ends)),
            stop: AtomicU32::new(0),
            dynamic: graph.0.room.map(|room| Dynamic::new(shape, room)),
            // LOCK: see the field.
            failures: Mutex::new(Vec::new()),
            start_ns: clock.now_ns(),
            end_ns: AtomicU64::new(0),
            clock,
            graph,
        }
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The tasks that wait for nothing. To be asked for once: each is to be run.
    pub(crate) fn sources(&self) -> Vec<u32> {
        let shape = self.graph.shape();
        let tasks = 0..crate::layout::small(shape.len());
        tasks.filter(|&task| shape.predecessors(TaskId(task)) == 0).collect()
    }

    /// How many numbers tasks of this run may have.
    pub(crate) fn numbers(&self) -> u32 {
        crate::layout::small(self.words.len())
    }

    /// Runs a task that was handed out, and hands out what became ready. Returns whether the run is over.
    ///
    /// The last thing it does with the run is to arrive at the last successor, or to count an end: from then on the run may be over, and gone (D7).
    #[inline(always)]
    pub(crate) fn step<R: Ready>(&self, task: u32, worker: u32, ready: &mut R) -> bool {
        let word = &self.words[task as usize];
        let alone = self.dynamic.is_none();
        let poisoned = word.begin(alone) && !mutant!("D3 poison is not looked at");
        // Relaxed: whoever stopped the run hears of the tasks that begin meanwhile (D9).
        let stopped =
            self.stop.load(Ordering::Relaxed) != 0 && !mutant!("D9 a stop is not looked at");
        let end = if poisoned || stopped { End::Cancelled } else { self.call(task, worker, ready) };
        self.end(task, end, ready)
    }

    /// Ends a task that was handed out without running it: it fails, unless it would not have been run anyway. Returns whether the run is over.
    #[cold]
    pub(crate) fn refuse<R: Ready>(&self, task: u32, why: Failure, ready: &mut R) -> bool {
        let poisoned = self.words[task as usize].begin(self.dynamic.is_none());
        if poisoned || self.stopped() {
            return self.end(task, End::Cancelled, ready);
        }
        self.fail(task, why);
        self.end(task, End::Failed, ready)
    }

    /// The end of a task that was begun: hands out what became ready, and says whether the run is over.
    #[inline(always)]
    fn end<R: Ready>(&self, task: u32, end: End, ready: &mut R) -> bool {
        ready.ended();
        let extra = self.words[task as usize].finish(end, self.dynamic.is_none());
        let poison = self.poisons(end);
        if extra && let Some(dynamic) = &self.dynamic {
            dynamic.deliver(task, |next| self.arrive(next, poison, ready));
        }
        let tasks = self.graph.shape().len();
        if (task as usize) < tasks {
            let successors = self.graph.shape().successors(TaskId(task));
            for &next in successors {
                self.arrive(next, poison, ready);
            }
            if !successors.is_empty() {
                return false;
            }
        }
        self.leave()
    }

    #[inline]
    fn arrive(&self, task: u32, poison: bool, ready: &mut impl Ready) {
        if self.words[task as usize].arrive(poison) {
            ready.successor(task);
        }
    }

    /// Arrives at a task on behalf of one that runs.
    pub(super) fn arrive_within(&self, task: u32, poison: bool, ready: &mut dyn Ready) {
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

    fn call(&self, task: u32, worker: u32, ready: &mut dyn Ready) -> End {
        let timed = self.times.get(task as usize);
        let start_ns = if timed.is_some() { self.elapsed_ns() } else { 0 };
        let context = Context { run: self, me: TaskId(task), worker, ready: RefCell::new(ready) };
        let ends = if mutant!("D8 a panic goes through") {
            Ok(self.enter(task, &context))
        } else {
            catch_unwind(AssertUnwindSafe(|| self.enter(task, &context)))
        };
        let cause = match ends {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Failure::Error(error)),
            Err(panic) => Some(Failure::Panic(text_of(panic))),
        };
        if let Some(times) = timed {
            let ran_ns = self.elapsed_ns() - start_ns;
            // Relaxed, all: published by the task's end.
            times.worker.store(worker, Ordering::Relaxed);
            times.start_ns.store(start_ns, Ordering::Relaxed);
            times.ran_ns.store(ran_ns.max(1), Ordering::Relaxed);
        }
        match cause {
            None => End::Completed,
            Some(cause) => {
                self.fail(task, cause);
                End::Failed
            }
        }
    }

    fn enter(
        &self,
        task: u32,
        context: &Context<'_>,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        match self.graph.0.bodies.get(task as usize) {
            Some(body) => body(context),
            None => self.added(TaskId(task)).map_or(Ok(()), |added| (added.body)(context)),
        }
    }

    fn fail(&self, task: u32, cause: Failure) {
        let failure = TaskFailure { task: TaskId(task), name: self.name(TaskId(task)), cause };
        // LOCK: see the field. A panic while it is held leaves the list whole.
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
        if self.graph.0.on_failure == OnFailure::AbortGraph {
            // Relaxed: as in `cancel`.
            self.stop.fetch_or(ABORTED, Ordering::Relaxed);
        }
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
    fn tasks(&self) -> u32 {
        let added = self.dynamic.as_ref().map_or(0, Dynamic::added_count);
        crate::layout::small(self.graph.shape().len()) + added
    }

    /// Where it stands. Takes time linear in the tasks, and none of the runners' (D10).
    pub(crate) fn progress(&self) -> Progress {
        let shape = self.graph.shape();
        let mut progress = Progress { total: self.tasks(), ..Progress::default() };
        let (mut cost_all, mut cost_done) = (0u64, 0u64);
        for (task, word) in (0..progress.total).zip(&self.words) {
            let state = word.state();
            progress.count(state);
            let cost = shape.profiles().get(task as usize).map_or(0, |profile| profile.cost_ns);
            cost_all += cost;
            cost_done += if state.is_over() { cost } else { 0 };
        }
        // Acquire: as in `is_over`.
        let end_ns = self.end_ns.load(Ordering::Acquire);
        progress.elapsed_ns =
            if end_ns > 0 { end_ns.saturating_sub(self.start_ns) } else { self.elapsed_ns() };
        progress.estimate(cost_done, cost_all);
        progress
    }

    /// What came of it; the run must be over.
    pub(crate) fn result(&self, workers: u32) -> Result<Report, RunError> {
        assert!(self.is_over(), "D7: a run that is over has no task left");
        let report = self.report(workers);
        // Relaxed: the run is over.
        if self.stop.load(Ordering::Relaxed) & CANCELLED != 0 && report.cancelled > 0 {
            return Err(RunError::Cancelled(Box::new(report)));
        }
        if report.failures.is_empty() {
            Ok(report)
        } else {
            Err(RunError::Failed(Box::new(report)))
        }
    }

    fn report(&self, workers: u32) -> Report {
        let shape = self.graph.shape();
        let progress = self.progress();
        let tasks: Vec<TaskReport> = (0..progress.total)
            .map(|task| {
                let state = self.words[task as usize].state();
                let deadline_ns = self.profile(TaskId(task), |profile| profile.deadline_ns);
                self.task_report(task, state, deadline_ns.unwrap_or(u64::MAX))
            })
            .collect();
        let cost = |task: u32| match tasks[task as usize] {
            TaskReport { ran_ns, .. } if !self.times.is_empty() => ran_ns,
            TaskReport { state: State::Cancelled, .. } => 0,
            _ => self.profile(TaskId(task), |profile| profile.cost_ns).unwrap_or(0),
        };
        let span = match &self.dynamic {
            None => longest(shape.order(), cost, |task, visit| {
                shape.successors(TaskId(task)).iter().for_each(|&next| visit(next));
            }),
            Some(dynamic) => {
                dynamic.with_successors(shape, |order, next| longest(order, cost, next))
            }
        };
        // LOCK: see the field.
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        Report {
            total: progress.total,
            completed: progress.completed,
            failed: progress.failed,
            cancelled: progress.cancelled,
            workers,
            measured: !self.times.is_empty(),
            makespan_ns: progress.elapsed_ns,
            work_ns: (0..progress.total).map(cost).sum(),
            span,
            failures: std::mem::take(&mut failures),
            tasks,
            recording: None,
        }
    }

    fn task_report(&self, task: u32, state: State, deadline_ns: u64) -> TaskReport {
        let mut report = TaskReport { state, ..TaskReport::default() };
        if let Some(times) = self.times.get(task as usize) {
            // Relaxed, all: the run is over.
            report.ran_ns = times.ran_ns.load(Ordering::Relaxed);
            report.start_ns = times.start_ns.load(Ordering::Relaxed);
            report.worker = (report.ran_ns > 0).then(|| times.worker.load(Ordering::Relaxed));
            report.late_ns = (report.start_ns + report.ran_ns).saturating_sub(deadline_ns);
        }
        report
    }
}

/// The text of a panic.
fn text_of(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_string());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    // The value's own drop may panic, and again with a value of that kind: that one is not dropped at all (D8).
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(another);
    }
    text.unwrap_or_else(|| "a value that is not text".to_string())
}

/// What a task sees of the run it is part of.
pub struct Context<'r> {
    pub(super) run: &'r Execution,
    me: TaskId,
    worker: u32,
    pub(super) ready: RefCell<&'r mut dyn Ready>,
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
