//! How a run stands, and what came of it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;

use super::execution::{CANCELLED, Execution};
use super::pace::Way;
use super::shape::{Shape, Span, TaskId, longest};
use super::state::State;
use crate::trace::Recording;

/// Why a task failed.
#[derive(Debug)]
pub enum Failure {
    /// It returned an error.
    Error(Box<dyn Error + Send + Sync>),
    /// It panicked with this message.
    Panic(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Panic(text) => write!(f, "panicked: {text}"),
        }
    }
}

/// A task that failed.
#[derive(Debug)]
pub struct TaskFailure {
    /// Which.
    pub task: TaskId,
    /// What it is called.
    pub name: Option<Arc<str>>,
    /// Why.
    pub cause: Failure,
}

impl fmt::Display for TaskFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name}: {}", self.cause),
            None => write!(f, "#{}: {}", self.task.0, self.cause),
        }
    }
}

/// How far a run is. What it says was so at some time while it was put together, task by task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// All tasks, those that were added among them.
    pub total: u32,
    /// Tasks that ran and did not fail.
    pub completed: u32,
    /// Tasks that failed.
    pub failed: u32,
    /// Tasks that are not run.
    pub cancelled: u32,
    /// Tasks that run.
    pub running: u32,
    /// Tasks that wait for a worker.
    pub ready: u32,
    /// Nanoseconds since the run began, or that it took.
    pub elapsed_ns: u64,
    /// Nanoseconds that are left if it goes on as it went, by declared costs where there are any, by tasks otherwise. `None` before the
    /// first task is over.
    pub left_ns: Option<u64>,
}

impl Progress {
    /// Tasks that are over.
    #[must_use]
    pub fn done(&self) -> u32 {
        self.completed + self.failed + self.cancelled
    }

    pub(super) fn count(&mut self, state: State) {
        match state {
            State::Blocked => {}
            State::Ready => self.ready += 1,
            State::Running => self.running += 1,
            State::Completed => self.completed += 1,
            State::Failed => self.failed += 1,
            State::Cancelled => self.cancelled += 1,
        }
    }

    pub(super) fn estimate(&mut self, cost_done: u64, cost_all: u64) {
        let (done, all) = if cost_all > 0 {
            (u128::from(cost_done), u128::from(cost_all))
        } else {
            (u128::from(self.done()), u128::from(self.total))
        };
        let left = u128::from(self.elapsed_ns) * (all - done);
        self.left_ns = left.checked_div(done).map(|left| u64::try_from(left).unwrap_or(u64::MAX));
    }
}

/// What came of one task. Times are zero unless the graph was [timed](super::Dag::timed).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskReport {
    /// How it ended.
    pub state: State,
    /// Who ran it.
    pub worker: Option<u32>,
    /// When it began, in nanoseconds from the start of the run.
    pub start_ns: u64,
    /// How long it ran, in nanoseconds.
    pub ran_ns: u64,
    /// How long after its deadline it was over, in nanoseconds.
    pub late_ns: u64,
}

impl Default for TaskReport {
    fn default() -> Self {
        Self { state: State::Blocked, worker: None, start_ns: 0, ran_ns: 0, late_ns: 0 }
    }
}

/// What came of a run.
///
/// What it says of single tasks, and of all of them together, it finds out when it is asked: until it is dropped it keeps the run, and with it
/// the graph and what the tasks' closures own.
#[derive(Debug)]
pub struct Report {
    /// All tasks, those that were added among them.
    pub total: u32,
    /// Tasks that ran and did not fail.
    pub completed: u32,
    /// Tasks that failed.
    pub failed: u32,
    /// Tasks that were not run.
    pub cancelled: u32,
    /// How many workers there were to run it.
    pub workers: u32,
    /// Whether costs below are measured; if not, they are those that were declared.
    pub measured: bool,
    /// From the start of the run to the end of its last task, in nanoseconds.
    pub makespan_ns: u64,
    /// What failed, in the order in which it did.
    pub failures: Vec<TaskFailure>,
    /// Who ran what, where it came from and where it was sent, if the pool [records](crate::pool::Builder::record).
    pub recording: Option<Recording>,
    /// The number of its first task in its pool.
    pub(super) base: Option<u32>,
    run: Arc<Execution>,
}

