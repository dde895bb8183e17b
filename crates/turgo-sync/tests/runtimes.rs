//! On tokio, whose own primitives have the same names, and across two runtimes and a plain thread.

#![cfg(not(any(loom, shuttle)))]

use std::sync::Arc;
use std::time::Duration;

use turgo_machine::thread;
use turgo_sync::{Barging, Mutex, Notify, Semaphore};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_tasks_share_one_permit() {
    let semaphore = Arc::new(Semaphore::new(1));
    let mutex = Arc::new(Mutex::<u64, Barging>::with_fairness(0));
    let tasks: Vec<_> = (0..1000)
        .map(|_| {
            let (semaphore, mutex) = (semaphore.clone(), mutex.clone());
            tokio::spawn(async move {
                let _permit = semaphore.acquire_owned().await.unwrap();
                let mut guard = mutex.lock().await;
                tokio::task::yield_now().await;
                *guard += 1;
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*mutex.lock().await, 1000);
}

#[tokio::test]
async fn a_timeout_gives_up_the_place() {
    let semaphore = Arc::new(Semaphore::new(1));
    let held = semaphore.acquire().await.unwrap();
    let late = tokio::time::timeout(Duration::from_millis(5), semaphore.acquire()).await;
    assert!(late.is_err());
    drop(held);
    assert!(semaphore.try_acquire().is_ok());
}

/// Each of two runtimes and a thread that blocks wakes the others.
#[test]
fn runtimes_wake_each_other() {
    let (ping, pong) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let semaphore = Arc::new(Semaphore::new(0));
    let sides = [(ping.clone(), pong.clone()), (pong, ping.clone())];
    let threads: Vec<_> = sides
        .into_iter()
        .map(|(hear, say)| {
            let semaphore = semaphore.clone();
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(async {
                    for _ in 0..500 {
                        hear.notified().await;
                        say.notify_one();
                    }
                    semaphore.add_permits(1);
                });
            })
        })
        .collect();
    ping.notify_one();
    drop(semaphore.blocking_acquire_many(2).unwrap());
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}
