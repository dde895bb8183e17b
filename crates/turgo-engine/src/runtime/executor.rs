//! The tasks of a run, on the workers of a `turgo-sched` pool.
//!
//! Which task runs where and when, and that no wake is lost, is the pool's business: state belongs to
//! an instance and moves with it (T1 to T4 of `turgo_sched::task`). What is left to say here is how a
//! run ends.
//!
//! - E1. The run ends when all tasks are done, or with the first failure, whoever has it. After that no
//!   task is started again.
//! - E2. When [`run`] returns, every task has been dropped, and no worker is left. A task that panics,
//!   while it runs or while it is dropped, is a failure like any other.
//!
//! The wakers that rings keep hold their task, and the task holds its rings; the pool drops what is
//! left of the tasks before it ends, which breaks that circle.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Context;

use turgo_machine::atomic::{AtomicBool, AtomicUsize, Ordering};
use turgo_machine::topology::Topology;
use turgo_sched::layout::WorkerId;
use turgo_sched::pool::{BuildError, Pool};
use turgo_sched::statistics::Statistics;
use turgo_sched::task::{Budget, Rearmed, Step, TaskOptions};
use turgo_sync::Event;

use crate::error::{EngineError, Result};
use crate::run::{SchedulerReport, Trace};
use crate::runtime::task::Task;

/// The first failure of a run, shared by workers, source and sink threads.
#[derive(Debug, Default)]
pub(crate) struct Failure {
    is_set: AtomicBool,
    // LOCK: taken when something fails, and once at the end of a query.
    first: Mutex<Option<EngineError>>,
}

impl Failure {
    /// Records a failure unless there is one already.
    pub(crate) fn set(&self, error: EngineError) {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        // Relaxed: whoever sees it stops; the failure itself is read under the lock.
        self.is_set.store(true, Ordering::Relaxed);
    }

    /// Whether something has failed.
    pub(crate) fn is_set(&self) -> bool {
        // Relaxed: as above.
        self.is_set.load(Ordering::Relaxed)
    }

    /// The failure, if there was one.
    pub(crate) fn take(&self) -> Option<EngineError> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// How far a run is.
#[derive(Debug)]
struct Run {
    failure: Arc<Failure>,
    /// Tasks that are not done.
    left: AtomicUsize,
    /// All are done, or one has failed.
    over: Event,
}

impl Run {
    fn fail(&self, error: EngineError) {
        self.failure.set(error);
        self.over.set();
    }

    fn one_done(&self) {
        // AcqRel: what any task did comes before the end of the run.
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.over.set();
        }
    }
}

/// A task of a run.
struct Instance {
    /// Nothing once it is done.
    task: Option<Box<dyn Task>>,
    run: Arc<Run>,
}

impl Instance {
    /// Drops the task. Whatever its drop panics with is a failure of the run, not of the pool.
    fn clear(&mut self) {
        let task = self.task.take();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(task))) {
            self.run.fail(EngineError::internal(panic_text(&*panic)));
        }
    }
}

impl Rearmed for Instance {
    fn run(&mut self, cx: &mut Context<'_>, budget: Budget<'_>) -> Step {
        let Some(task) = self.task.as_mut().filter(|_| !self.run.failure.is_set()) else {
            // The failure may be that of a thread that is none of the pool's.
            self.run.over.set();
            return Step::Done;
        };
        let step = catch_unwind(AssertUnwindSafe(|| task.run(cx, budget)))
            .unwrap_or_else(|panic| Err(EngineError::internal(panic_text(&*panic))));
        match step {
            Ok(Step::Done) => {
                self.clear();
                self.run.one_done();
                Step::Done
            }
            Ok(step) => step,
            Err(error) => {
                self.run.fail(error);
                Step::Done
            }
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.clear();
    }
}

/// What is to be run, and what it is called.
pub(crate) struct Part {
    /// The number of its stage.
    pub(crate) stage: usize,
    /// Its number among those of the stage. Those of one number are at home on one memory node.
    pub(crate) instance: usize,
    pub(crate) task: Box<dyn Task>,
}

/// Runs tasks on `workers` threads until all are done or one fails; the failure is left in
/// `failure`. Dropped tasks close their rings, so whoever waits for them is woken. Each worker keeps its
/// last `trace_events` events.
///
/// # Errors
/// `External` when threads cannot be started.
pub(crate) fn run(
    parts: Vec<Part>,
    workers: usize,
    trace_events: usize,
    failure: &Arc<Failure>,
) -> Result<SchedulerReport> {
    if parts.is_empty() {
        return Ok(SchedulerReport::default());
    }
    let left = AtomicUsize::new(parts.len());
    let run = Arc::new(Run { failure: Arc::clone(failure), left, over: Event::new() });
    let pool = pool(workers, trace_events)
        .map_err(|error| EngineError::external("cannot start the worker threads", error))?;
    let mut names: BTreeMap<u32, String> = BTreeMap::new();
    for Part { stage, instance, task } in parts {
        let seat = u32::try_from(instance % workers).expect("a pool has fewer workers");
        let home = Some(pool.layout().node(WorkerId(seat)));
        let task = Instance { task: Some(task), run: Arc::clone(&run) };
        // How it ends is said by `run`, also where the pool ends it.
        let handle = pool.spawn_rearmed(task, TaskOptions { home, ..TaskOptions::default() });
        let name = format!("stage {stage}, instance {instance}");
        // The number may be that of one which has ended already.
        let named = names.entry(handle.id());
        named.and_modify(|names| *names += &format!(" or {name}")).or_insert(name);
    }
    run.over.blocking_wait();
    let Statistics { workers, wakeups, .. } = pool.statistics();
    let trace = (trace_events > 0).then(|| Trace {
        events: pool.trace(),
        layout: pool.layout().clone(),
        names,
    });
    drop(pool);
    Ok(SchedulerReport { workers, wakeups: wakeups.iter().sum(), trace })
}

// LOCK: taken once per run; the machine is read once per process.
static MACHINE: OnceLock<Topology> = OnceLock::new();

/// The machine; where it cannot be read, one node.
fn machine() -> Topology {
    let flat = || Topology::simulate("1x1").expect("a processor is a machine");
    Topology::detect().unwrap_or_else(|_| flat())
}

/// Workers for one run.
fn pool(workers: usize, trace_events: usize) -> std::result::Result<Pool, BuildError> {
    Pool::builder(MACHINE.get_or_init(machine))
        .workers(workers)
        .name("worker")
        .trace(trace_events)
        .build()
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned());
    format!("a thread panicked: {}", text.as_deref().unwrap_or("no message"))
}
