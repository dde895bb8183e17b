//! How long tasks wait, and where they run.

use std::sync::{Arc, Mutex, mpsc};
use std::task::Context;
use std::time::Duration;

use turgo_machine::clock::VirtualTime;
use turgo_machine::topology::{NodeId, Topology};

use crate::dag::{self, Dag, Graph};
use crate::layout::NodeIndex;
use crate::pool::{Builder, Pool};
use crate::resources::{Lane, Resources};
use crate::statistics::{Latency, WorkerStatistics};
use crate::task::{Budget, JoinHandle, Rearmed, Step, TaskOptions};

/// A pool whose worker number `held` is in the middle of a task until the sender is dropped.
fn held(pool: &Pool) -> (NodeIndex, mpsc::Sender<()>, JoinHandle<()>) {
    let (release, wait) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    let handle = pool.spawn(async move {
        let node = super::super::current::with(|worker| worker.map(crate::Worker::node));
        begun.send(node).expect("the test waits");
        // Ends when the test has hung up.
        let _ = wait.recv();
    });
    let node = begins.recv().expect("it begins").expect("a worker");
    (node, release, handle)
}

fn one_worker(time: &VirtualTime, build: impl FnOnce(Builder<'_>) -> Builder<'_>) -> Pool {
    let machine = Topology::simulate("1x1").expect("a machine");
    build(Pool::builder(&machine).workers(1).clock(time.clock())).build().expect("a thread")
}

/// Within what a histogram cannot tell apart.
fn is_about(measured_ns: u64, ns: u64) -> bool {
    measured_ns.abs_diff(ns) <= ns / 32
}

#[test]
fn a_wait_is_from_ready_to_begun() {
    let time = VirtualTime::new();
    let pool = one_worker(&time, |builder| builder.latency(true));
    assert_eq!(pool.statistics().latency, None, "nothing has begun");
    let (_, release, holder) = held(&pool);
    let spawned = pool.spawn(async {});
    let latency = std::thread::scope(|threads| {
        let (installs, installing) = mpsc::channel();
        let pool = &pool;
        let installed = threads.spawn(move || {
            installs.send(()).expect("the test waits");
            pool.install(|_| ());
        });
        installing.recv().expect("it begins");
        // It is about to push, or has pushed.
        while pool.shared.node(NodeIndex(0)).inbox.iter().map(|queue| queue.len()).sum::<usize>()
            < 2
        {
            std::thread::yield_now();
        }
        time.advance(Duration::from_micros(70));
        drop(release);
        spawned.wait().expect("it ends");
        installed.join().expect("it ends");
        pool.statistics().latency.expect("three have begun")
    });
    holder.wait().expect("it ends");
    assert_eq!(latency.tasks, 3, "Y1");
    assert!(is_about(latency.p99_ns, 70_000), "Y1: {latency:?}");
    assert!(is_about(latency.p50_ns, 70_000), "Y1: two of three: {latency:?}");
}

/// Yields once, a millisecond later.
struct Yields(VirtualTime, bool);

impl Rearmed for Yields {
    fn run(&mut self, _: &mut Context<'_>, _: Budget<'_>) -> Step {
        self.0.advance(Duration::from_millis(1));
        let is_again = std::mem::replace(&mut self.1, false);
        if is_again { Step::Again } else { Step::Done }
    }
}

#[test]
fn who_yields_has_asked_to_wait() {
    let time = VirtualTime::new();
    let pool = one_worker(&time, |builder| builder.latency(true));
    pool.spawn_rearmed(Yields(time.clone(), true), TaskOptions::default()).wait().expect("it ends");
    let latency = pool.statistics().latency;
    assert_eq!(latency, Some(Latency { tasks: 1, p50_ns: 0, p99_ns: 0 }), "Y1");
}

#[test]
fn a_sample_stands_for_the_others() {
    let time = VirtualTime::new();
    let pool = one_worker(&time, |builder| builder.latency(true));
    let spawned: Vec<JoinHandle<()>> =
        pool.install(|_| (0..80).map(|_| pool.spawn(async {})).collect());
    spawned.into_iter().for_each(|task| task.wait().expect("it ends"));
    let tasks = pool.statistics().latency.map(|latency| latency.tasks);
    assert_eq!(tasks, Some(81), "Y2: and the closure that spawned them");
}

#[test]
fn nothing_is_measured_unless_asked_for() {
    let time = VirtualTime::new();
    let pool = one_worker(&time, |builder| builder.tune(Duration::from_millis(1)));
    pool.spawn(async {}).wait().expect("it ends");
    assert_eq!(pool.statistics().latency, None);
}

/// Tasks with and without a home, of which each says where it ran.
fn homes(home: Option<NodeId>, need: Resources, ran: &Arc<Mutex<Vec<u32>>>) -> Graph {
    let mut dag = Dag::new();
    for _ in 0..20 {
        let ran = Arc::clone(ran);
        let node = dag.node(move |cx: &dag::Context<'_>| {
            ran.lock().expect("nobody panics").push(cx.worker());
        });
        let node = node.need(need);
        if let Some(home) = home {
            node.home(home);
        }
    }
    dag.seal().expect("no cycle")
}

