//! Random interleavings of more tasks than a model can have.

use std::sync::Arc;

use turgo_machine::atomic::{AtomicUsize, Ordering::SeqCst};
use turgo_machine::thread;

use crate::WaiterQueue;
use crate::block::block_on;
use crate::tests::probe::poll_idle;

/// Three take items that two others put there; some waits are given up.
#[test]
fn many_tasks_lose_no_item() {
    ::shuttle::check_random(
        || {
            let shared = Arc::new((WaiterQueue::new(), AtomicUsize::new(0)));
            let takers = (0..3_usize).map(|index| {
                let shared = shared.clone();
                thread::spawn(move || {
                    let (queue, items) = &*shared;
                    let take = || items.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)).is_ok();
                    for round in 0..2 {
                        while !take() {
                            let mut wait = Box::pin(queue.add_waiter_if(|| items.load(SeqCst) > 0));
                            if (index + round) % 2 == 0 {
                                _ = poll_idle(&mut wait);
                                drop(wait);
                            }
                            if take() {
                                break;
                            }
                            block_on(queue.add_waiter_if(|| items.load(SeqCst) > 0));
                        }
                        // Another may have been passed by.
                        queue.wake_one();
                    }
                })
            });
            let givers = (0..2).map(|index| {
                let shared = shared.clone();
                thread::spawn(move || {
                    for round in 0..3 {
                        shared.1.fetch_add(1, SeqCst);
                        if index == round { shared.0.wake_all() } else { shared.0.wake_one() }
                    }
                })
            });
            let threads: Vec<_> = takers.chain(givers).collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(shared.1.load(SeqCst), 0);
            assert_eq!(shared.0.waiter_count(), 0);
            assert!(!shared.0.crowd.has_waiters());
        },
        2000,
    );
}
