//! The pools that are compared.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use async_executor::Executor;
use futures_lite::future::block_on;
use turgo_machine::topology::Topology;
use turgo_sched::Pool;

/// An executor that brings no threads of its own, with threads.
pub struct Threads {
    pub executor: Arc<Executor<'static>>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Threads {
    fn new(workers: usize) -> Self {
        let (executor, is_over) = (Arc::new(Executor::new()), Arc::new(AtomicBool::new(false)));
        let signal = Ended(Arc::clone(&is_over));
        let threads = (0..workers)
            .map(|number| {
                let (executor, signal) = (Arc::clone(&executor), signal.clone());
                let thread = std::thread::Builder::new().name(format!("async-executor-{number}"));
                thread.spawn(move || block_on(executor.run(signal))).expect("a thread")
            })
            .collect();
        Self { executor, is_over, threads }
    }
}

/// A future that ends when the flag is set and its waker is woken.
#[derive(Clone)]
struct Ended(Arc<AtomicBool>);

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

/// One of each that leaves the processors alone while it has nothing to do; the others are there while they are measured. The calling thread is one of `chili`'s, `forte`'s and
/// `forkunion`'s workers.
pub struct Pools {
    pub workers: usize,
    pub turgo: Pool,
    pub rayon: rayon::ThreadPool,
    pub tokio: tokio::runtime::Runtime,
    pub executor: Threads,
    /// Only if it was asked for: its heart beats from then on, and taking its threads away does not always come to an end (its issue 37).
    pub forte: Option<&'static forte::ThreadPool>,
}

pub fn turgo(workers: usize) -> Pool {
    let machine = Topology::detect().expect("a machine");
    Pool::builder(&machine).workers(workers).build().expect("threads")
}

pub fn rayon_pool(workers: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(workers).build().expect("threads")
}

pub fn tokio_runtime(workers: usize) -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(workers).build().expect("threads")
}

pub fn chili_pool(workers: usize) -> chili::ThreadPool {
    let thread_count = std::num::NonZero::new(workers.saturating_sub(1).max(1));
    chili::ThreadPool::with_config(chili::Config { thread_count, ..Default::default() })
}

impl Pools {
    pub fn new(workers: usize, is_forte: bool) -> Self {
        Self {
            workers,
            turgo: turgo(workers),
            rayon: rayon_pool(workers),
            tokio: tokio_runtime(workers),
            executor: Threads::new(workers),
            forte: is_forte.then(|| {
                FORTE.resize_to(workers.saturating_sub(1).max(1));
                &FORTE
            }),
        }
    }
}

/// A pool of `forte`'s has to live as long as the program.
static FORTE: forte::ThreadPool = forte::ThreadPool::new();

/// Calls `f` while there is a pool of `chili`'s, of which the calling thread is one: its heart beats all the time.
pub fn with_chili<R>(workers: usize, f: impl FnOnce(&chili::ThreadPool) -> R) -> R {
    f(&chili_pool(workers))
}

/// Calls `f` while there is a pool of `forkunion`'s, of which the calling thread is one: its threads are never idle.
pub fn with_forkunion<R>(workers: usize, f: impl FnOnce(&mut forkunion::ThreadPool) -> R) -> R {
    let topology = forkunion::Topology::new().expect("a machine");
    let mut pool = forkunion::spawn(&topology, workers);
    f(&mut pool)
}
