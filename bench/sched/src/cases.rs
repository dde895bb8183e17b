//! What is compared.

use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_lite::future::block_on;
use rayon::prelude::*;
use turgo_sched::Worker;

use crate::graph;
use crate::measure::{Case, Group, Watch, cpu_of_others, median};
use crate::pools::{
    Pools, chili_pool, rayon_pool, tokio_runtime, turgo, with_chili, with_forkunion,
};
use crate::switches;

/// Tasks of a spawn, leaves of a tree, items of a loop.
const MANY: u64 = 1 << 20;
/// Tasks whose spawning is slow enough.
const TASKS: u64 = 1 << 18;
const FIB: u32 = 30;
/// Wakes after a pause.
const WAKES: u64 = 200;
/// Wakes without one: of threads that run on, the system counts the processor time by the tick of some milliseconds.
const WAKES_AT_ONCE: u64 = 20_000;

/// All that is compared.
pub fn groups(pools: &Pools) -> Vec<Group<'_>> {
    let mut groups = vec![spawn(pools), spawn_async(pools), tree(pools), fib(pools), uneven(pools)];
    groups.push(graph::group(pools));
    groups.extend(switches::groups(pools.workers));
    let pauses = [
        ("wake at once", Duration::ZERO),
        ("wake after 200 us", Duration::from_micros(200)),
        ("wake after 2 ms", Duration::from_millis(2)),
    ];
    groups.extend(pauses.map(|(name, pause)| wake(pools, name, pause)));
    groups
}

/// Empty closures. That each is run once is counted before, with fewer.
fn spawn(pools: &Pools) -> Group<'_> {
    let count = AtomicU64::new(0);
    let one = || count.fetch_add(1, Ordering::Relaxed);
    pools.turgo.scope(|scope| {
        (0..10_000).for_each(|_| {
            scope.spawn(|_| {
                one();
            })
        })
    });
    pools.rayon.scope(|scope| {
        (0..10_000).for_each(|_| {
            scope.spawn(|_| {
                one();
            })
        })
    });
    assert_eq!(count.load(Ordering::Relaxed), 20_000, "each closure once");
    let mut cases = vec![
        Case::new("turgo scope", || {
            let body = |number: u64| {
                move |_: &turgo_sched::Scope<'_>| {
                    black_box(number);
                }
            };
            pools.turgo.scope(|scope| (0..MANY).for_each(|number| scope.spawn(body(number))));
            MANY
        }),
        Case::new("rayon scope", || {
            pools.rayon.scope(|scope| {
                (0..MANY).for_each(|number| {
                    scope.spawn(move |_| {
                        black_box(number);
                    })
                });
            });
            MANY
        }),
        Case::new("boxes in a loop", || {
            let boxed = |number: u64| -> Box<dyn FnOnce()> {
                Box::new(move || {
                    black_box(number);
                })
            };
            (0..MANY).for_each(|number| black_box(boxed(number))());
            MANY
        }),
    ];
    cases.extend(pools.forte.map(|forte| {
        Case::new("forte scope", || {
            forte.scope(|scope| {
                (0..MANY).for_each(|number| {
                    scope.spawn(move |_| {
                        black_box(number);
                    })
                });
            });
            MANY
        })
    }));
    Group {
        name: "spawn",
        unit: "closure",
        operations: MANY,
        answer: Some(MANY),
        cases,
        checks: Vec::new(),
    }
}

/// Futures that are spawned and awaited from outside.
fn spawn_async(pools: &Pools) -> Group<'_> {
    let right = (0..TASKS).sum();
    let cases = vec![
        Case::new("turgo spawn", || {
            let handles: Vec<_> =
                (0..TASKS).map(|number| pools.turgo.spawn(async move { number })).collect();
            handles.into_iter().map(|handle| handle.wait().expect("a number")).sum()
        }),
        Case::new("tokio spawn", || {
            let handles: Vec<_> =
                (0..TASKS).map(|number| pools.tokio.spawn(async move { number })).collect();
            pools.tokio.block_on(async {
                let mut sum = 0;
                for handle in handles {
                    sum += handle.await.expect("a number");
                }
                sum
            })
        }),
        Case::new("async-executor spawn", || {
            let spawn = |number| pools.executor.executor.spawn(async move { number });
            let handles: Vec<_> = (0..TASKS).map(spawn).collect();
            block_on(async {
                let mut sum = 0;
                for handle in handles {
                    sum += handle.await;
                }
                sum
            })
        }),
    ];
    Group {
        name: "async",
        unit: "task",
        operations: TASKS,
        answer: Some(right),
        cases,
        checks: Vec::new(),
    }
}

