//! Tasks that need more than a processor, and tenants that share what they need.

use proptest::prelude::*;
use turgo_machine::topology::NodeId;

use crate::dag::{Profile, Shape};
use crate::policy::Standard;
use crate::resources::{Lane, Resources};
use crate::sim::{Contender, Outcome, Simulation, Workload};
use crate::trace::Kind;

use super::{machine, ran_in_order, runs};

fn needing(memory: f32, home: Option<u32>) -> Profile {
    let need = Resources::NONE.with(Lane::Memory, memory);
    let need = if memory == 0.0 { Resources::NONE } else { need };
    Profile { cost_ns: 10_000, need, home: home.map(NodeId), ..Profile::default() }
}

fn run(
    profiles: Vec<Profile>,
    edges: &[(u32, u32)],
    spec: &str,
    contender: &Contender,
) -> (Workload, Outcome) {
    let workload = Workload::new("needs", Shape::new(profiles, edges).expect("no cycle"));
    let machine = machine(spec);
    let simulation = Simulation::new(&machine, machine.cpus().len(), &*contender.policy);
    let outcome = simulation.knobs(contender.knobs).traced(true).run(&workload);
    (workload, outcome)
}

/// The most that is needed of the homes' memory at the same time, by node.
fn most(workload: &Workload, outcome: &Outcome, nodes: usize) -> Vec<f32> {
    let mut events = outcome.events.clone();
    events.sort_by_key(|event| (event.at_ns, event.kind == Kind::Begin));
    let (mut now, mut most) = (vec![0.0; nodes], vec![0.0f32; nodes]);
    for event in events {
        let Profile { need, home, .. } = &workload.shape().profiles()[event.subject as usize];
        let Some(NodeId(home)) = *home else { continue };
        let home = home as usize;
        match event.kind {
            Kind::Begin => now[home] += need.get(Lane::Memory),
            Kind::End => now[home] -= need.get(Lane::Memory),
            _ => {}
        }
        most[home] = most[home].max(now[home]);
    }
    most
}

#[test]
fn what_runs_fits_its_node() {
    // A third of the tasks need nothing, and each one comes after one that was there long before.
    let profiles: Vec<Profile> = (0..300u16)
        .map(|number| needing(f32::from(number % 3) * 0.3, Some(u32::from(number % 2))))
        .collect();
    let edges: Vec<(u32, u32)> = (40..300).map(|task| (task - 40, task)).collect();
    for contender in Contender::all() {
        let (workload, outcome) = run(profiles.clone(), &edges, "2x4", &contender);
        ran_in_order(&workload, &outcome);
        for most in most(&workload, &outcome, 2) {
            assert!(most < 1.001, "V8: {most} under {}", contender.name);
            assert!(most > 0.89, "{most}: a node is not used under {}", contender.name);
        }
        let whole_ns = outcome.makespan_ns * u64::from(outcome.workers);
        assert!(outcome.busy_ns <= whole_ns, "V3: {}", contender.name);
    }
}

#[test]
fn who_needs_all_of_it_is_not_overtaken() {
    // They come so often that there is always somebody who has some of it.
    let mut profiles = vec![needing(0.3, Some(0)); 200];
    // More than there is counts as all of it.
    profiles[20] = needing(7.0, Some(0));
    let workload = Workload::new("needs", Shape::new(profiles, &[]).expect("no edges"));
    let workload = workload.arriving((0..200).map(|task| task * 4_000).collect());
    let policy = Standard::default();
    let outcome = Simulation::new(&machine("1x4"), 4, &policy).traced(true).run(&workload);
    let begins = outcome.events.iter().filter(|event| event.kind == Kind::Begin);
    let place = begins.map(|event| event.subject).position(|task| task == 20);
    assert!(place.is_some_and(|place| place < 25), "V8: {place:?} of 200");
}

#[test]
fn who_stands_in_line_leaves_the_processors_to_others() {
    let mut profiles = vec![needing(0.9, Some(0)); 8];
    profiles.extend(vec![needing(0.0, None); 24]);
    let policy = Standard::default();
    let workload = Workload::new("needs", Shape::new(profiles, &[]).expect("no edges"));
    let outcome = Simulation::new(&machine("1x4"), 4, &policy).run(&workload);
    // 320 µs of work, of which 80 can only be done one after the other; who is let in waits behind what its worker has already.
    assert!(outcome.makespan_ns < 160_000, "{}", outcome.makespan_ns);
}

fn of(tenant: u32, need: Resources, cost_ns: u64) -> Profile {
    Profile { cost_ns, need, tenant, home: Some(NodeId(0)), ..Profile::default() }
}

