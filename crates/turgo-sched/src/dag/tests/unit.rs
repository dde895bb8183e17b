//! One task at a time, on this thread.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use turgo_machine::clock::{Clock, VirtualTime};

use super::super::execution::{Execution, Others};
use super::super::*;

/// Runs a whole graph on this thread with a clock of the test's.
fn run(graph: &Graph, clock: Clock) -> Result<Report, RunError> {
    let execution = Execution::new(graph.clone(), clock);
    execution.run_here(execution.sources());
    execution.result(1)
}

fn states(report: &Report) -> Vec<State> {
    report.tasks().map(|task| task.state).collect()
}

const C: State = State::Completed;
const F: State = State::Failed;
const X: State = State::Cancelled;

/// A diamond whose left side fails: top, left, right, bottom, and one that is alone.
fn failing(policy: OnFailure, panics: bool) -> Graph {
    let mut dag = Dag::new();
    dag.on_failure(policy);
    let top = dag.node(|_| ()).id();
    let left = dag
        .node(move |_| {
            assert!(!panics, "no milk");
            Err::<(), _>("no bread")
        })
        .name("left")
        .after(top)
        .id();
    let right = dag.node(|_| ()).after(top).id();
    dag.node(|_| ()).after(left).after(right);
    dag.seal().unwrap()
}

#[test]
fn a_cycle_is_named_when_it_is_sealed() {
    let mut dag = Dag::new();
    let outside = dag.node(|_| ()).name("outside").id();
    let load = dag.node(|_| ()).name("load").after(outside).id();
    let parse = dag.node(|_| ()).name("parse").after(load).id();
    let store = dag.node(|_| ()).after(parse).before(load).id();
    dag.node(|_| ()).name("behind").after(store);
    let cycle = dag.seal().expect_err("D4");
    assert_eq!(cycle.path.len(), 3);
    assert!(!cycle.path.contains(&outside));
    let text = cycle.to_string();
    let turns = [
        "load -> parse -> #3 -> load",
        "parse -> #3 -> load -> parse",
        "#3 -> load -> parse -> #3",
    ];
    assert!(turns.iter().any(|turn| text.ends_with(turn)), "{text}");
    let mut dag = Dag::new();
    let own = dag.node(|_| ()).id();
    dag.edge(own, own);
    assert_eq!(dag.seal().expect_err("D4").path, [own]);
}

#[test]
fn failures_do_what_their_policy_says() {
    let cases = [
        (OnFailure::FailNode, [C, F, C, C]),
        (OnFailure::PoisonDownstream, [C, F, C, X]),
        // The newest is run first: the right side is over when the left one fails.
        (OnFailure::AbortGraph, [C, F, C, X]),
    ];
    for (policy, expected) in cases {
        let error = failing(policy, false).run_here().expect_err("one fails");
        assert_eq!(states(error.report()), expected, "{policy:?}: D3");
        assert_eq!(error.to_string(), "left: no bread");
    }
}

#[test]
fn a_panic_stays_within_its_task() {
    let error = failing(OnFailure::PoisonDownstream, true).run_here().expect_err("one panics");
    assert_eq!(states(error.report()), [C, F, C, X], "D8");
    assert_eq!(error.to_string(), "left: panicked: no milk");
}

#[test]
fn a_panic_whose_value_panics_stays_within_its_task() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::panic_any(Self);
        }
    }
    let mut dag = Dag::new();
    dag.node(|_| -> () { std::panic::panic_any(Bomb) });
    let error = dag.seal().unwrap().run_here().expect_err("it panics");
    assert_eq!(error.report().failed, 1, "D8");
}

#[test]
fn an_abort_stops_what_has_nothing_to_do_with_the_failure() {
    let mut dag = Dag::new();
    dag.on_failure(OnFailure::AbortGraph);
    let ran = Arc::new(AtomicU32::new(0));
    for _ in 0..3 {
        let ran = Arc::clone(&ran);
        dag.node(move |_| {
            ran.fetch_add(1, Ordering::Relaxed);
        });
    }
    dag.node(|_| Err::<(), _>("the newest is run first"));
    let error = dag.seal().unwrap().run_here().expect_err("it fails");
    assert_eq!((ran.load(Ordering::Relaxed), error.report().cancelled), (0, 3), "D9");
}

