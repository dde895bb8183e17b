//! Models of two and three threads. Blocks have three places.

use std::sync::Arc;

use turgo_machine::thread;

use crate::block::block_on;
use crate::mpsc::{channel, unbounded_channel};
use crate::tests::probe::{Wakes, both, model, poll, poll_idle};

#[test]
fn who_waits_gets_the_value_and_the_end() {
    model(3, || {
        let (sender, mut receiver) = unbounded_channel();
        let receives = thread::spawn(move || {
            assert_eq!(block_on(receiver.recv()), Some(Box::new(1)));
            assert_eq!(block_on(receiver.recv()), None);
        });
        sender.send(Box::new(1)).unwrap();
        drop(sender);
        receives.join().unwrap();
    });
}

/// Two senders over the end of a block.
#[test]
fn senders_share_the_end_of_a_block() {
    model(2, || {
        let (sender, mut receiver) = unbounded_channel();
        sender.send(Box::new(0)).unwrap();
        let other = sender.clone();
        let sends = thread::spawn(move || {
            other.send(Box::new(1)).unwrap();
            other.send(Box::new(2)).unwrap();
        });
        let receives = thread::spawn(move || {
            let mut sum = 0;
            while let Some(value) = block_on(receiver.recv()) {
                sum += *value;
            }
            sum
        });
        sender.send(Box::new(3)).unwrap();
        drop(sender);
        sends.join().unwrap();
        assert_eq!(receives.join().unwrap(), 6);
    });
}

/// A value is accepted and received, or refused: never accepted and lost.
#[test]
fn a_value_meets_a_close() {
    model(3, || {
        let (sender, mut receiver) = unbounded_channel();
        let receives = thread::spawn(move || {
            receiver.close();
            block_on(receiver.recv()).is_some()
        });
        let sent = sender.send(Box::new(1)).is_ok();
        assert_eq!(receives.join().unwrap(), sent);
    });
}

#[test]
fn a_value_meets_a_close_of_a_bounded_channel() {
    model(3, || {
        let (sender, mut receiver) = channel(1);
        let receives = thread::spawn(move || {
            receiver.close();
            block_on(receiver.recv()).is_some()
        });
        let sent = sender.try_send(Box::new(1)).is_ok();
        assert_eq!(receives.join().unwrap(), sent);
    });
}

#[test]
fn a_value_meets_the_receivers_end() {
    model(3, || {
        let (sender, receiver) = channel(2);
        let value = Arc::new(());
        let leaves = thread::spawn(move || drop(receiver));
        _ = sender.try_send(value.clone());
        leaves.join().unwrap();
        assert!(sender.is_closed());
        drop(sender);
        assert_eq!(Arc::strong_count(&value), 1);
    });
}

/// A closed channel waits for room that was reserved and is given back.
#[test]
fn room_given_back_ends_a_closed_channel() {
    model(3, || {
        let (sender, mut receiver) = channel::<u8>(1);
        let permit = sender.clone().try_reserve_owned().unwrap();
        let receives = move || {
            receiver.close();
            assert_eq!(block_on(receiver.recv()), None);
        };
        both(move || drop(permit.release()), receives);
        drop(sender);
    });
}

/// A sender makes permits of freed room while the receiver closes, frees the rest and looks whether that was all.
#[test]
fn room_on_its_way_ends_a_closed_channel() {
    model(3, || {
        let (sender, mut receiver) = channel(2);
        sender.try_send(1).unwrap();
        sender.try_send(2).unwrap();
        assert_eq!(receiver.try_recv(), Ok(1));
        let other = sender.clone();
        let sends = move || other.try_send(3).is_ok();
        let receives = move || {
            receiver.close();
            let mut received = 0;
            while block_on(receiver.recv()).is_some() {
                received += 1;
            }
            received
        };
        let (sent, received) = both(sends, receives);
        assert_eq!(received, 1 + u32::from(sent));
        drop(sender);
    });
}

/// One waits for room already when another queues, and each gets some of what is freed one by one.
#[test]
fn room_that_is_freed_meets_those_who_queue() {
    model(2, || {
        let (sender, mut receiver) = channel(1);
        sender.try_send(0).unwrap();
        let mut room = Box::pin(sender.clone().reserve_owned());
        assert!(poll_idle(&mut room).is_pending());
        let sends = move || block_on(sender.send(2)).unwrap();
        both(sends, move || {
            assert_eq!(receiver.try_recv(), Ok(0));
            // Another, who holds the queue just then, may give it.
            block_on(room).unwrap().send(1);
            assert_eq!(block_on(receiver.recv()), Some(1));
            assert_eq!(block_on(receiver.recv()), Some(2));
        });
    });
}

/// A wait for room that is given up gets it just then.
#[test]
fn a_wait_given_up_passes_room_on() {
    model(2, || {
        let (sender, mut receiver) = channel(1);
        sender.try_send(1).unwrap();
        let mut gives_up = Box::pin(sender.clone().reserve_owned());
        assert!(poll_idle(&mut gives_up).is_pending());
        let sends = move || block_on(sender.send(2)).unwrap();
        both(sends, move || {
            let value = receiver.try_recv();
            drop(gives_up);
            assert_eq!(value, Ok(1));
            assert_eq!(block_on(receiver.recv()), Some(2));
            assert_eq!(receiver.capacity(), 1);
        });
    });
}

#[test]
fn a_full_channel_goes_on() {
    model(2, || {
        let (sender, mut receiver) = channel(1);
        let sends = move || {
            for value in 0..2 {
                block_on(sender.send(Box::new(value))).unwrap();
            }
        };
        both(sends, move || {
            for value in 0..2 {
                assert_eq!(block_on(receiver.recv()), Some(Box::new(value)));
            }
            assert_eq!(block_on(receiver.recv()), None);
        });
    });
}

/// A poll by another task, with a value just coming.
#[test]
fn a_poll_by_another_task_meets_the_value() {
    model(3, || {
        let (sender, mut receiver) = unbounded_channel();
        assert!(poll_idle(&mut Box::pin(receiver.recv())).is_pending());
        let sends = thread::spawn(move || sender.send(1).unwrap());
        let (wakes, waker) = Wakes::new();
        let waits = poll(&mut Box::pin(receiver.recv()), &waker).is_pending();
        sends.join().unwrap();
        assert!(!waits || wakes.count() >= 1, "who waits is woken");
    });
}

/// A receiver that did not wait to be woken has the value and waits for the next, while the wake for the first is under way.
#[test]
fn a_late_wake_meets_the_next_wait() {
    model(3, || {
        let (sender, mut receiver) = unbounded_channel();
        assert!(poll_idle(&mut Box::pin(receiver.recv())).is_pending());
        let receives = move || {
            assert_eq!(block_on(receiver.recv()), Some(1));
            assert_eq!(block_on(receiver.recv()), None);
        };
        both(receives, move || sender.send(1).unwrap());
    });
}

#[test]
fn a_weak_sender_meets_the_last() {
    model(3, || {
        let (sender, mut receiver) = unbounded_channel();
        let weak = sender.downgrade();
        let upgrades =
            move || weak.upgrade().is_some_and(|sender| sender.send(Box::new(1)).is_ok());
        let receives = thread::spawn(move || block_on(receiver.recv()).is_some());
        let (sent, ()) = both(upgrades, move || drop(sender));
        assert_eq!(receives.join().unwrap(), sent);
    });
}
