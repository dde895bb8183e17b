//! Forks and loops on real threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use turgo_machine::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use turgo_machine::topology::Topology;

use crate::layout::WorkerId;
use crate::policy::{Knobs, Order, Place, Policy, Source, TaskView, View};
use crate::pool::{Pool, Worker};

/// Promotes as often as it can.
fn eager(workers: usize, help: u32) -> Pool {
    let machine = Topology::simulate("2x4").expect("a machine");
    let knobs = Knobs { heartbeat_ns: 0, ..Knobs::default() };
    Pool::builder(&machine).workers(workers).knobs(knobs).help(help).build().expect("threads")
}

fn sum(worker: &Worker, from: u64, to: u64) -> u64 {
    if to - from == 1 {
        return from;
    }
    let middle = from.midpoint(to);
    let (left, right) =
        worker.join(|worker| sum(worker, from, middle), |worker| sum(worker, middle, to));
    left + right
}

#[test]
fn both_halves_run_once() {
    for (workers, help) in [(1, 8), (2, 8), (2, 0), (4, 8), (4, 0), (8, 1)] {
        let pool = eager(workers, help);
        let promotions = || pool.statistics().total().promotions;
        for round in 0..2_000 {
            assert_eq!(pool.install(|worker| sum(worker, 0, 10_000)), 49_995_000);
            // On a busy machine it may take a while until a second worker has begun.
            if round >= 20 && (workers == 1 || promotions() > 0) {
                break;
            }
        }
        assert_eq!(promotions() > 0, workers > 1, "J1: some were given away");
    }
}

#[test]
fn every_iteration_runs_once() {
    for workers in [1, 2, 4, 8] {
        let pool = eager(workers, 8);
        for length in [0, 1, 2, 1_000] {
            let counts: Vec<AtomicU32> = (0..length).map(|_| AtomicU32::new(0)).collect();
            pool.parallel_for(0..length, |index| {
                counts[index].fetch_add(1, Ordering::Relaxed);
            });
            assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
        }
        let total = AtomicUsize::new(0);
        pool.parallel_for_chunks(0..100_000, 64, |chunk, _| {
            assert!(chunk.len() <= 64);
            total.fetch_add(chunk.sum::<usize>(), Ordering::Relaxed);
        });
        assert_eq!(total.load(Ordering::Relaxed), 4_999_950_000);
    }
}

#[test]
fn loops_nest() {
    let (pool, count) = (eager(4, 8), AtomicUsize::new(0));
    pool.parallel_for_chunks(0..20, 1, |outer, worker| {
        worker.parallel_for(0..50, |_| {
            count.fetch_add(outer.len(), Ordering::Relaxed);
        });
    });
    assert_eq!(count.load(Ordering::Relaxed), 1_000);
}

#[test]
fn a_panic_in_a_half_is_the_callers() {
    let pool = eager(2, 8);
    for round in 0..20 {
        let ended = AtomicU32::new(0);
        let sleepy = |_: &Worker| {
            std::thread::sleep(Duration::from_micros(200));
            ended.fetch_add(1, Ordering::Relaxed);
        };
        let thrown = catch_unwind(AssertUnwindSafe(|| {
            pool.join(
                |worker| {
                    worker.beat();
                    std::thread::sleep(Duration::from_micros(round * 30));
                    panic!("the first half");
                },
                sleepy,
            )
        }));
        assert_eq!(thrown.expect_err("a panic").downcast_ref::<&str>(), Some(&"the first half"));
        let before = ended.load(Ordering::Relaxed);
        std::thread::sleep(Duration::from_micros(500));
        assert_eq!(ended.load(Ordering::Relaxed), before, "J2");
        let thrown = catch_unwind(AssertUnwindSafe(|| pool.join(sleepy, |_| panic!("the other"))));
        assert_eq!(thrown.expect_err("a panic").downcast_ref::<&str>(), Some(&"the other"));
    }
}

#[test]
fn a_panic_in_a_loop_is_the_callers() {
    let pool = eager(2, 8);
    let thrown = catch_unwind(AssertUnwindSafe(|| {
        pool.parallel_for(0..1_000, |index| assert!(index != 700, "seven hundred"));
    }));
    assert!(thrown.is_err());
    assert_eq!(pool.install(|_| 1), 1);
}