#[test]
fn nothing_begins_after_a_cancellation_and_the_run_ends() {
    let mut dag = Dag::new();
    let first = dag.node(|cx| cx.cancel()).id();
    let second = dag.node(|cx| assert!(!cx.cancelled())).after(first).id();
    dag.node(|_| ()).after(second);
    let error = dag.seal().unwrap().run_here().expect_err("cancelled");
    assert_eq!(states(error.report()), [C, X, X], "D9");
    assert_eq!(error.to_string(), "cancelled after 1 of 3 tasks");

    let execution = Execution::new(failing(OnFailure::FailNode, true), Clock::real());
    execution.cancel();
    execution.run_here(execution.sources());
    assert_eq!(states(execution.result(1).expect_err("before it began").report()), [X; 4], "D9");
}

#[test]
fn a_graph_without_tasks_is_over() {
    let report = Dag::new().seal().unwrap().run_here().unwrap();
    assert_eq!((report.total, report.work_ns()), (0, 0));
}

#[test]
fn reports_measure_work_span_and_lateness() {
    let time = VirtualTime::new();
    let mut dag = Dag::new();
    dag.timed(true);
    let work = |us| {
        let time = time.clone();
        move |_: &Context<'_>| {
            time.advance(Duration::from_micros(us));
        }
    };
    let first = dag.node(work(10)).id();
    let long = dag.node(work(30)).after(first).deadline(Duration::from_micros(45)).id();
    let short = dag.node(work(5)).after(first).deadline(Duration::from_micros(20)).id();
    let last = dag.node(work(1)).after(long).after(short).id();
    let report = run(&dag.seal().unwrap(), time.clock()).unwrap();
    assert_eq!((report.work_ns(), report.makespan_ns), (46_000, 46_000));
    assert_eq!(report.span(), Span { length_ns: 41_000, path: vec![first, long, last] });
    assert!(report.measured);
    assert!((report.efficiency() - 1.0).abs() < 1e-9);
    // The short one is the newer: it runs first, and the long one is done at 45.
    assert_eq!(report.late().collect::<Vec<_>>(), []);
    assert_eq!(report.task(last).unwrap().start_ns, 45_000);
    assert_eq!(report.task(last).unwrap().worker, Some(0));
}

#[test]
fn lateness_is_reported() {
    let time = VirtualTime::new();
    let hand = time.clone();
    let mut dag = Dag::new();
    dag.timed(true);
    dag.node(move |_| {
        hand.advance(Duration::from_nanos(70));
    })
    .deadline(Duration::from_nanos(50));
    let report = run(&dag.seal().unwrap(), time.clock()).unwrap();
    assert_eq!(report.late().collect::<Vec<_>>(), [(TaskId(0), 20)]);
}

#[test]
fn progress_counts_and_estimates() {
    let time = VirtualTime::new();
    let mut dag = Dag::new();
    let first = dag.node(|_| ()).cost(Duration::from_nanos(100)).id();
    for _ in 0..3 {
        dag.node(|_| ()).cost(Duration::from_nanos(100)).after(first);
    }
    let execution = Execution::new(dag.seal().unwrap(), time.clock());
    let before = execution.progress();
    assert_eq!((before.total, before.ready, before.done(), before.left_ns), (4, 1, 0, None));
    time.advance(Duration::from_nanos(200));
    let ready = RefCell::new(Vec::new());
    assert!(!execution.step(0, 0, Others::None, &ready));
    let now = execution.progress();
    assert_eq!((now.completed, now.ready, now.elapsed_ns), (1, 3, 200));
    assert_eq!(now.left_ns, Some(600));
    let over: Vec<bool> = ready
        .take()
        .into_iter()
        .map(|task| execution.step(task, 0, Others::None, &ready))
        .collect();
    assert_eq!(over, [false, false, true], "D7");
    assert_eq!(execution.progress().left_ns, Some(0));
}

