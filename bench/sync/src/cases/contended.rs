//! Threads that want the same thing all the time, and sleep when they have to wait.

use super::polls::Blocking;
use bench_harness::Case;
use bench_harness::shared;
use turgo_sync::{Barging, Mutex, Semaphore};

macro_rules! mutex {
    ($name:literal, $type:ty, $make:expr) => {
        Case {
            name: $name,
            make: |threads| {
                shared(threads, $make, |mutex: &$type, operations| {
                    let blocking = Blocking::new();
                    for _ in 0..operations {
                        *blocking.run(mutex.lock()) += 1;
                    }
                    operations
                })
            },
        }
    };
}

pub(crate) fn mutexes() -> Vec<Case> {
    vec![
        mutex!("turgo Fifo", Mutex<u64>, Mutex::new(0)),
        mutex!("turgo Barging", Mutex<u64, Barging>, Mutex::with_fairness(0)),
        mutex!("tokio", tokio::sync::Mutex<u64>, tokio::sync::Mutex::new(0)),
        mutex!("async-lock", async_lock::Mutex<u64>, async_lock::Mutex::new(0)),
        mutex!(
            "synchrony",
            synchrony::sync::mutex::Mutex<u64>,
            synchrony::sync::mutex::Mutex::new(0)
        ),
        mutex!("maitake-sync", maitake_sync::Mutex<u64>, maitake_sync::Mutex::new(0)),
    ]
}

macro_rules! semaphore {
    ($name:literal, $type:ty, $make:expr) => {
        Case {
            name: $name,
            make: |threads| {
                shared(threads, $make, |semaphore: &$type, operations| {
                    let blocking = Blocking::new();
                    for _ in 0..operations {
                        drop(blocking.run(semaphore.acquire()));
                    }
                    operations
                })
            },
        }
    };
}

pub(crate) fn semaphores() -> Vec<Case> {
    vec![
        semaphore!("turgo Fifo", Semaphore, Semaphore::new(1)),
        semaphore!("turgo Barging", Semaphore<Barging>, Semaphore::with_fairness(1)),
        semaphore!("tokio", tokio::sync::Semaphore, tokio::sync::Semaphore::new(1)),
        semaphore!("async-lock", async_lock::Semaphore, async_lock::Semaphore::new(1)),
    ]
}
