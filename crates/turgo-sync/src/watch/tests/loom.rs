//! Models of two threads.

use turgo_machine::thread;

use crate::block::block_on;
use crate::tests::probe::model;
use crate::watch::channel;

#[test]
fn a_change_is_not_missed() {
    model(3, || {
        let (sender, mut receiver) = channel(0);
        let watches = thread::spawn(move || {
            assert!(block_on(receiver.changed()).is_ok());
            assert_eq!(*receiver.borrow(), 1);
        });
        sender.send_replace(1);
        watches.join().unwrap();
    });
}

#[test]
fn the_end_is_not_missed() {
    model(3, || {
        let (sender, mut receiver) = channel(0);
        let watches = thread::spawn(move || {
            let mut last = *receiver.borrow();
            while block_on(receiver.changed()).is_ok() {
                last = *receiver.borrow_and_update();
            }
            last
        });
        sender.send_replace(1);
        drop(sender);
        assert_eq!(watches.join().unwrap(), 1);
    });
}

/// A value that was looked at counts as seen with its own version, not with that of the value before.
#[test]
fn a_value_that_was_seen_is_not_seen_again() {
    model(3, || {
        let (sender, mut receiver) = channel(0);
        let watches = thread::spawn(move || {
            let seen = *receiver.borrow_and_update();
            (seen, receiver)
        });
        sender.send_replace(1);
        let (seen, receiver) = watches.join().unwrap();
        assert_eq!(receiver.has_changed().ok(), Some(seen == 0));
    });
}

#[test]
fn nobody_watches_is_not_missed() {
    model(3, || {
        let (sender, receiver) = channel(0);
        let waits = thread::spawn(move || block_on(sender.closed()));
        drop(receiver);
        waits.join().unwrap();
    });
}
