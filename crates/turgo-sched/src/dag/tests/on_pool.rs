//! Graphs on a pool's threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use turgo_machine::topology::{NodeId, Topology};

use super::super::pace::Way;
use super::super::*;
use crate::policy::{Knobs, Priority};
use crate::pool::Pool;
use crate::random::Random;
use crate::trace::{Kind, chrome_json};

fn pool(machine: &str, workers: usize) -> Pool {
    let machine = Topology::simulate(machine).unwrap();
    Pool::builder(&machine).workers(workers).pin(false).build().unwrap()
}

/// Tasks that check that what they come after has run, and count themselves.
fn counted(tasks: u32, seed: u64, wishes: bool) -> (Graph, Arc<Vec<AtomicU32>>) {
    let mut random = Random::new(seed, 0);
    let done: Arc<Vec<AtomicU32>> = Arc::new((0..tasks).map(|_| AtomicU32::new(0)).collect());
    let mut dag = Dag::new();
    for to in 0..tasks {
        let before: Vec<u32> = (0..random.below(4).min(to)).map(|_| random.below(to)).collect();
        let (done, earlier) = (Arc::clone(&done), before.clone());
        let mut node = dag.node(move |cx| {
            let round = done[cx.me().0 as usize].load(Ordering::Relaxed);
            for &task in &earlier {
                assert_eq!(done[task as usize].load(Ordering::Relaxed), round + 1, "D2");
            }
            done[cx.me().0 as usize].fetch_add(1, Ordering::Relaxed);
        });
        for task in before {
            node = node.after(TaskId(task));
        }
        if wishes {
            let class = [Priority::Background, Priority::Normal, Priority::High];
            // One of the homes is not there.
            node.home(NodeId(random.below(3))).priority(class[random.below(3) as usize]);
        }
    }
    (dag.seal().unwrap(), done)
}

#[test]
fn tasks_run_once_and_after_their_predecessors() {
    for (machine, workers) in [("1x1", 1), ("1x2", 2), ("2x2", 4)] {
        let pool = pool(machine, workers);
        for seed in 0..6 {
            let (graph, done) = counted(3_000, seed, seed % 2 == 1);
            for round in 1..=3 {
                let report = pool.run(&graph).wait().unwrap();
                assert_eq!((report.completed, report.total), (3_000, 3_000));
                assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == round), "D1");
            }
        }
    }
}

/// As if a run with all workers had taken next to nothing: the next one is alone.
fn shorten(graph: &Graph) {
    graph.0.pace.record(Way::Shared, 1);
}

#[test]
fn tasks_of_a_run_that_is_alone_run_once_and_after_their_predecessors() {
    for (machine, workers) in [("1x1", 1), ("1x2", 2), ("2x2", 4)] {
        let pool = pool(machine, workers);
        for seed in 0..6 {
            let (graph, done) = counted(3_000, seed, false);
            // The baton is handed on after each turn, or only at the end of a quantum.
            pool.set_knobs(Knobs { quantum_ns: [1, 1_000_000][seed as usize % 2], ..pool.knobs() });
            shorten(&graph);
            for round in 1..=3 {
                let run = pool.run(&graph);
                assert!(run.progress().total == 3_000 && run.progress().done() <= 3_000);
                let report = run.wait().unwrap();
                assert_eq!((report.completed, report.total), (3_000, 3_000), "D11");
                assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == round), "D12");
                assert!(report.tasks().all(|task| task.state == State::Completed), "D11");
            }
            assert!(graph.0.pace.has_been_alone(), "it was");
        }
    }
}

#[test]
fn a_failure_in_a_run_that_is_alone_poisons_what_comes_after() {
    let pool = pool("1x2", 2);
    let mut dag = Dag::new();
    let first = dag.node(|_| ()).id();
    let bad = dag.node(|_| -> () { panic!("planned") }).name("bad").after(first).id();
    let behind = dag.node(|_| ()).after(bad).after(first).id();
    let others: Vec<TaskId> = (3..1_000).map(|_| dag.node(|_| ()).after(first).id()).collect();
    dag.node(|_| ()).after(behind).after_all(&others);
    let graph = dag.seal().unwrap();
    shorten(&graph);
    let error = pool.run(&graph).wait().expect_err("one panics");
    assert_eq!(error.to_string(), "bad: panicked: planned", "D8");
    let report = error.report();
    assert_eq!((report.completed, report.failed, report.cancelled), (998, 1, 2), "D3");
    assert!(!graph.0.pace.has_been_alone(), "what fails is not remembered");
}

#[test]
fn a_run_that_is_alone_is_cancelled() {
    let pool = pool("1x2", 2);
    let mut dag = Dag::new();
    let mut last = dag.node(|cx| cx.cancel()).id();
    for _ in 0..999 {
        last = dag.node(|_| ()).after(last).id();
    }
    let graph = dag.seal().unwrap();
    shorten(&graph);
    let error = pool.run(&graph).wait().expect_err("cancelled");
    assert_eq!(error.to_string(), "cancelled after 1 of 1000 tasks", "D9");
}

