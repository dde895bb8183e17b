//! Times small pieces of work on one thread and on several, so that noise of a shared machine falls on all alike.
//!
//! All cases of a group take turns, round by round. In a round a case runs through some windows of a fixed number of
//! operations. On one thread a window counts with its processor time. On several it counts with wall time, and only where
//! every thread was on a processor nearly all of the time and all ran at once: others measure the scheduler. Where there are more
//! threads than processors no such window exists, so all count.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// What one thread does in a window: so many operations. Answers how many of them took effect.
pub type Work = Box<dyn FnMut(u64) -> u64 + Send>;

/// One implementation of what a group compares.
#[derive(Debug)]
pub struct Case {
    pub name: &'static str,
    /// One piece of work per thread over a fresh structure.
    pub make: fn(threads: usize) -> Vec<Work>,
}

/// How long and how often.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) windows: usize,
    /// Length that a window should have.
    pub(crate) window: Duration,
    /// Whether threads sleep while they work: then all windows count, with wall time.
    pub(crate) sleeps: bool,
}

/// Nanoseconds per operation and thread.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    /// Median over the rounds of the median window; nothing where no window counted.
    pub(crate) ns: Option<f64>,
    /// The fastest and the slowest round.
    pub(crate) spread: (f64, f64),
    /// Windows that counted, of all.
    pub(crate) counted: usize,
    pub(crate) windows: usize,
}

/// Measures the cases of a group in turn.
///
/// # Panics
/// If an operation of a case does not take effect: a rate of rejected calls is none.
pub(crate) fn measure(cases: &[Case], threads: usize, plan: Plan) -> Vec<Figure> {
    let operations: Vec<u64> = cases.iter().map(|case| calibrate(case, threads, plan)).collect();
    let mut rounds = vec![Vec::new(); cases.len()];
    let mut counted = vec![0; cases.len()];
    for _ in 0..plan.rounds {
        for (index, case) in cases.iter().enumerate() {
            let mut windows = run(case, threads, operations[index], plan);
            counted[index] += windows.len();
            if let Some(middle) = median(&mut windows) {
                rounds[index].push(middle);
            }
        }
    }
    let figure = |(mut rounds, counted): (Vec<f64>, usize)| {
        let ns = median(&mut rounds);
        let spread = (
            rounds.first().copied().unwrap_or_default(),
            rounds.last().copied().unwrap_or_default(),
        );
        Figure { ns, spread, counted, windows: plan.rounds * plan.windows }
    };
    rounds.into_iter().zip(counted).map(figure).collect()
}

/// Operations per window, so that it takes about as long as planned.
fn calibrate(case: &Case, threads: usize, plan: Plan) -> u64 {
    let mut operations = 256;
    loop {
        let mut times = windows(case, threads, operations, 3);
        times.sort_by_key(|window| window.wall);
        let wall = times[1].wall.max(1);
        let planned = plan.window.as_nanos() as u64;
        if wall * 2 >= planned || operations > 1 << 24 {
            // A whole number of 64, for the cases that work in bursts.
            return (operations * planned / wall).max(64) / 64 * 64;
        }
        operations *= 4;
    }
}

/// Nanoseconds per operation of the windows that count.
fn run(case: &Case, threads: usize, operations: u64, plan: Plan) -> Vec<f64> {
    let crowded = threads > processors() || plan.sleeps;
    let all = windows(case, threads, operations, plan.windows);
    let counts = |window: &&Window| threads == 1 || crowded || window.whole;
    let time = |window: &Window| if threads == 1 { window.cpu } else { window.wall };
    all.iter().filter(counts).map(|window| time(window) as f64 / operations as f64).collect()
}

/// One window, over all its threads.
#[derive(Debug, Clone, Copy)]
struct Window {
    /// Mean nanoseconds of a thread.
    wall: u64,
    /// Mean processor time of a thread.
    cpu: u64,
    /// Whether all threads were on a processor for nine tenths of the time, and together for seven.
    whole: bool,
}

/// When a thread was in a window.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: u64,
    to: u64,
    cpu: u64,
}

fn windows(case: &Case, threads: usize, operations: u64, count: usize) -> Vec<Window> {
    let gate = Gate { threads, arrived: AtomicUsize::new(0), crowded: threads > processors() };
    let works = (case.make)(threads);
    assert_eq!(works.len(), threads, "{}: a piece of work for each thread", case.name);
    let spans: Vec<Vec<Span>> = std::thread::scope(|scope| {
        let handles: Vec<_> = works
            .into_iter()
            .enumerate()
            .map(|(index, work)| {
                let (gate, name) = (&gate, case.name);
                scope.spawn(move || {
                    pin(index);
                    thread(work, gate, operations, count, name)
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().expect("a case does not panic")).collect()
    });
    // The first window warms up.
    (1..=count)
        .map(|window| summary(spans.iter().map(|thread| thread[window]), threads as u64))
        .collect()
}

/// The windows of one thread, one more than asked for.
fn thread(mut work: Work, gate: &Gate, operations: u64, count: usize, name: &str) -> Vec<Span> {
    (0..=count)
        .map(|window| {
            gate.wait(2 * window + 1);
            let (from, cpu) = (now(ClockId::Monotonic), now(ClockId::ThreadCPUTime));
            let done = work(operations);
            let (to, spent) = (now(ClockId::Monotonic), now(ClockId::ThreadCPUTime) - cpu);
            assert_eq!(done, operations, "{name}: operations that took effect");
            gate.wait(2 * window + 2);
            Span { from, to, cpu: spent }
        })
        .collect()
}

fn summary(spans: impl Iterator<Item = Span> + Clone, threads: u64) -> Window {
    let wall: u64 = spans.clone().map(|span| span.to - span.from).sum();
    let cpu: u64 = spans.clone().map(|span| span.cpu).sum();
    let latest_from = spans.clone().map(|span| span.from).max().unwrap_or_default();
    let earliest_to = spans.clone().map(|span| span.to).min().unwrap_or_default();
    let together = earliest_to.saturating_sub(latest_from) as f64;
    let whole = spans.clone().all(|span| {
        let wall = (span.to - span.from) as f64;
        span.cpu as f64 >= 0.9 * wall && together >= 0.7 * wall
    });
    Window { wall: wall / threads, cpu: cpu / threads, whole }
}

/// Where threads wait for each other without sleeping.
struct Gate {
    threads: usize,
    arrived: AtomicUsize,
    /// More threads than processors: waiting gives way.
    crowded: bool,
}

impl Gate {
    /// Returns when all have come for the `n`th time.
    fn wait(&self, n: usize) {
        self.arrived.fetch_add(1, Ordering::AcqRel);
        while self.arrived.load(Ordering::Acquire) < n * self.threads {
            if self.crowded {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
    }
}

/// Keeps this thread on one processor, chosen by its index.
fn pin(index: usize) {
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let cpus: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).collect();
    let mut one = CpuSet::new();
    one.set(cpus[index % cpus.len()]);
    // Where the system does not allow it, the filter of windows still holds.
    _ = sched_setaffinity(None, &one);
}

pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn now(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        _ if values.is_empty() => None,
        1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}
