//! No task is lost or run twice, whatever the number of workers.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use turgo_machine::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use turgo_machine::clock::Clock;
use turgo_machine::thread::spin_loop;
use turgo_machine::topology::Topology;

use crate::Scope;
use crate::policy::Knobs;
use crate::pool::{BuildError, Pool};

/// After so long, whoever was to be woken never will be.
const PATIENCE_NS: u64 = 20_000_000_000;

pub(super) fn pool(workers: usize) -> Pool {
    let machine = Topology::simulate("2x4").expect("a machine");
    Pool::builder(&machine).workers(workers).seed(workers as u64).build().expect("threads")
}

#[test]
fn every_closure_runs_once() {
    for workers in [1, 2, 4, 8] {
        let pool = pool(workers);
        for _ in 0..20 {
            let counts: Vec<AtomicU32> = (0..2_000).map(|_| AtomicU32::new(0)).collect();
            pool.scope(|scope| {
                for count in &counts {
                    scope.spawn(move |_| {
                        count.fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
            assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1), "{workers}");
        }
    }
}

#[test]
fn every_closure_of_many_runs_once_whoever_spawns_them() {
    for workers in [1, 2, 4] {
        let pool = pool(workers);
        let counts: Vec<AtomicU32> = (0..3_000).map(|_| AtomicU32::new(0)).collect();
        let (mine, rest) = counts.split_at(1_000);
        let (theirs, outside) = rest.split_at(1_000);
        let add = |count: &AtomicU32| {
            count.fetch_add(1, Ordering::Relaxed);
        };
        let all =
            |counts: &'static str| move |count: u32| assert_eq!(count, 1, "{counts}, {workers}");
        pool.scope(|scope| {
            scope.spawn_all(mine.iter().map(|count| move |_: &Scope<'_>| add(count)));
            // On whichever worker runs it, and on a thread that is none.
            scope.spawn(move |scope| {
                scope.spawn_all(theirs.iter().map(|count| move |_: &Scope<'_>| add(count)));
            });
            std::thread::scope(|threads| {
                let spawn = || {
                    scope.spawn_all(outside.iter().map(|count| move |_: &Scope<'_>| add(count)));
                };
                threads.spawn(spawn);
            });
        });
        for (name, part) in [("mine", mine), ("theirs", theirs), ("outside", outside)] {
            part.iter().map(|count| count.load(Ordering::Relaxed)).for_each(all(name));
        }
    }
}

#[test]
fn closures_before_a_panic_of_their_iterator_run() {
    let pool = pool(2);
    let count = AtomicU32::new(0);
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        pool.scope(|scope| {
            scope.spawn_all((0..10).map(|number| {
                assert!(number < 7, "as planned");
                |_: &Scope<'_>| {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }));
        });
    }));
    assert!(ended.is_err());
    assert_eq!(count.load(Ordering::Relaxed), 7, "O1");
}

fn tree<'scope>(scope: &Scope<'scope>, depth: u32, leaves: &'scope AtomicUsize) {
    if depth == 0 {
        leaves.fetch_add(1, Ordering::Relaxed);
        return;
    }
    for _ in 0..2 {
        scope.spawn(move |scope| tree(scope, depth - 1, leaves));
    }
}

#[test]
fn closures_that_spawn_are_waited_for() {
    for workers in [1, 2, 4] {
        let (pool, leaves) = (pool(workers), AtomicUsize::new(0));
        for _ in 0..20 {
            pool.scope(|scope| tree(scope, 10, &leaves));
        }
        assert_eq!(leaves.load(Ordering::Relaxed), 20 << 10);
    }
}

#[test]
fn slots_are_used_again() {
    let pool = pool(4);
    let round = || {
        pool.scope(|scope| (0..500).for_each(|_| scope.spawn(|_| std::hint::black_box(()))));
    };
    (0..50).for_each(|_| round());
    let before = pool.shared.arena.segments_used();
    (0..500).for_each(|_| round());
    let after = pool.shared.arena.segments_used();
    assert!(after <= before.max(10), "{before} segments became {after}");
}

#[test]
fn scopes_nest() {
    let pool = pool(4);
    let sum = AtomicUsize::new(0);
    pool.install(|worker| {
        worker.scope(|outer| {
            for part in 0..50 {
                let sum = &sum;
                outer.spawn(move |_| {
                    crate::pool::current::with(|worker| {
                        worker.expect("a worker").scope(|inner| {
                            for item in 0..20 {
                                inner.spawn(move |_| {
                                    sum.fetch_add(part * item, Ordering::Relaxed);
                                });
                            }
                        });
                    });
                });
            }
        });
    });
    assert_eq!(sum.load(Ordering::Relaxed), (0..50).sum::<usize>() * (0..20).sum::<usize>());
}

#[test]
fn large_closures_are_boxed() {
    let pool = pool(2);
    let numbers = [3u64; 40];
    let sum = Mutex::new(0);
    pool.scope(|scope| {
        let sum = &sum;
        (0..10).for_each(|_| {
            scope.spawn(move |_| *sum.lock().unwrap() += numbers.iter().sum::<u64>())
        });
    });
    assert_eq!(sum.into_inner().unwrap(), 1200);
}

#[test]
fn scopes_take_closures_from_any_thread() {
    let pool = pool(2);
    let count = AtomicUsize::new(0);
    pool.scope(|scope| {
        std::thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    for _ in 0..100 {
                        scope.spawn(|_| {
                            count.fetch_add(1, Ordering::Relaxed);
                        });
                    }
                });
            }
        });
    });
    assert_eq!(count.load(Ordering::Relaxed), 200);
}

#[test]
fn pools_call_each_other() {
    let (first, second) = (pool(1), pool(1));
    let answer = first.install(|_| second.install(|_| first.install(|_| second.install(|_| 7))));
    assert_eq!(answer, 7);
}

#[test]
fn a_panic_goes_on_when_all_have_ended() {
    let pool = pool(2);
    let count = AtomicUsize::new(0);
    let thrown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        pool.scope(|scope| {
            for number in 0..100 {
                let count = &count;
                scope.spawn(move |_| {
                    count.fetch_add(1, Ordering::Relaxed);
                    assert!(number != 50, "fifty");
                });
            }
        });
    }));
    let payload = thrown.expect_err("a panic");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"fifty"), "O3");
    assert_eq!(count.load(Ordering::Relaxed), 100, "O1");
    assert_eq!(pool.install(|_| 1), 1, "the pool goes on");
}

