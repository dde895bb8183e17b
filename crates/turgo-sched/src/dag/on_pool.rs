//! Graphs on the threads of a pool.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use turgo_machine::atomic::{AtomicBool, AtomicU32, Ordering};
use turgo_machine::mutant;
use turgo_machine::thread::{self, Thread};

use super::build::Graph;
use super::execution::{Execution, Others, Ready};
use super::pace::{Credit, TURN, Way};
use super::report::{Failure, Progress, Report, RunError};
use super::shape::TaskId;
use super::state::State;
use crate::admission::Tenant;
use crate::layout::{Layout, NodeIndex, small};
use crate::policy::{Order, Place, Priority, TaskView};
use crate::pool::{Claim, Class, Countdown, Grants, Pool, Shared, Worker, contain, current};
use crate::reserve::Refused;
use crate::resources::Resources;
use crate::run::{INLINE_MAX, Ran, Runnable};
use crate::trace::{Choice, Kind, Log};

/// Who waits for a run.
enum Waiter {
    Thread(Thread),
    /// A worker, of whatever pool, that goes on working meanwhile.
    Worker {
        pool: Arc<Shared>,
        countdown: Arc<Countdown>,
    },
}

/// What a tenant's task holds while it runs, and of which node.
type Held = Option<(NodeIndex, Resources, u32)>;

/// A run on a pool.
struct Running {
    execution: Arc<Execution>,
    base: AtomicU32,
    workers: u32,
    /// Nobody is asked where tasks go: none says anything about itself, and the policy leaves such ones where they became ready.
    is_plain: bool,
    /// Whose the tasks are that do not say it.
    tenant: u32,
    /// Tasks wait with those of other tenants.
    has_tenants: bool,
    way: Way,
    // LOCK: taken twice each quantum by whoever runs a run that is alone, and never waited for (D12).
    ready: Mutex<(Vec<u32>, Credit)>,
    /// By task, if any needs something.
    grants: Grants,
    /// More is to be known of each task that begins than that it does.
    is_known: bool,
    /// None of it, and no task says anything about itself.
    is_simple: bool,
    /// What is decided, if that is to be written down.
    log: Option<Log>,
    over: AtomicBool,
    // LOCK: taken once by each who waits, and once at the end of the run.
    waiters: Mutex<Vec<Waiter>>,
}

impl Running {
    fn new(pool: &Pool, graph: &Graph, tenant: Tenant) -> Self {
        let (layout, execution) = (pool.layout(), Execution::new(graph.clone(), pool.clock()));
        let workers = small(layout.workers());
        let log = |machine| Log::new(execution.numbers(), workers, Arc::clone(machine));
        let log = pool.recorded_on().map(log);
        let has_tenants = pool.has_tenants();
        let is_plain = graph.0.is_plain && !pool.asks_of_plain() && !has_tenants;
        // Who wants to know more of each task wants to see them as they run on all workers.
        let way = if is_plain && !graph.0.timed && !pool.is_observed() {
            graph.0.pace.choose(graph.shape().len(), layout.workers())
        } else {
            Way::Shared
        };
        let is_known = graph.0.has_needs || pool.is_observed();
        let ready = if way == Way::Alone { graph.0.sources.to_vec() } else { Vec::new() };
        Self {
            base: AtomicU32::new(0),
            workers,
            grants: (0..if graph.0.has_needs { execution.numbers() } else { 0 })
                .map(|_| AtomicU32::new(0))
                .collect(),
            execution,
            is_known,
            is_simple: is_plain && !is_known,
            log,
            is_plain,
            tenant: tenant.0,
            has_tenants,
            way,
            // LOCK: see the field.
            ready: Mutex::new((ready, Credit::new())),
            over: AtomicBool::new(graph.shape().is_empty()),
            // LOCK: see the field.
            waiters: Mutex::new(Vec::new()),
        }
    }

