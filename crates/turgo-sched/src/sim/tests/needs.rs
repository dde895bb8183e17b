//! Tasks that need more than a processor.

use turgo_machine::topology::NodeId;

use crate::dag::{Profile, Shape};
use crate::policy::Standard;
use crate::resources::{Lane, Resources};
use crate::sim::{Contender, Outcome, Simulation, Workload};
use crate::trace::Kind;

use super::{machine, ran_in_order};

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
