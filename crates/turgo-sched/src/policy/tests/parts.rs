//! What each part of a policy promises by itself.

use super::*;

const ME: WorkerId = WorkerId(0);

fn workers(named: &[Source]) -> Vec<u32> {
    let worker = |source: &Source| match source {
        Source::Worker(worker, _) => Some(worker.0),
        Source::Node(_) => None,
    };
    named.iter().filter_map(worker).collect()
}

fn first(policy: &Standard, layout: &Layout, loads: &Tables, asker: &mut Asker) -> u32 {
    workers(&search(policy, ME, layout, loads, asker))[0]
}

#[test]
fn the_nearest_come_first() {
    // Two nodes of four cores with two threads, two cores to a cache.
    let layout = layout("2x4x2,llc=2", 16);
    let (loads, mut asker) = (Tables::idle(&layout), Asker::new(1));
    let named = search(&Standard::default(), ME, &layout, &loads, &mut asker);
    assert_eq!(named[0], Source::Node(NodeIndex(0)), "its own node's queue before all");
    let here = layout.seat(ME);
    let ranks: Vec<_> = (workers(&named).iter().map(|&worker| layout.seat(WorkerId(worker))))
        .map(|seat| {
            let near = (seat.node == here.node, seat.complex == here.complex);
            match (near, seat.core == here.core) {
                (_, true) => 0,
                ((_, true), _) => 1,
                ((true, _), _) => 2,
                _ => 3,
            }
        })
        .collect();
    assert!(ranks.is_sorted(), "{ranks:?}");
    assert_eq!(ranks.len(), 15, "each once: nobody has work");
}

#[test]
fn a_small_node_is_gone_round_until_enough_attempts_are_made() {
    let layout = layout("2x2", 4);
    let (loads, mut asker) = (Tables::idle(&layout), Asker::new(1));
    asker.knobs.local_attempts = 5;
    let named = workers(&search(&Standard::default(), ME, &layout, &loads, &mut asker));
    assert_eq!(named[..5], [2; 5]);
    assert_eq!(named.len(), 7);
}

#[test]
fn far_queues_that_are_worth_it_come_before_those_that_are_not() {
    let layout = layout("2x2", 4);
    let (mut loads, mut asker) = (Tables::idle(&layout), Asker::new(1));
    loads.queued = vec![0, 4, 0, 5];
    let named = workers(&search(&Standard::default(), ME, &layout, &loads, &mut asker));
    // 2 tasks for each 10 of 21 are 4.2.
    assert_eq!(named, [2, 2, 3, 1, 3]);
    let choosy = Standard { reach: Reach::Threshold, ..Standard::default() };
    assert_eq!(workers(&search(&choosy, ME, &layout, &loads, &mut asker)), [2, 2, 3]);
}

#[test]
fn the_most_loaded_has_two_more() {
    let layout = layout("1x4", 4);
    let (mut loads, mut asker) = (Tables::idle(&layout), Asker::new(1));
    let policy = Standard::of(Victims::MostLoaded, Scope::Blind);
    loads.queued = vec![0, 2, 7, 3];
    assert_eq!(first(&policy, &layout, &loads, &mut asker), 2);
    loads.queued = vec![0, 1, 1, 1];
    let picked =
        Victims::MostLoaded.pick(ME, layout.by_distance(ME), &mut asker.view(&layout, &loads));
    assert_eq!(picked, None);
}

#[test]
fn two_choices_take_the_busier() {
    let layout = layout("1x8", 8);
    let (mut loads, mut asker) = (Tables::idle(&layout), Asker::new(1));
    loads.queued = (0..8).collect();
    let policy = Standard::of(Victims::TwoChoices, Scope::Blind);
    let mut sum = [0u32; 2];
    for _ in 0..1000 {
        sum[0] += first(&policy, &layout, &loads, &mut asker);
        sum[1] += first(&Standard::of(Victims::Random, Scope::Blind), &layout, &loads, &mut asker);
    }
    // The mean of one is 4, that of the larger of two 36/7.
    assert!((3_800..4_200).contains(&sum[1]), "{sum:?}");
    assert!((4_900..5_400).contains(&sum[0]), "{sum:?}");
}

