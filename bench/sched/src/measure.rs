//! Times pieces of work in turn.

use std::cell::Cell;

use rustix::time::{ClockId, clock_gettime};

/// One implementation of what a group compares.
pub struct Case<'a> {
    pub name: &'static str,
    /// Does all of the work; answers what the group's implementations must agree on.
    run: Box<dyn Fn(&Watch) -> u64 + 'a>,
}

impl<'a> Case<'a> {
    /// All that `run` does is timed.
    pub fn new(name: &'static str, run: impl Fn() -> u64 + 'a) -> Self {
        Self::timed(name, move |watch| watch.time(&run))
    }

    /// What `run` hands to the watch is timed.
    pub fn timed(name: &'static str, run: impl Fn(&Watch) -> u64 + 'a) -> Self {
        Self { name, run: Box::new(run) }
    }
}

/// Nanoseconds of one run: on the wall, and of all processors for this process.
#[derive(Default)]
pub struct Watch {
    wall: Cell<f64>,
    cpu: Cell<f64>,
}

impl Watch {
    pub fn time<R>(&self, f: impl FnOnce() -> R) -> R {
        let (wall, cpu) = (now(ClockId::Monotonic), now(ClockId::ProcessCPUTime));
        let result = f();
        self.cpu.set(now(ClockId::ProcessCPUTime) - cpu);
        self.wall.set(now(ClockId::Monotonic) - wall);
        result
    }

    /// Where the run itself has found out how long what it measures takes.
    pub fn report(&self, wall_ns: f64) {
        self.wall.set(wall_ns);
    }

    /// Where it has also found out what that took of processors.
    pub fn report_cpu(&self, cpu_ns: f64) {
        self.cpu.set(cpu_ns);
    }
}

/// Processor time of all threads of the process but the calling one, in nanoseconds.
pub fn cpu_of_others() -> f64 {
    now(ClockId::ProcessCPUTime) - now(ClockId::ThreadCPUTime)
}

/// Implementations that do the same work.
pub struct Group<'a> {
    pub name: &'static str,
    pub unit: &'static str,
    /// Operations of one run.
    pub operations: u64,
    /// What each must answer.
    pub answer: Option<u64>,
    pub cases: Vec<Case<'a>>,
    /// Runs that show more than their answer, once before: by name one for each case, or none.
    pub checks: Vec<Case<'a>>,
}

/// Nanoseconds per operation.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    /// Median over the rounds.
    pub wall: f64,
    /// Processor time of the process; median over the rounds.
    pub cpu: f64,
    pub low: f64,
    pub high: f64,
}

fn now(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

pub fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Those whose names begin so.
///
/// # Panics
///
/// If one of them answers wrong.
pub fn measure(group: &Group<'_>, rounds: usize, only: &str) -> Vec<(&'static str, Figure)> {
    let chosen = |case: &&Case<'_>| case.name.starts_with(only);
    for check in group.checks.iter().filter(chosen) {
        let answer = (check.run)(&Watch::default());
        assert!(group.answer.is_none_or(|right| right == answer), "{}", check.name);
    }
    let cases: Vec<_> = group.cases.iter().filter(chosen).collect();
    let mut times: Vec<_> = cases.iter().map(|_| (Vec::new(), Vec::new())).collect();
    // The first round warms up.
    for round in 0..=rounds {
        for (case, (walls, cpus)) in cases.iter().zip(&mut times) {
            let watch = Watch::default();
            let answer = (case.run)(&watch);
            if let Some(right) = group.answer {
                assert_eq!(answer, right, "{} of {}", case.name, group.name);
            }
            if round > 0 {
                walls.push(watch.wall.get() / group.operations as f64);
                cpus.push(watch.cpu.get() / group.operations as f64);
            }
        }
    }
    let figure = |(mut walls, mut cpus): (Vec<f64>, Vec<f64>)| Figure {
        wall: median(&mut walls),
        cpu: median(&mut cpus),
        low: walls[0],
        high: walls[walls.len() - 1],
    };
    cases.iter().map(|case| case.name).zip(times.into_iter().map(figure)).collect()
}