    /// What a task says about itself.
    fn view(&self, task: u32, layout: &Layout) -> TaskView {
        let number = self.number(task);
        let view = self.execution.profile(TaskId(task), |profile| profile.view(number, layout));
        let mut view = view.unwrap_or_else(|| TaskView::plain(number));
        view.deadline_ns = view.deadline_ns.saturating_add(self.execution.start_ns());
        if view.tenant == 0 {
            view.tenant = self.tenant;
        }
        view
    }

    /// Queues a task where the policy says.
    fn push(&self, task: u32, worker: &Worker) {
        if self.is_plain {
            self.note(task, worker, Choice::Put(Place::Here, Order::Newest));
            return worker.push(self.number(task));
        }
        let view = self.view(task, &worker.shared.layout);
        let (place, order) = worker.shared.select(&view, Some(worker));
        self.note(task, worker, Choice::Put(place, order));
        worker.shared.put(&view, place, order, Some(worker));
    }

    /// Queues a task where the policy says, unless it is to be the worker's next one anyway; whether it is.
    fn push_or_stay(&self, task: u32, worker: &Worker) -> bool {
        if self.is_plain {
            return true;
        }
        let view = self.view(task, &worker.shared.layout);
        let (place, order) = worker.shared.select(&view, Some(worker));
        let stays = (place, order, view.priority) == (Place::Here, Order::Newest, Priority::Normal)
            && (!self.has_tenants || worker.is_turn_of(view.tenant));
        if !stays {
            self.note(task, worker, Choice::Put(place, order));
            worker.shared.put(&view, place, order, Some(worker));
        }
        stays
    }

    /// Writes down what was decided about a task, before that is carried out (E3).
    #[inline(always)]
    fn note(&self, task: u32, worker: &Worker, choice: Choice) {
        if let Some(log) = &self.log {
            log.note(worker.id(), task, choice);
        }
    }

    #[inline(always)]
    fn run_plain(&self, index: u32, worker: &Worker) -> Ran {
        let handing = Handing { run: self, worker, next: Cell::new(None) };
        if self.execution.step(index, worker.id().0, Others::Some, &handing) {
            return Ran::Finished;
        }
        // The run may be over, and gone, if nothing stays.
        handing.next.get().map_or(Ran::Nothing, Ran::Next)
    }

    /// Runs a task that may have a home, or of which more is to be known.
    fn run_told(&self, index: u32, worker: &Worker) -> Ran {
        if self.is_known {
            return self.run_known(index, worker);
        }
        let home = self.execution.profile(TaskId(index), |profile| profile.home).flatten();
        let home = home.and_then(|home| worker.shared.layout.node_index(home));
        if let Some(home) = home.filter(|_| !self.execution.is_doomed(index)) {
            worker.tally_home(home);
        }
        self.run_plain(index, worker)
    }

    /// The index that stands for all that is ready, in a run that is alone (D12).
    fn baton(&self) -> u32 {
        self.execution.numbers()
    }

    /// Runs some of what is ready as the only worker that does, and then hands the baton on, or opens the run up.
    fn run_alone(&self, worker: &Worker) -> Ran {
        let (ready, mut credit) =
            std::mem::replace(&mut *self.lock_ready(), (Vec::new(), Credit::new()));
        let ready = RefCell::new(ready);
        let next =
            || ready.borrow_mut().pop().expect("D7: a run that is not over has a ready task");
        let start_ns = worker.now_ns();
        credit.begin(start_ns);
        loop {
            for _ in 0..TURN {
                if self.execution.step(next(), worker.id().0, Others::None, &ready) {
                    return Ran::Finished;
                }
            }
            let now_ns = worker.now_ns();
            if credit.is_used_up(now_ns) {
                let tasks = ready.into_inner();
                worker.push_all(tasks.iter().map(|&task| self.number(task)));
                if mutant!("D12 a run that opens up goes on alone") {
                    *self.lock_ready() = (tasks, credit);
                    return Ran::Next(self.baton());
                }
                return Ran::Nothing;
            }
            if now_ns.saturating_sub(start_ns) >= worker.shared.quantum_ns() {
                let baton = self.number(self.baton());
                *self.lock_ready() = (ready.into_inner(), credit);
                // Behind what takes turns: a frame that waits for something else must not run it as if it were its own (F2).
                worker.push_turn(Class::Normal, baton);
                return Ran::Nothing;
            }
        }
    }

