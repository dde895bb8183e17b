//! Models of two threads.

use std::sync::Arc;

use crate::block::block_on;
use crate::broadcast::channel;
use crate::broadcast::error::{RecvError, TryRecvError};
use crate::tests::probe::{both, model};

#[test]
fn who_waits_gets_the_value_and_the_end() {
    model(2, || {
        let (sender, mut receiver) = channel(2);
        let receives = move || {
            assert_eq!(block_on(receiver.recv()), Ok(1));
            assert_eq!(block_on(receiver.recv()), Err(RecvError::Closed));
        };
        both(receives, move || sender.send(1).unwrap());
    });
}

/// A value overwrites the one that is about to be received: what is received and what was missed add up.
#[test]
fn what_was_overwritten_is_counted() {
    model(2, || {
        let (sender, mut receiver) = channel(1);
        let receives = move || {
            let mut count = 0;
            loop {
                match receiver.try_recv() {
                    Ok(value) => {
                        assert_eq!(value, count);
                        count += 1;
                    }
                    Err(TryRecvError::Lagged(missed)) => count += missed,
                    Err(_) => return (count, receiver),
                }
            }
        };
        let sends = move || {
            sender.send(0).unwrap();
            sender.send(1).unwrap();
            sender
        };
        let ((count, receiver), _sender) = both(receives, sends);
        assert_eq!(count as usize + receiver.len(), 2);
    });
}

#[test]
fn a_receiver_leaves_while_a_value_comes() {
    model(2, || {
        let value = Arc::new(());
        let (sender, receiver) = channel(1);
        let sent = value.clone();
        let sends = move || {
            _ = sender.send(sent);
            sender
        };
        let (sender, ()) = both(sends, move || drop(receiver));
        assert!(sender.is_empty());
        assert_eq!(Arc::strong_count(&value), 1);
    });
}
