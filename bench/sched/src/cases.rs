//! What is compared.

use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use async_executor::Executor;
use futures_lite::future::block_on;
use rayon::prelude::*;
use turgo_machine::topology::Topology;
use turgo_sched::{Pool, Worker};

use crate::measure::{Case, Group, median};

/// Tasks of a spawn, leaves of a tree, items of a loop.
const MANY: u64 = 1 << 20;
/// Tasks whose spawning is slow enough.
const TASKS: u64 = 1 << 18;
const FIB: u32 = 30;
const WAKES: u64 = 200;

/// An executor that brings no threads of its own, with threads.
pub struct Threads {
    executor: Arc<Executor<'static>>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Threads {
    fn new(workers: usize) -> Self {
        let (executor, is_over) = (Arc::new(Executor::new()), Arc::new(AtomicBool::new(false)));
        let (signal, _) = (async_executor_end(&is_over), ());
        let threads = (0..workers)
            .map(|_| {
                let (executor, signal) = (Arc::clone(&executor), signal.clone());
                std::thread::spawn(move || block_on(executor.run(signal)))
            })
            .collect();
        Self { executor, is_over, threads }
    }
}

/// A future that ends when the flag is set and its waker is woken.
#[derive(Clone)]
struct Ended(Arc<AtomicBool>);

fn async_executor_end(is_over: &Arc<AtomicBool>) -> Ended {
    Ended(Arc::clone(is_over))
}

impl Future for Ended {
    type Output = ();

    fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        if self.0.load(Ordering::Acquire) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        while self.threads.iter().any(|thread| !thread.is_finished()) {
            // A task wakes a thread, which looks at the flag.
            self.executor.spawn(async {}).detach();
            self.threads.iter().for_each(|thread| thread.thread().unpark());
            std::thread::sleep(Duration::from_millis(1));
        }
        self.threads.drain(..).for_each(|thread| thread.join().expect("an executor's thread"));
    }
}

/// One of each.
pub struct Pools {
    turgo: Pool,
    rayon: rayon::ThreadPool,
    tokio: tokio::runtime::Runtime,
    executor: Threads,
    chili: chili::ThreadPool,
}

fn turgo(workers: usize) -> Pool {
    let machine = Topology::detect().expect("a machine");
    Pool::builder(&machine).workers(workers).build().expect("threads")
}

fn rayon_pool(workers: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(workers).build().expect("threads")
}

fn tokio_runtime(workers: usize) -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(workers).build().expect("threads")
}

fn chili_pool(workers: usize) -> chili::ThreadPool {
    // The calling thread is one of its workers.
    let thread_count = std::num::NonZero::new(workers.saturating_sub(1).max(1));
    chili::ThreadPool::with_config(chili::Config { thread_count, ..Default::default() })
}

impl Pools {
    pub fn new(workers: usize) -> Self {
        Self {
            turgo: turgo(workers),
            rayon: rayon_pool(workers),
            tokio: tokio_runtime(workers),
            executor: Threads::new(workers),
            chili: chili_pool(workers),
        }
    }
}

fn case<'a>(name: &'static str, run: impl Fn() -> u64 + 'a) -> Case<'a> {
    Case { name, run: Box::new(run) }
}

/// A random graph of 100,000 nodes belongs here when graphs run on the pool.
pub fn groups(pools: &Pools) -> Vec<Group<'_>> {
    let mut groups = vec![spawn(pools), spawn_async(pools), tree(pools), fib(pools), uneven(pools)];
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
    let cases = vec![
        case("turgo scope", || {
            let body = |number: u64| {
                move |_: &turgo_sched::Scope<'_>| {
                    black_box(number);
                }
            };
            pools.turgo.scope(|scope| (0..MANY).for_each(|number| scope.spawn(body(number))));
            MANY
        }),
        case("rayon scope", || {
            pools.rayon.scope(|scope| {
                (0..MANY).for_each(|number| {
                    scope.spawn(move |_| {
                        black_box(number);
                    })
                });
            });
            MANY
        }),
        case("boxes in a loop", || {
            let boxed = |number: u64| -> Box<dyn FnOnce()> {
                Box::new(move || {
                    black_box(number);
                })
            };
            (0..MANY).for_each(|number| black_box(boxed(number))());
            MANY
        }),
    ];
    Group {
        name: "spawn",
        unit: "closure",
        operations: MANY,
        answer: Some(MANY),
        times_itself: false,
        cases,
    }
}

