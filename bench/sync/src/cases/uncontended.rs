//! Taking and giving back where nobody waits.

use std::cell::Cell;

use super::polls::now;
use bench_harness::shared;
use bench_harness::{Case, Work};

macro_rules! semaphore {
    ($permits:expr, $make:expr, $acquire:expr) => {
        |threads| {
            shared(threads, $make($permits), |semaphore, operations| {
                (0..operations).map(|_| u64::from(now($acquire(semaphore)))).sum()
            })
        }
    };
}

fn of<const PERMITS: usize>() -> Vec<Case> {
    use turgo_sync::{Barging, Semaphore};
    vec![
        Case {
            name: "turgo Fifo",
            make: semaphore!(PERMITS, Semaphore::new, async |s: &Semaphore| s
                .acquire()
                .await
                .is_ok()),
        },
        Case {
            name: "turgo Barging",
            make: semaphore!(
                PERMITS,
                Semaphore::<Barging>::with_fairness,
                async |s: &Semaphore<Barging>| s.acquire().await.is_ok()
            ),
        },
        Case {
            name: "tokio",
            make: semaphore!(
                PERMITS,
                tokio::sync::Semaphore::new,
                async |s: &tokio::sync::Semaphore| s.acquire().await.is_ok()
            ),
        },
        Case {
            name: "async-lock",
            make: semaphore!(
                PERMITS,
                async_lock::Semaphore::new,
                async |s: &async_lock::Semaphore| {
                    drop(s.acquire().await);
                    true
                }
            ),
        },
        Case {
            name: "maitake-sync",
            make: semaphore!(
                PERMITS,
                maitake_sync::Semaphore::new,
                async |s: &maitake_sync::Semaphore| s.acquire(1).await.is_ok()
            ),
        },
    ]
}

/// A semaphore for one thread is made where it is used.
macro_rules! local_semaphore {
    ($name:literal, $type:ty) => {
        Case {
            name: $name,
            make: |_| {
                vec![Box::new(|operations| {
                    let semaphore = <$type>::new(1);
                    let taken = |_| u64::from(now(async { semaphore.acquire().await.is_ok() }));
                    (0..operations).map(taken).sum()
                })]
            },
        }
    };
}

pub(crate) fn semaphores() -> Vec<Case> {
    let mut cases = of::<1>();
    cases.push(local_semaphore!("turgo local", turgo_sync::local::Semaphore));
    cases.push(local_semaphore!("local-sync", local_sync::semaphore::Semaphore));
    cases
}

pub(crate) fn semaphores_of_ten() -> Vec<Case> {
    of::<10>()
}

macro_rules! mutex {
    ($make:expr, $type:ty) => {
        |threads| {
            shared(threads, $make(0_u64), |mutex: &$type, operations| {
                for _ in 0..operations {
                    *now(mutex.lock()) += 1;
                }
                operations
            })
        }
    };
}

pub(crate) fn mutexes() -> Vec<Case> {
    use turgo_sync::{Barging, Mutex};
    vec![
        Case { name: "turgo Fifo", make: mutex!(Mutex::new, Mutex<u64>) },
        Case {
            name: "turgo Barging",
            make: mutex!(Mutex::<u64, Barging>::with_fairness, Mutex<u64, Barging>),
        },
        Case { name: "tokio", make: mutex!(tokio::sync::Mutex::new, tokio::sync::Mutex<u64>) },
        Case { name: "async-lock", make: mutex!(async_lock::Mutex::new, async_lock::Mutex<u64>) },
        Case {
            name: "synchrony",
            make: mutex!(synchrony::sync::mutex::Mutex::new, synchrony::sync::mutex::Mutex<u64>),
        },
        Case {
            name: "maitake-sync",
            make: mutex!(maitake_sync::Mutex::new, maitake_sync::Mutex<u64>),
        },
    ]
}

/// Each thread has its own, made where it is used.
pub(crate) fn local_mutexes() -> Vec<Case> {
    let local = |_| -> Vec<Work> {
        vec![Box::new(|operations| {
            let mutex = turgo_sync::local::Mutex::new(0_u64);
            for _ in 0..operations {
                *now(std::hint::black_box(&mutex).lock()) += 1;
            }
            now(mutex.lock()).to_owned()
        })]
    };
    let cell = |_| -> Vec<Work> {
        vec![Box::new(|operations| {
            let value = (Cell::new(false), Cell::new(0_u64));
            for _ in 0..operations {
                let (locked, value) = std::hint::black_box(&value);
                assert!(!locked.replace(true));
                value.set(value.get() + 1);
                locked.set(false);
            }
            value.1.get()
        })]
    };
    vec![Case { name: "turgo local", make: local }, Case { name: "Cell", make: cell }]
}
