//! How a run stands, and what came of it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::shape::{Span, TaskId};
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
    /// T1: what all tasks cost together, in nanoseconds.
    pub work_ns: u64,
    /// Tinf and the critical path: the longest one by cost.
    pub span: Span,
    /// What failed, in the order in which it did.
    pub failures: Vec<TaskFailure>,
    /// What came of each task, by number.
    pub tasks: Vec<TaskReport>,
    /// Who ran what, where it came from and where it was sent, if the pool [records](crate::pool::Builder::record).
    pub recording: Option<Recording>,
}

impl Report {
    /// How many times faster than its tasks one after the other.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a ratio of times is not exact anyway")]
    pub fn speed_up(&self) -> f64 {
        self.work_ns as f64 / self.makespan_ns.max(1) as f64
    }

    /// The speed-up for each worker: 1 is as good as it gets.
    #[must_use]
    pub fn efficiency(&self) -> f64 {
        self.speed_up() / f64::from(self.workers.max(1))
    }

    /// Tasks that were over after their deadlines, and by how many nanoseconds.
    pub fn late(&self) -> impl Iterator<Item = (TaskId, u64)> {
        (0..self.total)
            .zip(&self.tasks)
            .filter(|(_, task)| task.late_ns > 0)
            .map(|(id, task)| (TaskId(id), task.late_ns))
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