fn tree(pools: &Pools) -> Group<'_> {
    fn ours(worker: &Worker, leaves: u64) -> u64 {
        if leaves == 1 {
            return 1;
        }
        let (left, right) =
            worker.join(|worker| ours(worker, leaves / 2), |worker| ours(worker, leaves / 2));
        left + right
    }
    fn rayons(leaves: u64) -> u64 {
        if leaves == 1 {
            return 1;
        }
        let (left, right) = rayon::join(|| rayons(leaves / 2), || rayons(leaves / 2));
        left + right
    }
    fn chilis(scope: &mut chili::Scope<'_>, leaves: u64) -> u64 {
        if leaves == 1 {
            return 1;
        }
        let (left, right) =
            scope.join(|scope| chilis(scope, leaves / 2), |scope| chilis(scope, leaves / 2));
        left + right
    }
    fn fortes(worker: &forte::Worker, leaves: u64) -> u64 {
        if leaves == 1 {
            return 1;
        }
        let (left, right) =
            worker.join(|worker| fortes(worker, leaves / 2), |worker| fortes(worker, leaves / 2));
        left + right
    }
    let mut cases = vec![
        Case::new("turgo join", || pools.turgo.install(|worker| ours(worker, MANY))),
        Case::new("rayon join", || pools.rayon.install(|| rayons(MANY))),
        Case::timed("chili join", |watch| {
            with_chili(pools.workers, |chili| watch.time(|| chilis(&mut chili.scope(), MANY)))
        }),
    ];
    cases.extend(
        pools.forte.map(|forte| {
            Case::new("forte join", || forte.with_worker(|worker| fortes(worker, MANY)))
        }),
    );
    Group {
        name: "tree",
        unit: "leaf",
        operations: MANY,
        answer: Some(MANY),
        cases,
        checks: Vec::new(),
    }
}

fn fib(pools: &Pools) -> Group<'_> {
    fn plain(n: u32) -> u64 {
        if n < 2 { u64::from(n) } else { black_box(plain)(n - 1) + black_box(plain)(n - 2) }
    }
    fn ours(worker: &Worker, n: u32) -> u64 {
        if n < 2 {
            return u64::from(n);
        }
        let (left, right) = worker.join(|worker| ours(worker, n - 1), |worker| ours(worker, n - 2));
        left + right
    }
    fn rayons(n: u32) -> u64 {
        if n < 2 {
            return u64::from(n);
        }
        let (left, right) = rayon::join(|| rayons(n - 1), || rayons(n - 2));
        left + right
    }
    fn chilis(scope: &mut chili::Scope<'_>, n: u32) -> u64 {
        if n < 2 {
            return u64::from(n);
        }
        let (left, right) = scope.join(|scope| chilis(scope, n - 1), |scope| chilis(scope, n - 2));
        left + right
    }
    fn fortes(worker: &forte::Worker, n: u32) -> u64 {
        if n < 2 {
            return u64::from(n);
        }
        let (left, right) =
            worker.join(|worker| fortes(worker, n - 1), |worker| fortes(worker, n - 2));
        left + right
    }
    let right = plain(FIB);
    let mut cases = vec![
        Case::new("turgo join", || pools.turgo.install(|worker| ours(worker, FIB))),
        Case::new("rayon join", || pools.rayon.install(|| rayons(FIB))),
        Case::timed("chili join", |watch| {
            with_chili(pools.workers, |chili| watch.time(|| chilis(&mut chili.scope(), FIB)))
        }),
        Case::new("sequential", move || plain(FIB)),
    ];
    // Forks: one less than there are leaves.
    let forks = plain(FIB + 1) - 1;
    cases.extend(
        pools.forte.map(|forte| {
            Case::new("forte join", || forte.with_worker(|worker| fortes(worker, FIB)))
        }),
    );
    Group {
        name: "fib",
        unit: "fork",
        operations: forks,
        answer: Some(right),
        cases,
        checks: Vec::new(),
    }
}

/// The work of an item: a ramp, and now and then much more.
fn item(index: u64) -> u64 {
    let rounds = 1 + (index >> 17) + if index.is_multiple_of(512) { 300 } else { 0 };
    (0..rounds).fold(index | 1, |mut state, _| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^ state << 17
    })
}

