//! Promises of a pool: tasks that come again and again, and are done in time.
//!
//! # Invariants
//!
//! - **A7** What a job is measured to take is the time of all its steps, from the first after it was woken to the one in which it waits again or ends.
//! - **A8** A promise may outlive its pool. What is spawned through it is queued before what is left of the pool's tasks is ended, or else cancelled at once.

use std::fmt;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::task::Context;
use std::time::Duration;

use turgo_machine::mutant;

use crate::admission::{Admitted, Deadlines, Overload, Periodic};
use crate::layout::NodeIndex;
use crate::task::{self, Budget, JoinHandle, Rearmed, Step, Stepped, TaskOptions};

use super::shared::Shared;
use super::{Pool, current};

/// A node's promise to have a task done in time, each time that it comes, until this is dropped.
///
/// It says that all that the node has promised can be kept. The task is run by [`spawn`](Self::spawn), which also sees what it really takes; or it is spawned like any
/// other with that [home](crate::task::TaskOptions::home) and [deadline](crate::task::TaskOptions::deadline).
#[must_use = "a promise ends when it is dropped"]
pub struct Promise {
    shared: Arc<Shared>,
    node: NodeIndex,
    task: Periodic,
    admitted: Admitted,
}

impl Pool {
    /// Promises to do a task in time on a node, if it can with all else that it has promised: see [`Deadlines::shared`] for the test.
    ///
    /// The test is for tasks that can be interrupted and have the processors for themselves. Here each runs to the end of its step, and so does whatever else runs on the
    /// node: the longest step of any of them is to be subtracted from the deadline beforehand (Baruah, "The non-preemptive scheduling of periodic tasks upon
    /// multiprocessors", Real-Time Systems 32, 2006), and of 64 turns ten are for others.
    ///
    /// # Errors
    ///
    /// The node has promised too much to promise this as well.
    ///
    /// # Panics
    ///
    /// If there is no such node.
    pub fn promise(&self, node: NodeIndex, task: Periodic) -> Result<Promise, Overload> {
        let (_, admitted) = promised(&self.shared, node).admit(task)?;
        Ok(Promise { shared: Arc::clone(&self.shared), node, task, admitted })
    }
}

fn promised(shared: &Shared, node: NodeIndex) -> MutexGuard<'_, Deadlines> {
    // LOCK: see the field. Nobody panics with it.
    shared.node(node).promised.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Promise {
    /// Runs the task that was promised, on the node that promised it, each job to be done within the deadline from when it was woken.
    ///
    /// What jobs take is measured, and more than was said counts from then on. If the node has then promised too much, the worker calls `overloaded`, which may drop other promises or
    /// have the task do less; it shall not block, and a panic in it is one of the task. The promise ends with the task, which is cancelled where the pool has ended.
    ///
    /// ```
    /// use std::task::Context;
    /// use turgo_machine::topology::Topology;
    /// use turgo_sched::Pool;
    /// use turgo_sched::admission::Periodic;
    /// use turgo_sched::layout::NodeIndex;
    /// use turgo_sched::task::{Budget, Rearmed, Step};
    ///
    /// struct Sample(u32);
    ///
    /// impl Rearmed for Sample {
    ///     fn run(&mut self, cx: &mut Context<'_>, _: Budget<'_>) -> Step {
    ///         // A timer would have the waker.
    ///         cx.waker().wake_by_ref();
    ///         self.0 -= 1;
    ///         if self.0 == 0 { Step::Done } else { Step::Park }
    ///     }
    /// }
    ///
    /// let pool = Pool::builder(&Topology::simulate("1x2")?).build()?;
    /// let ms = 1_000_000;
    /// let often = Periodic { period_ns: 10 * ms, deadline_ns: 5 * ms, cost_ns: ms };
    /// let promise = pool.promise(NodeIndex(0), often)?;
    /// promise.spawn(Sample(3), |overload| eprintln!("{overload}")).wait()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn(
        self,
        task: impl Rearmed,
        overloaded: impl FnMut(Overload) + Send + 'static,
    ) -> JoinHandle<()> {
        let (shared, Periodic { period_ns, deadline_ns, cost_ns }) =
            (Arc::clone(&self.shared), self.task);
        let options = TaskOptions {
            home: Some(self.node),
            deadline: Some(Duration::from_nanos(deadline_ns.min(period_ns))),
            ..TaskOptions::default()
        };
        let kept = Kept { task, promise: self, overloaded, job_ns: 0, worst_ns: cost_ns };
        let is_dissolved = shared.is_dissolved();
        if *is_dissolved && !mutant!("A8 a promise does not know that its pool has ended") {
            // What the task holds may be the last share of anything.
            drop(is_dissolved);
            return task::spawn_cancelled(&shared, Stepped(kept), options);
        }
        current::with(|worker| {
            let worker = worker.filter(|worker| worker.is_of(&shared));
            task::spawn(&shared, worker, Stepped(kept), options)
        })
    }

    /// The task took so long once: if that is more than was said, it counts from now on.
    ///
    /// # Errors
    ///
    /// The node has then promised too much: what to give up is the caller's choice.
    pub fn measured(&self, took_ns: u64) -> Result<(), Overload> {
        promised(&self.shared, self.node).measured(self.admitted, took_ns)
    }

    /// The node that made it.
    #[must_use]
    pub fn node(&self) -> NodeIndex {
        self.node
    }
}

/// A task that was promised, and what its jobs take.
struct Kept<R, F> {
    task: R,
    promise: Promise,
    overloaded: F,
    /// The job so far.
    job_ns: u64,
    /// The longest job, or what was said.
    worst_ns: u64,
}

impl<R: Rearmed, F: FnMut(Overload) + Send + 'static> Rearmed for Kept<R, F> {
    fn run(&mut self, cx: &mut Context<'_>, budget: Budget<'_>) -> Step {
        let begun_ns = budget.now_ns();
        let step = self.task.run(cx, budget);
        let step_ns = budget.now_ns().saturating_sub(begun_ns);
        let before_ns = if mutant!("A7 the last step counts") { 0 } else { self.job_ns };
        self.job_ns = before_ns.saturating_add(step_ns);
        if step == Step::Again {
            return step;
        }
        let job_ns = std::mem::take(&mut self.job_ns);
        if job_ns > self.worst_ns {
            self.worst_ns = job_ns;
            if let Err(overload) = self.promise.measured(job_ns) {
                (self.overloaded)(overload);
            }
        }
        step
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        promised(&self.shared, self.node).remove(self.admitted);
    }
}

impl fmt::Debug for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Promise").field("node", &self.node).finish_non_exhaustive()
    }
}
