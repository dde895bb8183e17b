//! The same tasks on two threads of compio, on two threads of tokio, and across runtimes: nothing is lost, whoever is woken by whom.
//!
//! The bare executor has its own tests of the same names, in `tests/stress`.

#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scenarios;

use std::array;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use scenarios::{Scenario, Task};
use turgo_machine::thread;
use turgo_sync::{
    Barging, Barrier, Condvar, Event, Fifo, Latch, Mutex, Notify, OnceCell, Semaphore,
};

/// One of several threads that may wake tasks of compio's; dropped when it does so no more.
///
/// A wake from another thread reads what belongs to the runtime, also when its task has ended meanwhile, and dropping the runtime waits for
/// no wake of such a task (compio-executor 0.1.4). So a runtime is kept until all have gone.
struct Party(Arc<AtomicUsize>);

impl Party {
    fn of<const N: usize>() -> [Self; N] {
        let present = Arc::new(AtomicUsize::new(N));
        array::from_fn(|_| Self(present.clone()))
    }

    /// Runs a future on a runtime of compio.
    fn block_on<T>(self, future: impl Future<Output = T>) -> T {
        let runtime = compio::runtime::Runtime::new().unwrap();
        let answer = runtime.block_on(future);
        let present = self.0.clone();
        drop(self);
        // Acquire: comes after the Release of all who have gone.
        while present.load(Ordering::Acquire) > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        answer
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        // Release: to the Acquire above.
        self.0.fetch_sub(1, Ordering::Release);
    }
}

async fn all_on_compio(tasks: Vec<Task>) {
    let tasks: Vec<_> = tasks.into_iter().map(compio::runtime::spawn).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// On two threads with a runtime of compio each.
fn on_compio(tasks: Vec<Task>) {
    let mut halves = [Vec::new(), Vec::new()];
    tasks.into_iter().enumerate().for_each(|(index, task)| halves[index % 2].push(task));
    let [one, other] = halves;
    let [mine, theirs] = Party::of();
    let other = thread::spawn(move || theirs.block_on(all_on_compio(other)));
    mine.block_on(all_on_compio(one));
    other.join().unwrap();
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
    let [mine, theirs] = Party::of();
    let other = thread::spawn(move || {
        on_tokio(other);
        drop(theirs);
    });
    mine.block_on(all_on_compio(one));
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
    let [first, second, third, plain] = Party::of();
    let member = |index: usize| (ring[index].clone(), ring[(index + 1) % 3].clone(), done.clone());
    let on_compio = |party: Party, (hear, say, done): (Arc<Notify>, Arc<Notify>, Arc<Latch>)| {
        thread::spawn(move || {
            party.block_on(async {
                for _ in 0..ROUNDS {
                    hear.notified().await;
                    say.notify_one();
                }
                done.arrive_and_wait().await;
            });
        })
    };
    let (one, other) = (on_compio(first, member(0)), on_compio(second, member(1)));
    let (hear, say, done) = member(2);
    let semaphore = Arc::new(Semaphore::new(0));
    let relay = thread::spawn({
        let semaphore = semaphore.clone();
        move || {
            third.block_on(async {
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
    drop(plain);
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
    let [mine, theirs] = Party::of();
    let other = thread::spawn({
        let all = all.clone();
        move || {
            theirs.block_on(async {
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
    drop(mine);
    assert!(other.join().unwrap() != led);
}
