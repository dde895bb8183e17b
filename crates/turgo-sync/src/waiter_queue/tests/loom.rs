//! Models of two and three threads.

use std::sync::Arc;

use turgo_machine::atomic::{AtomicBool, Ordering};
use turgo_machine::thread;

use crate::WaiterQueue;
use crate::block::block_on;
use crate::tests::probe::{model, poll_idle};

/// A flag that nothing but the queue orders.
fn raised(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed)
}

/// The third and the eighth defect: the condition becomes true while somebody queues.
fn a_change_is_not_missed(wake: fn(&WaiterQueue)) {
    model(3, move || {
        let shared = Arc::new((WaiterQueue::new(), AtomicBool::new(false)));
        let waits = thread::spawn({
            let shared = shared.clone();
            move || {
                block_on(shared.0.add_waiter_if(|| raised(&shared.1)));
                assert!(raised(&shared.1));
            }
        });
        shared.1.store(true, Ordering::Relaxed);
        wake(&shared.0);
        waits.join().unwrap();
        assert_eq!(shared.0.waiter_count(), 0);
        assert!(!shared.0.crowd.has_waiters());
    });
}

#[test]
fn a_change_is_not_missed_by_one() {
    a_change_is_not_missed(WaiterQueue::wake_one);
}

#[test]
fn a_change_is_not_missed_by_all() {
    a_change_is_not_missed(WaiterQueue::wake_all);
}

/// The sixth and the seventh defect: who was woken is dropped, and the next has it.
#[test]
fn a_wait_given_up_passes_on_what_it_was_told() {
    model(3, || {
        let queue: &'static WaiterQueue = Box::leak(Box::new(WaiterQueue::new()));
        let mut gives_up = Box::pin(queue.add_waiter_if(|| false));
        assert!(poll_idle(&mut gives_up).is_pending());
        let mut next = Box::pin(queue.add_waiter_if(|| false));
        assert!(poll_idle(&mut next).is_pending());
        let drops = thread::spawn(move || drop(gives_up));
        queue.wake_one();
        drops.join().unwrap();
        assert!(poll_idle(&mut next).is_ready());
        assert_eq!(queue.waiter_count(), 0);
    });
}

/// Two come while all are woken twice: nobody is left, in the list or in the inbox, and nobody is counted.
#[test]
fn all_are_woken_while_some_queue() {
    model(2, || {
        let queue: &'static WaiterQueue = Box::leak(Box::new(WaiterQueue::new()));
        let (mut one, other) =
            (Box::pin(queue.add_waiter_if(|| false)), queue.add_waiter_if(|| false));
        let waits = thread::spawn(move || block_on(other));
        _ = poll_idle(&mut one);
        queue.wake_all();
        waits.join().unwrap();
        assert!(poll_idle(&mut one).is_ready());
        assert_eq!(queue.waiter_count(), 0);
        assert!(!queue.crowd.has_waiters());
    });
}

/// Two wait and two are woken, while a third comes and goes.
#[test]
fn as_many_are_woken_as_wakes_meet() {
    model(2, || {
        let queue: &'static WaiterQueue = Box::leak(Box::new(WaiterQueue::new()));
        let mut waits = [(); 2].map(|()| Box::pin(queue.add_waiter_if(|| false)));
        waits.iter_mut().for_each(|wait| assert!(poll_idle(wait).is_pending()));
        let other = thread::spawn(move || {
            queue.wake_one();
            _ = poll_idle(&mut Box::pin(queue.add_waiter_if(|| false)));
        });
        queue.wake_one();
        other.join().unwrap();
        waits.iter_mut().for_each(|wait| assert!(poll_idle(wait).is_ready()));
        assert_eq!(queue.waiter_count(), 0);
    });
}
