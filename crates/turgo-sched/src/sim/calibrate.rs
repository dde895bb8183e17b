//! Costs measured on the machine at hand, and how well a simulation with them predicts it.
//!
//! Each cost is measured by itself: chains, fans and dense layers of empty tasks on a pool with one worker give what a task, an edge and the queue of a worker cost;
//! two threads that pass a cache line to and fro give what it costs to look at another's queue and to rob it; two threads of which one sleeps give what waking costs; reading
//! a large buffer gives the bandwidth. Then two graphs are run on real pools of one and two workers and simulated with these costs. Nothing is fitted to those two.
//!
//! Of each measurement the fastest of several rounds counts: whatever else the machine does makes them slower, never faster. Where it does so all the time, the errors
//! of the predictions show it.

use std::hint::black_box;
use std::sync::Arc;

use turgo_machine::atomic::{AtomicU64, Ordering};
use turgo_machine::clock::Clock;
use turgo_machine::thread;
use turgo_machine::topology::Topology;

use super::costs::Costs;
use super::workload::{Workload, WorkloadError};
use super::world::Simulation;
use crate::dag::{Dag, Graph, Profile, Shape, TaskId};
use crate::layout::small;
use crate::policy::Standard;
use crate::pool::{BuildError, Pool};

/// Costs that were measured, and predictions made with them.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// For one worker; for more, [`scale_permille`](Costs::scale_permille) differs.
    pub costs: Costs,
    /// How much longer, in thousandths, code runs on each of two processors at once than on one alone.
    pub two_permille: u64,
    /// What was predicted and what was measured.
    pub predictions: Vec<Prediction>,
}

/// One graph on one real pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prediction {
    /// The graph.
    pub graph: String,
    /// How many workers there were.
    pub workers: usize,
    /// The makespan by simulation, in nanoseconds.
    pub simulated_ns: u64,
    /// The fastest of the real ones.
    pub measured_ns: u64,
}

impl Prediction {
    /// How far the simulation is off, as a share of what was measured; negative where it promises too much.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.simulated_ns as f64 / self.measured_ns.max(1) as f64 - 1.0
    }
}

/// Why there is no calibration.
#[derive(Debug)]
pub enum CalibrationError {
    /// A pool could not be built.
    Pool(BuildError),
    /// A graph is none.
    Graph(WorkloadError),
}