impl Report {
    /// What came of each task, by number.
    pub fn tasks(&self) -> impl Iterator<Item = TaskReport> {
        (0..self.total).map(|task| self.run.task_report(task))
    }

    /// What came of one task; `None` if there is no such task.
    #[must_use]
    pub fn task(&self, task: TaskId) -> Option<TaskReport> {
        (task.0 < self.total).then(|| self.run.task_report(task.0))
    }

    /// What a task is called, if it has a name.
    #[must_use]
    pub fn name(&self, task: TaskId) -> Option<Arc<str>> {
        self.run.name(task)
    }

    /// Which of its tasks is the [subject](crate::trace::Event::subject) of an event in the pool's trace, if one of them is. Later runs of the pool get the same numbers
    /// again, so the question is to be asked about events of this run.
    ///
    /// ```
    /// use turgo_machine::topology::Topology;
    /// use turgo_sched::Pool;
    /// use turgo_sched::dag::Dag;
    /// use turgo_sched::trace::chrome_json;
    ///
    /// let pool = Pool::builder(&Topology::simulate("1x2")?).trace(1_000).build()?;
    /// let mut dag = Dag::new();
    /// let load = dag.node(|_| ()).name("load").id();
    /// dag.node(|_| ()).name("parse").after(load);
    /// let report = pool.run(&dag.seal()?).wait()?;
    /// let name = |subject| Some(report.name(report.traced(subject)?)?.to_string());
    /// let json = chrome_json(&pool.trace(), pool.layout(), name);
    /// assert!(json.contains(r#""name":"load""#) && json.contains(r#""name":"parse""#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn traced(&self, subject: u32) -> Option<TaskId> {
        let task = subject.checked_sub(self.base?)?;
        (task < self.total).then_some(TaskId(task))
    }

    /// The graph without what was added to it.
    pub(crate) fn shape(&self) -> &Shape {
        self.run.graph().shape()
    }

    /// T1: what all tasks cost together, in nanoseconds. Takes time linear in the tasks.
    #[must_use]
    pub fn work_ns(&self) -> u64 {
        (0..self.total).map(|task| self.run.cost_ns(task)).fold(0, u64::saturating_add)
    }

    /// Tinf and the critical path: the longest one by cost. Takes time and memory linear in tasks and edges.
    #[must_use]
    pub fn span(&self) -> Span {
        self.run.span()
    }

    /// How many times faster than its tasks one after the other. Takes time linear in the tasks.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a ratio of times is not exact anyway")]
    pub fn speed_up(&self) -> f64 {
        self.work_ns() as f64 / self.makespan_ns.max(1) as f64
    }

    /// The speed-up for each worker: 1 is as good as it gets. Takes time linear in the tasks.
    #[must_use]
    pub fn efficiency(&self) -> f64 {
        self.speed_up() / f64::from(self.workers.max(1))
    }

    /// Tasks that were over after their deadlines, and by how many nanoseconds.
    pub fn late(&self) -> impl Iterator<Item = (TaskId, u64)> {
        (0..self.total)
            .zip(self.tasks())
            .filter(|(_, task)| task.late_ns > 0)
            .map(|(id, task)| (TaskId(id), task.late_ns))
    }
}

impl Execution {
    /// Where it stands. Takes time linear in the tasks, and none of the runners' (D10).
    pub(crate) fn progress(&self) -> Progress {
        let mut progress = Progress { total: self.tasks(), ..Progress::default() };
        let (mut cost_all, mut cost_done) = (0u64, 0u64);
        for (task, word) in (0..progress.total).zip(&self.words) {
            let state = word.state();
            progress.count(state);
            let cost = self.profile(TaskId(task), |profile| profile.cost_ns).unwrap_or(0);
            cost_all = cost_all.saturating_add(cost);
            cost_done = cost_done.saturating_add(if state.is_over() { cost } else { 0 });
        }
        progress.elapsed_ns = self.makespan_ns();
        progress.estimate(cost_done, cost_all);
        progress
    }

    /// From its start to its end, or to now, in nanoseconds.
    fn makespan_ns(&self) -> u64 {
        // Acquire: from the Release in `leave`.
        match self.end_ns.load(Ordering::Acquire) {
            0 => self.elapsed_ns(),
            end_ns => end_ns.saturating_sub(self.start_ns),
        }
    }

