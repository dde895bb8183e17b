//! Users' code that panics where nobody waits for it, ends its own pool, or sets knobs to whatever fits in a number: the workers go on.

use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use turgo_machine::atomic::{AtomicU32, Ordering};
use turgo_machine::topology::Topology;

use crate::admission::Periodic;
use crate::dag::Dag;
use crate::layout::NodeIndex;
use crate::policy::Knobs;
use crate::pool::Pool;
use crate::task::{Budget, Rearmed, Step, TaskState};

/// Its drop panics, and has said so before.
struct Spiteful(Sender<()>);

impl Drop for Spiteful {
    fn drop(&mut self) {
        let _ = self.0.send(());
        panic!("planned: a drop");
    }
}

/// Whoever is woken panics: when it is woken, or when it is dropped.
struct Woken(Option<Spiteful>);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        assert!(self.0.is_some(), "planned: a waker");
    }
}

fn pool() -> Pool {
    Pool::builder(&Topology::simulate("1x2").unwrap()).build().unwrap()
}

/// A value whose drop panics, and how to hear of that.
fn spiteful() -> (Spiteful, Receiver<()>) {
    let (said, heard) = channel();
    (Spiteful(said), heard)
}

/// Both workers run something at the same time.
fn both_go_on(pool: &Pool) {
    let meeting = Arc::new(Barrier::new(2));
    let meet = || {
        let meeting = Arc::clone(&meeting);
        pool.spawn(async move { meeting.wait().is_leader() })
    };
    let leaders = [meet(), meet()].map(|task| task.wait().expect("it ends"));
    assert!(leaders[0] ^ leaders[1]);
}

#[test]
fn an_outcome_that_nobody_wants_may_panic_when_it_is_dropped() {
    let pool = pool();
    let (value, heard) = spiteful();
    let gate = Arc::new(Barrier::new(2));
    let opened = Arc::clone(&gate);
    drop(pool.spawn(async move {
        opened.wait();
        value
    }));
    gate.wait();
    heard.recv().expect("it was dropped");
    let (value, heard) = spiteful();
    let opened = Arc::clone(&gate);
    drop(pool.spawn(async move {
        opened.wait();
        std::panic::panic_any(value)
    }));
    gate.wait();
    heard.recv().expect("the payload was dropped");
    both_go_on(&pool);
}

/// The outcome is there all the same: what was dropped made room for it.
#[test]
fn what_a_future_owns_may_panic_when_it_is_dropped() {
    let pool = pool();
    let ends = [Poll::Ready(7), Poll::Pending, Poll::Pending];
    let [(well, dropped), (aborted, cancelled), (left, last)] = ends.map(|end| {
        let (value, heard) = spiteful();
        let owner = poll_fn(move |_| {
            let _ = &value;
            end
        });
        (pool.spawn(owner), heard)
    });
    assert_eq!(well.wait().expect("an answer"), 7);
    dropped.recv().expect("it was dropped");
    aborted.abort();
    assert!(aborted.wait().expect_err("no answer").is_cancelled());
    cancelled.recv().expect("it was dropped");
    both_go_on(&pool);
    drop(pool);
    assert!(left.wait().expect_err("no answer").is_cancelled());
    last.recv().expect("it was dropped");
}

#[test]
fn a_waker_may_panic() {
    let pool = pool();
    let (value, heard) = spiteful();
    for woken in [Woken(None), Woken(Some(value))] {
        let gate = Arc::new(Barrier::new(2));
        let opened = Arc::clone(&gate);
        let mut task = pool.spawn(async move { opened.wait().is_leader() });
        let waker = Waker::from(Arc::new(woken));
        assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
        // The task has the only share of it.
        drop(waker);
        gate.wait();
        while !task.is_finished() {
            std::thread::yield_now();
        }
    }
    heard.recv().expect("it was dropped");
    both_go_on(&pool);
}

#[test]
fn a_half_that_is_not_run_may_panic_when_it_is_dropped() {
    // Nobody is hungry, so it is not given away.
    let pool = Pool::builder(&Topology::simulate("1x1").unwrap()).build().unwrap();
    let (value, heard) = spiteful();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        pool.join(|_| panic!("planned: the first half"), move |_| drop(value));
    }));
    let said = ended.expect_err("as the first half");
    assert_eq!(said.downcast_ref::<&str>(), Some(&"planned: the first half"));
    heard.recv().expect("it was dropped");
    assert_eq!(pool.install(|_| 7), 7);
}

#[test]
fn what_a_graph_owns_may_panic_when_it_is_dropped() {
    let pool = pool();
    let gate = Arc::new(Barrier::new(2));
    let (value, heard) = spiteful();
    let opened = Arc::clone(&gate);
    let mut dag = Dag::new();
    dag.node(move |_| {
        let _ = &value;
        opened.wait();
    });
    drop(pool.run(&dag.seal().unwrap()));
    gate.wait();
    heard.recv().expect("the worker had the last share of the graph");
    both_go_on(&pool);
}

