//! Models of two threads.

use crate::block::block_on;
use crate::tests::probe::{both, model};
use crate::watch::channel;

#[test]
fn a_change_is_not_missed() {
    model(2, || {
        let (sender, mut receiver) = channel(0);
        let watches = move || {
            assert!(block_on(receiver.changed()).is_ok());
            assert_eq!(*receiver.borrow(), 1);
        };
        both(watches, move || sender.send_replace(1));
    });
}

#[test]
fn the_end_is_not_missed() {
    model(2, || {
        let (sender, mut receiver) = channel(0);
        let watches = move || {
            let mut last = *receiver.borrow();
            while block_on(receiver.changed()).is_ok() {
                last = *receiver.borrow_and_update();
            }
            last
        };
        let (last, _) = both(watches, move || sender.send_replace(1));
        assert_eq!(last, 1);
    });
}

/// A value that was looked at counts as seen with its own version, not with that of the value before.
#[test]
fn a_value_that_was_seen_is_not_seen_again() {
    model(2, || {
        let (sender, mut receiver) = channel(0);
        let watches = move || {
            let seen = *receiver.borrow_and_update();
            (seen, receiver)
        };
        let sends = move || {
            sender.send_replace(1);
            sender
        };
        let ((seen, receiver), _sender) = both(watches, sends);
        assert_eq!(receiver.has_changed().ok(), Some(seen == 0));
    });
}

#[test]
fn nobody_watches_is_not_missed() {
    model(3, || {
        let (sender, receiver) = channel(0);
        both(move || block_on(sender.closed()), move || drop(receiver));
    });
}
