//! Tests of events.

use crate::access::{Access, Local, Shared};
use crate::event::Event;
use crate::tests::probe::{Wakes, each_access, poll, poll_idle};

each_access!(
    who_waits_is_let_go_and_nobody_waits_afterwards,
    who_waits_is_let_go_even_if_it_is_cleared_at_once,
    more_than_are_collected_at_once,
    a_wait_that_is_dropped_is_gone,
);

fn who_waits_is_let_go_and_nobody_waits_afterwards<A: Access>() {
    let event = Event::<A>::new();
    let (wakes, waker) = Wakes::new();
    let mut waits = Box::pin(event.wait());
    assert!(poll(&mut waits, &waker).is_pending());
    assert!(poll(&mut waits, &waker).is_pending(), "polls change nothing");
    assert!(event.set());
    assert!(!event.set());
    assert_eq!(wakes.count(), 1);
    assert!(poll(&mut waits, &waker).is_ready());
    assert!(poll_idle(&mut Box::pin(event.wait())).is_ready());
    assert!(event.is_set() && event.clear() && !event.clear() && !event.is_set());
    assert!(poll_idle(&mut Box::pin(event.wait())).is_pending());
}

fn who_waits_is_let_go_even_if_it_is_cleared_at_once<A: Access>() {
    let event = Event::<A>::new();
    let mut waits = Box::pin(event.wait());
    assert!(poll_idle(&mut waits).is_pending());
    event.notify_one();
    event.clear();
    let mut later = Box::pin(event.wait());
    assert!(poll_idle(&mut later).is_pending());
    assert!(poll_idle(&mut waits).is_ready());
    event.notify_all();
    assert!(poll_idle(&mut later).is_ready());
}

fn more_than_are_collected_at_once<A: Access>() {
    let event = Event::<A>::new();
    let (wakes, waker) = Wakes::new();
    let mut waits: Vec<_> = (0..100).map(|_| Box::pin(event.wait())).collect();
    for wait in &mut waits {
        assert!(poll(wait, &waker).is_pending());
    }
    event.set();
    assert_eq!(wakes.count(), 100);
    for wait in &mut waits {
        assert!(poll_idle(wait).is_ready());
    }
}

fn a_wait_that_is_dropped_is_gone<A: Access>() {
    let event = Event::<A>::new();
    let (wakes, waker) = Wakes::new();
    let mut waits = Box::pin(event.wait());
    assert!(poll(&mut waits, &waker).is_pending());
    drop(waits);
    assert_eq!(std::sync::Arc::strong_count(&wakes), 2, "its waker is gone with it");
    event.set();
    assert_eq!(wakes.count(), 0);
}

#[test]
fn a_thread_waits_too() {
    static EVENT: crate::Event = crate::Event::const_new();
    let waits = turgo_machine::thread::spawn(|| EVENT.blocking_wait());
    EVENT.set();
    waits.join().unwrap();
}
