//! A class, or a tenant, that floods the machine, and another one that gets its share all the same, to the event.

use crate::dag::{Profile, Shape};
use crate::fair::Interleaving;
use crate::policy::{Priority, Standard};
use crate::sim::{Costs, Simulation, Workload};
use crate::trace::Kind;

use super::machine;

/// The tasks in the order in which they begin on one processor.
fn begun(workload: &Workload, interleaving: Interleaving) -> Vec<u32> {
    let (machine, policy) = (machine("1x1"), Standard::default());
    let simulation = Simulation::new(&machine, 1, &policy).costs(Costs::free()).traced(true);
    let outcome = simulation.interleaving(interleaving).run(workload);
    let begins = outcome.events.iter().filter(|event| event.kind == Kind::Begin);
    begins.map(|event| event.subject).collect()
}

/// Tasks that are all there from the beginning.
fn bag(profiles: Vec<Profile>) -> Workload {
    Workload::new("flood", Shape::new(profiles, &[]).expect("no edges"))
}

#[test]
fn a_flood_of_urgent_tasks_leaves_the_others_their_turns() {
    for (priority, turns) in [(Priority::Background, 64), (Priority::Normal, 16)] {
        let profile = |priority| Profile { cost_ns: 1_000, priority, ..Profile::default() };
        let mut profiles = vec![profile(Priority::High); 10_000];
        profiles.extend(vec![profile(priority); 50]);
        let order = begun(&bag(profiles), Interleaving::InTurn);
        let places: Vec<usize> = (0..order.len()).filter(|&at| order[at] >= 10_000).collect();
        assert_eq!(places.len(), 50);
        assert!(places[49] < 10_000, "all of them while the flood goes on: {places:?}");
        let gaps = places.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(places[0] <= turns && gaps.max() <= Some(turns), "{priority:?}: {places:?}");
    }
}

#[test]
fn a_flood_of_one_tenant_leaves_the_other_its_share() {
    let profile = |tenant| Profile { cost_ns: 1_000, tenant, ..Profile::default() };
    let mut profiles = vec![profile(0); 10_000];
    profiles.extend(vec![profile(1); 50]);
    // Three turns of four are the flood's, whose tasks came first.
    let workload = bag(profiles).weighted(vec![3, 1]);
    let places = |interleaving| {
        let order = begun(&workload, interleaving);
        (0..order.len()).filter(|&at| order[at] >= 10_000).collect::<Vec<usize>>()
    };
    for interleaving in [Interleaving::Tijdeman, Interleaving::Beatty] {
        let places = places(interleaving);
        for (number, place) in (1usize..).zip(&places) {
            // Never a whole turn behind its share, but for the task that began before anybody had a choice.
            assert!(*place <= number * 4 + 4, "{}: {number} at {place}", interleaving.name());
        }
    }
    let last = places(Interleaving::InTurn);
    assert_eq!(last[0], 10_000, "where nobody asks, it waits for the whole flood");
}