    fn lock_ready(&self) -> MutexGuard<'_, (Vec<u32>, Credit)> {
        // LOCK: see the field.
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a task of which more is to be known.
    #[cold]
    fn run_known(&self, index: u32, worker: &Worker) -> Ran {
        let (view, got) = (self.view(index, &worker.shared.layout), worker.take_got());
        let handing = Handing { run: self, worker, next: Cell::new(None) };
        let is_over = match self.claim(&view, index, worker) {
            Ok(Some(held)) => {
                let runs = !self.execution.is_doomed(index);
                if runs {
                    self.note(index, worker, Choice::Run(got));
                    worker.trace(Kind::Begin, view.id);
                    view.home.iter().for_each(|&home| worker.tally_home(home));
                }
                let watched = worker.begins(|| view);
                let traced = runs.then_some(view.id);
                let holding = Holding { handing: &handing, held: Cell::new(held), traced };
                let is_over = self.execution.step(index, worker.id().0, Others::Some, &holding);
                worker.stops(watched);
                is_over
            }
            Ok(None) => return Ran::Nothing,
            Err(refused) => {
                self.execution.refuse(index, Failure::Error(Box::new(refused)), &handing)
            }
        };
        if is_over {
            return Ran::Finished;
        }
        let Some(next) = handing.next.take() else { return Ran::Nothing };
        worker.goes_on();
        Ran::Next(next)
    }

    /// Takes what a task needs: what it holds now, if anything. `None` if it stands in line; then it may have been queued, and even have run, by now.
    fn claim(&self, task: &TaskView, index: u32, worker: &Worker) -> Result<Option<Held>, Refused> {
        let Some(grant) = self.grants.get(index as usize) else { return Ok(Some(None)) };
        // Relaxed: whoever let it in queued it afterwards.
        if let Some(node) = grant.load(Ordering::Relaxed).checked_sub(1) {
            return Ok(Some(Some((NodeIndex(node), task.need, task.tenant))));
        }
        if task.need == Resources::NONE || self.execution.is_doomed(index) {
            return Ok(Some(None));
        }
        let node = task.home.unwrap_or(worker.node());
        let claims = &worker.shared.node(node).claims;
        if claims.take(task.need, task.tenant)? {
            return Ok(Some(Some((node, task.need, task.tenant))));
        }
        let grants = Arc::clone(&self.grants);
        let claim = Claim { task: *task, index: index as usize, grants };
        worker.let_in(node, claims.line_up(claim));
        Ok(None)
    }

    /// A task that would be the next one has to wait until the queues have had their turn.
    #[cold]
    fn put_off(&self, index: u32, worker: &Worker) -> Ran {
        if !self.has_tenants {
            return Ran::Next(index);
        }
        self.push(index, worker);
        Ran::Nothing
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
            worker.wait_elsewhere(&countdown);
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
    next: Cell<Option<u32>>,
}

impl Ready for Handing<'_> {
    #[inline(always)]
    fn successor(&self, task: u32) {
        if self.next.get().is_some() || cfg!(turgo_without = "fast_path") {
            self.run.push(task, self.worker);
        } else if self.run.push_or_stay(task, self.worker) {
            self.next.set(Some(task));
        }
    }

    fn added(&self, task: u32) {
        self.run.push(task, self.worker);
    }
}

/// The same for a task that holds something until it has ended, or is traced.
struct Holding<'a> {
    handing: &'a Handing<'a>,
    held: Cell<Held>,
    /// Its number, if its end is to be traced: before anybody is told, so that who waits for the run finds it.
    traced: Option<u32>,
}