#[test]
fn what_is_added_counts_in_estimates() {
    let time = VirtualTime::new();
    let mut dag = Dag::new();
    dag.room(1);
    let added = Profile { cost_ns: 300, ..Profile::default() };
    dag.node(move |cx| cx.spawn_with(added.clone(), &[cx.me()], |_| ()).map(drop))
        .cost(Duration::from_nanos(100));
    let execution = Execution::new(dag.seal().unwrap(), time.clock());
    time.advance(Duration::from_nanos(50));
    let ready = RefCell::new(Vec::new());
    assert!(!execution.step(0, 0, Others::None, &ready));
    let now = execution.progress();
    assert_eq!((now.total, now.completed, now.left_ns), (2, 1, Some(150)));
}

#[test]
fn a_run_of_nothing_takes_no_time() {
    let time = VirtualTime::new();
    time.advance(Duration::from_nanos(5));
    let execution = Execution::new(Dag::new().seal().unwrap(), time.clock());
    time.advance(Duration::from_nanos(700));
    assert_eq!(execution.progress().elapsed_ns, 0);
    assert_eq!(execution.result(1).unwrap().makespan_ns, 0);
}

#[test]
fn costs_end_at_the_largest_number() {
    let mut dag = Dag::new();
    let first = dag.node(|_| ()).cost(Duration::MAX).id();
    dag.node(|_| ()).cost(Duration::MAX).after(first);
    let graph = dag.seal().unwrap();
    assert_eq!((graph.shape().work_ns(), graph.shape().span().length_ns), (u64::MAX, u64::MAX));
    let execution = Execution::new(graph, Clock::real());
    assert_eq!(execution.progress().done(), 0);
    execution.run_here(execution.sources());
    assert_eq!(execution.result(1).unwrap().work_ns(), u64::MAX);
}

#[test]
fn tasks_are_added_while_it_runs() {
    let seen = Arc::new(AtomicU32::new(0));
    let note = Arc::clone(&seen);
    let mut dag = Dag::new();
    dag.room(2);
    let first = dag
        .node(move |cx| {
            let (inner, outer) = (Arc::clone(&note), Arc::clone(&note));
            let a = cx.spawn_after(&[cx.me()], move |_| {
                inner.fetch_add(1, Ordering::Relaxed);
            })?;
            let b = cx.spawn_after(&[a, TaskId(1)], move |cx| {
                assert_eq!(outer.fetch_add(10, Ordering::Relaxed) % 11, 1, "after the first");
                assert_eq!(cx.me(), TaskId(3));
            })?;
            assert_eq!((a, b), (TaskId(2), TaskId(3)));
            assert_eq!(cx.spawn_after(&[], |_| ()), Err(EditError::NoRoom));
            assert_eq!(cx.spawn_after(&[TaskId(9)], |_| ()), Err(EditError::Unknown(TaskId(9))));
            Ok::<_, EditError>(())
        })
        .id();
    assert_eq!(first, TaskId(0));
    dag.node(|_| ());
    let graph = dag.seal().unwrap();
    for round in 1..=3 {
        let report = graph.run_here().unwrap();
        assert_eq!((report.total, report.completed), (4, 4), "D7");
        assert_eq!(seen.load(Ordering::Relaxed), round * 11);
    }
}

