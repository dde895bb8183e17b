//! Simulated runs: what holds for every policy and graph, and what faults do.

mod deadlines;
mod exact;
mod flood;
mod needs;
mod real;
mod tables;

use std::collections::HashMap;

use proptest::prelude::*;
use turgo_machine::topology::Topology;

use super::*;
use crate::dag::{Profile, Shape, TaskId};
use crate::fair::Interleaving;
use crate::layout::WorkerId;
use crate::policy::{Knobs, Reach, Scope, Standard, Victims};
use crate::trace::{Event, Kind};

fn machine(spec: &str) -> Topology {
    Topology::simulate(spec).expect("a machine")
}

fn cores(spec: &str) -> usize {
    machine(spec).cpus().len()
}

/// When each task began and ended, and where; checks that no worker does two things at a time.
fn runs(events: &[Event]) -> HashMap<u32, (u64, u64, WorkerId)> {
    let mut busy: HashMap<WorkerId, (u32, u64)> = HashMap::new();
    let mut runs = HashMap::new();
    let mut events = events.to_vec();
    // What a worker does next may be written down before the time comes.
    events.sort_by_key(|event| (event.at_ns, event.kind == Kind::Begin));
    for event in events {
        match event.kind {
            Kind::Begin => {
                let other = busy.insert(event.worker, (event.subject, event.at_ns));
                assert_eq!(other, None, "V3: {event:?}");
            }
            Kind::End => {
                let (task, at_ns) = busy.remove(&event.worker).expect("V3: it has begun");
                assert_eq!(task, event.subject, "V3");
                let before = runs.insert(task, (at_ns, event.at_ns, event.worker));
                assert_eq!(before, None, "V2: {event:?}");
            }
            _ => {}
        }
    }
    runs
}

fn ran_in_order(workload: &Workload, outcome: &Outcome) {
    let runs = runs(&outcome.events);
    let shape = workload.shape();
    assert_eq!(runs.len(), shape.len(), "V2");
    for (task, (_, end_ns, _)) in &runs {
        for next in shape.successors(TaskId(*task)) {
            assert!(runs[next].0 >= *end_ns, "V2: {task} before {next}");
        }
    }
}

const GRAPHS: [&str; 10] = [
    "random:600",
    "random:600/2",
    "tree:200",
    "bag:300/2",
    "wavefront:200",
    "stream:800/2x2",
    "rounds:300/2x2",
    "arrivals:300/2000",
    "tenants:300/2",
    "pair:300/2",
];

#[test]
fn every_policy_runs_every_graph_once_and_in_order() {
    for graph in GRAPHS {
        let workload = Workload::made(graph, 5).unwrap();
        for contender in Contender::all() {
            for spec in ["1x1", "1x4", "2x3,ring"] {
                let outcome = Simulation::new(&machine(spec), cores(spec), &*contender.policy)
                    .knobs(contender.knobs)
                    .traced(true)
                    .run(&workload);
                ran_in_order(&workload, &outcome);
                let whole_ns = outcome.makespan_ns * u64::from(outcome.workers);
                assert!(outcome.busy_ns <= whole_ns, "V3: {graph} {}", contender.name);
                assert!(outcome.busy_ns >= outcome.work_ns, "V3");
                // The last search of each worker may end after the last task.
                let last_ns = 100_000 * u64::from(outcome.workers);
                let all_ns = outcome.busy_ns + outcome.search_ns + outcome.waiting_ns;
                assert!(all_ns <= whole_ns + last_ns, "V3: {graph} {}", contender.name);
            }
        }
    }
}

#[test]
fn a_seed_determines_a_run() {
    let workload = Workload::made("random:2000/4", 1).unwrap();
    let policy = policy_named("random/blind").unwrap();
    let hash = |seed| {
        let simulation = Simulation::new(&machine("4x4,ring"), 16, &policy);
        simulation.seed(seed).run(&workload).hash
    };
    assert_eq!(hash(1), hash(1), "V1");
    assert_ne!(hash(1), hash(2));
    let again = Workload::made("random:2000/4", 1).unwrap();
    assert_eq!(again.shape(), workload.shape());
}

