//! Times pieces of work in turn.

use rustix::time::{ClockId, clock_gettime};

/// One implementation of what a group compares.
pub struct Case<'a> {
    pub name: &'static str,
    /// Does all of the work; answers what the group's implementations must agree on.
    pub run: Box<dyn Fn() -> u64 + 'a>,
}

/// Implementations that do the same work.
pub struct Group<'a> {
    pub name: &'static str,
    pub unit: &'static str,
    /// Operations of one run.
    pub operations: u64,
    /// What each must answer.
    pub answer: Option<u64>,
    /// Whether the answer is the time itself, in nanoseconds for all operations.
    pub times_itself: bool,
    pub cases: Vec<Case<'a>>,
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

/// # Panics
///
/// If one of them answers wrong.
pub fn measure(group: &Group<'_>, rounds: usize) -> Vec<(&'static str, Figure)> {
    let mut cases: Vec<_> = group.cases.iter().map(|_| (Vec::new(), Vec::new())).collect();
    // The first round warms up, and is for the answers.
    for round in 0..=rounds {
        for (case, (walls, cpus)) in group.cases.iter().zip(&mut cases) {
            let (wall, cpu) = (now(ClockId::Monotonic), now(ClockId::ProcessCPUTime));
            let answer = (case.run)();
            let cpu = now(ClockId::ProcessCPUTime) - cpu;
            let mut wall = now(ClockId::Monotonic) - wall;
            if group.times_itself {
                wall = answer as f64;
            } else if let Some(right) = group.answer {
                assert_eq!(answer, right, "{} of {}", case.name, group.name);
            }
            if round > 0 {
                walls.push(wall / group.operations as f64);
                cpus.push(cpu / group.operations as f64);
            }
        }
    }
    let figure = |(mut walls, mut cpus): (Vec<f64>, Vec<f64>)| Figure {
        wall: median(&mut walls),
        cpu: median(&mut cpus),
        low: walls[0],
        high: walls[walls.len() - 1],
    };
    group.cases.iter().map(|case| case.name).zip(cases.into_iter().map(figure)).collect()
}