/// An error whose drop panics.
#[derive(Debug)]
struct Failed(Sender<()>);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("planned")
    }
}

impl std::error::Error for Failed {}

impl Drop for Failed {
    fn drop(&mut self) {
        let _ = self.0.send(());
        panic!("planned: an error's drop");
    }
}

#[test]
fn a_failure_that_nobody_wants_may_panic_when_it_is_dropped() {
    let pool = pool();
    let gate = Arc::new(Barrier::new(2));
    let (said, heard) = channel();
    let (opened, said) = (Arc::clone(&gate), Mutex::new(said));
    let mut dag = Dag::new();
    dag.node(move |_| {
        opened.wait();
        Err::<(), _>(Failed(said.lock().unwrap().clone()))
    });
    drop(pool.run(&dag.seal().unwrap()));
    gate.wait();
    heard.recv().expect("the worker had the last share of the run");
    both_go_on(&pool);
}

#[test]
fn a_pool_that_its_own_task_drops_ends_what_waits() {
    for _ in 0..20 {
        let pool = Arc::new(pool());
        let waits = pool.spawn(pending::<()>());
        let place = Arc::new(Mutex::new(None::<Arc<Pool>>));
        let its = Arc::clone(&place);
        let drops = pool.spawn(async move {
            let pool = loop {
                if let Some(pool) = its.lock().unwrap().take() {
                    break pool;
                }
            };
            drop(pool);
            7
        });
        while waits.state() != TaskState::Blocked {
            std::thread::yield_now();
        }
        // The task has the only share.
        *place.lock().unwrap() = Some(pool);
        assert_eq!(drops.wait().expect("it ends"), 7);
        assert!(waits.wait().expect_err("nobody can wake it").is_cancelled());
    }
}

#[test]
fn a_pool_is_dropped_by_a_node_that_another_worker_waits_for() {
    let pool = pool();
    let place = Arc::new(Mutex::new(None::<Pool>));
    let its = Arc::clone(&place);
    let mut dag = Dag::new();
    dag.node(move |_| {
        let pool = loop {
            if let Some(pool) = its.lock().unwrap().take() {
                break pool;
            }
        };
        drop(pool);
    });
    let run = pool.run(&dag.seal().unwrap());
    // The node runs on one worker, so this waits on the other one.
    while run.progress().running == 0 {
        std::thread::yield_now();
    }
    let (ends, end) = channel();
    let waits = pool.spawn(async move {
        ends.send(()).unwrap();
        run.wait().unwrap().completed
    });
    end.recv().expect("it has begun");
    *place.lock().unwrap() = Some(pool);
    assert_eq!(waits.wait().expect("the run ends"), 1);
}

/// Ends with its first step.
struct Ends;

impl Rearmed for Ends {
    fn run(&mut self, _: &mut Context<'_>, _: Budget<'_>) -> Step {
        Step::Done
    }
}

#[test]
fn what_is_spawned_through_a_promise_ends_whenever_the_pool_does() {
    let often = Periodic { period_ns: 1_000_000, deadline_ns: 1_000_000, cost_ns: 1 };
    for _ in 0..200 {
        let pool = pool();
        let promises = [(); 8].map(|()| pool.promise(NodeIndex(0), often).expect("there is room"));
        let gate = Barrier::new(2);
        let tasks = std::thread::scope(|threads| {
            let spawns = threads.spawn(|| {
                gate.wait();
                promises.map(|promise| promise.spawn(Ends, |_| ()))
            });
            gate.wait();
            drop(pool);
            spawns.join().expect("nothing panics")
        });
        for task in tasks {
            // The pool has ended.
            assert!(task.is_finished(), "A8: {:?}", task.state());
            drop(task.wait());
        }
    }
}

#[test]
fn any_number_may_be_a_knob() {
    let most = Knobs {
        spin_ns: u64::MAX,
        remote_threshold: u32::MAX,
        local_attempts: u32::MAX,
        heartbeat_ns: u64::MAX,
        quantum_ns: u64::MAX,
        grain: u32::MAX,
    };
    let least = Knobs {
        spin_ns: 0,
        remote_threshold: 0,
        local_attempts: 0,
        heartbeat_ns: 0,
        quantum_ns: 0,
        grain: 0,
    };
    for (machine, knobs) in [("1x2", most), ("2x1", most), ("1x2", least), ("2x1", least)] {
        for help in [0, 8] {
            let machine = Topology::simulate(machine).unwrap();
            let pool = Pool::builder(&machine).knobs(knobs).help(help).build().unwrap();
            let count = AtomicU32::new(0);
            pool.parallel_for(0..1_000, |_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
            pool.scope(|scope| {
                for _ in 0..100 {
                    scope.spawn(|_| {
                        count.fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
            let mut dag = Dag::new();
            let first = dag.node(|_| ()).id();
            for _ in 0..100 {
                dag.node(|_| ()).after(first);
            }
            let report = pool.run(&dag.seal().unwrap()).wait().unwrap();
            assert_eq!((count.into_inner(), report.completed), (1_100, 101));
            both_go_on(&pool);
        }
    }
}