#[test]
fn affinity_begins_with_the_last_one() {
    let layout = layout("2x8", 16);
    let (mut loads, mut asker) = (Tables::idle(&layout), Asker::new(1));
    asker.memory.last_victim = Some(WorkerId(6));
    for scope in [Scope::Blind, Scope::Aware] {
        let policy = Standard::of(Victims::Affinity, scope);
        assert_eq!(first(&policy, &layout, &loads, &mut asker), 6);
    }
    // One that is far is asked before the near ones only if it is worth it.
    asker.memory.last_victim = Some(WorkerId(7));
    let policy = Standard::of(Victims::Affinity, Scope::Aware);
    assert_ne!(first(&policy, &layout, &loads, &mut asker), 7);
    loads.queued[7] = 20;
    assert_eq!(first(&policy, &layout, &loads, &mut asker), 7);
}

#[test]
fn a_circle_goes_on_where_it_ended() {
    let layout = layout("1x5", 5);
    let (loads, mut asker) = (Tables::idle(&layout), Asker::new(1));
    let policy = Standard::of(Victims::Circular, Scope::Blind);
    let mut named = Vec::new();
    for _ in 0..3 {
        for attempt in 0..4 {
            let mut view = asker.view(&layout, &loads);
            let source = policy.dispatch(ME, attempt, &mut view).unwrap();
            // The third worker that is asked has something, and the search is over.
            policy.found(ME, source, u32::from(attempt == 3), &mut view);
            named.extend(workers(&[source]));
        }
    }
    assert_eq!(named, [1, 2, 3, 4, 1, 2, 3, 4, 1]);
    assert_eq!(asker.memory.last_victim, Some(WorkerId(1)));
    assert_eq!(asker.memory.failures, 0);
}

#[test]
fn a_golden_sequence_spreads_evenly() {
    let layout = layout("1x8", 8);
    let (loads, mut asker) = (Tables::idle(&layout), Asker::new(1));
    asker.knobs.local_attempts = 1;
    let mut counts = [0i32; 8];
    let policy = Standard::of(Victims::Golden, Scope::Blind);
    for _ in 0..700 {
        counts[first(&policy, &layout, &loads, &mut asker) as usize] += 1;
    }
    assert!(counts[1..].iter().all(|count| (count - 100).abs() <= 3), "{counts:?}");
}

#[test]
fn nodes_have_phases_of_their_own() {
    let layout = layout("4x4", 16);
    let loads = Tables::idle(&layout);
    let picks = |me: u32| -> Vec<u32> {
        let mut asker = Asker::new(1);
        let others: Vec<WorkerId> = (100..200).map(WorkerId).collect();
        let mut view = asker.view(&layout, &loads);
        (0..4).map(|_| Victims::Golden.pick(WorkerId(me), &others, &mut view).unwrap().0).collect()
    };
    let all: HashSet<Vec<u32>> = (0..4).map(picks).collect();
    assert_eq!(all.len(), 4);
}

#[test]
fn the_hybrid_draws_by_tickets_four_times_in_five() {
    let layout = layout("1x8", 8);
    let (mut loads, mut asker) = (Tables::idle(&layout), Asker::new(1));
    loads.queued[3] = 9;
    let mut hits = 0;
    for _ in 0..1000 {
        let mut view = asker.view(&layout, &loads);
        let pick = Victims::Hybrid.pick(ME, layout.by_distance(ME), &mut view);
        hits += u32::from(pick == Some(WorkerId(3)));
    }
    // Four fifths by lottery, and a seventh of the rest.
    assert!((790..870).contains(&hits), "{hits}");
}

#[test]
fn periodic_balancing_waits() {
    let layout = layout("1x4", 4);
    let (mut loads, mut asker) = (Tables::idle(&layout), Asker::new(1));
    loads.queued = vec![0, 2, 7, 3];
    let policy = Standard::periodic(1000);
    assert_eq!(workers(&search(&policy, ME, &layout, &loads, &mut asker)), [2]);
    asker.now_ns += 999;
    assert!(workers(&search(&policy, ME, &layout, &loads, &mut asker)).is_empty());
    asker.now_ns += 1;
    assert_eq!(workers(&search(&policy, ME, &layout, &loads, &mut asker)), [2]);
    asker.now_ns += 1000;
    loads.queued = vec![0, 1, 1, 1];
    assert!(workers(&search(&policy, ME, &layout, &loads, &mut asker)).is_empty());
}