#[test]
fn a_run_whose_tasks_are_long_does_not_stay_alone() {
    let pool = pool("1x2", 2);
    // How many run, the most that ever did, and how many have.
    let counts = Arc::new([AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0)]);
    let mut dag = Dag::new();
    for _ in 0..300 {
        let counts = Arc::clone(&counts);
        dag.node(move |_| {
            let [running, most, ran] = &*counts;
            most.fetch_max(1 + running.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
            std::thread::sleep(Duration::from_micros(500));
            running.fetch_sub(1, Ordering::Relaxed);
            ran.fetch_add(1, Ordering::Relaxed);
        });
    }
    let graph = dag.seal().unwrap();
    shorten(&graph);
    assert_eq!(pool.run(&graph).wait().unwrap().completed, 300);
    assert!(graph.0.pace.has_been_alone(), "it has begun so");
    let [_, most, ran] = &*counts;
    assert_eq!((most.load(Ordering::Relaxed), ran.load(Ordering::Relaxed)), (2, 300), "D12");
}

#[test]
fn runs_are_waited_for_within_a_worker_too() {
    let pool = pool("1x2", 2);
    let (graph, done) = counted(500, 1, false);
    for _ in 0..20 {
        pool.install(|_| pool.run(&graph).wait().unwrap());
    }
    assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == 20), "D1");
    assert_eq!(pool.run(&Dag::new().seal().unwrap()).wait().unwrap().total, 0);
}

#[test]
fn what_is_added_runs_once() {
    let pool = pool("1x2", 3);
    for round in 0..20 {
        let ran = Arc::new(AtomicU32::new(0));
        let mut dag = Dag::new();
        dag.room(400);
        for parent in 0..40 {
            let ran = Arc::clone(&ran);
            dag.node(move |cx| {
                let mut last = TaskId((parent * 7 + round) % 40);
                for _ in 0..10 {
                    let ran = Arc::clone(&ran);
                    last = cx.spawn_after(&[cx.me(), last, TaskId(parent / 2)], move |_| {
                        ran.fetch_add(1, Ordering::Relaxed);
                    })?;
                }
                Ok::<_, EditError>(())
            });
        }
        let report = pool.run(&dag.seal().unwrap()).wait().unwrap();
        assert_eq!((report.total, report.completed), (440, 440), "D5, D7");
        assert_eq!(ran.load(Ordering::Relaxed), 400, "D5");
    }
}

#[test]
fn a_run_is_cancelled_and_watched_while_it_runs() {
    let pool = pool("1x2", 2);
    let mut dag = Dag::new();
    let mut last = dag.node(|_| ()).id();
    for _ in 0..20_000 {
        let step = move |_: &Context<'_>| std::thread::sleep(Duration::from_micros(50));
        last = dag.node(step).after(last).id();
    }
    let run = pool.run(&dag.seal().unwrap());
    let mut done = 0;
    while done < 5 {
        let progress = run.progress();
        assert!(progress.done() >= done, "what is over stays over");
        done = progress.done();
    }
    assert!(!run.is_over());
    run.cancel();
    let error = run.wait().expect_err("D9: it would take a second");
    assert!(matches!(&error, RunError::Cancelled(_)), "{error}");
    let report = error.report();
    assert_eq!(report.completed + report.cancelled, report.total, "D9");
    assert!(report.cancelled > 10_000);
}

#[test]
fn a_panic_leaves_the_pool_whole() {
    let pool = pool("1x2", 2);
    let mut dag = Dag::new();
    let bad = dag.node(|_| -> () { panic!("planned") }).name("bad").id();
    dag.node(|_| ()).after(bad);
    dag.node(|_| ());
    let error = pool.run(&dag.seal().unwrap()).wait().expect_err("one panics");
    assert_eq!(error.to_string(), "bad: panicked: planned", "D8");
    let report = error.report();
    assert_eq!((report.completed, report.failed, report.cancelled), (1, 1, 1), "D3");
    assert_eq!(pool.install(|_| 7), 7);
}

#[test]
fn a_trace_has_every_node_that_ran_once() {
    let machine = Topology::simulate("2x2").unwrap();
    let pool = Pool::builder(&machine).workers(4).trace(4_000).build().unwrap();
    pool.scope(|scope| scope.spawn(|_| ()));
    let mut dag = Dag::new();
    let first = dag.node(|_| ()).name("first").home(NodeId(1)).id();
    // A chain that goes on inline, and some beside it that go elsewhere.
    let mut last = first;
    for number in 0..300 {
        last = dag.node(|_| ()).name(format!("chain {number}")).after(last).id();
        dag.node(|_| ()).name(format!("beside {number}")).home(NodeId(number % 2)).after(last);
    }
    let bad = dag.node(|_| Err::<(), _>("planned")).name("bad").after(first).id();
    dag.node(|_| ()).name("behind").after(bad);
    let graph = dag.seal().unwrap();
    for _ in 0..2 {
        let error = pool.run(&graph).wait().expect_err("one fails");
        let report = error.report();
        // A trace keeps what is newest: of this run all, of the one before some.
        let begun = |wanted| {
            let events = pool.trace().into_iter().filter(move |event| event.kind == wanted);
            let mut tasks: Vec<_> =
                events.filter_map(|event| report.traced(event.subject)).collect();
            tasks.sort_unstable();
            tasks.dedup();
            tasks
        };
        let ran: Vec<TaskId> = (0..report.total - 1).map(TaskId).collect();
        assert_eq!((begun(Kind::Begin), begun(Kind::End)), (ran.clone(), ran));
        assert_eq!(report.name(bad).as_deref(), Some("bad"));
        let name = |subject| Some(report.name(report.traced(subject)?)?.to_string());
        let json = chrome_json(&pool.trace(), pool.layout(), name);
        for name in
            ["first", "chain 0", "chain 299", "beside 7", "bad", "worker 3, cpu 3", "node 1"]
        {
            assert!(json.contains(&format!("\"name\":\"{name}\"")), "{name}");
        }
        assert!(!json.contains("behind"), "it did not run");
    }
}
