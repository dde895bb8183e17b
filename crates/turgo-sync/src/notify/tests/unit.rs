//! What one thread can see.

use std::sync::Arc;

use crate::access::{Access, Local, Shared};
use crate::notify::Notify;
use crate::tests::probe::{Wakes, poll, poll_idle};

/// Runs a test with each access.
macro_rules! each {
    ($($name:ident),* $(,)?) => { $(
        mod $name {
            use super::*;

            #[test]
            fn shared() {
                super::$name::<Shared>();
            }

            #[test]
            fn local() {
                super::$name::<Local>();
            }
        }
    )* };
}

each!(
    one_notification_is_kept,
    the_longest_waiting_is_notified,
    the_last_to_come_is_notified,
    all_whose_wait_has_begun_are_notified,
    a_wait_that_began_before_is_notified_before_its_first_poll,
    what_a_dropped_wait_was_told_goes_to_the_next,
    what_all_were_told_is_not_passed_on,
    an_enabled_wait_has_its_place,
    more_than_are_collected_at_once,
    who_was_passed_over_stays_queued,
);

fn one_notification_is_kept<A: Access>() {
    let notify = Notify::<A>::new();
    notify.notify_one();
    notify.notify_one();
    notify.notify_last();
    assert!(poll_idle(&mut Box::pin(notify.notified())).is_ready());
    assert!(poll_idle(&mut Box::pin(notify.notified())).is_pending());
    assert_eq!(notify.signals.rest(), (false, false));
}

fn the_longest_waiting_is_notified<A: Access>() {
    let notify = Notify::<A>::new();
    let (mut first, mut second) = (Box::pin(notify.notified()), Box::pin(notify.notified()));
    let (wakes, waker) = Wakes::new();
    assert!(poll(&mut first, &waker).is_pending());
    assert!(poll_idle(&mut second).is_pending());
    notify.notify_one();
    assert_eq!(wakes.count(), 1);
    assert!(poll(&mut first, &waker).is_ready());
    assert!(poll(&mut first, &waker).is_ready(), "it stays so");
    assert!(poll_idle(&mut second).is_pending());
    notify.notify_one();
    assert!(poll_idle(&mut second).is_ready());
    assert_eq!(Arc::strong_count(&wakes), 2);
}

fn the_last_to_come_is_notified<A: Access>() {
    let notify = Notify::<A>::new();
    let (mut first, mut second) = (Box::pin(notify.notified()), Box::pin(notify.notified()));
    assert!(poll_idle(&mut first).is_pending());
    assert!(poll_idle(&mut second).is_pending());
    notify.notify_last();
    assert!(poll_idle(&mut first).is_pending());
    drop(second);
    assert!(poll_idle(&mut first).is_ready(), "it was passed on");
}

fn all_whose_wait_has_begun_are_notified<A: Access>() {
    let notify = Notify::<A>::new();
    let (mut first, mut second) = (Box::pin(notify.notified()), Box::pin(notify.notified()));
    assert!(poll_idle(&mut first).is_pending());
    assert!(poll_idle(&mut second).is_pending());
    notify.notify_waiters();
    let mut late = Box::pin(notify.notified());
    assert!(poll_idle(&mut first).is_ready());
    assert!(poll_idle(&mut second).is_ready());
    assert!(poll_idle(&mut late).is_pending(), "it is not kept");
}

fn a_wait_that_began_before_is_notified_before_its_first_poll<A: Access>() {
    let notify = Notify::<A>::new();
    let mut wait = Box::pin(notify.notified());
    notify.notify_waiters();
    assert!(poll_idle(&mut wait).is_ready());
    assert!(poll_idle(&mut Box::pin(notify.notified())).is_pending());
}

fn what_a_dropped_wait_was_told_goes_to_the_next<A: Access>() {
    let notify = Notify::<A>::new();
    let (mut first, mut second) = (Box::pin(notify.notified()), Box::pin(notify.notified()));
    assert!(poll_idle(&mut first).is_pending());
    let (wakes, waker) = Wakes::new();
    assert!(poll(&mut second, &waker).is_pending());
    notify.notify_one();
    assert_eq!(wakes.count(), 0);
    drop(first);
    assert_eq!(wakes.count(), 1);
    drop(second);
    assert_eq!(notify.signals.rest(), (true, false), "nobody waits, so it is kept");
}

fn what_all_were_told_is_not_passed_on<A: Access>() {
    let notify = Notify::<A>::new();
    let mut wait = Box::pin(notify.notified());
    assert!(poll_idle(&mut wait).is_pending());
    notify.notify_waiters();
    drop(wait);
    assert_eq!(notify.signals.rest(), (false, false));
}

fn an_enabled_wait_has_its_place<A: Access>() {
    let notify = Notify::<A>::new();
    let mut wait = Box::pin(notify.notified());
    assert!(!wait.as_mut().enable());
    let mut second = Box::pin(notify.notified());
    assert!(poll_idle(&mut second).is_pending());
    notify.notify_one();
    assert!(wait.as_mut().enable());
    assert!(poll_idle(&mut wait).is_ready());
    let mut third = Box::pin(notify.notified());
    assert!(!third.as_mut().enable());
    let (wakes, waker) = Wakes::new();
    assert!(poll(&mut third, &waker).is_pending());
    notify.notify_waiters();
    assert_eq!(wakes.count(), 1);
}

fn more_than_are_collected_at_once<A: Access>() {
    let notify = Notify::<A>::new();
    let (wakes, waker) = Wakes::new();
    let mut waits: Vec<_> = (0..100).map(|_| Box::pin(notify.notified())).collect();
    for wait in &mut waits {
        assert!(poll(wait, &waker).is_pending());
    }
    notify.notify_waiters();
    assert_eq!(wakes.count(), 100);
    for wait in &mut waits {
        assert!(poll(wait, &waker).is_ready());
    }
    assert_eq!(notify.signals.rest(), (false, false));
}

fn who_was_passed_over_stays_queued<A: Access>() {
    let notify = Notify::<A>::new();
    let mut waits: Vec<_> = (0..3).map(|_| Box::pin(notify.notified())).collect();
    for wait in &mut waits {
        assert!(poll_idle(wait).is_pending());
    }
    drop(waits.remove(1));
    notify.notify_one();
    notify.notify_one();
    for wait in &mut waits {
        assert!(poll_idle(wait).is_ready());
    }
    assert_eq!(notify.signals.rest(), (false, false));
}