#[test]
fn decisions_are_made_again() {
    let workload = Workload::made("random:2000/2", 1).expect("a graph");
    let (policy, other) = (Standard::default(), policy_named("random/blind").expect("a policy"));
    let machine = machine("2x4");
    let recorded = Simulation::new(&machine, 8, &policy).recorded(true).run(&workload);
    assert!(recorded.decisions.len() > 2_000);
    let replay =
        |policy| Simulation::new(&machine, 8, policy).replaying(&recorded.decisions).run(&workload);
    let same = replay(&policy);
    assert_eq!((same.hash, same.differing), (recorded.hash, 0), "V6");
    // Another policy does what the list says, and would have done something else.
    let else_decided = replay(&other);
    assert_eq!(else_decided.hash, recorded.hash, "V6");
    assert!(else_decided.differing > 100, "{}", else_decided.differing);
}

/// A worker far away that stalls with a full queue, whose tasks others take.
#[test]
fn who_stalls_is_robbed() {
    let workload = Workload::made("tree:300", 1).unwrap();
    let policy = Standard::default();
    let calm = Simulation::new(&machine("1x2"), 2, &policy);
    let outcome = calm.run(&workload);
    let stall =
        |worker| Fault::Stall { worker: WorkerId(worker), at_ns: 20_000, for_ns: 5_000_000 };
    // Its own task is done when it comes back; all others are done by then.
    for worker in 0..2 {
        let calm = Simulation::new(&machine("1x2"), 2, &policy).traced(true);
        let stalled = calm.fault(stall(worker)).run(&workload);
        assert!(stalled.makespan_ns > outcome.makespan_ns);
        assert!(stalled.stalled_ns <= 5_000_000);
        let runs = runs(&stalled.events);
        let late = runs.values().filter(|(begin, ..)| *begin >= 5_020_000).count();
        let others = runs.values().filter(|(.., by)| *by != WorkerId(worker)).count();
        assert!(others > runs.len() / 2, "V5: {others} of {}", runs.len());
        assert!(late < runs.len() / 4, "V5: {late} of {}", runs.len());
    }
}

#[test]
fn wakes_that_come_late_delay_a_run_and_lose_nothing() {
    let workload = Workload::made("bag:2000/2", 1).unwrap();
    let policy = Standard::default();
    let run = |extra_ns| {
        let late = Fault::LateWakes { from_ns: 0, until_ns: u64::MAX, extra_ns };
        Simulation::new(&machine("2x4"), 8, &policy).fault(late).run(&workload)
    };
    assert!(run(50_000).makespan_ns > run(0).makespan_ns);
    assert_eq!(run(50_000).tasks, 2_000);
}

/// Workers of a node rise one after the other, 7.5 us each; nodes do so beside each other.
#[test]
fn a_tree_reaches_all_nodes_at_once() {
    let workload = Workload::made("tree:20000", 7).expect("a graph");
    let machine = machine("4x16,ring");
    let last_ns = |policy: Standard| {
        let simulation = Simulation::new(&machine, 64, &policy).traced(true);
        let mut first = [u64::MAX; 64];
        for (begin_ns, _, worker) in runs(&simulation.run(&workload).events).into_values() {
            let first = &mut first[worker.0 as usize];
            *first = begin_ns.min(*first);
        }
        first.into_iter().max().unwrap_or(0)
    };
    let (default, blind) = (Standard::default(), Standard::of(Victims::Hierarchical, Scope::Blind));
    // The first node's 16, of which the second calls the next node, and so on: 3 more.
    let last = last_ns(default);
    assert!(last < 19 * 8_000 + 10_000, "{last}");
    // Who knows of no nodes wakes all of one before any of the next.
    let last = last_ns(blind);
    assert!(last > 300_000, "{last}");
}

