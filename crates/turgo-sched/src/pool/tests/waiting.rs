//! Frames that wait: what has its turn meanwhile, and what other pools call.

use std::sync::{Arc, mpsc};
use std::task::Context;
use std::time::Duration;

use turgo_machine::atomic::{AtomicBool, Ordering};
use turgo_machine::topology::Topology;

use crate::dag::Dag;
use crate::fair::Interleaving;
use crate::layout::WorkerId;
use crate::pool::{Builder, Pool};
use crate::task::{Budget, Rearmed, Step, TaskOptions};

/// Whatever takes longer than this will never end.
const NEVER: Duration = Duration::from_secs(20);

fn pool(workers: usize, build: impl FnOnce(Builder<'_>) -> Builder<'_>) -> Pool {
    let machine = Topology::simulate("1x4").expect("a machine");
    build(Pool::builder(&machine).workers(workers)).build().expect("threads")
}

/// Calls `f` on a thread of its own, of which nobody hears any more where it does not end; whether it ends.
fn ends(f: impl FnOnce() + Send + 'static) -> bool {
    let (done, is_done) = mpsc::channel();
    let call = move || {
        f();
        done.send(()).expect("the test waits");
    };
    std::thread::Builder::new().name("caller".into()).spawn(call).expect("a thread");
    is_done.recv_timeout(NEVER).is_ok()
}

/// Wants every turn, until it is told to end.
struct Yields(Arc<AtomicBool>);

impl Rearmed for Yields {
    fn run(&mut self, _: &mut Context<'_>, _: Budget<'_>) -> Step {
        if self.0.load(Ordering::Relaxed) { Step::Done } else { Step::Again }
    }
}

#[test]
fn what_a_worker_waits_for_has_its_turn_beside_what_yields() {
    let pool = Arc::new(pool(1, |builder| builder));
    let is_over = Arc::new(AtomicBool::new(false));
    let yields = pool.spawn_rearmed(Yields(Arc::clone(&is_over)), TaskOptions::default());
    let waits = Arc::clone(&pool);
    // Its node is in the queue of the pool's node, and the only worker has something of its own all the time.
    let has_ended = ends(move || {
        waits.install(|_| {
            let mut dag = Dag::new();
            dag.node(|_| ());
            waits.run(&dag.seal().expect("no cycle")).wait().expect("nothing fails");
        });
    });
    is_over.store(true, Ordering::Relaxed);
    yields.wait().expect("it ends");
    assert!(has_ended, "K3: what comes from outside has no turn while a frame waits");
}

/// Calls the pools in turn, each from the one before.
fn chain(pools: &[Arc<Pool>], at: usize, depth: usize) -> usize {
    if depth == 0 {
        return 0;
    }
    let next = (at + 1) % pools.len();
    1 + pools[next].install(|_| chain(pools, next, depth - 1))
}

/// So many tasks in each of the pools, which are called in turn by each task, and so on.
fn calls_end(pools: Vec<Pool>, tasks: usize, depth: usize) -> bool {
    let pools: Arc<[Arc<Pool>]> = pools.into_iter().map(Arc::new).collect();
    ends(move || {
        let begin = |at: usize| {
            let others = Arc::clone(&pools);
            pools[at].spawn(async move { chain(&others, at, depth) })
        };
        let handles: Vec<_> = (0..tasks).flat_map(|_| (0..pools.len()).map(begin)).collect();
        for handle in handles {
            assert_eq!(handle.wait().expect("it ends"), depth);
        }
        // Not by one of their workers, which may have the last share of a task.
        drop(pools);
    })
}

#[test]
fn pools_that_call_each_other_do_not_wait_in_a_circle() {
    for help in [1, 2, 8] {
        for (pools, workers) in [(2, 1), (2, 2), (3, 1)] {
            let made = (0..pools).map(|_| pool(workers, |builder| builder.help(help))).collect();
            assert!(calls_end(made, 100, 5), "F5: {pools} pools of {workers}, help {help}");
        }
    }
}

#[test]
fn nodes_of_a_graph_call_the_pool_that_waits_for_it() {
    for help in [1, 8] {
        let has_ended = ends(move || {
            let [one, other] = [(); 2].map(|()| Arc::new(pool(1, |builder| builder.help(help))));
            let wait = || {
                let (calls, runs) = (Arc::clone(&one), Arc::clone(&other));
                one.spawn(async move {
                    let mut dag = Dag::new();
                    dag.node(move |_| calls.install(|_| ()));
                    runs.run(&dag.seal().expect("no cycle")).wait().expect("nothing fails");
                })
            };
            let waiting: Vec<_> = (0..50).map(|_| wait()).collect();
            waiting.into_iter().for_each(|handle| handle.wait().expect("it ends"));
        });
        assert!(has_ended, "F5: help {help}");
    }
}

#[test]
fn tenants_pay_for_calls_that_are_begun_out_of_turn() {
    let made = [(); 2].map(|()| {
        pool(1, |builder| builder.help(1).tenants(&[1, 2], Interleaving::Tijdeman).trace(64))
    });
    assert!(calls_end(made.into(), 50, 4), "F5");
}

#[test]
fn a_call_is_begun_by_a_worker_that_sleeps_beyond_its_bound() {
    let [one, other] = [(); 2].map(|()| Arc::new(pool(1, |builder| builder.help(1))));
    let has_ended = ends(move || {
        let (begun, is_begun) = mpsc::channel();
        let is_called = Arc::new(AtomicBool::new(false));
        let (back, calls, called) = (Arc::clone(&one), Arc::clone(&other), Arc::clone(&is_called));
        // The other pool's only worker waits until the one's sleeps, and calls that one then.
        let first = one.spawn(async move {
            calls.install(|_| {
                begun.send(()).expect("the test waits");
                while !back.shared.calls.has(WorkerId(0)) {
                    std::thread::yield_now();
                }
                back.install(|_| called.store(true, Ordering::Relaxed));
            });
        });
        is_begun.recv().expect("it begins");
        // On top of the first, and no more than that may be: it waits for what the other pool runs while it waits for that call.
        let calls = Arc::clone(&other);
        let second = one.spawn(async move {
            calls.install(|_| {
                while !is_called.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
            });
        });
        first.wait().expect("it ends");
        second.wait().expect("it ends");
    });
    assert!(has_ended, "L3: nobody begins it");
}