#[test]
fn an_emptier_victim_is_worth_nothing() {
    let layout = layout("1x4", 4);
    let (mut loads, mut asker) = (Tables::idle(&layout), Asker::new(1));
    let vector = |cpu, io| Resources::NONE.with(Lane::Cpu, cpu).with(Lane::Io, io);
    loads.queued = vec![0, 1, 1, 1];
    loads.demand = vec![vector(0.9, 0.0), vector(0.0, 0.0), vector(1.0, 0.0), vector(0.9, 0.1)];
    let mut pick = |loads: &Tables| {
        Victims::Weighted.pick(ME, layout.by_distance(ME), &mut asker.view(&layout, loads))
    };
    assert_ne!(pick(&loads), Some(WorkerId(1)), "W1");
    // What is free decides which surplus is the better one.
    loads.free = vec![vector(0.1, 0.9)];
    assert_eq!(pick(&loads), Some(WorkerId(3)));
    loads.free = vec![vector(0.9, 0.1)];
    assert_eq!(pick(&loads), Some(WorkerId(2)));
    loads.demand = vec![vector(0.9, 0.9), vector(0.0, 0.1), vector(0.2, 0.2), vector(0.9, 0.1)];
    assert_eq!(pick(&loads), None, "W1: all have less");
}

#[test]
fn a_task_goes_home() {
    let layout = layout("2x2", 4);
    let (mut loads, mut asker) = (Tables::idle(&layout), Asker::new(1));
    let mut task = TaskView::plain(0);
    task.home = Some(NodeIndex(1));
    let mut select = |placement: Placement, from: Option<u32>, task: &TaskView, loads: &Tables| {
        placement.select(task, from.map(WorkerId), &mut asker.view(&layout, loads))
    };
    let home = Placement::Home;
    assert_eq!(select(home, Some(1), &task, &loads), Place::Here, "H1: it is there");
    assert_eq!(select(home, Some(0), &task, &loads), Place::Node(NodeIndex(1)), "H1");
    loads.parked = vec![true, false, true, true];
    assert_eq!(select(home, Some(0), &task, &loads), Place::Worker(WorkerId(3)), "H1");
    assert_eq!(select(Placement::HomeThenNear, None, &task, &loads), Place::Worker(WorkerId(3)));
    // Whoever wakes the node's workers, it is not who comes from elsewhere; from outside nobody pays for waking.
    let queue = Placement::HomeQueue;
    assert_eq!(select(queue, Some(0), &task, &loads), Place::Node(NodeIndex(1)), "H1");
    assert_eq!(select(queue, Some(1), &task, &loads), Place::Here, "H1");
    assert_eq!(select(queue, None, &task, &loads), Place::Worker(WorkerId(3)), "H1");
    // Nobody there is idle: it waits there, unless that takes long and someone near is idle.
    loads.parked = vec![true, false, true, false];
    assert_eq!(select(home, Some(1), &TaskView::plain(0), &loads), Place::Here);
    assert_eq!(select(Placement::HomeThenNear, None, &task, &loads), Place::Node(NodeIndex(1)));
    loads.shared[1] = 5;
    assert_eq!(select(Placement::HomeThenNear, None, &task, &loads), Place::Worker(WorkerId(0)));
    assert_eq!(select(home, None, &task, &loads), Place::Node(NodeIndex(1)));
    // One that runs again goes where it ran: its own worker if that is idle.
    let mut again = TaskView::plain(0);
    again.last = Some(WorkerId(2));
    assert_eq!(select(home, Some(1), &again, &loads), Place::Worker(WorkerId(2)));
    loads.queued = vec![3, 1, 2, 4];
    assert_eq!(select(Placement::LeastLoaded, Some(0), &task, &loads), Place::Worker(WorkerId(1)));
    assert_eq!(select(Placement::LeastLoaded, Some(1), &task, &loads), Place::Here);
}

#[test]
fn kinds_of_tasks_queue_differently() {
    let mut task = TaskView::plain(0);
    assert_eq!(Queueing::ByKind.order(&task), Order::Newest);
    task.last = Some(ME);
    assert_eq!(Queueing::ByKind.order(&task), Order::Oldest);
    task.deadline_ns = 5;
    assert_eq!(Queueing::ByKind.order(&task), Order::Deadline);
    assert_eq!(Queueing::Newest.order(&task), Order::Newest);
    assert_eq!(Queueing::Oldest.order(&task), Order::Oldest);
}