#[test]
fn tenants_get_their_shares() {
    for (graph, pair) in [("tenants:4000/2", false), ("pair:4000/2", true)] {
        let workload = Workload::made(graph, 1).unwrap();
        for contender in Contender::interleavings(pair) {
            let simulation = Simulation::new(&machine("2x2"), 4, &*contender.policy);
            let outcome = simulation.interleaving(contender.interleaving).run(&workload);
            let lag = outcome.lag.expect("there are tenants");
            match contender.interleaving {
                Interleaving::InTurn => assert!(lag > 100.0, "{graph} {lag}"),
                Interleaving::Tijdeman | Interleaving::Beatty | Interleaving::BeattyPhases => {
                    // Less than one on each of two nodes.
                    assert!(lag < 2.0, "{graph} {} {lag}", contender.name);
                }
                Interleaving::Stride => assert!(lag < 4.0, "{graph} {lag}"),
                _ => assert!(lag < 150.0, "{graph} {} {lag}", contender.name),
            }
        }
    }
}

#[test]
fn rounds_are_loops_with_something_between() {
    let workload = Workload::made("rounds:1000/2x4", 3).expect("a graph");
    let shape = workload.shape();
    // Thirty rounds of a task and four for each of eight processors, and a task at the end.
    assert_eq!(shape.len(), 30 * 33 + 1);
    for task in 0..31 * 33 - 32 {
        let (profile, id) = (shape.profile(TaskId(task)), TaskId(task));
        let (before, after) = (shape.predecessors(id), shape.successors(id).len());
        if task % 33 == 0 {
            assert!((30_000..60_000).contains(&profile.cost_ns));
            assert_eq!(before, if task == 0 { 0 } else { 32 });
            assert_eq!(after, if task == 990 { 0 } else { 32 });
        } else {
            assert!((2_000..4_000).contains(&profile.cost_ns));
            assert_eq!((before, after), (1, 1));
            assert_eq!(profile.home.map(|home| home.0), Some((task % 33 - 1) % 2));
        }
    }
    let (span_ns, work_ns) = (shape.span().length_ns, shape.work_ns());
    assert!((31 * 30_000 + 30 * 2_000..31 * 60_000 + 30 * 4_000).contains(&span_ns));
    // Of a round a third is sequential, whatever the number of processors.
    let parallelism = work_ns as f64 / span_ns as f64;
    assert!((2.5..3.5).contains(&parallelism), "{parallelism}");
}

#[test]
fn who_waits_awake_is_counted() {
    let workload = Workload::made("rounds:300/1x4", 1).expect("a graph");
    let (machine, policy) = (machine("1x4"), Standard::default());
    let run = |spin_ns| {
        let knobs = Knobs { spin_ns, ..Knobs::default() };
        Simulation::new(&machine, 4, &policy).knobs(knobs).run(&workload)
    };
    let (none, short, long) = (run(0), run(20_000), run(100_000));
    assert_eq!(none.waiting_ns, 0);
    // Three workers for the 20 us of each of 17 rounds, and for all of them.
    assert!((900_000..1_100_000).contains(&short.waiting_ns), "{}", short.waiting_ns);
    assert!((1_800_000..2_800_000).contains(&long.waiting_ns), "{}", long.waiting_ns);
    assert!(long.parks == 0 && long.makespan_ns < short.makespan_ns);
    assert!(short.awake() < long.awake() && long.awake() < 0.75);
}

#[test]
fn graphs_and_policies_have_names() {
    for wrong in ["", "random", "random:", "random:0", "bush:3", "random:10/0", "tree:99999999999"]
    {
        assert!(wrong.parse::<Workload>().is_err(), "{wrong}");
    }
    let error = "bush:3".parse::<Workload>().unwrap_err().to_string();
    assert!(error.contains("`bush:3`") && error.contains("wavefront"), "{error}");
    for policy in Standard::all() {
        assert_eq!(policy_named(&policy.name()).map(|known| known.name()), Some(policy.name()));
    }
    assert_eq!(policy_named("two-choices").unwrap().victims, Victims::TwoChoices);
    assert!(policy_named("whatever").is_none());
}

