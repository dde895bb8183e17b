//! What the tasks do, and what must hold when they have done it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::task::Poll;

use turgo_sync::access::Shared;
use turgo_sync::mutex::Mutex;
use turgo_sync::rwlock::{RwLock, RwLockUpgradableReadGuard};
use turgo_sync::semaphore::Semaphore;
use turgo_sync::{Barrier, Condvar, Fairness, Latch, OnceCell, SetOnce};

pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(crate) struct Scenario {
    pub(crate) tasks: Vec<Task>,
    pub(crate) check: Box<dyn FnOnce()>,
}

/// Lets others run.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// What a future answers, or nothing if it is not ready after so many polls, each of which is followed by a wake.
async fn give_up_after<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        if polled == polls {
            return Poll::Ready(None);
        }
        polled += 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

fn semaphore<F: Fairness>(permits: usize) -> Arc<Semaphore<F, Shared>> {
    Arc::new(Semaphore::with_fairness(permits))
}

/// A thousand tasks on one permit, held across an await.
pub(crate) fn no_lost_wakeups<F: Fairness>() -> Scenario {
    let semaphore = semaphore::<F>(1);
    let shared = Arc::new((AtomicBool::new(false), AtomicUsize::new(0)));
    let tasks = (0..1000)
        .map(|_| {
            let (semaphore, shared) = (semaphore.clone(), shared.clone());
            Box::pin(async move {
                let permit = semaphore.acquire().await.unwrap();
                assert!(!shared.0.swap(true, Relaxed), "one at a time");
                yield_now().await;
                assert!(shared.0.swap(false, Relaxed));
                drop(permit);
                shared.1.fetch_add(1, Relaxed);
            }) as Task
        })
        .collect();
    let check = Box::new(move || {
        assert_eq!((shared.1.load(Relaxed), semaphore.available_permits()), (1000, 1));
    });
    Scenario { tasks, check }
}

/// Waits that are polled though nothing happened, between others.
pub(crate) fn spurious_wakeups<F: Fairness>() -> Scenario {
    let semaphore = semaphore::<F>(2);
    let tasks = (0..50)
        .map(|_| {
            let semaphore = semaphore.clone();
            Box::pin(async move {
                for _ in 0..20 {
                    let mut wait = pin!(semaphore.acquire());
                    // Woken by itself after every poll.
                    let permit = poll_fn(|context| {
                        let answer = wait.as_mut().poll(context);
                        if answer.is_pending() {
                            context.waker().wake_by_ref();
                        }
                        answer
                    })
                    .await
                    .unwrap();
                    yield_now().await;
                    drop(permit);
                }
            }) as Task
        })
        .collect();
    Scenario { tasks, check: Box::new(move || assert_eq!(semaphore.available_permits(), 2)) }
}

pub(crate) fn high_contention<F: Fairness>() -> Scenario {
    let semaphore = semaphore::<F>(3);
    let inside = Arc::new(AtomicUsize::new(0));
    let tasks = (0..64_usize)
        .map(|index| {
            let (semaphore, inside) = (semaphore.clone(), inside.clone());
            Box::pin(async move {
                for round in 0..50 {
                    let n = (index + round) % 3 + 1;
                    let permit = semaphore.acquire_many(n as u32).await.unwrap();
                    assert!(inside.fetch_add(n, Relaxed) + n <= 3);
                    if (index * round) % 4 == 0 {
                        yield_now().await;
                    }
                    inside.fetch_sub(n, Relaxed);
                    drop(permit);
                }
            }) as Task
        })
        .collect();
    Scenario { tasks, check: Box::new(move || assert_eq!(semaphore.available_permits(), 3)) }
}

/// Half of all waits are given up after a poll or some.
pub(crate) fn cancellation<F: Fairness>() -> Scenario {
    let semaphore = semaphore::<F>(2);
    let tasks = (0..64_usize)
        .map(|index| {
            let semaphore = semaphore.clone();
            Box::pin(async move {
                for round in 0..50 {
                    let wait = semaphore.acquire_many(round % 2 + 1);
                    if (index + round as usize).is_multiple_of(2) {
                        drop(give_up_after(wait, index % 3).await);
                    } else {
                        let permit = wait.await.unwrap();
                        yield_now().await;
                        drop(permit);
                    }
                }
            }) as Task
        })
        .collect();
    Scenario { tasks, check: Box::new(move || assert_eq!(semaphore.available_permits(), 2)) }
}

struct All<F: Fairness> {
    mutex: Mutex<usize, F, Shared>,
    changed: Condvar,
    lock: RwLock<usize, F, Shared>,
    made: OnceCell<usize>,
    set: SetOnce<usize>,
    barrier: Barrier,
    latch: Latch,
}

/// Tasks that go through every primitive together.
pub(crate) fn everything_at_once<F: Fairness>() -> Scenario {
    const TASKS: usize = 16;
    let all = Arc::new(All::<F> {
        mutex: Mutex::with_fairness(0),
        changed: Condvar::new(),
        lock: RwLock::with_fairness(0),
        made: OnceCell::new(),
        set: SetOnce::new(),
        barrier: Barrier::new(TASKS),
        latch: Latch::new(TASKS),
    });
    let tasks = (0..TASKS)
        .map(|index| {
            let all = all.clone();
            Box::pin(async move {
                let made = *all
                    .made
                    .get_or_init(|| async {
                        yield_now().await;
                        index
                    })
                    .await;
                if index == made {
                    all.set.set(made).unwrap();
                }
                assert_eq!(*all.set.wait().await, made);
                for round in 0..20 {
                    _ = give_up_after(all.barrier.wait(), 0).await.is_some_and(|r| r.is_leader());
                    let guard = all.lock.upgradable_read().await;
                    let seen = *guard;
                    let mut guard = RwLockUpgradableReadGuard::upgrade(guard).await;
                    assert_eq!(*guard, seen, "nobody wrote between");
                    *guard += 1;
                    drop(guard);
                    *all.mutex.lock().await += 1;
                    all.changed.notify_all();
                    let guard = all.mutex.lock().await;
                    // All have come as far as this.
                    drop(all.changed.wait_while(guard, |n| *n < (round + 1) * TASKS).await);
                }
                all.latch.arrive_and_wait().await;
            }) as Task
        })
        .collect();
    let check = Box::new(move || {
        assert_eq!(*all.lock.blocking_read(), TASKS * 20);
        assert_eq!(*all.mutex.blocking_lock(), TASKS * 20);
        assert_eq!(all.latch.count(), 0);
    });
    Scenario { tasks, check }
}
