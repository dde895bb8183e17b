//! Settings that are learnt: a workload is run again and again, each time from another seed, and what comes of a run is a window of [`tune`](crate::tune).
//!
//! It is the loop of a pool with runs in place of stretches of time: a tuner cannot tell one from the other. What was learnt then runs once more, from the seed
//! that all others run from.

use super::outcome::Outcome;
use crate::policy::{Amount, Knobs, Scope, Standard, Victims};
use crate::tune::{Bandit, Config, Knob, Objective, Phase, Setting, StealThreshold, Tuner, Window};

/// The most runs that something is learnt from.
const RUNS_MAX: u32 = 300;

/// Runs for each arm of the bandit.
const RUNS_EACH: u32 = 5;

/// Runs that the threshold follows.
const THRESHOLD_RUNS: u32 = 24;

/// A policy and its knobs, and how they were found.
#[derive(Debug, Clone)]
pub(super) struct Learnt {
    pub(super) name: String,
    pub(super) policy: Standard,
    pub(super) knobs: Knobs,
}

/// What is learnt about.
#[derive(Debug)]
pub(super) struct Learner<F> {
    /// Runs a policy with knobs; a later number is another seed.
    pub(super) run: F,
}

/// How good a run was: tasks per second, or how short the slowest hundredth waited where tasks come from outside.
pub(super) fn score(outcome: &Outcome) -> f64 {
    if outcome.is_open { 1e9 / outcome.latency_p99_ns.max(1) as f64 } else { outcome.rate() }
}

fn window(outcome: &Outcome) -> Window {
    Window {
        length_ns: outcome.makespan_ns,
        tasks: u64::from(outcome.tasks),
        // There is something to do from the beginning of a run to its end.
        queued: f64::from(outcome.workers),
        steals_tried: outcome.far_tried,
        steals_won: outcome.far_won,
        local: outcome.at_home,
        remote: outcome.with_home - outcome.at_home,
        latency_ns: outcome.latency_p99_ns,
        ..Window::default()
    }
}

impl<F: FnMut(&Standard, Knobs, u32) -> Outcome> Learner<F> {
    /// The threshold follows the success of steals from other nodes.
    pub(super) fn threshold(&mut self, policy: Standard) -> Learnt {
        let mut knobs = Knobs::default();
        let mut threshold = StealThreshold::new(knobs.remote_threshold, 1, 64);
        for run in 0..THRESHOLD_RUNS {
            let outcome = (self.run)(&policy, knobs, run);
            threshold.step(&window(&outcome));
            knobs.remote_threshold = threshold.value();
        }
        let name = format!("{} threshold adaptive: {}", policy.name(), threshold.value());
        Learnt { name, policy, knobs }
    }

    /// A bandit chooses whom to rob, and whether nodes matter.
    pub(super) fn victims(&mut self) -> Learnt {
        let kinds =
            Victims::ALL.into_iter().filter(|kind| !matches!(kind, Victims::Periodic { .. }));
        let arms: Vec<Standard> = kinds
            .flat_map(|victims| {
                [Scope::Aware, Scope::Blind].map(|scope| Standard::of(victims, scope))
            })
            .chain([Standard { amount: Amount::One, ..Standard::default() }])
            .collect();
        let mut bandit = Bandit::new(arms.len(), 1.0);
        for run in 0..RUNS_EACH * crate::layout::small(arms.len()) {
            let arm = bandit.choose();
            bandit.reward(arm, score(&(self.run)(&arms[arm], Knobs::default(), run)));
        }
        let mean = |arm: usize| bandit.mean(arm).unwrap_or(0.0);
        let best =
            (0..arms.len()).reduce(|best, arm| if mean(arm) > mean(best) { arm } else { best });
        let policy = best.map_or_else(Standard::default, |best| arms[best]);
        Learnt { name: format!("bandit: {}", policy.name()), policy, knobs: Knobs::default() }
    }

    /// A tuner turns the knobs that a simulated machine has, until it rests.
    pub(super) fn knobs(&mut self, is_open: bool) -> Learnt {
        let (policy, mut knobs) = (Standard::default(), Knobs::default());
        let known = [Knob::Spin, Knob::RemoteThreshold, Knob::LocalAttempts];
        let settings = Setting::of(&knobs).into_iter().filter(|one| known.contains(&one.knob));
        let objective = if is_open { Objective::Latency } else { Objective::Throughput };
        let mut tuner = Tuner::new(settings.collect(), Config { objective, ..Config::default() });
        let mut runs = 0;
        while runs < RUNS_MAX && tuner.report().phase != Phase::Rest {
            let outcome = (self.run)(&policy, knobs, runs);
            if let Some(change) = tuner.step(&window(&outcome), u64::from(runs)) {
                change.knob.set(&mut knobs, change.to);
            }
            runs += 1;
        }
        Learnt { name: format!("tuned {} runs: {}", runs, turned(knobs)), policy, knobs }
    }
}

/// The knobs that a simulated machine has, at values four times apart: the best of them is what tuning is compared with.
pub(super) fn fixed() -> Vec<Learnt> {
    let of = |spin_ns: u64| {
        [1, 4, 16].map(|threshold| [1, 4, 16].map(|tries| (spin_ns, threshold, tries)))
    };
    let all = [1_250, 5_000, 20_000, 80_000, 320_000].map(of);
    all.into_iter()
        .flatten()
        .flatten()
        .map(|(spin_ns, remote_threshold, local_attempts)| {
            let knobs = Knobs { spin_ns, remote_threshold, local_attempts, ..Knobs::default() };
            Learnt {
                name: format!("best fixed: {}", turned(knobs)),
                policy: Standard::default(),
                knobs,
            }
        })
        .collect()
}

fn turned(knobs: Knobs) -> String {
    let Knobs { spin_ns, remote_threshold, local_attempts, .. } = knobs;
    format!("spin={spin_ns}ns threshold={remote_threshold} attempts={local_attempts}")
}
