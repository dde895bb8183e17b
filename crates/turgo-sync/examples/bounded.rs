//! Bounded concurrency on compio: many requests, of which only so many are under way at once. First with a limit for the tasks of one thread, then with
//! one limit for two runtimes on two threads.
//!
//! `cargo run --release -p turgo-sync --example bounded`
//!
//! A request that is given up while it waits leaves the queue: nobody has to wait behind it.

#![cfg(not(any(loom, shuttle)))]

use std::error::Error;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use compio::runtime::{Runtime, spawn};
use compio::time::{sleep, timeout};
use turgo_machine::thread;
use turgo_sync::{Semaphore, local};

const REQUESTS: usize = 12;
const LIMIT: usize = 3;
/// How long the server takes to answer.
const ANSWER: Duration = Duration::from_millis(5);

fn main() -> Result<(), Box<dyn Error>> {
    let order = Runtime::new()?.block_on(on_one_thread());
    println!("one thread: {REQUESTS} requests were served in this order: {order:?}");
    assert!(order.iter().copied().eq(0..REQUESTS), "first come, first served");

    let limit = Arc::new(Semaphore::new(LIMIT));
    let sides = [(); 2].map(|()| {
        let limit = limit.clone();
        thread::spawn(move || Runtime::new().map(|runtime| runtime.block_on(on_two(limit))))
    });
    for (side, thread) in sides.into_iter().enumerate() {
        let peak = thread.join().expect("nobody panics")?;
        println!("two threads: thread {side} has seen up to {peak} requests of both under way");
        assert!((1..=LIMIT).contains(&peak), "never more than the limit");
    }
    assert_eq!(limit.available_permits(), LIMIT, "all permits have come back");
    Ok(())
}

/// The order in which requests of one thread were served. Nothing here is atomic.
async fn on_one_thread() -> Vec<usize> {
    let limit = Rc::new(local::Semaphore::new(LIMIT));
    let order = Rc::new(local::Mutex::new(Vec::new()));
    let serve = |request| {
        let (limit, order) = (limit.clone(), order.clone());
        spawn(async move {
            let _permit = limit.acquire().await.expect("nobody closes it");
            order.lock().await.push(request);
            assert!(limit.in_use() <= LIMIT);
            sleep(ANSWER).await;
        })
    };
    let early: Vec<_> = (0..REQUESTS / 2).map(serve).collect();
    // This one waits for less time than an answer takes. What it had of the queue is the next one's.
    let (limit_of_his, patience) = (limit.clone(), ANSWER / 5);
    let impatient =
        spawn(async move { timeout(patience, limit_of_his.acquire()).await.map(drop).is_err() });
    let late: Vec<_> = (REQUESTS / 2..REQUESTS).map(serve).collect();
    assert!(impatient.await.expect("nobody panics"), "it has given up");
    for task in early.into_iter().chain(late) {
        task.await.expect("nobody panics");
    }
    assert_eq!(limit.available_permits(), LIMIT, "all permits have come back");
    order.lock().await.split_off(0)
}

/// The requests of one of two threads. Answers how many of both threads a request has seen under way.
async fn on_two(limit: Arc<Semaphore>) -> usize {
    let requests: Vec<_> = (0..REQUESTS)
        .map(|_| {
            let limit = limit.clone();
            spawn(async move {
                let _permit = limit.acquire().await.expect("nobody closes it");
                let under_way = limit.in_use();
                sleep(ANSWER).await;
                under_way
            })
        })
        .collect();
    let mut peak = 0;
    for request in requests {
        peak = peak.max(request.await.expect("nobody panics"));
    }
    peak
}

#[test]
fn no_more_requests_are_under_way_than_the_limit() {
    main().expect("it runs");
}
