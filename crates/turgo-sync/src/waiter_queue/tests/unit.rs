//! What one thread can see. Some are the contract that compio-sync tests its queues with.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::access::{Access, Local, Shared};
use crate::tests::probe::{Wakes, each_access, poll, poll_idle};
use crate::waiter_queue::WaiterQueue;

each_access!(
    wakes_go_in_the_order_of_coming,
    all_are_woken_and_nobody_later,
    a_condition_that_is_true_skips,
    a_change_while_it_is_queued_is_seen,
    a_wake_with_nobody_is_lost,
    more_wakes_than_waiters,
    what_a_dropped_wait_was_told_goes_to_the_next,
    who_leaves_is_not_counted,
    more_than_are_collected_at_once,
    a_condition_that_panics_leaves_nothing,
    an_enabled_wait_has_its_place,
);

fn wakes_go_in_the_order_of_coming<A: Access>() {
    let queue = WaiterQueue::<A>::new();
    let mut waits: Vec<_> = (0..3).map(|_| Box::pin(queue.add_waiter_if(|| false))).collect();
    let wakes: Vec<_> = waits
        .iter_mut()
        .map(|wait| {
            let (wakes, waker) = Wakes::new();
            assert!(poll(wait, &waker).is_pending());
            wakes
        })
        .collect();
    assert_eq!(queue.waiter_count(), 3);
    for woken in 1..=3 {
        queue.wake_one();
        let counts: Vec<_> = wakes.iter().map(|wakes| wakes.count()).collect();
        assert_eq!(counts.iter().sum::<usize>(), woken);
        assert_eq!((counts[woken - 1], queue.waiter_count()), (1, 3 - woken));
        assert!(poll_idle(&mut waits[woken - 1]).is_ready());
    }
}

fn all_are_woken_and_nobody_later<A: Access>() {
    let queue = WaiterQueue::<A>::new();
    let mut early = Box::pin(queue.add_waiter_if(|| false));
    let mut waits: Vec<_> = (0..3).map(|_| Box::pin(queue.add_waiter_if(|| false))).collect();
    waits.iter_mut().for_each(|wait| assert!(poll_idle(wait).is_pending()));
    queue.wake_all();
    assert_eq!(queue.waiter_count(), 0);
    waits.iter_mut().for_each(|wait| assert!(poll_idle(wait).is_ready()));
    assert!(poll_idle(&mut early).is_ready(), "its wait had begun");
    assert!(poll_idle(&mut Box::pin(queue.add_waiter_if(|| false))).is_pending());
    assert_eq!(queue.waiter_count(), 0);
}

fn a_condition_that_is_true_skips<A: Access>() {
    let queue = WaiterQueue::<A>::new();
    let mut skips = Box::pin(queue.add_waiter_if(|| true));
    assert!(poll_idle(&mut skips).is_ready());
    assert_eq!(queue.waiter_count(), 0);
}

/// The third and the eighth defect, as one thread can have it: the condition becomes true between the first look and the queueing.
fn a_change_while_it_is_queued_is_seen<A: Access>() {
    let queue = WaiterQueue::<A>::new();
    let looks = Cell::new(0);
    let second = || looks.replace(looks.get() + 1) == 1;
    assert!(poll_idle(&mut Box::pin(queue.add_waiter_if(second))).is_ready());
    assert_eq!((looks.get(), queue.waiter_count()), (2, 0));
    assert!(!queue.crowd.has_waiters());
}

fn a_wake_with_nobody_is_lost<A: Access>() {
    let queue = WaiterQueue::<A>::new();
    queue.wake_one();
    queue.wake_all();
    assert!(poll_idle(&mut Box::pin(queue.add_waiter_if(|| false))).is_pending());
}

fn more_wakes_than_waiters<A: Access>() {
    let queue = WaiterQueue::<A>::new();
    let (mut one, mut other) =
        (Box::pin(queue.add_waiter_if(|| false)), Box::pin(queue.add_waiter_if(|| false)));
    assert!(poll_idle(&mut one).is_pending());
    queue.wake_one();
    queue.wake_one();
    assert!(poll_idle(&mut other).is_pending());
    assert!(poll_idle(&mut one).is_ready());
    assert!(poll_idle(&mut one).is_ready(), "it stays so");
}

/// The sixth defect.
fn what_a_dropped_wait_was_told_goes_to_the_next<A: Access>() {
    let queue = WaiterQueue::<A>::new();
    let mut waits: Vec<_> = (0..2).map(|_| Box::pin(queue.add_waiter_if(|| false))).collect();
    waits.iter_mut().for_each(|wait| assert!(poll_idle(wait).is_pending()));
    queue.wake_one();
    drop(waits.remove(0));
    assert!(poll_idle(&mut waits[0]).is_ready());
    assert_eq!(queue.waiter_count(), 0);
}

/// The fifth and the ninth defect.
fn who_leaves_is_not_counted<A: Access>() {
    let queue = WaiterQueue::<A>::new();
    let (wakes, waker) = Wakes::new();
    for _ in 0..1000 {
        let mut wait = Box::pin(queue.add_waiter_if(|| false));
        for _ in 0..3 {
            assert!(poll(&mut wait, &waker).is_pending());
        }
        assert_eq!(queue.waiter_count(), 1);
    }
    assert_eq!(queue.waiter_count(), 0);
    assert_eq!(Arc::strong_count(&wakes), 2, "no waker is left");
    assert!(!queue.crowd.has_waiters());
}

fn more_than_are_collected_at_once<A: Access>() {
    let queue = WaiterQueue::<A>::new();
    let (wakes, waker) = Wakes::new();
    let mut waits: Vec<_> = (0..100).map(|_| Box::pin(queue.add_waiter_if(|| false))).collect();
    waits.iter_mut().for_each(|wait| assert!(poll(wait, &waker).is_pending()));
    assert_eq!(queue.waiter_count(), 100);
    queue.wake_all();
    assert_eq!((wakes.count(), queue.waiter_count()), (100, 0));
    waits.iter_mut().for_each(|wait| assert!(poll_idle(wait).is_ready()));
}

fn a_condition_that_panics_leaves_nothing<A: Access>() {
    let queue = WaiterQueue::<A>::new();
    let looks = Cell::new(0);
    let panics = || {
        assert!(looks.replace(1) == 0, "a condition panics when it is looked at again");
        false
    };
    let mut wait = Box::pin(queue.add_waiter_if(panics));
    assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut wait))).is_err());
    drop(wait);
    assert_eq!(queue.waiter_count(), 0);
    assert!(!queue.crowd.has_waiters());
}

fn an_enabled_wait_has_its_place<A: Access>() {
    let queue = WaiterQueue::<A>::new();
    let mut wait = Box::pin(queue.add_waiter_if(|| false));
    assert!(!wait.as_mut().enable());
    let mut second = Box::pin(queue.add_waiter_if(|| false));
    assert!(poll_idle(&mut second).is_pending());
    queue.wake_one();
    assert!(wait.as_mut().enable());
    assert!(poll_idle(&mut second).is_pending());
    let (wakes, waker) = Wakes::new();
    assert!(poll(&mut second, &waker).is_pending(), "it has a waker now");
    queue.wake_one();
    assert_eq!(wakes.count(), 1);
}
