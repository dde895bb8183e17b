//! Runs that are what they were: whatever makes the simulator faster changes no decision and no cost.

use super::*;

/// Hashes of traces, written down before searches went past many places at once.
const HASHES: [(&str, &str, &str, u64); 14] = [
    ("1x16", "random:6000/1x16", "hierarchical", 17713764478954582486),
    ("1x16", "random:6000/1x16", "random/blind", 15450568007619949551),
    ("1x16", "random:6000/1x16", "weighted", 4766288829589623512),
    ("4x16,ring", "random:10000/4x16", "hierarchical", 17933885250979964638),
    (
        "4x16,ring",
        "random:10000/4x16",
        "hierarchical/aware/half/home/threshold",
        607356805601303147,
    ),
    ("4x16,ring", "random:10000/4x16", "circular", 14061537416008618677),
    ("4x16,ring", "stream:10000/4x16", "two-choices", 17148263544752828710),
    (
        "4x16,ring",
        "stream:10000/4x16",
        "periodic/blind/half/least-loaded/every=1000000ns",
        17239141160123866134,
    ),
    ("2x3,ring", "tree:1000", "hierarchical", 11616686432556064643),
    ("2x3,ring", "tree:1000", "affinity/blind", 12761724076347615817),
    ("2x3,ring", "bag:1000/2x3", "circular", 8006009325710544632),
    ("2x3,ring", "stream:1000/2x3", "random/blind", 5420705479817821749),
    ("8x128", "random:20000/8x128", "hierarchical", 14931872460280645954),
    ("8x128", "arrivals:20000/8x128", "random/blind", 11173495832197614317),
];

#[test]
fn runs_are_what_they_were() {
    for (spec, graph, policy, hash) in HASHES {
        let workload = Workload::made(graph, 7).expect("a graph");
        let policy = policy_named(policy).expect("a policy");
        let simulation = Simulation::new(&machine(spec), cores(spec), &policy).seed(7);
        assert_eq!(simulation.run(&workload).hash, hash, "{spec}, {graph}, {}", policy.name());
    }
}

/// A run whose decisions are written down goes from each place to the next.
#[test]
fn going_past_many_places_at_once_changes_nothing() {
    for graph in GRAPHS {
        let workload = Workload::made(graph, 5).expect("a graph");
        for contender in Contender::all() {
            for spec in ["1x4", "2x3,ring", "4x2"] {
                let run = |recorded| {
                    Simulation::new(&machine(spec), cores(spec), &*contender.policy)
                        .knobs(contender.knobs)
                        .recorded(recorded)
                        .run(&workload)
                };
                let slow = Outcome { decisions: Vec::new(), ..run(true) };
                assert_eq!(run(false), slow, "V9: {spec}, {graph}, {}", contender.name);
            }
        }
    }
}
