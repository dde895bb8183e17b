//! Long-lived tasks: futures, and tasks that are run again and again in steps.
//!
//! A task lives in a cell that its slot in the arena, its wakers and its handle share. Its number is in a queue exactly while its state is READY; whoever takes the
//! number makes it RUNNING and calls it. A task that yields goes behind the others of its class, one that waits is queued again by its waker, where it ran last
//! or at its home. Stealing moves a number, and with it the task and its state.
//!
//! # Invariants
//!
//! - **T1** Only whoever made the state RUNNING touches the work; there is one at a time. What it left is found by the next one.
//! - **T2** A wake is not lost: of a waiting task it makes a ready one; of a running one, one that is ready when the step ends; a ready one has its step before it,
//!   and sees what led to the wake: therefore each wake of a task that has not ended is an exchange of the word, also where the word stays as it is.
//! - **T3** A number is queued once for each time that the state becomes READY, by whoever made it so.
//! - **T4** An ended task is not queued and never will be; its slot is freed by whoever ended it. Wakers may outlive it, and its pool.
//! - **T5** The outcome is written before the state says that there is one, and then belongs to the handle.
//! - **T6** Work stays where it is, in its cell, until it is dropped there: futures are pinned.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use turgo_machine::clock::Clock;

use crate::layout::NodeIndex;
use crate::policy::Priority;

mod cell;
mod joiner;
mod state;
#[cfg(test)]
mod tests;
mod work;

pub(crate) use cell::{Held, spawn, spawn_cancelled};
pub(crate) use work::{Polled, Stepped, Work};

use cell::Joinable;

/// What a re-armed task answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It has more to do, and lets others run first.
    Again,
    /// It waits for a waker.
    Park,
    /// It has ended.
    Done,
}

/// A task that is run again and again, each time for a bounded while. It keeps its state between the steps, and moves between threads with it.
///
/// ```
/// use std::task::Context;
/// use turgo_machine::topology::Topology;
/// use turgo_sched::pool::Pool;
/// use turgo_sched::task::{Budget, Rearmed, Step, TaskOptions};
///
/// struct Countdown(u32);
///
/// impl Rearmed for Countdown {
///     fn run(&mut self, _cx: &mut Context<'_>, _budget: Budget<'_>) -> Step {
///         self.0 -= 1;
///         if self.0 == 0 { Step::Done } else { Step::Again }
///     }
/// }
///
/// let pool = Pool::builder(&Topology::simulate("1x2")?).build()?;
/// pool.spawn_rearmed(Countdown(3), TaskOptions::default()).wait()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Rearmed: Send + 'static {
    /// Does some of the work; it should end soon after `budget` is spent, and never blocks. It is called by one thread at a time.
    ///
    /// A task that answers [`Step::Park`] has given the context's waker to whatever it waits for.
    fn run(&mut self, cx: &mut Context<'_>, budget: Budget<'_>) -> Step;
}

/// How long a step may take.
#[derive(Debug, Clone, Copy)]
pub struct Budget<'a> {
    clock: &'a Clock,
    until_ns: u64,
}

impl<'a> Budget<'a> {
    /// A budget that is spent when the clock shows `until_ns` nanoseconds.
    #[must_use]
    pub fn until(clock: &'a Clock, until_ns: u64) -> Self {
        Self { clock, until_ns }
    }

    /// Whether the step should end. Reads the clock, which takes some 25 ns.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.clock.now_ns() >= self.until_ns
    }

    /// What the clock shows.
    pub(crate) fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    /// When it is spent, in nanoseconds of the pool's clock.
    #[must_use]
    pub fn until_ns(&self) -> u64 {
        self.until_ns
    }
}

/// What a pool may know about a task that lives long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TaskOptions {
    /// How urgent it is.
    pub priority: Priority,
    /// The node that its data lives on, if it said so.
    pub home: Option<NodeIndex>,
    /// Who pays for it, in a pool with [tenants](crate::pool::Builder::tenants).
    pub tenant: u32,
    /// How long after it was woken it should wait again, or end: among tasks of its node and priority the one whose time is up first comes first. One that takes longer gets the same
    /// time once more, so that it does not keep others away for ever.
    pub deadline: Option<Duration>,
}

/// What a task is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// It was made and not queued yet.
    New,
    /// It is queued.
    Ready,
    /// It runs.
    Running,
    /// It waits for a waker.
    Blocked,
    /// It has ended well.
    Completed,
    /// It has panicked.
    Failed,
    /// It was aborted, or its pool has ended.
    Cancelled,
}

/// A task's outcome, when there is one. Dropping it leaves the task alone.
///
/// It is a future, for tasks; [`wait`](Self::wait) is for threads. Polled again after it has answered, it panics.
#[must_use = "a future does nothing unless polled; drop it to let the task go on alone"]
pub struct JoinHandle<T> {
    task: Arc<dyn Joinable<T>>,
    /// It gives a `T` away.
    outcome: PhantomData<T>,
}

impl<T: Send + 'static> JoinHandle<T> {
    /// Ends the task before its next step; one that runs is not interrupted. What it holds is dropped by the worker that would have run it.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// The number that the task has in traces, until it ends: then another one may get it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.task.id()
    }

    /// What the task is doing.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.task.state()
    }

    /// Whether there is an outcome.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(self.state(), TaskState::Completed | TaskState::Failed | TaskState::Cancelled)
    }

    /// Blocks the calling thread until the task has ended. Not for a pool's own workers: a worker that blocks runs nothing.
    ///
    /// # Errors
    ///
    /// If the task has panicked or was cancelled.
    pub fn wait(self) -> Result<T, JoinError> {
        joiner::block_on(|cx| self.task.poll_join(cx))
    }
}

impl<T: Send + 'static> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.task.poll_join(cx)
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("JoinHandle { .. }")
    }
}

/// Why a task has no result.
pub struct JoinError(Cause);

enum Cause {
    Cancelled,
    Panicked(Box<dyn Any + Send>),
}

impl JoinError {
    fn cancelled() -> Self {
        Self(Cause::Cancelled)
    }

    fn panicked(payload: Box<dyn Any + Send>) -> Self {
        Self(Cause::Panicked(payload))
    }

    /// Whether it was aborted, or its pool has ended.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0, Cause::Cancelled)
    }

    /// Whether it has panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.0, Cause::Panicked(_))
    }

    /// What the panic carried.
    ///
    /// # Errors
    ///
    /// The error itself, if the task has not panicked.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        match self.0 {
            Cause::Panicked(payload) => Ok(payload),
            Cause::Cancelled => Err(self),
        }
    }

    /// What it says, if that is a text.
    fn text(&self) -> Option<&str> {
        let Cause::Panicked(payload) = &self.0 else { return None };
        let owned = payload.downcast_ref::<String>().map(String::as_str);
        owned.or_else(|| payload.downcast_ref::<&str>().copied())
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Cause::Cancelled => f.pad("Cancelled"),
            Cause::Panicked(_) => f.debug_tuple("Panicked").field(&self.text()).finish(),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0, self.text()) {
            (Cause::Cancelled, _) => f.write_str("the task was cancelled"),
            (Cause::Panicked(_), Some(text)) => write!(f, "the task panicked: {text}"),
            (Cause::Panicked(_), None) => f.write_str("the task panicked"),
        }
    }
}

impl Error for JoinError {}