/// Futures that are spawned and awaited from outside.
fn spawn_async(pools: &Pools) -> Group<'_> {
    let right = (0..TASKS).sum();
    let cases = vec![
        case("turgo spawn", || {
            let handles: Vec<_> =
                (0..TASKS).map(|number| pools.turgo.spawn(async move { number })).collect();
            handles.into_iter().map(|handle| handle.wait().expect("a number")).sum()
        }),
        case("tokio spawn", || {
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
        case("async-executor spawn", || {
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
        times_itself: false,
        cases,
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
    let cases = vec![
        case("turgo join", || pools.turgo.install(|worker| ours(worker, MANY))),
        case("rayon join", || pools.rayon.install(|| rayons(MANY))),
        case("chili join", || chilis(&mut pools.chili.scope(), MANY)),
    ];
    Group {
        name: "tree",
        unit: "leaf",
        operations: MANY,
        answer: Some(MANY),
        times_itself: false,
        cases,
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
    let right = plain(FIB);
    let cases = vec![
        case("turgo join", || pools.turgo.install(|worker| ours(worker, FIB))),
        case("rayon join", || pools.rayon.install(|| rayons(FIB))),
        case("chili join", || chilis(&mut pools.chili.scope(), FIB)),
        case("sequential", move || plain(FIB)),
    ];
    // Forks: one less than there are leaves.
    let forks = plain(FIB + 1) - 1;
    Group {
        name: "fib",
        unit: "fork",
        operations: forks,
        answer: Some(right),
        times_itself: false,
        cases,
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
    // Read and reset, so that no run can live on what an earlier one did.
    let check = |slots: &[AtomicU64]| {
        slots.iter().fold(0u64, |sum, slot| sum.wrapping_add(slot.swap(0, Ordering::Relaxed)))
    };
    let run = move |f: &dyn Fn(&[AtomicU64])| {
        let start = Instant::now();
        f(&slots);
        let time = start.elapsed().as_nanos() as u64;
        assert_eq!(check(&slots), right, "every item once");
        time
    };
    let (second, third) = (run.clone(), run.clone());
    let put = |slots: &[AtomicU64], index: usize| {
        slots[index].store(item(index as u64), Ordering::Relaxed);
    };
    let cases = vec![
        case("turgo parallel_for", move || {
            run(&|slots| pools.turgo.parallel_for(0..MANY as usize, |index| put(slots, index)))
        }),
        case("rayon par_iter", move || {
            second(&|slots| {
                pools.rayon.install(|| {
                    (0..MANY as usize).into_par_iter().for_each(|index| put(slots, index));
                });
            })
        }),
        case("sequential", move || {
            third(&|slots| (0..MANY as usize).for_each(|index| put(slots, index)))
        }),
    ];
    Group {
        name: "uneven",
        unit: "item",
        operations: MANY,
        answer: None,
        times_itself: true,
        cases,
    }
}

/// From a thread outside until the task begins: the median of many, after a pause.
fn wake<'a>(pools: &'a Pools, name: &'static str, pause: Duration) -> Group<'a> {
    let time = move |submit: &dyn Fn(Arc<AtomicU64>, Instant)| {
        let mut times: Vec<f64> = (0..WAKES)
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
        median(&mut times) as u64
    };
    fn began(at: &AtomicU64, start: Instant) {
        at.store((start.elapsed().as_nanos() as u64).max(1), Ordering::Release);
    }
    let cases = vec![
        case("turgo spawn", move || {
            time(&|at, start| drop(pools.turgo.spawn(async move { began(&at, start) })))
        }),
        case("rayon spawn", move || {
            time(&|at, start| pools.rayon.spawn(move || began(&at, start)))
        }),
        case("tokio spawn", move || {
            time(&|at, start| drop(pools.tokio.spawn(async move { began(&at, start) })))
        }),
        case("async-executor spawn", move || {
            time(&|at, start| {
                pools.executor.executor.spawn(async move { began(&at, start) }).detach();
            })
        }),
    ];
    Group { name, unit: "wake", operations: 1, answer: None, times_itself: true, cases }
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
