//! N worker threads over one queue of runnable tasks.
//!
//! - E1. A task is in the queue at most once, and never while it runs: `State` changes under its
//!   lock, and only the transition `Idle -> Queued` (or the end of a run that was notified) enqueues.
//! - E2. A wake during a run is not lost: it turns `Running` into `Notified`, and the worker enqueues
//!   the task again.
//! - E3. After the first failure no task is started again; the pool ends with that failure.
//!
//! The wakers that rings keep hold their cell, and the task in a cell holds its rings; the pool takes
//! every task out of its cell before it returns, which breaks that circle.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::error::{EngineError, Result};
use crate::runtime::task::{Budget, Step, Task};

/// Messages a task may take before the next task has its turn.
const BUDGET: Budget = Budget { messages: 16 };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Queued,
    Running,
    Notified,
    Done,
}

struct Cell {
    // LOCK: taken a few times per run of a task, that is, per several batches; held for a few instructions.
    state: Mutex<State>,
    // LOCK: never contended, only the worker that moved the state to Running takes it.
    task: Mutex<Option<Box<dyn Task>>>,
    queue: Sender<Signal>,
}

enum Signal {
    Run(Arc<Cell>),
    Stop,
}

impl Cell {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(self: Arc<Self>) {
        let queue = self.queue.clone();
        // The receiver lives as long as the pool; a wake after its end has nothing to wake.
        let _ = queue.send(Signal::Run(self));
    }
}

impl Wake for Cell {
    fn wake(self: Arc<Self>) {
        let enqueue = {
            let mut state = self.state();
            match *state {
                State::Idle => {
                    *state = State::Queued;
                    true
                }
                State::Running => {
                    *state = State::Notified;
                    false
                }
                State::Queued | State::Notified | State::Done => false,
            }
        };
        if enqueue {
            self.enqueue();
        }
    }
}

/// The first failure of a run, shared by workers, source and sink threads.
#[derive(Debug, Default)]
pub(crate) struct Failure {
    // LOCK: read once per run of a task, written once per query.
    first: Mutex<Option<EngineError>>,
}

impl Failure {
    /// Records a failure unless there is one already.
    pub(crate) fn set(&self, error: EngineError) {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    /// Whether something has failed.
    pub(crate) fn is_set(&self) -> bool {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The failure, if there was one.
    pub(crate) fn take(&self) -> Option<EngineError> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Runs `tasks` on `workers` threads until all are done or one fails; the failure is left in
/// `failure`. Dropped tasks close their rings, so whoever waits for them is woken.
///
/// # Errors
/// `External` when threads cannot be started.
pub(crate) fn run(tasks: Vec<Box<dyn Task>>, workers: usize, failure: &Failure) -> Result<()> {
    let (sender, receiver) = unbounded();
    let cells: Vec<Arc<Cell>> = tasks
        .into_iter()
        .map(|task| {
            Arc::new(Cell {
                state: Mutex::new(State::Queued),
                task: Mutex::new(Some(task)),
                queue: sender.clone(),
            })
        })
        .collect();
    // LOCK: taken once per task, when it is done.
    let remaining = Mutex::new(cells.len());
    let worker =
        Worker { queue: &receiver, sender: &sender, remaining: &remaining, workers, failure };
    for cell in &cells {
        Arc::clone(cell).enqueue();
    }
    if cells.is_empty() {
        return Ok(());
    }
    let started = thread::scope(|scope| {
        for index in 0..workers {
            let started = thread::Builder::new()
                .name(format!("worker-{index}"))
                .spawn_scoped(scope, move || worker.work());
            if let Err(error) = started {
                worker.stop();
                return Err(EngineError::external("cannot start a worker thread", error));
            }
        }
        Ok(())
    });
    for cell in &cells {
        let task = cell.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(task))) {
            failure.set(EngineError::internal(panic_text(&*panic)));
        }
    }
    started
}

#[derive(Clone, Copy)]
struct Worker<'a> {
    queue: &'a Receiver<Signal>,
    sender: &'a Sender<Signal>,
    // LOCK: taken once per task, when it is done.
    remaining: &'a Mutex<usize>,
    workers: usize,
    failure: &'a Failure,
}

impl Worker<'_> {
    fn stop(&self) {
        for _ in 0..self.workers {
            let _ = self.sender.send(Signal::Stop);
        }
    }

    fn work(&self) {
        while let Ok(Signal::Run(cell)) = self.queue.recv() {
            if self.failure.is_set() {
                self.stop();
                return;
            }
            // Whatever panics, the task or its drop, must not take the worker with it: the others
            // would wait for it for ever.
            let step = catch_unwind(AssertUnwindSafe(|| self.run_one(&cell)))
                .unwrap_or_else(|panic| Err(EngineError::internal(panic_text(&*panic))));
            match step {
                Ok(Step::Done) => {
                    let mut remaining =
                        self.remaining.lock().unwrap_or_else(PoisonError::into_inner);
                    *remaining -= 1;
                    if *remaining == 0 {
                        self.stop();
                    }
                }
                Ok(Step::Again | Step::Park) => {}
                Err(error) => {
                    self.failure.set(error);
                    self.stop();
                }
            }
        }
    }

    fn run_one(&self, cell: &Arc<Cell>) -> Result<Step> {
        {
            let mut state = cell.state();
            assert_eq!(*state, State::Queued, "E1: a task in the queue is queued");
            *state = State::Running;
        }
        let waker = Waker::from(Arc::clone(cell));
        let mut cx = Context::from_waker(&waker);
        let step = {
            let mut slot = cell.task.lock().unwrap_or_else(PoisonError::into_inner);
            let task = slot.as_mut().expect("a task is taken out only when it is done");
            let step = task.run(&mut cx, BUDGET);
            if !matches!(step, Ok(Step::Again | Step::Park)) {
                drop(slot.take());
            }
            step
        };
        let again = {
            let mut state = cell.state();
            let again = match (&step, *state) {
                (Ok(Step::Again), _) | (Ok(Step::Park), State::Notified) => true,
                (Ok(Step::Park), _) | (Ok(Step::Done) | Err(_), _) => false,
            };
            *state = match &step {
                _ if again => State::Queued,
                Ok(Step::Park) => State::Idle,
                _ => State::Done,
            };
            again
        };
        if again {
            Arc::clone(cell).enqueue();
        }
        step
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned());
    format!("a thread panicked: {}", text.as_deref().unwrap_or("no message"))
}
