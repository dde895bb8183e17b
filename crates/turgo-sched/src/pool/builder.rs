//! What a pool is made of, and what can go wrong when it is made.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use turgo_lockfree::deque::Worker as Deque;
use turgo_machine::CachePadded;
use turgo_machine::affinity;
use turgo_machine::atomic::{AtomicBool, AtomicU32};
use turgo_machine::clock::Clock;
use turgo_machine::topology::{CpuSet, NodeId, Topology};

use crate::arena::Arena;
use crate::fair::{CLIENTS_MAX, Interleaving};
use crate::layout::{Layout, NodeIndex, WorkerId, small};
use crate::policy::{Knobs, Order, Policy, Standard};
use crate::resources::Resources;
use crate::sleep::Sleep;
use crate::statistics::Tally;
use crate::trace::Trace;
use crate::tune::Objective;

use super::Pool;
use super::calls::Calls;
use super::control::{Control, Done};
use super::rota::{Rota, Tenancy};
use super::shared::{Node, Seat, Shared};
use super::threads;
use super::tunable::Tunable;
use super::waits::Waits;
use super::worker::{Queues, Worker};

/// The most workers a pool can have: each has a list of all others, which makes a quarter of a gigabyte.
const WORKERS_MAX: usize = 1 << 13;

/// Makes a [`Pool`].
#[derive(Debug)]
#[must_use = "nothing runs before `build`"]
pub struct Builder<'a> {
    machine: &'a Topology,
    measured: BTreeMap<(NodeId, NodeId), u32>,
    workers: usize,
    policy: Box<dyn Policy>,
    knobs: Knobs,
    tune_every: Option<Duration>,
    done: Option<Done>,
    objective: Objective,
    is_latency_measured: bool,
    seed: u64,
    is_pinned: bool,
    stack_bytes: Option<usize>,
    help_max: u32,
    trace_events: usize,
    is_recording: bool,
    name: String,
    clock: Clock,
    capacity: Resources,
    tenancy: Option<Tenancy>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(machine: &'a Topology) -> Self {
        Self {
            machine,
            measured: BTreeMap::new(),
            workers: machine.workers_max(),
            policy: Box::new(Standard::default()),
            knobs: Knobs::default(),
            tune_every: None,
            done: None,
            objective: Objective::Throughput,
            is_latency_measured: false,
            seed: 0,
            is_pinned: false,
            stack_bytes: None,
            help_max: 8,
            trace_events: 0,
            is_recording: false,
            name: String::from("turgo"),
            clock: Clock::real(),
            capacity: Resources([1.0; Resources::LANES]),
            tenancy: None,
        }
    }

    /// How many workers; as many as can run at once if this is not called.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Replaces what firmware says about distances by what was measured, as [`Layout::measured`] does: `distance` answers on firmware's scale, where 10 is within a node, or
    /// `None` where nothing was measured. It is asked for every pair of nodes at once. Whom to rob, where to look for work and which worker to wake go by it from then on; see
    /// [`Pool::layout`] for what came of it.
    ///
    /// ```
    /// use turgo_machine::clock::Clock;
    /// use turgo_machine::latency::Probe;
    /// use turgo_machine::numa::Numa;
    /// use turgo_machine::topology::Topology;
    /// use turgo_sched::Pool;
    ///
    /// let machine = Topology::detect()?;
    /// // Follows pointers through the memory of each node: some tenths of a second for each.
    /// let probe = Probe { bytes: 1 << 20, ..Probe::each_complex(&machine) };
    /// let latencies = probe.run(&machine, &Numa::new(&machine), &Clock::real());
    /// let pool = Pool::builder(&machine)
    ///     .measured_distances(|from, to| latencies.distance(from, to))
    ///     .build()?;
    /// # drop(pool);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn measured_distances(mut self, distance: impl Fn(NodeId, NodeId) -> Option<u32>) -> Self {
        let nodes = || self.machine.nodes().iter().map(|node| node.id);
        let pairs = nodes().flat_map(|from| nodes().map(move |to| (from, to)));
        let known = pairs.filter_map(|(from, to)| Some(((from, to), distance(from, to)?)));
        self.measured = known.collect();
        self
    }

    /// Who decides; [`Standard::default`] if this is not called.
    pub fn policy(mut self, policy: impl Policy + 'static) -> Self {
        self.policy = Box::new(policy);
        self
    }

    /// The knobs to begin with.
    pub fn knobs(mut self, knobs: Knobs) -> Self {
        self.knobs = knobs;
        self
    }

    /// Lets the pool turn its knobs itself, in windows of at least this length, one knob at a time: see [`tune`](crate::tune). It does not if this is not called.
    ///
    /// Windows are closed by workers between two tasks or when they begin to look for work: a pool without work stays as it is. A change is judged by what is done in a second while
    /// tasks wait, or by another [objective](Self::objective). [`Statistics::knobs`](crate::statistics::Statistics::knobs) has every knob's value, its last change and why; [`Pool::set_tuning`] is the kill switch.
    pub fn tune(mut self, every: Duration) -> Self {
        self.tune_every = Some(every);
        self
    }

    /// Says how much has been done since the beginning, in whatever unit: rows, say. It is asked once in each window of [`tune`](Self::tune), by a worker, and shall neither block nor
    /// take long, nor ask the pool; a panic in it switches tuning off.
    ///
    /// If this is not called, tasks count. A shorter heartbeat, quantum or grain makes more tasks of the same work, so then those three are left as they are.
    pub fn progress(mut self, done: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.done = Some(Done(Box::new(done)));
        self
    }

    /// What is to become better when the pool [tunes](Self::tune) itself; [`Objective::Throughput`] if this is not called. The others measure [latency](Self::latency), and a
    /// window then goes on until a hundred tasks have begun in it. By latency alone all knobs are turned, also where nobody says how much is [done](Self::progress).
    ///
    /// ```
    /// use std::time::Duration;
    /// use turgo_machine::topology::Topology;
    /// use turgo_sched::Pool;
    /// use turgo_sched::tune::Objective;
    ///
    /// let pool = Pool::builder(&Topology::simulate("1x1")?)
    ///     .tune(Duration::from_millis(100))
    ///     .objective(Objective::Latency)
    ///     .build()?;
    /// pool.spawn(async {}).wait()?;
    /// assert_eq!(pool.statistics().latency.map(|latency| latency.tasks), Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn objective(mut self, objective: Objective) -> Self {
        self.objective = objective;
        self
    }

    /// Whether it is measured how long tasks wait from when they are ready until they begin, for [`Statistics::latency`](crate::statistics::Statistics::latency); it is not if this is not
    /// called, unless the pool tunes itself by an [objective](Self::objective) that needs it.
    ///
    /// Measured are futures and long-lived tasks that are spawned or woken, and closures that are moved to the pool from another thread; not closures and forks within it, nor nodes of
    /// graphs, nor the next step of a task that yields. It takes one reading of the clock for each, or for one of eight where workers spawn and wake, and 15 KiB for each worker.
    pub fn latency(mut self, is_measured: bool) -> Self {
        self.is_latency_measured = is_measured;
        self
    }

    /// The seed of the workers' random numbers; 0 if this is not called.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Whether each thread is kept on its worker's processor; they are not if this is not called.
    pub fn pin(mut self, is_pinned: bool) -> Self {
        self.is_pinned = is_pinned;
        self
    }

    /// Bytes of each thread's stack; what the system gives if this is not called.
    pub fn stack_bytes(mut self, bytes: usize) -> Self {
        self.stack_bytes = Some(bytes);
        self
    }

    /// How many tasks that it has nothing to do with a waiting task may have on its worker's stack; 8 if this is not called.
    ///
    /// With 0 a task that waits for a fork, a loop or a scope runs nothing but what it spawned itself: then it can hold a lock meanwhile that others take, and the
    /// stack is no deeper than in a run on one thread; forks that are older than a scope are given away only when that has ended. More keeps processors busy while others run what it waits for.
    ///
    /// What it does not spawn itself it does not run beyond that: nodes of a graph, and closures that others move to the pool. A task that waits for a graph relies on a worker of the graph's pool that may begin
    /// its nodes; tasks that do so from within such nodes, deeper than this on all workers of that pool, wait for ever, and with 0 already the first one does where all of them wait. Calls of
    /// [other pools](Pool) are begun at any depth, but for 0.
    pub fn help(mut self, tasks_max: u32) -> Self {
        self.help_max = tasks_max;
        self
    }

    /// What each node has of what tasks [need](crate::dag::Node::need), in the unit in which they say so; 1 of everything if this is not called, so that needs are parts of
    /// a node. A node whose task does not fit what is free runs other tasks first; one that asks for more than there is fails.
    ///
    /// # Panics
    ///
    /// [`build`](Self::build) does if a lane is below 0, infinite or no number.
    pub fn capacity(mut self, capacity: Resources) -> Self {
        self.capacity = capacity;
        self
    }

    /// Shares the pool between tenants with these weights, by number from 0; nobody asks whose a task is if this is not called.
    ///
    /// Long-lived tasks, futures, nodes of graphs and closures from outside then wait in a queue of their node in which tenants take turns as `interleaving` says, and pay for the
    /// time that their tasks take: a turn is worth [`TURN_NS`](crate::fair::TURN_NS), and longer steps are paid with turns to come. So what is shared is the time of the workers of a node,
    /// by weight, among those who have something to do there, whatever their number of tasks and the length of their steps. With a step of at most `L` on `P` workers a tenant with the
    /// share `p` of `k` is at most `u B + P L (1 + p (k - 2))` from it, where `u` is a turn and `B` the [bound](crate::fair) of the interleaver; [`Statistics::tenants`] says where it
    /// is. A class of urgency comes before tenants, and so do deadlines, which are paid for in the same way. Needs are shared by [dominant
    /// resources](crate::admission::Tenants).
    ///
    /// Whose a task is, [`TaskOptions::tenant`](crate::task::TaskOptions::tenant), [`Pool::run_for`] and [`Node::tenant`](crate::dag::Node::tenant) say. What says nothing,
    /// or names one that is not there, is tenant 0's; forks and closures in scopes are part of the task that waits for them, and are paid for where that runs.
    ///
    /// It costs each step three short critical sections of its node, and two readings of the clock.
    ///
    /// [`Statistics::tenants`]: crate::statistics::Statistics::tenants
    pub fn tenants(mut self, weights: &[u32], interleaving: Interleaving) -> Self {
        self.tenancy = Some(Tenancy { weights: weights.into(), interleaving });
        self
    }

    /// How many events each worker keeps for [`Pool::trace`], of 16 bytes each; none if this is not called.
    pub fn trace(mut self, events: usize) -> Self {
        self.trace_events = events;
        self
    }

    /// Whether runs of graphs write down what is decided, for [`Report::recorded`](crate::dag::Report::recorded); they do not if this is not called. It takes 64 bytes for
    /// each node while it runs, and all workers count at one place. See [`trace`](crate::trace).
    pub fn record(mut self, is_recording: bool) -> Self {
        self.is_recording = is_recording;
        self
    }

    /// What the threads' names begin with; `turgo` if this is not called.
    ///
    /// # Panics
    ///
    /// [`build`](Self::build) does if it has a byte 0 in it.
    pub fn name(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// The clock that its decisions look at, the system's if this is not called.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    fn layout(&self) -> Layout {
        let layout = Layout::new(self.machine, self.workers);
        if self.measured.is_empty() {
            return layout;
        }
        layout.measured(|from, to| self.measured.get(&(from, to)).copied())
    }

    fn waits(&self) -> Option<Waits> {
        let is_judged = self.tune_every.is_some() && self.objective.needs_latency();
        (self.is_latency_measured || is_judged).then(Waits::new)
    }

    fn check(&self) -> Result<(), BuildError> {
        if self.workers == 0 {
            return Err(BuildError::NoWorkers);
        }
        if self.workers > WORKERS_MAX {
            return Err(BuildError::TooManyWorkers { workers: self.workers });
        }
        if self.tenancy.as_ref().is_some_and(|tenancy| !tenancy.is_possible()) {
            return Err(BuildError::Tenants);
        }
        Ok(())
    }

    fn nodes(&self, layout: &Layout) -> Box<[CachePadded<Node>]> {
        let nodes = small(layout.nodes());
        let node = |node: u32| {
            let workers = layout.on_node(NodeIndex(node)).len();
            let tenancy = self.tenancy.as_ref();
            let rota = tenancy.map(|tenancy| Rota::new(tenancy, node, nodes, self.seed));
            CachePadded::new(Node::new(workers, self.capacity, tenancy, rota))
        };
        (0..nodes).map(node).collect()
    }

    /// Whoever is pinned stays where it is, and models have no processors.
    fn beds(&self, layout: &Layout) -> Sleep {
        let may_move = !self.is_pinned && !cfg!(any(loom, shuttle));
        let sleep = Sleep::new(layout);
        if may_move { sleep.keeping_apart() } else { sleep }
    }

    /// Starts the threads. Takes time and memory in proportion to the square of the workers: a thousand of them, 4 MiB.
    ///
    /// # Errors
    ///
    /// If there are to be no workers or more than 8,192, or tenants cannot take turns as they should, or the system gives too few threads, or refuses to keep one on its processor.
    /// Then no thread is left behind.
    pub fn build(self) -> Result<Pool, BuildError> {
        self.check()?;
        let (layout, waits) = (self.layout(), self.waits());
        let (nodes, sleep) = (self.nodes(&layout), self.beds(&layout));
        let own: Vec<Queues> = (0..self.workers).map(|_| Queues::new()).collect();
        let shared = Arc::new(Shared {
            arena: Arena::new(self.workers),
            sleep,
            clock: self.clock,
            trace: (self.trace_events > 0).then(|| Trace::new(self.workers, self.trace_events)),
            is_watching: self.policy.watches(),
            is_observed: self.policy.watches()
                || self.trace_events > 0
                || self.is_recording
                || self.tenancy.is_some(),
            recorded_on: self.is_recording.then(|| layout.spec().into()),
            is_asked_of_plain: self.policy.moves_plain(),
            policy: self.policy,
            waits,
            control: self.tune_every.map(|every| {
                Control::new(&self.knobs, layout.nodes(), every, self.done, self.objective)
            }),
            tunable: Tunable::new(self.knobs),
            seats: own.iter().map(|queues| CachePadded::new(Seat::of(queues))).collect(),
            nodes,
            calls: Calls::default(),
            for_all_from: first_for_all(self.tenancy.as_ref()) as u8,
            tenancy: self.tenancy,
            seed: self.seed,
            help_max: self.help_max,
            is_closed: AtomicBool::new(false),
            running: AtomicU32::new(small(self.workers)),
            is_orphaned: AtomicBool::new(false),
            // LOCK: see the field.
            is_dissolved: Mutex::new(false),
            layout,
        });
        // From here on, dropping the pool ends the threads that were started.
        let mut pool = Pool { shared, threads: Vec::with_capacity(self.workers) };
        let (pinned, told) = std::sync::mpsc::channel();
        for (number, queues) in (0..).zip(own) {
            let (shared, pinned) = (Arc::clone(&pool.shared), pinned.clone());
            let (id, is_pinned) = (WorkerId(number), self.is_pinned);
            let run = move || {
                if is_pinned {
                    let cpu = CpuSet::from_iter([shared.layout.seat(id).cpu]);
                    // Nobody listens where another thread was refused already.
                    let _ = pinned.send(affinity::set(&cpu).map_err(|error| (id, error)));
                }
                drop(pinned);
                Worker::new(shared, id, queues).work();
            };
            let thread = threads::start(format!("{}-{number}", self.name), self.stack_bytes, run)
                .map_err(|error| BuildError::Thread { started: number, error })?;
            pool.threads.push(thread);
        }
        drop(pinned);
        if self.is_pinned {
            let refused = told.iter().find_map(Result::err);
            if let Some((worker, error)) = refused {
                return Err(BuildError::Pin { worker, error });
            }
        }
        Ok(pool)
    }
}

