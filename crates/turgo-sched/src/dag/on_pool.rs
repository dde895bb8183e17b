//! Graphs on the threads of a pool.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use turgo_machine::atomic::{AtomicBool, AtomicU32, Ordering};
use turgo_machine::thread::{self, Thread};

use super::build::Graph;
use super::execution::{Execution, Ready};
use super::report::{Progress, Report, RunError};
use super::shape::TaskId;
use super::state::State;
use crate::layout::{Layout, NodeIndex, small};
use crate::policy::{Order, Place, Priority, TaskView};
use crate::pool::{Countdown, Pool, Shared, Worker, current};
use crate::run::{Ran, Runnable};

/// Who waits for a run.
enum Waiter {
    Thread(Thread),
    /// A worker, of whatever pool, that goes on working meanwhile.
    Worker {
        pool: Arc<Shared>,
        countdown: Arc<Countdown>,
    },
}

/// A run on a pool.
struct Running {
    execution: Execution,
    base: AtomicU32,
    workers: u32,
    /// Nobody is asked where tasks go: none says anything about itself, and the policy leaves such ones where they became ready.
    is_plain: bool,
    over: AtomicBool,
    // LOCK: taken once by each who waits, and once at the end of the run.
    waiters: Mutex<Vec<Waiter>>,
}

impl Running {
    fn new(pool: &Pool, graph: &Graph) -> Self {
        let layout = pool.layout();
        Self {
            execution: Execution::new(graph.clone(), pool.clock()),
            base: AtomicU32::new(0),
            workers: small(layout.workers()),
            is_plain: graph.0.is_plain && !pool.asks_of_plain(),
            over: AtomicBool::new(graph.shape().is_empty()),
            // LOCK: see the field.
            waiters: Mutex::new(Vec::new()),
        }
    }

    /// What a task says about itself.
    fn view(&self, task: u32, layout: &Layout) -> TaskView {
        let number = self.number(task);
        let view = self.execution.profile(TaskId(task), |profile| profile.view(number, layout));
        view.unwrap_or_else(|| TaskView::plain(number))
    }

    /// Queues a task where the policy says.
    fn push(&self, task: u32, worker: &Worker) {
        if self.is_plain {
            return worker.push(self.number(task));
        }
        let view = self.view(task, &worker.shared.layout);
        let (place, order) = worker.shared.select(&view, Some(worker));
        worker.shared.put(&view, place, order, Some(worker));
    }

    /// Queues a task where the policy says, unless it is to be the worker's next one anyway; whether it is.
    fn push_or_stay(&self, task: u32, worker: &Worker) -> bool {
        if self.is_plain {
            return true;
        }
        let view = self.view(task, &worker.shared.layout);
        let (place, order) = worker.shared.select(&view, Some(worker));
        let stays = (place, order, view.priority) == (Place::Here, Order::Newest, Priority::Normal);
        if !stays {
            worker.shared.put(&view, place, order, Some(worker));
        }
        stays
    }

    #[inline(always)]
    fn step(&self, index: u32, worker: &Worker) -> Ran {
        let mut handing = Handing { run: self, worker, next: None };
        if self.execution.step(index, worker.id().0, &mut handing) {
            return Ran::Finished;
        }
        // The run may be over, and gone, if nothing stays.
        handing.next.map_or(Ran::Nothing, Ran::Next)
    }

    #[cold]
    fn run_watched(&self, index: u32, worker: &Worker) -> Ran {
        let watched = worker.begins(|| self.view(index, &worker.shared.layout));
        let ran = self.step(index, worker);
        worker.stops(watched);
        ran
    }

    fn is_over(&self) -> bool {
        // Acquire: sees all that the run did, by the Release in `finished`.
        self.over.load(Ordering::Acquire)
    }

    fn wait(&self) {
        if !self.is_over() {
            current::with(|worker| match worker {
                Some(worker) => self.wait_working(worker),
                None => self.wait_parked(),
            });
        }
    }

    fn wait_parked(&self) {
        self.join(Waiter::Thread(thread::current()));
        while !self.is_over() {
            thread::park();
        }
    }

    fn wait_working(&self, worker: &Worker) {
        let countdown = Arc::new(Countdown::new(worker.id()));
        countdown.begin_own();
        let waiter =
            Waiter::Worker { pool: Arc::clone(&worker.shared), countdown: Arc::clone(&countdown) };
        if self.join(waiter) {
            worker.wait(&countdown, worker.level());
        }
    }

