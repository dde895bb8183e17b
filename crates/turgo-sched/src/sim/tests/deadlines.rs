//! Deadlines below the admission bound, to the nanosecond.

use crate::admission::{Deadlines, Periodic};
use crate::dag::{Profile, Shape};
use crate::layout::WorkerId;
use crate::policy::{Queueing, Standard};
use crate::random::Random;
use crate::sim::{Costs, Simulation, Workload};
use crate::trace::Kind;

use super::machine;

const HORIZON_NS: u64 = 4_000_000;

/// Tasks that a node promises to do in time, as many of the random ones as it admits. None can be interrupted, so the longest is subtracted from each deadline first.
fn admitted(seed: u64, processors: usize) -> Vec<Periodic> {
    let mut random = Random::new(seed, 0);
    let longest_ns = 6_000;
    let mut node = Deadlines::shared(processors);
    let mut tasks = Vec::new();
    for _ in 0..400 {
        let period_ns = 16_000 + u64::from(random.below(200_000));
        let cost_ns = 500 + u64::from(random.below(longest_ns as u32 - 500));
        let task = Periodic { period_ns, deadline_ns: period_ns, cost_ns };
        let asked = Periodic { deadline_ns: period_ns - longest_ns, ..task };
        if node.admit(asked).is_ok() {
            tasks.push(task);
        }
    }
    assert!(node.density(0) > 0.9, "{}", node.density(0));
    tasks
}

/// Their jobs: when each comes, what it takes and when it is to be done.
fn jobs(tasks: &[Periodic], seed: u64) -> Workload {
    let mut random = Random::new(seed, 1);
    let (mut profiles, mut arrivals) = (Vec::new(), Vec::new());
    for task in tasks {
        let mut at_ns = u64::from(random.below(task.period_ns as u32));
        while at_ns + task.period_ns < HORIZON_NS {
            let deadline_ns = at_ns + task.deadline_ns;
            profiles.push(Profile { cost_ns: task.cost_ns, deadline_ns, ..Profile::default() });
            arrivals.push(at_ns);
            // Never sooner than the period, and sometimes later.
            at_ns += task.period_ns + u64::from(random.below(8) / 7) * task.period_ns / 8;
        }
    }
    Workload::new("periodic", Shape::new(profiles, &[]).expect("no edges")).arriving(arrivals)
}

/// Jobs that were not over in time.
fn late(workload: &Workload, processors: usize, queueing: Queueing) -> usize {
    let policy = Standard { queueing, ..Standard::default() };
    let machine = machine("1x8");
    let simulation = Simulation::new(&machine, processors, &policy).costs(Costs::free());
    let outcome = simulation.traced(true).run(workload);
    let ends = outcome.events.iter().filter(|event| event.kind == Kind::End);
    let is_late =
        |task: u32, at_ns: u64| at_ns > workload.shape().profiles()[task as usize].deadline_ns;
    assert!(outcome.events.iter().all(|event| event.worker < WorkerId(processors as u32)));
    ends.filter(|event| is_late(event.subject, event.at_ns)).count()
}

#[test]
fn deadlines_below_the_bound_are_met() {
    let mut in_turn = 0;
    for processors in [1, 2, 4] {
        for seed in 0..12 {
            let workload = jobs(&admitted(seed, processors), seed);
            assert!(workload.shape().len() > 300);
            assert_eq!(late(&workload, processors, Queueing::ByKind), 0, "A4: {processors} {seed}");
            in_turn += late(&workload, processors, Queueing::Oldest);
        }
    }
    assert!(in_turn > 0, "whatever the order, these deadlines are met: they show nothing");
}
