//! Models of two and three threads.

use std::sync::Arc;

use turgo_machine::thread;

use crate::access::Shared;
use crate::block::block_on;
use crate::notify::Notify;
use crate::tests::probe::{Wakes, model, poll, poll_idle};

fn notify() -> Arc<Notify<Shared>> {
    Arc::new(Notify::new())
}

#[test]
fn one_who_comes_meets_one_notification() {
    model(3, || {
        let notify = notify();
        let waits = thread::spawn({
            let notify = notify.clone();
            move || block_on(notify.notified())
        });
        notify.notify_one();
        waits.join().unwrap();
        assert_eq!(notify.signals.rest(), (false, false));
    });
}

#[test]
fn two_who_wait_meet_two_notifications() {
    model(3, || {
        let notify = notify();
        let mut waits = [(); 2].map(|()| Box::pin(notify.notified()));
        waits.iter_mut().for_each(|wait| assert!(poll_idle(wait).is_pending()));
        let other = thread::spawn({
            let notify = notify.clone();
            move || notify.notify_one()
        });
        notify.notify_one();
        other.join().unwrap();
        waits.iter_mut().for_each(|wait| assert!(poll_idle(wait).is_ready()));
    });
}

#[test]
fn a_wait_given_up_passes_on_what_it_was_told() {
    model(3, || {
        let notify = notify();
        let mut gives_up = Box::pin(notify.clone().notified_owned());
        assert!(poll_idle(&mut gives_up).is_pending());
        let mut next = Box::pin(notify.notified());
        assert!(poll_idle(&mut next).is_pending());
        let drops = thread::spawn(move || drop(gives_up));
        notify.notify_one();
        drops.join().unwrap();
        assert!(poll_idle(&mut next).is_ready());
    });
}

/// A wait that began before, and comes to the queue when all have been notified, or does not come there any more.
#[test]
fn all_are_notified_whose_wait_began_before() {
    model(3, || {
        let notify = notify();
        let (early, other) = (notify.clone().notified_owned(), notify.clone().notified_owned());
        let waits = thread::spawn(move || block_on(early));
        let mut other = Box::pin(other);
        _ = poll_idle(&mut other);
        notify.notify_waiters();
        waits.join().unwrap();
        assert!(poll_idle(&mut other).is_ready());
    });
}

/// One of an older generation comes to the list behind one of a newer.
#[test]
fn an_older_wait_behind_a_newer_is_released() {
    model(3, || {
        let notify = notify();
        let mut older = Box::pin(notify.clone().notified_owned());
        let comes = thread::spawn(move || {
            let (wakes, waker) = Wakes::new();
            let waits = poll(&mut older, &waker).is_pending();
            (older, wakes, waits)
        });
        // Holds the list, so that the older one goes to the inbox.
        let mut first = Box::pin(notify.notified());
        _ = poll_idle(&mut first);
        notify.notify_waiters();
        let mut newer = Box::pin(notify.notified());
        assert!(poll_idle(&mut newer).is_pending());
        let (older, wakes, waits) = comes.join().unwrap();
        assert!(!waits || wakes.count() == 1, "who waits is woken");
        drop(older);
        drop(newer);
        assert_eq!(notify.signals.rest(), (false, false));
    });
}