fn with_homes(pool: &Pool) -> (u64, u64) {
    let WorkerStatistics { local, remote, .. } = pool.statistics().total();
    (local, remote)
}

#[test]
fn a_task_with_a_home_is_counted_where_it_ran() {
    let some = Resources::NONE.with(Lane::Io, 0.1);
    for (need, is_recording) in [(Resources::NONE, false), (some, false), (Resources::NONE, true)] {
        let machine = Topology::simulate("2x1").expect("a machine");
        let pool =
            Pool::builder(&machine).workers(2).record(is_recording).build().expect("threads");
        let (home, release, holder) = held(&pool);
        // The only worker there is held, so all of them run elsewhere.
        let there = pool.layout().node_id(home);
        let ran = Arc::new(Mutex::new(Vec::new()));
        pool.run(&homes(Some(there), need, &ran)).wait().expect("nothing fails");
        assert_eq!(with_homes(&pool), (0, 20), "Z1");
        let options = TaskOptions { home: Some(home), ..TaskOptions::default() };
        pool.spawn_with(async {}, options).wait().expect("it ends");
        assert_eq!(with_homes(&pool), (0, 21), "Z1: a future");
        // Those at home on the other node are at home, and no others have one.
        let other = pool.layout().node_id(NodeIndex(1 - home.0));
        pool.run(&homes(Some(other), need, &ran)).wait().expect("nothing fails");
        pool.run(&homes(Some(NodeId(9)), need, &ran)).wait().expect("nothing fails");
        pool.run(&homes(None, need, &ran)).wait().expect("nothing fails");
        let nowhere = TaskOptions { home: Some(NodeIndex(9)), ..TaskOptions::default() };
        pool.spawn_with(async {}, nowhere).wait().expect("it ends");
        assert_eq!(with_homes(&pool), (20, 21), "Z1");
        let statistics = pool.statistics();
        assert_eq!(statistics.local(), Some(20.0 / 41.0));
        assert_eq!(statistics.on_node(home).local, 0);
        assert!(statistics.jain().is_some_and(|jain| (0.5..1.0).contains(&jain)), "one was held");
        drop(release);
        holder.wait().expect("it ends");
    }
}

#[test]
fn what_is_not_run_is_neither_local_nor_remote() {
    for is_recording in [false, true] {
        let machine = Topology::simulate("1x1").expect("a machine");
        let pool =
            Pool::builder(&machine).workers(1).record(is_recording).build().expect("a thread");
        let mut dag = Dag::new();
        let first = dag.node(|cx: &dag::Context<'_>| cx.cancel()).home(NodeId(0)).id();
        dag.node(|_| ()).home(NodeId(0)).after(first);
        pool.run(&dag.seal().expect("no cycle")).wait().expect_err("it was cancelled");
        assert_eq!(with_homes(&pool), (1, 0), "Z1");
    }
}

#[test]
fn a_pool_goes_by_the_distances_that_were_measured() {
    let machine = Topology::simulate("3x1").expect("a machine");
    let firmware = machine.distance(NodeId(1), NodeId(0)).expect("two nodes");
    let across = |from: NodeId, to: NodeId| (from.0 + to.0 == 2).then_some(14);
    let pool = Pool::builder(&machine).workers(3).measured_distances(across).build();
    let pool = pool.expect("threads");
    assert_eq!(pool.layout().nearest(NodeIndex(0)), [0, 2, 1].map(NodeIndex));
    assert_eq!(pool.layout().distance(NodeIndex(2), NodeIndex(0)), 14);
    assert_eq!(pool.layout().distance(NodeIndex(1), NodeIndex(0)), firmware, "not measured");
}