#[test]
fn indices_of_fairness_tell_interleavers_apart() {
    let workload = Workload::made("pair:2000/2", 1).unwrap();
    let policy = Standard::default();
    let jain = |interleaving| {
        let machine = machine("2x2");
        let simulation = Simulation::new(&machine, 4, &policy).interleaving(interleaving);
        simulation.run(&workload).jain.expect("two tenants")
    };
    // Three to one, served one to one: (2/3 + 2)^2 / (2 ((2/3)^2 + 2^2)) = 0.8.
    let in_turn = jain(Interleaving::InTurn);
    assert!((in_turn - 0.8).abs() < 0.05, "{in_turn}");
    let chairman = jain(Interleaving::Tijdeman);
    assert!(chairman > 0.9999, "{chairman}");
}

/// Random graphs without data or homes.
fn shapes() -> impl Strategy<Value = Shape> {
    (1usize..60).prop_flat_map(|tasks| {
        let costs = prop::collection::vec(100u64..5_000, tasks);
        let edges = prop::collection::vec((0..tasks as u32, 0..tasks as u32), 0..100);
        (costs, edges).prop_map(|(costs, edges)| {
            let profile = |cost_ns| Profile { cost_ns, ..Profile::default() };
            let edges: Vec<(u32, u32)> = edges
                .into_iter()
                .filter(|(a, b)| a != b)
                .map(|(a, b)| (a.min(b), a.max(b)))
                .collect();
            Shape::new(costs.into_iter().map(profile).collect(), &edges)
                .expect("edges lead from lower to higher numbers")
        })
    })
}

proptest! {
    #[test]
    fn makespans_are_within_the_bound(
        shape in shapes(),
        which in 0..Standard::all().len(),
        workers in 1usize..10,
    ) {
        let policy = Standard::all()[which];
        prop_assume!(policy.reach == Reach::Everything);
        prop_assume!(!matches!(policy.victims, Victims::Periodic { .. }));
        let workload = Workload::new("random", shape);
        let (work_ns, span) = (workload.shape().work_ns(), workload.shape().span());
        let machine = machine("1x10");
        let simulation = |costs| {
            // Without patience: whoever has nothing to do sleeps, so that it matters who is woken.
            let knobs = Knobs { spin_ns: 0, ..Knobs::default() };
            Simulation::new(&machine, workers, &policy).costs(costs).knobs(knobs)
        };
        // Where nothing costs anything, Graham's bound; a search in vain takes a nanosecond.
        let free = simulation(Costs::free()).run(&workload);
        let slack_ns = 4 * workload.shape().len() as u64;
        let bound_ns = work_ns / workers as u64 + span.length_ns + slack_ns;
        prop_assert!(free.makespan_ns <= bound_ns, "V4: {} > {}", free.makespan_ns, bound_ns);
        prop_assert_eq!(free.busy_ns, work_ns, "V3");
        // Where it does: what was done is shared, and on the longest path each task may wait for a worker that rises and goes through all queues.
        let costs = Costs::default();
        let paid = simulation(costs).run(&workload);
        let search_ns = 3 * workers as u64 * (costs.steal_ns + costs.shared_ns);
        let step_ns = costs.wake_ns + costs.rise_ns + search_ns + workers as u64 * costs.wake_ns;
        let path_ns = span.length_ns + (span.path.len() as u64 + workers as u64) * step_ns;
        let bound_ns = paid.busy_ns / workers as u64 + 2 * path_ns;
        prop_assert!(paid.makespan_ns <= bound_ns, "V4: {} > {}", paid.makespan_ns, bound_ns);
    }
}
