//! Nodes that need something of a node's capacity.

use std::sync::Arc;
use std::time::Duration;

use turgo_machine::atomic::{AtomicBool, AtomicU32, Ordering};
use turgo_machine::topology::{NodeId, Topology};

use crate::dag::{Context, Dag, OnFailure, RunError, State};
use crate::fair::Interleaving;
use crate::layout::NodeIndex;
use crate::pool::Pool;
use crate::random::Random;
use crate::resources::{Lane, Resources};

/// Eighths of a node.
const WHOLE: u32 = 8;

fn pool(workers: usize) -> Pool {
    let machine = Topology::simulate("2x2").expect("a machine");
    Pool::builder(&machine).workers(workers).build().expect("threads")
}

/// The same, shared by three tenants.
fn shared_pool(workers: usize) -> Pool {
    let machine = Topology::simulate("2x2").expect("a machine");
    let builder = Pool::builder(&machine).workers(workers);
    builder.tenants(&[1, 2, 3], Interleaving::Tijdeman).build().expect("threads")
}

fn eighths(count: u32) -> Resources {
    let part = count as f32 / WHOLE as f32;
    Resources::NONE.with(Lane::Memory, part).with(Lane::Io, part / 2.0)
}

fn is_all_free(pool: &Pool) -> bool {
    (0..pool.layout().nodes()).all(|node| {
        let free = pool.shared.node(NodeIndex(node as u32)).claims.capacity().free();
        free == Resources([1.0; Resources::LANES])
    })
}

/// Tasks with random needs, of which some fail, panic or come after such ones; each looks whether its node has given out more than there is.
fn failing(seed: u64, tasks: u32, is_failing: bool) -> (Dag, Arc<Vec<AtomicU32>>) {
    let mut random = Random::new(seed, 0);
    let held: Arc<Vec<AtomicU32>> = Arc::new((0..2).map(|_| AtomicU32::new(0)).collect());
    let mut dag = Dag::new();
    let mut ids = Vec::new();
    for _ in 0..tasks {
        let (count, home, kind) = (1 + random.below(WHOLE), random.below(2), random.below(40));
        let held = Arc::clone(&held);
        let body = move |_: &Context<'_>| {
            let before = held[home as usize].fetch_add(count, Ordering::Relaxed);
            assert!(before + count <= WHOLE, "R1: {before} and {count} eighths");
            std::thread::yield_now();
            held[home as usize].fetch_sub(count, Ordering::Relaxed);
            assert!(kind != 0 || !is_failing, "planned");
            if kind == 1 && is_failing { Err("planned") } else { Ok(()) }
        };
        let node = dag.node(body).home(NodeId(home)).need(eighths(count));
        let mut node = node.tenant(random.below(3));
        for _ in 0..random.below(3).min(ids.len() as u32) {
            node = node.after(ids[random.below(ids.len() as u32) as usize]);
        }
        ids.push(node.id());
    }
    (dag, held)
}

#[test]
fn no_more_is_given_out_than_there_is_and_all_comes_back() {
    for pool in [1, 2, 4].into_iter().flat_map(|workers| [pool(workers), shared_pool(workers)]) {
        for seed in 0..8 {
            let (mut dag, held) = failing(seed, 300, seed % 2 == 1);
            dag.on_failure(OnFailure::PoisonDownstream);
            // On one worker there is one node, and homes on the other are passed over: what is counted there fits in any case.
            let graph = dag.seal().expect("no cycle");
            let run = pool.run(&graph);
            if seed == 7 {
                run.cancel();
            }
            match run.wait() {
                Ok(report) => assert_eq!(report.completed, 300),
                Err(error @ RunError::Failed(_)) => {
                    assert!(
                        error
                            .report()
                            .failures
                            .iter()
                            .all(|one| { one.cause.to_string().contains("planned") }),
                        "{error}"
                    );
                }
                Err(error) => assert_eq!(seed, 7, "{error}"),
            }
            assert!(is_all_free(&pool), "Q3: {seed}");
            assert!(held.iter().all(|held| held.load(Ordering::Relaxed) == 0));
        }
    }
}

#[test]
fn a_task_waits_for_what_it_needs_and_others_run_meanwhile() {
    let pool = pool(3);
    let flag = || Arc::new(AtomicBool::new(false));
    let wait_for = |flag: &AtomicBool| {
        while !flag.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_micros(100));
        }
    };
    let (begun, over, other) = (flag(), flag(), flag());
    let mut dag = Dag::new();
    let (begins, ends, awaited) = (Arc::clone(&begun), Arc::clone(&over), Arc::clone(&other));
    dag.node(move |_| {
        begins.store(true, Ordering::Relaxed);
        // Ends only when one has run that needs nothing.
        wait_for(&awaited);
        ends.store(true, Ordering::Relaxed);
    })
    .home(NodeId(0))
    .need(eighths(8));
    let gate = dag.node(move |_| wait_for(&begun)).id();
    dag.node(move |_| assert!(over.load(Ordering::Relaxed), "R1: it began beside the first"))
        .home(NodeId(0))
        .need(eighths(1))
        .after(gate);
    dag.node(move |_| other.store(true, Ordering::Relaxed)).home(NodeId(0)).after(gate);
    let report = pool.run(&dag.seal().expect("no cycle")).wait().expect("nothing fails");
    assert_eq!(report.completed, 4);
}

#[test]
fn a_task_that_needs_more_than_there_is_fails() {
    let pool = pool(2);
    let mut dag = Dag::new();
    let big = dag.node(|_| ()).name("big").need(eighths(9)).id();
    dag.node(|_| ()).after(big);
    dag.node(|_| ());
    let error = pool.run(&dag.seal().expect("no cycle")).wait().expect_err("it never fits");
    assert_eq!(error.to_string(), "big: more than there is of Memory");
    let states: Vec<State> = error.report().tasks().map(|task| task.state).collect();
    assert_eq!(states, [State::Failed, State::Cancelled, State::Completed]);
    assert!(is_all_free(&pool));
}
