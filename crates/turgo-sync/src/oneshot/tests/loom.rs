//! Models of two threads.

use std::sync::Arc;

use turgo_machine::atomic::{AtomicUsize, Ordering};
use turgo_machine::thread;

use crate::block::block_on;
use crate::oneshot::channel;
use crate::tests::probe::{Wakes, model, poll, poll_idle};

/// Counts drops.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        // Relaxed: a number.
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn who_waits_gets_the_value() {
    model(3, || {
        let (sender, receiver) = channel();
        let waits = thread::spawn(move || block_on(receiver));
        assert!(sender.send(Box::new(1)).is_ok());
        assert_eq!(waits.join().unwrap(), Ok(Box::new(1)));
    });
}

#[test]
fn who_waits_sees_that_the_sender_left() {
    model(3, || {
        let (sender, receiver) = channel::<Box<u8>>();
        let waits = thread::spawn(move || block_on(receiver));
        drop(sender);
        assert!(waits.join().unwrap().is_err());
    });
}

/// Sent or back with the sender, and dropped once.
#[test]
fn a_value_meets_a_close() {
    model(3, || {
        let drops = Arc::new(AtomicUsize::new(0));
        let (sender, mut receiver) = channel();
        let closes = thread::spawn(move || {
            receiver.close();
            receiver.try_recv().is_ok()
        });
        let sent = sender.send(Counted(drops.clone())).is_ok();
        assert_eq!(closes.join().unwrap(), sent);
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    });
}

/// The receiver polls twice, for two tasks, gives up, and is gone.
#[test]
fn a_value_meets_a_receiver_that_leaves() {
    model(3, || {
        let drops = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = channel();
        let leaves = thread::spawn(move || {
            let mut receiver = Box::pin(receiver);
            let ((_, one), (_, other)) = (Wakes::new(), Wakes::new());
            if poll(&mut receiver, &one).is_pending() {
                _ = poll(&mut receiver, &other);
            }
        });
        drop(sender.send(Counted(drops.clone())));
        leaves.join().unwrap();
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_sender_that_waits_is_told_of_the_end() {
    model(3, || {
        let (mut sender, receiver) = channel::<u8>();
        let waits = thread::spawn(move || {
            block_on(sender.closed());
            sender.send(1)
        });
        drop(receiver);
        assert_eq!(waits.join().unwrap(), Err(1));
    });
}

/// A sender that waited and sends, while the receiver closes and leaves: all wakers are dropped.
#[test]
fn wakers_of_both_sides_are_taken_once() {
    model(3, || {
        let (mut sender, receiver) = channel();
        let (wakes, waker) = Wakes::new();
        let mut receiver = Box::pin(receiver);
        assert!(poll(&mut receiver, &waker).is_pending());
        let leaves = thread::spawn(move || drop(receiver));
        _ = poll(&mut Box::pin(sender.closed()), &waker);
        _ = sender.send(1);
        leaves.join().unwrap();
        drop(waker);
        assert_eq!(Arc::strong_count(&wakes), 1);
        assert!(wakes.count() <= 2);
    });
}

#[test]
fn a_poll_by_another_task_meets_the_value() {
    model(3, || {
        let (sender, receiver) = channel();
        let mut receiver = Box::pin(receiver);
        assert!(poll_idle(&mut receiver).is_pending());
        let sends = thread::spawn(move || assert!(sender.send(1).is_ok()));
        let (wakes, waker) = Wakes::new();
        let waits = poll(&mut receiver, &waker).is_pending();
        sends.join().unwrap();
        assert!(!waits || wakes.count() == 1, "who waits is woken");
        assert!(!waits || receiver.try_recv() == Ok(1));
    });
}