    /// Whether the waiter will be told: the run is not over yet.
    fn join(&self, waiter: Waiter) -> bool {
        // LOCK: see the field.
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = !self.is_over();
        if waits {
            waiters.push(waiter);
        }
        waits
    }
}

/// What becomes ready when a task runs: one successor stays for the worker, others are queued at once.
struct Handing<'a> {
    run: &'a Running,
    worker: &'a Worker,
    next: Option<u32>,
}

impl Ready for Handing<'_> {
    #[inline]
    fn successor(&mut self, task: u32) {
        if self.next.is_some() {
            self.run.push(task, self.worker);
        } else if self.run.push_or_stay(task, self.worker) {
            self.next = Some(task);
        }
    }

    fn added(&mut self, task: u32) {
        self.run.push(task, self.worker);
    }
}

impl Runnable for Running {
    #[inline]
    fn run(&self, index: u32, worker: &Worker) -> Ran {
        if worker.shared.is_watching {
            self.run_watched(index, worker)
        } else {
            self.step(index, worker)
        }
    }

    fn number(&self, index: u32) -> u32 {
        // Relaxed: whoever has a task got it from a queue, into which it came after the store.
        self.base.load(Ordering::Relaxed) + index
    }

    fn finished(self: Arc<Self>, worker: &Worker) {
        // SAFETY: the protocol of runs: every task was pushed and has run, and the base came from `reserve`.
        unsafe { worker.release(self.number(0)) };
        // LOCK: see the field.
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        // Release: to the Acquire in `is_over`.
        self.over.store(true, Ordering::Release);
        for waiter in std::mem::take(&mut *waiters) {
            match waiter {
                Waiter::Thread(thread) => thread.unpark(),
                Waiter::Worker { pool, countdown } => countdown.end(&pool.sleep),
            }
        }
    }
}

/// A graph that runs on a pool. Dropped, it goes on running; nobody hears of its end.
pub struct Run(Arc<Running>);

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("progress", &self.progress()).finish()
    }
}

impl Run {
    /// How far it is. Costs the runners nothing, and the caller time linear in the tasks.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.0.execution.progress()
    }

    /// What a task is doing; `None` if there is no such task by now.
    #[must_use]
    pub fn state(&self, task: TaskId) -> Option<State> {
        self.0.execution.state(task)
    }

    /// Nothing begins from now on; what runs, ends. Wait-free.
    pub fn cancel(&self) {
        self.0.execution.cancel();
    }

    /// Whether all is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.is_over()
    }

    /// Waits for the end: a thread sleeps, a worker of a pool goes on working for that.
    ///
    /// # Errors
    ///
    /// A task failed, or the run was cancelled before all tasks had begun.
    pub fn wait(self) -> Result<Report, RunError> {
        self.0.wait();
        self.0.execution.result(self.0.workers)
    }
}

impl Pool {
    /// Begins to run a graph. The same graph may run many times, also at once. Tasks with a home go to its node if it has workers; high priority comes before other work
    /// of a worker, background after it.
    ///
    /// ```
    /// use turgo_machine::topology::Topology;
    /// use turgo_sched::Pool;
    /// use turgo_sched::dag::Dag;
    ///
    /// let pool = Pool::builder(&Topology::simulate("1x2")?).build()?;
    /// let mut dag = Dag::new();
    /// let first = dag.node(|_| println!("first")).id();
    /// dag.node(|_| println!("second")).after(first);
    /// let run = pool.run(&dag.seal()?);
    /// let report = run.wait()?;
    /// assert_eq!(report.completed, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If there are 2^28 tasks in the pool.
    #[must_use = "a run that nobody waits for reports to nobody"]
    pub fn run(&self, graph: &Graph) -> Run {
        let run = Arc::new(Running::new(self, graph));
        let numbers = run.execution.numbers();
        if graph.shape().is_empty() {
            return Run(run);
        }
        let base = self.reserve(Arc::clone(&run) as Arc<dyn Runnable>, 0, numbers);
        // Relaxed: published by the queues.
        run.base.store(base, Ordering::Relaxed);
        let sources = run.execution.sources();
        if run.is_plain {
            // Evenly, in the order of their numbers.
            let share = sources.len().div_ceil(self.layout().nodes()).max(1);
            for (node, tasks) in (0..).zip(sources.chunks(share)) {
                self.inject_all(NodeIndex(node), tasks.iter().map(|task| base + task));
            }
        } else {
            sources.into_iter().for_each(|task| self.put(&run.view(task, self.layout())));
        }
        Run(run)
    }
}
