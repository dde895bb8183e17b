//! Bells, K1 and K2, and the thread that rings them.

use std::task::Context;
use std::thread;
use std::time::Duration;

use super::{Wakes, this_thread, within};
use crate::runtime::timer::{Bell, Timer};

#[test]
fn a_bell_is_heard_once_and_wakes_whoever_listens() {
    let bell = Bell::default();
    let (wakes, waker) = Wakes::new();
    let cx = Context::from_waker(&waker);
    bell.ring();
    assert!(bell.poll(&cx), "K1: it has rung before anybody listened");
    assert!(!bell.poll(&cx) && !bell.poll(&cx));
    bell.ring();
    bell.ring();
    assert_eq!(wakes.count(), 1, "K2");
    assert!(bell.poll(&cx) && !bell.poll(&cx), "K1");
}

/// The one of an hour does not keep the shorter one waiting, nor the end of the run.
#[test]
fn a_timer_rings_again_and_again_until_it_is_stopped() {
    within(|| {
        let mut timer = Timer::default();
        let (short, long) =
            (timer.bell(Duration::from_millis(2)), timer.bell(Duration::from_secs(3_600)));
        thread::scope(|scope| {
            let _stop = timer.start(scope).unwrap().expect("there are bells");
            let waker = this_thread();
            let cx = Context::from_waker(&waker);
            for _ in 0..3 {
                while !short.poll(&cx) {
                    thread::park();
                }
            }
            assert!(!long.poll(&cx));
        });
    });
}

#[test]
fn without_a_bell_there_is_no_thread() {
    let timer = Timer::default();
    thread::scope(|scope| assert!(timer.start(scope).unwrap().is_none()));
}