    /// What came of it; the run must be over. Takes time linear in the tasks only where not all of them completed.
    pub(crate) fn result(self: &Arc<Self>, workers: u32) -> Result<Report, RunError> {
        assert!(self.is_over(), "D7: a run that is over has no task left");
        let went_well = self.went_well();
        let failures = std::mem::take(&mut *self.lock_failures());
        // Relaxed: the run is over.
        let stop = self.stop.load(Ordering::Relaxed);
        let total = self.tasks();
        let counts = if went_well {
            Progress { total, completed: total, ..Progress::default() }
        } else {
            self.progress()
        };
        let report = Report {
            total,
            completed: counts.completed,
            failed: counts.failed,
            cancelled: counts.cancelled,
            workers,
            measured: !self.times.is_empty(),
            makespan_ns: self.makespan_ns(),
            failures,
            recording: None,
            base: None,
            run: Arc::clone(self),
        };
        if stop & CANCELLED != 0 && report.cancelled > 0 {
            return Err(RunError::Cancelled(Box::new(report)));
        }
        if report.failures.is_empty() {
            Ok(report)
        } else {
            Err(RunError::Failed(Box::new(report)))
        }
    }

    /// Whether all tasks completed (D11); the run is over.
    fn went_well(&self) -> bool {
        // Relaxed: the run is over.
        let is_whole = self.stop.load(Ordering::Relaxed) == 0;
        (is_whole && self.lock_failures().is_empty()) || mutant!("D11 failures are not counted")
    }

    /// The graph remembers what this run took, which is over.
    pub(super) fn remember(&self, way: Way) {
        if self.went_well() {
            self.graph.0.pace.record(way, self.makespan_ns());
        }
    }

    /// What a task cost, or was expected to; the run is over.
    fn cost_ns(&self, task: u32) -> u64 {
        if let Some(times) = self.times.get(task as usize) {
            // Relaxed: the run is over.
            return times.ran_ns.load(Ordering::Relaxed);
        }
        match self.words[task as usize].state() {
            State::Cancelled => 0,
            _ => self.profile(TaskId(task), |profile| profile.cost_ns).unwrap_or(0),
        }
    }

    fn span(&self) -> Span {
        let (shape, cost) = (self.graph.shape(), |task| self.cost_ns(task));
        match &self.dynamic {
            None => shape.span_by(cost),
            Some(dynamic) => {
                dynamic.with_successors(shape, |order, next| longest(order, cost, next))
            }
        }
    }

    fn task_report(&self, task: u32) -> TaskReport {
        let state = self.words[task as usize].state();
        let mut report = TaskReport { state, ..TaskReport::default() };
        if let Some(times) = self.times.get(task as usize) {
            let deadline_ns = self.profile(TaskId(task), |profile| profile.deadline_ns);
            // Relaxed, all: the run is over.
            report.ran_ns = times.ran_ns.load(Ordering::Relaxed);
            report.start_ns = times.start_ns.load(Ordering::Relaxed);
            report.worker = (report.ran_ns > 0).then(|| times.worker.load(Ordering::Relaxed));
            let end_ns = report.start_ns + report.ran_ns;
            report.late_ns = end_ns.saturating_sub(deadline_ns.unwrap_or(u64::MAX));
        }
        report
    }
}

/// A run that did not end as it should. Its report is there all the same.
#[derive(Debug)]
pub enum RunError {
    /// Tasks failed.
    Failed(Box<Report>),
    /// It was cancelled before all tasks had begun.
    Cancelled(Box<Report>),
}

impl RunError {
    /// What came of the run.
    #[must_use]
    pub fn report(&self) -> &Report {
        match self {
            Self::Failed(report) | Self::Cancelled(report) => report,
        }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(report) => match report.failures.split_first() {
                Some((first, [])) => write!(f, "{first}"),
                Some((first, others)) => write!(f, "{first} (and {} more)", others.len()),
                None => f.write_str("a task failed"),
            },
            Self::Cancelled(report) => {
                let done = report.completed + report.failed;
                write!(f, "cancelled after {done} of {} tasks", report.total)
            }
        }
    }
}

impl Error for RunError {}
