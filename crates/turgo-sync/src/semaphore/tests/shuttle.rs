//! Random interleavings of more tasks than a model can have.

use std::sync::Arc;

use turgo_machine::thread;

use crate::access::Shared;
use crate::block::block_on;
use crate::semaphore::Semaphore;
use crate::tests::probe::poll_idle;
use crate::{Barging, Fairness, Fifo};

/// Five threads want one to three of three permits; some give up after a poll or two.
fn many<F: Fairness>() {
    let semaphore = Arc::new(Semaphore::<F, Shared>::with_fairness(3));
    let threads: Vec<_> = (0..5_u32)
        .map(|index| {
            let semaphore = semaphore.clone();
            thread::spawn(move || {
                for round in 0..4 {
                    let mut wait = Box::pin(semaphore.acquire_many(index % 3 + 1));
                    if (index + round) % 3 == 0 {
                        _ = poll_idle(&mut wait);
                    } else {
                        drop(block_on(wait).unwrap());
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(semaphore.available_permits(), 3);
    assert!(!semaphore.permits.has_waiters());
}

#[test]
fn many_tasks_lose_nothing_in_order() {
    ::shuttle::check_random(many::<Fifo>, 2000);
}

#[test]
fn many_tasks_lose_nothing_with_barging() {
    ::shuttle::check_random(many::<Barging<2>>, 2000);
}