/// How long one of twelve tasks waits at most that need little and come one at a time, beside sixty that need much; those are of another tenant, or nobody asks whose they are.
fn waits(much: f32, little: f32, cost_ns: u64, is_shared: bool) -> u64 {
    let memory = |part| Resources::NONE.with(Lane::Memory, part);
    let mut profiles = vec![of(0, memory(much), cost_ns); 60];
    profiles.extend(vec![of(1, memory(little), cost_ns / 4); 12]);
    // Each comes when the one before is over for long, as long as it waits no longer than the bound.
    let mut arrivals = vec![0; 60];
    arrivals.extend((1..=12).map(|task| task * 4 * cost_ns));
    let workload = Workload::new("needs", Shape::new(profiles, &[]).expect("no edges"));
    let weights = if is_shared { vec![1, 1] } else { vec![1] };
    let workload = workload.arriving(arrivals.clone()).weighted(weights);
    let (machine, policy) = (machine("1x8"), Standard::default());
    let outcome = Simulation::new(&machine, 8, &policy).traced(true).run(&workload);
    ran_in_order(&workload, &outcome);
    let runs = runs(&outcome.events);
    (60..72).map(|task: u32| runs[&task].0 - arrivals[task as usize]).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Two tenants, so twice what one holds its part for (Q5), with the way of whoever is let in: 20 µs for each.
    #[test]
    fn nobody_is_held_up_by_the_big_tasks_of_another_tenant(
        much in 50u16..=100, little in 1u16..=100, cost_us in 30u64..200,
    ) {
        let part = |percent: u16| f32::from(percent) / 100.0;
        let waited_ns = waits(part(much), part(little), 1_000 * cost_us, true);
        prop_assert!(waited_ns <= 2_000 * (cost_us + 20), "V8: {waited_ns}");
        if much > 50 && much + little <= 100 {
            // One of them runs at a time, and there is always room beside it.
            prop_assert!(waited_ns <= 40_000, "V8: {waited_ns}");
        }
    }
}

#[test]
fn without_tenants_there_is_one_line() {
    let waited_ns = waits(0.9, 0.05, 100_000, false);
    assert!(waited_ns > 5_000_000, "{waited_ns}: it waits for all sixty, who came before");
}

#[test]
fn dominant_shares_are_even_as_in_pools() {
    let need = |cpu: u8, memory: u8| {
        let part = |of: u8, all: f32| f32::from(of) / all;
        Resources::NONE.with(Lane::Cpu, part(cpu, 9.0)).with(Lane::Memory, part(memory, 18.0))
    };
    // All is held until everybody stands in line. Then the example of the paper: 9 processors and 18 GB; tasks of 1 and 4, and of 3 and 1.
    let mut profiles = vec![of(0, need(9, 18), 100_000), of(0, Resources::NONE, 20_000)];
    profiles.extend(vec![of(0, need(1, 4), 1_000_000); 40]);
    profiles.extend(vec![of(1, need(3, 1), 700_000); 40]);
    let edges: Vec<(u32, u32)> = (2..82).map(|task| (1, task)).collect();
    let workload = Workload::new("needs", Shape::new(profiles, &edges).expect("no cycle"));
    let workload = workload.weighted(vec![1, 1]);
    let (machine, policy) = (machine("1x8"), Standard::default());
    let outcome = Simulation::new(&machine, 8, &policy).traced(true).run(&workload);
    let runs = runs(&outcome.events);
    let running = |at_ns: u64, tasks: std::ops::Range<u32>| {
        tasks.filter(|task| runs[task].0 <= at_ns && at_ns < runs[task].1).count()
    };
    assert_eq!((running(500_000, 2..42), running(500_000, 42..82)), (3, 2));
    // And so it goes on: three times 4 of 18 and twice 3 of 9, up to a task.
    let last_ns = (2..42).map(|task| runs[&task].0).max().unwrap_or(0);
    let last_ns = last_ns.min((42..82).map(|task| runs[&task].0).max().unwrap_or(0));
    let moments: Vec<u64> =
        (0..).map(|at| 200_000 + at * 10_000).take_while(|&at| at < last_ns).collect();
    assert!(moments.len() > 500, "{}", moments.len());
    let mean = |tasks: &std::ops::Range<u32>| {
        let all: usize = moments.iter().map(|&at| running(at, tasks.clone())).sum();
        all as f64 / moments.len() as f64
    };
    let shares = (mean(&(2..42)) * 4.0 / 18.0, mean(&(42..82)) * 3.0 / 9.0);
    assert!((shares.0 - shares.1).abs() < 0.05, "{shares:?}");
}