#[test]
fn edges_are_added_to_tasks_that_wait() {
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let note = |name: &'static str| {
        let order = Arc::clone(&order);
        move |_: &Context<'_>| order.lock().unwrap().push(name)
    };
    let mut dag = Dag::new();
    dag.room(0);
    let (a, b, c) = (TaskId(1), TaskId(2), TaskId(3));
    let first = dag
        .node(move |cx| {
            cx.depend(b, c)?;
            let refused = cx.depend(a, b);
            let Err(EditError::Cycle(cycle)) = &refused else { panic!("O2: {refused:?}") };
            assert_eq!(cycle.to_string(), "tasks wait for each other: a -> c -> b -> a");
            assert_eq!(cx.depend(cx.me(), c), Err(EditError::Started(cx.me())), "D6");
            assert_eq!(cx.depend(TaskId(4), c), Err(EditError::Started(TaskId(4))), "D6");
            assert_eq!(cx.spawn_after(&[], |_| ()), Err(EditError::NoRoom));
            Ok::<_, EditError>(())
        })
        .id();
    dag.node(note("a")).name("a").after(first);
    dag.node(note("b")).name("b").after(first);
    dag.node(note("c")).name("c").after(first).after(a);
    dag.node(note("free"));
    let graph = dag.seal().unwrap();
    // The first is the oldest source: the one that is free is run before it, so that its state is known.
    let execution = Execution::new(graph, Clock::real());
    let ready = RefCell::new(Vec::new());
    execution.step(0, 0, Others::None, &ready);
    let free = 4;
    execution.run_here(&[&[free], &ready.take()[..]].concat());
    let report = execution.result(1).unwrap();
    assert_eq!(report.completed, 5);
    let order = order.lock().unwrap().clone();
    let place = |name| order.iter().position(|&other| other == name).unwrap();
    assert!(place("a") < place("c"));
    assert!(place("c") < place("b"), "D5");
    let graph = failing(OnFailure::FailNode, false);
    assert!(graph.run_here().is_err());
}

#[test]
fn an_edge_from_a_task_that_failed_brings_its_poison() {
    for (policy, expected) in [(OnFailure::PoisonDownstream, X), (OnFailure::FailNode, C)] {
        let mut dag = Dag::new();
        dag.on_failure(policy);
        dag.room(1);
        // Sources are run from the newest.
        dag.node(|cx| {
            cx.spawn_after(&[TaskId(1)], |_| ())?;
            Ok::<_, EditError>(())
        });
        dag.node(|_| Err::<(), _>("broken"));
        let error = dag.seal().unwrap().run_here().expect_err("one fails");
        assert_eq!(states(error.report()), [C, F, expected], "D5");
    }
}

/// Larger than a line, and aligned as no word is.
#[repr(align(128))]
struct Wide([u32; 32]);

#[test]
fn closures_of_all_sizes_are_called_and_dropped() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let sum = Arc::new(AtomicU32::new(0));
    let mut dag = Dag::new();
    dag.node(|_| {
        CALLS.fetch_add(1, Ordering::Relaxed);
    });
    let (shared, number) = (Arc::clone(&sum), 10u32);
    dag.node(move |_| {
        shared.fetch_add(number, Ordering::Relaxed);
    });
    let (shared, list) = (Arc::clone(&sum), vec![100, 200]);
    dag.node(move |_| {
        shared.fetch_add(list.iter().sum(), Ordering::Relaxed);
    });
    let (shared, wide) = (Arc::clone(&sum), Wide([1_000; 32]));
    dag.node(move |_: &Context<'_>| {
        let Wide(numbers) = &wide;
        assert_eq!(numbers.as_ptr().addr() % 128, 0, "B1");
        shared.fetch_add(numbers.iter().sum(), Ordering::Relaxed);
    });
    // What the closure owns changes while it is called.
    let (shared, calls) = (Arc::clone(&sum), AtomicU32::new(0));
    dag.node(move |_| {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        shared.fetch_add(call << 20, Ordering::Relaxed);
    });
    let graph = dag.seal().unwrap();
    for _ in 0..2 {
        graph.run_here().unwrap();
    }
    assert_eq!(sum.load(Ordering::Relaxed), 2 * 32_310 + (1 << 20), "B1");
    assert_eq!(CALLS.load(Ordering::Relaxed), 2, "B1");
    drop(graph);
    assert_eq!(Arc::strong_count(&sum), 1, "B1: closures are dropped with the graph");
}