/// The first order in which all places of a node are one.
fn first_for_all(tenancy: Option<&Tenancy>) -> Order {
    if tenancy.is_some() { Order::Newest } else { Order::Deadline }
}

impl Tenancy {
    /// Whether these tenants can take turns in this way.
    fn is_possible(&self) -> bool {
        let tenants = self.weights.len();
        (1..=CLIENTS_MAX).contains(&tenants)
            && self.weights.iter().all(|&weight| weight > 0)
            && (tenants == 2 || !self.interleaving.is_pair())
    }
}

impl Queues {
    fn new() -> Self {
        Self { deque: Deque::new_lifo(), turns: std::array::from_fn(|_| Deque::new_fifo()) }
    }
}

impl Seat {
    fn of(queues: &Queues) -> Self {
        Self {
            deque: queues.deque.stealer(),
            turns: std::array::from_fn(|class| queues.turns[class].stealer()),
            inbox: std::array::from_fn(|_| turgo_lockfree::deque::Injector::new()),
            tally: Tally::default(),
        }
    }
}

/// Why there is no pool.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// A pool needs a worker.
    NoWorkers,
    /// There can be 8,192.
    TooManyWorkers {
        /// How many were asked for.
        workers: usize,
    },
    /// There is to be a tenant at least and 4,096 at most, none of them without weight, and two for a pair.
    Tenants,
    /// The system gave no more threads.
    Thread {
        /// How many it had given.
        started: u32,
        /// What it said.
        error: io::Error,
    },
    /// The system refused to keep a thread on its processor.
    Pin {
        /// Which.
        worker: WorkerId,
        /// What it said.
        error: io::Error,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWorkers => f.write_str("a pool needs at least one worker"),
            Self::TooManyWorkers { workers } => {
                write!(f, "{workers} workers: a pool can have at most {WORKERS_MAX}")
            }
            Self::Tenants => write!(
                f,
                "tenants: 1 to {CLIENTS_MAX} of them, each with a weight above 0, and for a pair of Beatty sequences two"
            ),
            Self::Thread { started, error } => write!(
                f,
                "the system gave {started} threads and no more ({error}): ask for fewer workers or smaller stacks, or raise the limit (ulimit -u, ulimit -v, pids.max)"
            ),
            Self::Pin { worker, error } => write!(
                f,
                "worker {} cannot be kept on its processor ({error}): build the pool without `pin`, or for the processors this process may use",
                worker.0
            ),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Thread { error, .. } | Self::Pin { error, .. } => Some(error),
            Self::NoWorkers | Self::TooManyWorkers { .. } | Self::Tenants => None,
        }
    }
}
