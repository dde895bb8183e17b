//! Many tasks on a few threads and an executor that knows nothing but wakers: nothing is lost, whoever gives up when.

#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod channels;
mod executor;
mod parked;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use executor::{Executor, Random, pause, yield_now};
use turgo_machine::thread;
use turgo_sync::access::Shared;
use turgo_sync::semaphore::Semaphore;
use turgo_sync::{Barging, Fairness, Fifo, Mutex, Notify};

fn semaphore<F: Fairness>(permits: usize) -> Arc<Semaphore<F, Shared>> {
    Arc::new(Semaphore::with_fairness(permits))
}

/// Runs a test with each order.
macro_rules! each {
    ($($name:ident),* $(,)?) => { $(
        mod $name {
            use super::*;

            #[test]
            fn fifo() {
                super::$name::<Fifo>();
            }

            #[test]
            fn barging() {
                super::$name::<Barging>();
            }

            #[test]
            fn barging_seldom() {
                super::$name::<Barging<3>>();
            }
        }
    )* };
}

each!(no_lost_wakeups, spurious_wakeups, high_contention, cancellation, parked_waiters_sleep);

/// A thousand tasks on one permit, held across an await.
fn no_lost_wakeups<F: Fairness>() {
    let semaphore = semaphore::<F>(1);
    let inside = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicUsize::new(0));
    let executor = Executor::new(2);
    for _ in 0..1000 {
        let (semaphore, inside, done) = (semaphore.clone(), inside.clone(), done.clone());
        executor.spawn(async move {
            let permit = semaphore.acquire().await.unwrap();
            assert!(!inside.swap(true, Relaxed), "one at a time");
            yield_now().await;
            assert!(inside.swap(false, Relaxed));
            drop(permit);
            done.fetch_add(1, Relaxed);
        });
    }
    executor.finish();
    assert_eq!(done.load(Relaxed), 1000);
    assert_eq!(semaphore.available_permits(), 1);
}

/// Tasks that are woken all the time though nothing happened.
fn spurious_wakeups<F: Fairness>() {
    let semaphore = semaphore::<F>(2);
    let executor = Executor::new(2);
    for _ in 0..50 {
        let semaphore = semaphore.clone();
        let task = executor.spawn(async move {
            for _ in 0..20 {
                let permit = semaphore.acquire().await.unwrap();
                yield_now().await;
                drop(permit);
            }
        });
        executor.spawn(async move {
            for _ in 0..100 {
                task.wake_by_ref();
                yield_now().await;
            }
        });
    }
    executor.finish();
    assert_eq!(semaphore.available_permits(), 2);
}

fn high_contention<F: Fairness>() {
    let semaphore = semaphore::<F>(3);
    let inside = Arc::new(AtomicUsize::new(0));
    let executor = Executor::new(4);
    for index in 0..64 {
        let (semaphore, inside) = (semaphore.clone(), inside.clone());
        executor.spawn(async move {
            let mut random = Random::new(index);
            for _ in 0..100 {
                let n = random.below(3) as usize + 1;
                let permit = semaphore.acquire_many(n as u32).await.unwrap();
                assert!(inside.fetch_add(n, Relaxed) + n <= 3);
                if random.below(4) == 0 {
                    yield_now().await;
                }
                inside.fetch_sub(n, Relaxed);
                drop(permit);
            }
        });
    }
    executor.finish();
    assert_eq!(semaphore.available_permits(), 3);
}

/// Half of all waits are given up after a poll or some.
fn cancellation<F: Fairness>() {
    let semaphore = semaphore::<F>(2);
    let executor = Executor::new(4);
    let taken = Arc::new(AtomicUsize::new(0));
    for index in 0..64 {
        let (semaphore, taken) = (semaphore.clone(), taken.clone());
        executor.spawn(async move {
            let mut random = Random::new(index);
            for _ in 0..100 {
                let wait = semaphore.acquire_many(random.below(2) as u32 + 1);
                let polls = if random.below(2) == 0 { Some(random.below(3)) } else { None };
                if let Some(permit) = executor::give_up_after(wait, polls).await {
                    taken.fetch_add(1, Relaxed);
                    yield_now().await;
                    drop(permit);
                }
            }
        });
    }
    executor.finish();
    assert!(taken.load(Relaxed) >= 64 * 30, "half of them wait until they are served");
    assert_eq!(semaphore.available_permits(), 2);
}

/// Nobody runs while everybody waits.
fn parked_waiters_sleep<F: Fairness>() {
    let semaphore = semaphore::<F>(0);
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let semaphore = semaphore.clone();
            thread::spawn(move || {
                let before = Arc::new(AtomicUsize::new(0));
                let waits = executor::counted(semaphore.acquire(), before.clone());
                let start = executor::switches();
                let permit = executor::block_on(waits).unwrap();
                permit.forget();
                (executor::switches() - start, before.load(Relaxed))
            })
        })
        .collect();
    pause(Duration::from_secs(1));
    semaphore.add_permits(2);
    for thread in threads {
        let (switches, polls) = thread.join().unwrap();
        assert!(switches <= 4, "{switches} voluntary switches while parked");
        assert!(polls <= 4, "{polls} polls");
    }
}

#[test]
fn a_barging_mutex_counts_right_on_threads_that_block() {
    let mutex = Arc::new(Mutex::<u64, Barging<5>>::with_fairness(0));
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let mutex = mutex.clone();
            thread::spawn(move || (0..5000).for_each(|_| *mutex.blocking_lock() += 1))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(*mutex.blocking_lock(), 15_000);
}

/// Who waits for a flag that others set is notified of it, by one or by all.
#[test]
fn notifications_reach_those_who_wait() {
    let notify = Arc::new(Notify::new());
    let items = Arc::new(AtomicUsize::new(0));
    let executor = Executor::new(4);
    for index in 0..16 {
        let (notify, items) = (notify.clone(), items.clone());
        executor.spawn(async move {
            let mut random = Random::new(index);
            for _ in 0..200 {
                loop {
                    let wait = notify.notified();
                    if items.fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1)).is_ok() {
                        break;
                    }
                    let polls = (random.below(4) == 0).then(|| random.below(2) + 1);
                    _ = executor::give_up_after(wait, polls).await;
                }
                // Another may have been passed by: whoever leaves looks after the next.
                notify.notify_one();
            }
        });
    }
    for index in 0..16 {
        let (notify, items) = (notify.clone(), items.clone());
        executor.spawn(async move {
            for round in 0..200 {
                items.fetch_add(1, Relaxed);
                match (index + round) % 3 {
                    0 => notify.notify_waiters(),
                    1 => notify.notify_last(),
                    _ => notify.notify_one(),
                }
                yield_now().await;
            }
        });
    }
    executor.finish();
    assert_eq!(items.load(Relaxed), 0);
}