impl Ready for Holding<'_> {
    fn successor(&self, task: u32) {
        self.handing.successor(task);
    }

    fn added(&self, task: u32) {
        self.handing.added(task);
    }

    fn ended(&self) {
        if let Some(number) = self.traced {
            self.handing.worker.trace(Kind::End, number);
        }
        if let Some((node, need, tenant)) = self.held.take() {
            self.handing.worker.give_back(node, need, tenant);
        }
    }
}

impl Runnable for Running {
    fn run(&self, first: u32, worker: &Worker) -> Ran {
        if first == self.baton() {
            return self.run_alone(worker);
        }
        let mut index = first;
        for _ in 0..INLINE_MAX {
            let ran = if self.is_simple {
                self.run_plain(index, worker)
            } else {
                self.run_told(index, worker)
            };
            match ran {
                Ran::Next(next) => index = next,
                ran => return ran,
            }
        }
        self.put_off(index, worker)
    }

    fn number(&self, index: u32) -> u32 {
        // Relaxed: whoever has a task got it from a queue, into which it came after the store.
        self.base.load(Ordering::Relaxed) + index
    }

    fn finished(self: Arc<Self>, worker: &Worker) {
        self.execution.remember(self.way);
        // SAFETY: the protocol of runs: every task was pushed and has run, and the base came from `reserve`.
        unsafe { worker.release(self.number(0)) };
        // LOCK: see the field.
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        // Release: to the Acquire in `is_over`.
        self.over.store(true, Ordering::Release);
        for waiter in std::mem::take(&mut *waiters) {
            match waiter {
                Waiter::Thread(thread) => thread.unpark(),
                Waiter::Worker { pool, countdown } => pool.end_elsewhere(&countdown),
            }
        }
        drop(waiters);
        // It may be the last share, with the graph, what its closures own, and failures that nobody asked for.
        contain(|| drop(self));
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
        let Running { execution, base, log, workers, .. } = &*self.0;
        let mut result = execution.result(*workers);
        let report = match &mut result {
            Ok(report) => report,
            Err(RunError::Failed(report) | RunError::Cancelled(report)) => report,
        };
        let shape = execution.graph().shape();
        report.recording = log.as_ref().map(|log| log.recording(shape, report.makespan_ns));
        // Relaxed: the run is over.
        report.base = Some(base.load(Ordering::Relaxed));
        result
    }
}

impl Pool {
    /// Begins to run a graph. The same graph may run many times, also at once. Where tasks go that say something about themselves, and in which order
    /// they come, is the [policy's](crate::pool::Builder::policy); at first, to their home if it has workers, by priority, and then by deadline.
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
        self.run_for(Tenant(0), graph)
    }

    /// As [`run`](Self::run), on behalf of a [tenant](crate::pool::Builder::tenants): the tasks that [name](super::Node::tenant) none are that one's. A successor that becomes ready goes on
    /// where the task before it ended as long as the turn lasts.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    #[must_use = "a run that nobody waits for reports to nobody"]
    pub fn run_for(&self, tenant: Tenant, graph: &Graph) -> Run {
        let run = Arc::new(Running::new(self, graph, tenant));
        if graph.shape().is_empty() {
            return Run(run);
        }
        let numbers = run.baton() + 1;
        let base = self.reserve(Arc::clone(&run) as Arc<dyn Runnable>, 0, numbers);
        // Relaxed: published by the queues.
        run.base.store(base, Ordering::Relaxed);
        let sources = run.execution.sources();
        if run.way == Way::Alone {
            self.inject_all(NodeIndex(0), [run.number(run.baton())]);
        } else if run.is_plain {
            // Evenly, in the order of their numbers.
            let share = sources.len().div_ceil(self.layout().nodes()).max(1);
            for (node, tasks) in (0..).zip(sources.chunks(share)) {
                self.inject_all(NodeIndex(node), tasks.iter().map(|task| base + task));
            }
        } else {
            sources.iter().for_each(|&task| self.put(&run.view(task, self.layout())));
        }
        Run(run)
    }
}