/// What rayon's issue 592 is about: a task that waits may hold a lock, so what waits for the lock must not be run by its worker meanwhile.
#[test]
fn a_lock_may_be_held_while_waiting() {
    let (pool, is_given) = (eager(2, 0), AtomicBool::new(false));
    // The worker that has the lock, plus one.
    let holder = std::sync::Arc::new(AtomicU32::new(0));
    std::thread::scope(|threads| {
        threads.spawn(|| {
            pool.install(|worker| {
                holder.store(worker.id().0 + 1, Ordering::Release);
                worker.join(
                    |worker| {
                        while !is_given.load(Ordering::Acquire) {
                            worker.beat();
                            std::thread::yield_now();
                        }
                    },
                    |_| {
                        is_given.store(true, Ordering::Release);
                        std::thread::sleep(Duration::from_millis(50));
                    },
                );
                holder.store(0, Ordering::Release);
            });
        });
        while !is_given.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        // One worker sleeps in the fork, the other waits for it with the lock.
        let holder = std::sync::Arc::clone(&holder);
        let other = pool.spawn(async move {
            let me = crate::pool::current::with(|worker| worker.expect("a worker").id().0 + 1);
            holder.load(Ordering::Acquire) != me
        });
        assert!(other.wait().expect("an answer"), "F2: it ran on the stack of the one that waits");
    });
}

/// Nobody steals: workers look into their inboxes and into their node's queue only.
#[derive(Debug)]
struct Honest;

impl Policy for Honest {
    fn select(&self, _: &TaskView, _: Option<WorkerId>, _: &mut View<'_>) -> Place {
        Place::Here
    }

    fn enqueue(&self, _: &TaskView, _: Place, _: &mut View<'_>) -> Order {
        Order::Oldest
    }

    fn dispatch(&self, _: WorkerId, _: u32, _: &mut View<'_>) -> Option<Source> {
        None
    }
}

#[test]
fn a_lock_may_be_held_around_a_scope() {
    let machine = Topology::simulate("1x2").expect("a machine");
    let knobs = Knobs { heartbeat_ns: 0, ..Knobs::default() };
    let builder = Pool::builder(&machine).workers(2).knobs(knobs).help(0).policy(Honest);
    let pool = builder.build().expect("threads");
    let (begun, is_begun) = std::sync::mpsc::channel();
    let (release, is_released) = std::sync::mpsc::channel();
    let other = pool.spawn(async move {
        begun.send(()).expect("the test waits");
        is_released.recv().expect("the test goes on");
    });
    is_begun.recv().expect("it begins");
    let is_held = AtomicBool::new(false);
    let holds = |worker: &Worker| {
        is_held.store(true, Ordering::Relaxed);
        worker.scope(|scope| {
            // From here on the other worker is hungry, and does not take what is promoted.
            release.send(()).expect("it waits");
            while !worker.is_somebody_hungry() {
                std::thread::yield_now();
            }
            worker.beat();
            scope.spawn(|_| crate::pool::current::with(|worker| worker.expect("a worker").beat()));
        });
        is_held.store(false, Ordering::Relaxed);
    };
    let locks = |_: &Worker| assert!(!is_held.load(Ordering::Relaxed), "F2: it waits for itself");
    pool.install(|worker| {
        worker.join(holds, locks);
        // What is older than the scope is given away when that has ended.
        worker.join(|worker| worker.beat(), |_| ());
    });
    other.wait().expect("it ends");
    assert!(pool.statistics().total().promotions > 0, "it was promoted");
}

/// A chain of forks that is as deep as the stack allows on one thread, run on two: what a waiting frame runs meanwhile must not double it.
#[test]
fn waiting_does_not_deepen_the_stack() {
    fn chain(worker: &Worker, depth: u32) -> u32 {
        let room = std::hint::black_box([depth; 16]);
        if depth == 0 {
            return 0;
        }
        let (rest, one) = worker.join(|worker| chain(worker, depth - 1), |_| 1);
        rest + one + (room[0] - depth)
    }
    let machine = Topology::simulate("1x4").expect("a machine");
    let knobs = Knobs { heartbeat_ns: 0, ..Knobs::default() };
    let builder = Pool::builder(&machine).workers(4).knobs(knobs).help(1);
    let pool = builder.stack_bytes(8 << 20).build().expect("threads");
    for _ in 0..5 {
        pool.scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|_| {
                    crate::pool::current::with(|worker| {
                        assert_eq!(chain(worker.expect("a worker"), 2_000), 2_000);
                    });
                });
            }
        });
    }
}
