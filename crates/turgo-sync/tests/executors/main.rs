//! The same tasks on two threads of compio, on two threads of tokio, and across runtimes: nothing is lost, whoever is woken by whom.
//!
//! The bare executor has its own tests of the same names, in `tests/stress`.

#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scenarios;

use std::sync::Arc;
use std::time::Duration;

use scenarios::{Scenario, Task};
use turgo_machine::thread;
use turgo_sync::{
    Barging, Barrier, Condvar, Event, Fifo, Latch, Mutex, Notify, OnceCell, Semaphore,
};

/// On two threads with a runtime of compio each.
fn on_compio(tasks: Vec<Task>) {
    let mut halves = [Vec::new(), Vec::new()];
    tasks.into_iter().enumerate().for_each(|(index, task)| halves[index % 2].push(task));
    let threads = halves.map(|tasks| {
        thread::spawn(move || {
            compio::runtime::Runtime::new().unwrap().block_on(async {
                let tasks: Vec<_> = tasks.into_iter().map(compio::runtime::spawn).collect();
                for task in tasks {
                    task.await.unwrap();
                }
            });
        })
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// On two threads of one runtime of tokio.
fn on_tokio(tasks: Vec<Task>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// One thread of each runtime.
fn on_both(tasks: Vec<Task>) {
    let mut halves = [Vec::new(), Vec::new()];
    tasks.into_iter().enumerate().for_each(|(index, task)| halves[index % 2].push(task));
    let [one, other] = halves;
    let other = thread::spawn(|| on_tokio(other));
    compio::runtime::Runtime::new().unwrap().block_on(async {
        let tasks: Vec<_> = one.into_iter().map(compio::runtime::spawn).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    other.join().unwrap();
}

/// Runs a scenario with both orders on each.
macro_rules! each {
    ($($name:ident),* $(,)?) => { $(
        mod $name {
            use super::*;

            fn run(on: fn(Vec<Task>)) {
                for Scenario { tasks, check } in
                    [scenarios::$name::<Fifo>(), scenarios::$name::<Barging>()]
                {
                    on(tasks);
                    check();
                }
            }

            #[test]
            fn compio() {
                run(on_compio);
            }

            #[test]
            fn tokio() {
                run(on_tokio);
            }

            #[test]
            fn both() {
                run(on_both);
            }
        }
    )* };
}

each!(no_lost_wakeups, spurious_wakeups, high_contention, cancellation, everything_at_once,);

#[compio::test]
async fn a_timeout_of_compio_gives_up_the_place() {
    let semaphore = Semaphore::new(1);
    let held = semaphore.acquire().await.unwrap();
    let brief = Duration::from_millis(5);
    assert!(compio::time::timeout(brief, semaphore.acquire()).await.is_err());
    drop(held);
    assert!(semaphore.try_acquire().is_ok());
}

/// A thread of compio wakes another one and a plain thread, and they wake it.
#[test]
fn threads_of_compio_and_a_plain_one_wake_each_other() {
    const ROUNDS: usize = 300;
    let ring = [(); 3].map(|()| Arc::new(Notify::new()));
    let done = Arc::new(Latch::new(3));
    let member = |index: usize| (ring[index].clone(), ring[(index + 1) % 3].clone(), done.clone());
    let on_compio = |(hear, say, done): (Arc<Notify>, Arc<Notify>, Arc<Latch>)| {
        thread::spawn(move || {
            compio::runtime::Runtime::new().unwrap().block_on(async {
                for _ in 0..ROUNDS {
                    hear.notified().await;
                    say.notify_one();
                }
                done.arrive_and_wait().await;
            });
        })
    };
    let (one, other) = (on_compio(member(0)), on_compio(member(1)));
    let (hear, say, done) = member(2);
    let semaphore = Arc::new(Semaphore::new(0));
    let relay = thread::spawn({
        let semaphore = semaphore.clone();
        move || {
            compio::runtime::Runtime::new().unwrap().block_on(async {
                for _ in 0..ROUNDS {
                    hear.notified().await;
                    semaphore.add_permits(1);
                }
            });
        }
    });
    say.notify_one();
    for _ in 0..ROUNDS {
        // This thread has no runtime.
        semaphore.blocking_acquire().unwrap().forget();
        say.notify_one();
    }
    done.count_down();
    done.blocking_wait();
    [one, other, relay].into_iter().for_each(|thread| thread.join().unwrap());
}

/// Each primitive across a thread of compio and a plain one.
#[test]
fn every_primitive_crosses_runtimes() {
    struct All {
        barrier: Barrier,
        event: Event,
        cell: OnceCell<u32>,
        pair: (Mutex<u32>, Condvar),
    }
    let all = Arc::new(All {
        barrier: Barrier::new(2),
        event: Event::new(),
        cell: OnceCell::new(),
        pair: (Mutex::new(0), Condvar::new()),
    });
    let other = thread::spawn({
        let all = all.clone();
        move || {
            compio::runtime::Runtime::new().unwrap().block_on(async {
                let led = all.barrier.wait().await.is_leader();
                all.event.wait().await;
                assert_eq!(*all.cell.get_or_init(|| async { 1 }).await, 7);
                *all.pair.0.lock().await = 3;
                all.pair.1.notify_one();
                led
            })
        }
    });
    let led = all.barrier.blocking_wait().is_leader();
    all.cell.blocking_get_or_init(|| 7);
    all.event.set();
    let guard = all.pair.0.blocking_lock();
    assert_eq!(*all.pair.1.blocking_wait_while(guard, |value| *value == 0), 3);
    assert!(other.join().unwrap() != led);
}
