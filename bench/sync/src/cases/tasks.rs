//! Tasks of one thread on a semaphore of ten permits: an executor that does nothing but poll whoever was woken.
//!
//! A figure is for one task, from its making to its end.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use bench_harness::{Case, Work};
use turgo_sync::{Barging, Semaphore};

/// Tasks that were woken.
type Ready = Arc<Mutex<Vec<usize>>>;

struct Task {
    index: usize,
    is_ready: AtomicBool,
    ready: Ready,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_ready.swap(true, Ordering::AcqRel) {
            self.ready.lock().expect("nobody panics").push(self.index);
        }
    }
}

/// Wakers for a number of tasks, made once.
struct Executor {
    ready: Ready,
    tasks: Vec<(Arc<Task>, Waker)>,
}

impl Executor {
    fn new(count: usize) -> Self {
        let ready = Ready::default();
        let task = |index| {
            let is_ready = AtomicBool::new(false);
            let task = Arc::new(Task { index, is_ready, ready: ready.clone() });
            (task.clone(), Waker::from(task))
        };
        Self { tasks: (0..count).map(task).collect(), ready }
    }

    /// Runs a future for each task to its end; answers how many ended.
    fn run<F: Future<Output = ()>>(&self, make: impl Fn(usize) -> F) -> u64 {
        let mut futures: Vec<Option<Pin<Box<F>>>> =
            (0..self.tasks.len()).map(|index| Some(Box::pin(make(index)))).collect();
        self.tasks.iter().for_each(|(task, _)| task.wake_by_ref());
        let (mut ended, mut batch) = (0, Vec::new());
        loop {
            std::mem::swap(&mut batch, &mut *self.ready.lock().expect("nobody panics"));
            if batch.is_empty() {
                return ended;
            }
            for index in batch.drain(..) {
                let (task, waker) = &self.tasks[index];
                task.is_ready.store(false, Ordering::Release);
                let Some(future) = &mut futures[index] else { continue };
                if future.as_mut().poll(&mut Context::from_waker(waker)).is_ready() {
                    futures[index] = None;
                    ended += 1;
                }
            }
        }
    }
}

/// Lets the others run once.
async fn give_way() {
    let mut was_here = false;
    poll_fn(|context| {
        if std::mem::replace(&mut was_here, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// What the semaphores have in common.
trait Ten: Default + 'static {
    async fn with(&self, count: u32, hold: bool);
}

macro_rules! ten {
    ($name:ident, $type:ty, $make:expr) => {
        struct $name($type);

        impl Default for $name {
            fn default() -> Self {
                Self($make)
            }
        }

        impl Ten for $name {
            async fn with(&self, count: u32, hold: bool) {
                let permits = self.0.acquire_many(count).await;
                if hold {
                    give_way().await;
                }
                drop(permits);
            }
        }
    };
}

ten!(TurgoFifo, Semaphore, Semaphore::new(10));
ten!(TurgoBarging, Semaphore<Barging>, Semaphore::with_fairness(10));
ten!(TurgoLocal, turgo_sync::local::Semaphore, turgo_sync::local::Semaphore::new(10));
ten!(Tokio, tokio::sync::Semaphore, tokio::sync::Semaphore::new(10));

struct Maitake(maitake_sync::Semaphore);

impl Default for Maitake {
    fn default() -> Self {
        Self(maitake_sync::Semaphore::new(10))
    }
}

impl Ten for Maitake {
    async fn with(&self, count: u32, hold: bool) {
        let permits = self.0.acquire(count as usize).await;
        if hold {
            give_way().await;
        }
        drop(permits);
    }
}

/// One permit at a time is all that it has.
struct AsyncLock(async_lock::Semaphore);

impl Default for AsyncLock {
    fn default() -> Self {
        Self(async_lock::Semaphore::new(10))
    }
}

impl Ten for AsyncLock {
    async fn with(&self, _count: u32, hold: bool) {
        let permit = self.0.acquire().await;
        if hold {
            give_way().await;
        }
        drop(permit);
    }
}

ten!(LocalSync, local_sync::semaphore::Semaphore, local_sync::semaphore::Semaphore::new(10));

/// Every operation is a task; so many at a time.
fn crowd<T: Ten, const TASKS: usize, const HOLD: bool>(_threads: usize) -> Vec<Work> {
    vec![Box::new(|operations| {
        let (semaphore, executor) = (T::default(), Executor::new(TASKS));
        let rounds = operations / TASKS as u64;
        let served: u64 = (0..rounds).map(|_| executor.run(|_| semaphore.with(1, HOLD))).sum();
        // What is left of a round.
        let rest = Executor::new((operations - served) as usize);
        served + rest.run(|_| semaphore.with(1, HOLD))
    })]
}

/// Wishes of one to three permits, held or not, in turn.
fn mixed<T: Ten>(_threads: usize) -> Vec<Work> {
    const TASKS: usize = 64;
    vec![Box::new(|operations| {
        let (semaphore, executor) = (T::default(), Executor::new(TASKS));
        (0..operations / TASKS as u64)
            .map(|_| executor.run(|index| semaphore.with(index as u32 % 3 + 1, index % 2 == 0)))
            .sum()
    })]
}

macro_rules! each {
    ($($tasks:literal, $hold:literal => $name:ident;)*) => {
        $(pub(crate) fn $name() -> Vec<Case> {
            vec![
                Case { name: "turgo Fifo", make: crowd::<TurgoFifo, $tasks, $hold> },
                Case { name: "turgo Barging", make: crowd::<TurgoBarging, $tasks, $hold> },
                Case { name: "turgo local", make: crowd::<TurgoLocal, $tasks, $hold> },
                Case { name: "tokio", make: crowd::<Tokio, $tasks, $hold> },
                Case { name: "async-lock", make: crowd::<AsyncLock, $tasks, $hold> },
                Case { name: "maitake-sync", make: crowd::<Maitake, $tasks, $hold> },
                Case { name: "local-sync", make: crowd::<LocalSync, $tasks, $hold> },
            ]
        })*
    };
}

each! {
    10, false => ten_tasks;
    50, false => fifty_tasks;
    100, false => hundred_tasks;
    500, false => five_hundred_tasks;
    10, true => ten_tasks_that_hold;
    50, true => fifty_tasks_that_hold;
    100, true => hundred_tasks_that_hold;
    500, true => five_hundred_tasks_that_hold;
}

pub(crate) fn mixture() -> Vec<Case> {
    vec![
        Case { name: "turgo Fifo", make: mixed::<TurgoFifo> },
        Case { name: "turgo Barging", make: mixed::<TurgoBarging> },
        Case { name: "turgo local", make: mixed::<TurgoLocal> },
        Case { name: "tokio", make: mixed::<Tokio> },
        Case { name: "maitake-sync", make: mixed::<Maitake> },
        Case { name: "local-sync", make: mixed::<LocalSync> },
    ]
}