#[test]
fn a_body_that_panics_waits_for_what_it_spawned() {
    /// Opened when the body unwinds: a panic that is printed slowly must not give the closures time to end.
    struct Opens<'a>(&'a AtomicBool);
    impl Drop for Opens<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let pool = pool(2);
    let (open, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let thrown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        pool.scope(|scope| {
            let _opens = Opens(&open);
            for _ in 0..10 {
                let (open, count) = (&open, &count);
                scope.spawn(move |_| {
                    while !open.load(Ordering::Relaxed) {
                        std::thread::yield_now();
                    }
                    std::thread::sleep(Duration::from_millis(1));
                    count.fetch_add(1, Ordering::Relaxed);
                });
            }
            panic!("the body");
        });
    }));
    assert!(thrown.is_err());
    assert_eq!(count.load(Ordering::Relaxed), 10, "O1");
}

#[test]
fn installed_closures_panic_in_the_caller() {
    let pool = pool(1);
    let thrown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        pool.install(|_| panic!("within"));
    }));
    assert_eq!(thrown.expect_err("a panic").downcast_ref::<&str>(), Some(&"within"));
}

#[test]
fn workers_have_nodes_and_numbers() {
    let pool = pool(8);
    let seen = Mutex::new(HashSet::new());
    pool.scope(|scope| {
        for _ in 0..400 {
            scope.spawn(|_| {
                let who = crate::pool::current::with(|worker| {
                    let worker = worker.expect("a worker");
                    assert_eq!(worker.node(), worker.shared.layout.node(worker.id()));
                    worker.id()
                });
                seen.lock().unwrap().insert(who);
                std::thread::sleep(Duration::from_micros(50));
            });
        }
    });
    assert!(seen.into_inner().unwrap().len() > 1, "others took part");
    let statistics = pool.statistics();
    assert!(statistics.total().tasks >= 400);
    assert!(statistics.total().steals_local + statistics.total().steals_remote > 0);
}

#[test]
fn there_is_no_pool_without_workers() {
    let machine = Topology::simulate("1x2").expect("a machine");
    assert!(matches!(Pool::builder(&machine).workers(0).build(), Err(BuildError::NoWorkers)));
    let error = Pool::builder(&machine).workers(70_000).build().expect_err("too many");
    assert!(error.to_string().contains("at most 8192"), "{error}");
}

#[test]
fn a_processor_that_is_not_there_is_no_place_to_pin() {
    let machine = Topology::simulate("1x4000").expect("a machine");
    let error = Pool::builder(&machine).workers(300).pin(true).stack_bytes(1 << 16).build();
    assert!(matches!(error.expect_err("no such processors"), BuildError::Pin { .. }));
}

/// Whoever pushes it does nothing else until somebody else has run it, while the others lie down at all times (S3).
#[test]
fn somebody_else_is_awake_for_what_a_worker_cannot_run_itself() {
    let clock = Clock::real();
    for workers in [2, 3] {
        let machine = Topology::simulate("1x4").expect("a machine");
        let knobs = Knobs { spin_ns: 2_000, ..Knobs::default() };
        let pool = Pool::builder(&machine).workers(workers).knobs(knobs).build().expect("threads");
        for round in 0..3_000u32 {
            let is_run = AtomicBool::new(false);
            pool.scope(|scope| {
                (0..round % 64).for_each(|_| spin_loop());
                scope.spawn(|_| is_run.store(true, Ordering::Release));
                let start_ns = clock.now_ns();
                while !is_run.load(Ordering::Acquire) {
                    assert!(
                        clock.now_ns() - start_ns < PATIENCE_NS,
                        "S3: round {round} of {workers} workers"
                    );
                    spin_loop();
                }
            });
            (0..round % 1_999).for_each(|_| spin_loop());
        }
    }
}