impl std::fmt::Display for CalibrationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pool(error) => error.fmt(f),
            Self::Graph(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CalibrationError {}

/// Measures costs on `machine`, which is this one, and runs these graphs to compare. Each measurement is made `rounds` times; with 15, the whole takes seconds.
///
/// # Errors
///
/// A graph is none, or the system gives no threads.
pub fn calibrate(
    machine: &Topology,
    graphs: &[String],
    rounds: u32,
) -> Result<Calibration, CalibrationError> {
    let rounds = rounds.max(1);
    let clock = Clock::real();
    let mut costs = of_queues(machine, rounds)?;
    let line_ns = line_passed(&clock, rounds);
    // To look is to fetch a line; to rob is to fetch the ends, the task and to exchange one of the ends.
    costs.probe_ns = line_ns;
    costs.steal_ns = 3 * line_ns;
    costs.moved_ns = costs.deque_ns + line_ns / 8;
    costs.shared_ns = 2 * line_ns;
    (costs.wake_ns, costs.rise_ns) = wake(&clock, rounds);
    costs.bytes_per_us = bandwidth(&clock, rounds);
    let spin = Spin::measured(&clock, rounds);
    let two_permille = spin.two_permille(&clock, rounds);
    let mut predictions = Vec::new();
    for graph in graphs {
        let workload = Workload::made(graph, 1).map_err(CalibrationError::Graph)?;
        let workload = Workload::new(graph.clone(), without_data(workload.shape()));
        let real = real_graph(workload.shape(), spin);
        for workers in [1, 2] {
            let measured_ns = on_pool(machine, workers, &real, rounds)?;
            let scale_permille = if workers == 1 { 1_000 } else { two_permille };
            let policy = Standard::default();
            let simulation = Simulation::new(machine, workers, &policy);
            let outcome = simulation.costs(Costs { scale_permille, ..costs }).run(&workload);
            let simulated_ns = outcome.makespan_ns;
            predictions.push(Prediction {
                graph: graph.clone(),
                workers,
                simulated_ns,
                measured_ns,
            });
        }
    }
    Ok(Calibration { costs, two_permille, predictions })
}

/// What happens in the better part of cases: the tenth percentile.
fn often(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values[values.len() / 10]
}

fn timed(clock: &Clock, f: impl FnOnce()) -> u64 {
    let start = clock.now_ns();
    f();
    clock.now_ns() - start
}

fn pool(machine: &Topology, workers: usize) -> Result<Pool, CalibrationError> {
    Pool::builder(machine).workers(workers).pin(false).build().map_err(CalibrationError::Pool)
}

/// The makespan of a graph.
fn on_pool(
    machine: &Topology,
    workers: usize,
    graph: &Graph,
    rounds: u32,
) -> Result<u64, CalibrationError> {
    let pool = pool(machine, workers)?;
    let run = || {
        pool.run(graph)
            .wait()
            .map_or_else(|error| error.report().makespan_ns, |report| report.makespan_ns)
    };
    run();
    Ok(often((0..rounds).map(|_| run()).collect()))
}

/// Empty tasks: `before(task)` lists what each comes after.
fn empty(tasks: u32, before: impl Fn(u32) -> std::ops::Range<u32>) -> Graph {
    let mut dag = Dag::new();
    for task in 0..tasks {
        dag.node(|_| ());
        before(task).for_each(|earlier| dag.edge(TaskId(earlier), TaskId(task)));
    }
    dag.seal().expect("edges lead from lower to higher numbers")
}

fn of_queues(machine: &Topology, rounds: u32) -> Result<Costs, CalibrationError> {
    const WIDTH: u32 = 64;
    let size = 2_000 * rounds;
    let each = |graph: &Graph, tasks: u32| -> Result<f64, CalibrationError> {
        Ok(on_pool(machine, 1, graph, rounds)? as f64 / f64::from(tasks))
    };
    let chain = each(&empty(size, |task| task.saturating_sub(1)..task), size)?;
    let fan = each(&empty(size, |task| 0..u32::from(task > 0)), size)?;
    let layers = |task: u32| {
        let layer = task / WIDTH;
        layer.saturating_sub(1) * WIDTH..layer * WIDTH
    };
    let dense = each(&empty(size, layers), size)?;
    let edge = ((dense - fan) / f64::from(WIDTH - 1)).max(1.0);
    let whole = |ns: f64| ns.round().max(1.0) as u64;
    Ok(Costs {
        edge_ns: whole(edge),
        task_ns: whole(chain - edge),
        deque_ns: whole((fan - chain) / 2.0),
        ..Costs::default()
    })
}

/// What it takes to pass a cache line from one thread to another.
fn line_passed(clock: &Clock, rounds: u32) -> u64 {
    let turns = 1_000 * u64::from(rounds);
    let line = Arc::new(AtomicU64::new(0));
    let other = Arc::clone(&line);
    let wait = |line: &AtomicU64, turn: u64| {
        let mut tries = 0u32;
        // Acquire: pairs with the Release of the other thread's turn.
        while line.load(Ordering::Acquire) != turn {
            tries += 1;
            if tries > 10_000 {
                // The other one has lost its processor.
                thread::yield_now();
            } else {
                thread::spin_loop();
            }
        }
    };
    let partner = thread::spawn(move || {
        for turn in 0..turns {
            wait(&other, 2 * turn + 1);
            // Release: the next turn is the other thread's.
            other.store(2 * turn + 2, Ordering::Release);
        }
    });
    let mut passes = Vec::new();
    let mut start = clock.now_ns();
    for turn in 0..turns {
        // Release: the next turn is the other thread's.
        line.store(2 * turn + 1, Ordering::Release);
        wait(&line, 2 * turn + 2);
        if turn % 100 == 99 {
            let now = clock.now_ns();
            passes.push((now - start) / 200);
            start = now;
        }
    }
    partner.join().expect("it only counts");
    often(passes).max(1)
}

/// What waking a thread costs who wakes it, and how long after that it runs.
fn wake(clock: &Clock, rounds: u32) -> (u64, u64) {
    let turns = 10 * u64::from(rounds);
    let word = Arc::new(AtomicU64::new(0));
    let rose = Arc::new(AtomicU64::new(0));
    let (theirs, seen, watch) = (Arc::clone(&word), Arc::clone(&rose), clock.clone());
    let sleeper = thread::spawn(move || {
        for turn in 1..=turns {
            // Acquire: pairs with the Release below.
            while theirs.load(Ordering::Acquire) < turn {
                thread::park();
            }
            // Release: the time is there to be read.
            seen.store(watch.now_ns(), Ordering::Release);
        }
    });
    let (mut calls, mut rises) = (Vec::new(), Vec::new());
    for turn in 1..=turns {
        // Long enough for it to be asleep.
        std::thread::sleep(std::time::Duration::from_micros(200));
        let start = clock.now_ns();
        // Release: it may go on.
        word.store(turn, Ordering::Release);
        sleeper.thread().unpark();
        let called = clock.now_ns();
        let mut at = 0;
        while at < start {
            // Acquire: pairs with the Release of the sleeper's.
            at = rose.load(Ordering::Acquire);
            thread::yield_now();
        }
        calls.push(called - start);
        rises.push(at.saturating_sub(called));
    }
    sleeper.join().expect("it only sleeps");
    (often(calls).max(1), often(rises).max(1))
}

/// Bytes per microsecond of reading a buffer that no cache holds.
fn bandwidth(clock: &Clock, rounds: u32) -> u64 {
    let buffer = vec![1u64; 8 << 20];
    let read = || {
        let took = timed(clock, || {
            black_box(buffer.iter().fold(0u64, |sum, &word| sum.wrapping_add(word)));
        });
        (size_of_val(&buffer[..]) as u64 * 1_000) / took.max(1)
    };
    (0..rounds).map(|_| read()).max().unwrap_or(1).max(1)
}

/// Work that takes a known time: a chain of multiplications.
#[derive(Debug, Clone, Copy)]
struct Spin {
    /// Steps in 1024 nanoseconds.
    steps: u64,
}

impl Spin {
    fn measured(clock: &Clock, rounds: u32) -> Self {
        const STEPS: u64 = 200_000;
        let took = (0..rounds).map(|_| timed(clock, || chain(STEPS))).collect();
        Self { steps: (STEPS * 1_024 / often(took).max(1)).max(1) }
    }

    fn run(self, ns: u64) {
        chain(ns * self.steps / 1_024);
    }

    /// How much longer it takes on two processors at once.
    fn two_permille(self, clock: &Clock, rounds: u32) -> u64 {
        const NS: u64 = 2_000_000;
        let ratio = |_| {
            let (one, other) = (clock.clone(), clock.clone());
            let partner = thread::spawn(move || timed(&other, || self.run(2 * NS)));
            let mine = timed(&one, || self.run(2 * NS));
            let theirs = partner.join().expect("it only counts");
            (mine + theirs) * 1_000 / (4 * NS)
        };
        often((0..rounds).map(ratio).collect()).max(1)
    }
}

#[inline(never)]
fn chain(steps: u64) {
    let mut value = black_box(1u64);
    for _ in 0..steps {
        value = value.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (value >> 31);
    }
    black_box(value);
}

/// The same graph of tasks that read nothing and live nowhere.
fn without_data(shape: &Shape) -> Shape {
    let profiles = shape.profiles().iter();
    let profiles = profiles.map(|known| Profile { cost_ns: known.cost_ns, ..Profile::default() });
    Shape::new(profiles.collect(), &edges(shape)).expect("it had no cycle")
}

fn edges(shape: &Shape) -> Vec<(u32, u32)> {
    (0..small(shape.len()))
        .flat_map(|task| shape.successors(TaskId(task)).iter().map(move |&next| (task, next)))
        .collect()
}

/// The graph with tasks that work for as long as they say.
fn real_graph(shape: &Shape, spin: Spin) -> Graph {
    let mut dag = Dag::new();
    for profile in shape.profiles() {
        let cost_ns = profile.cost_ns;
        dag.node(move |_| spin.run(cost_ns));
    }
    for (from, to) in edges(shape) {
        dag.edge(TaskId(from), TaskId(to));
    }
    dag.seal().expect("it had no cycle")
}