fn uneven(pools: &Pools) -> Group<'_> {
    let right = (0..MANY).fold(0u64, |sum, index| sum.wrapping_add(item(index)));
    let slots: Arc<Vec<AtomicU64>> = Arc::new((0..MANY).map(|_| AtomicU64::new(0)).collect());
    let put = |slots: &[AtomicU64], index: usize| {
        slots[index].store(item(index as u64), Ordering::Relaxed);
    };
    // Read and reset, so that no run can live on what an earlier one did.
    fn check(slots: &[AtomicU64]) -> u64 {
        slots.iter().fold(0u64, |sum, slot| sum.wrapping_add(slot.swap(0, Ordering::Relaxed)))
    }
    type Run<'a> = Box<dyn Fn(&Watch, &[AtomicU64]) + 'a>;
    fn timed<'a>(slots: &Arc<Vec<AtomicU64>>, name: &'static str, run: Run<'a>) -> Case<'a> {
        let slots = Arc::clone(slots);
        Case::timed(name, move |watch| {
            run(watch, &slots);
            check(&slots)
        })
    }
    let all = 0..MANY as usize;
    let (second, third) = (all.clone(), all.clone());
    let cases = vec![
        timed(
            &slots,
            "turgo parallel_for",
            Box::new(move |watch, slots| {
                watch.time(|| pools.turgo.parallel_for(all.clone(), |index| put(slots, index)));
            }),
        ),
        timed(
            &slots,
            "rayon par_iter",
            Box::new(move |watch, slots| {
                let run = || second.clone().into_par_iter().for_each(|index| put(slots, index));
                watch.time(|| pools.rayon.install(run));
            }),
        ),
        timed(
            &slots,
            "forkunion dynamic",
            Box::new(move |watch, slots| {
                with_forkunion(pools.workers, |pool| {
                    watch.time(|| {
                        drop(pool.for_n_dynamic(MANY as usize, |at| put(slots, at.task_index)));
                    });
                });
            }),
        ),
        timed(
            &slots,
            "forkunion static",
            Box::new(move |watch, slots| {
                with_forkunion(pools.workers, |pool| {
                    watch.time(|| drop(pool.for_n(MANY as usize, |at| put(slots, at.task_index))));
                });
            }),
        ),
        timed(
            &slots,
            "sequential",
            Box::new(move |watch, slots| {
                watch.time(|| third.clone().for_each(|index| put(slots, index)));
            }),
        ),
    ];
    Group {
        name: "uneven",
        unit: "item",
        operations: MANY,
        answer: Some(right),
        cases,
        checks: Vec::new(),
    }
}

/// From a thread outside until the task begins: the median of many, after a pause.
#[expect(clippy::disallowed_methods, reason = "real time is what is measured")]
fn wake<'a>(pools: &'a Pools, name: &'static str, pause: Duration) -> Group<'a> {
    let wakes = if pause.is_zero() { WAKES_AT_ONCE } else { WAKES };
    let time = move |watch: &Watch, submit: &dyn Fn(Arc<AtomicU64>, Instant)| {
        let before = cpu_of_others();
        let mut times: Vec<f64> = (0..wakes)
            .map(|_| {
                if !pause.is_zero() {
                    std::thread::sleep(pause);
                }
                let at = Arc::new(AtomicU64::new(0));
                submit(Arc::clone(&at), Instant::now());
                while at.load(Ordering::Acquire) == 0 {
                    std::hint::spin_loop();
                }
                at.load(Ordering::Relaxed) as f64
            })
            .collect();
        let cpu = cpu_of_others() - before;
        watch.report(median(&mut times));
        watch.report_cpu(cpu / wakes as f64);
        wakes
    };
    fn began(at: &AtomicU64, start: Instant) {
        at.store((start.elapsed().as_nanos() as u64).max(1), Ordering::Release);
    }
    let cases = vec![
        Case::timed("turgo spawn", move |watch| {
            time(watch, &|at, start| drop(pools.turgo.spawn(async move { began(&at, start) })))
        }),
        Case::timed("rayon spawn", move |watch| {
            time(watch, &|at, start| pools.rayon.spawn(move || began(&at, start)))
        }),
        Case::timed("tokio spawn", move |watch| {
            time(watch, &|at, start| drop(pools.tokio.spawn(async move { began(&at, start) })))
        }),
        Case::timed("async-executor spawn", move |watch| {
            time(watch, &|at, start| {
                pools.executor.executor.spawn(async move { began(&at, start) }).detach();
            })
        }),
    ];
    Group { name, unit: "wake", operations: 1, answer: Some(wakes), cases, checks: Vec::new() }
}

/// Voluntary context switches of all threads but the calling one.
fn switches() -> u64 {
    let own = rustix::thread::gettid().as_raw_nonzero().get().to_string();
    let tasks = fs::read_dir("/proc/self/task").expect("the kernel lists threads");
    tasks
        .flatten()
        .filter(|task| task.file_name().to_string_lossy() != own)
        .filter_map(|task| fs::read_to_string(task.path().join("status")).ok())
        .filter_map(|status| {
            let line = status.lines().find(|line| line.starts_with("voluntary"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .sum()
}

/// Wakeups of each library's workers while nothing is to be done, each alone in the process.
pub fn idle(workers: usize, seconds: u64) -> Vec<(&'static str, u64)> {
    let quiet = || {
        std::thread::sleep(Duration::from_millis(200));
        let before = switches();
        std::thread::sleep(Duration::from_secs(seconds));
        switches() - before
    };
    let ours = {
        let pool = turgo(workers);
        pool.parallel_for(0..100_000, |index| {
            black_box(index);
        });
        quiet()
    };
    let rayons = {
        let pool = rayon_pool(workers);
        pool.install(|| {
            (0..100_000).into_par_iter().for_each(|index| {
                black_box(index);
            })
        });
        quiet()
    };
    let tokios = {
        let runtime = tokio_runtime(workers);
        runtime.block_on(async { tokio::spawn(async {}).await.expect("an end") });
        quiet()
    };
    let chilis = {
        let pool = chili_pool(workers);
        pool.scope().join(|_| black_box(1), |_| black_box(2));
        quiet()
    };
    vec![("turgo", ours), ("rayon", rayons), ("tokio", tokios), ("chili", chilis)]
}
