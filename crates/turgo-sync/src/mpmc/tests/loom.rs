//! Models of two and three threads. Blocks have three places.

use std::task::Poll;

use turgo_machine::thread;

use crate::block::block_on;
use crate::mpmc::{Receiver, channel, unbounded_channel};
use crate::tests::probe::{both, model, poll_idle};

#[test]
fn who_waits_gets_the_value_and_the_end() {
    model(3, || {
        let (sender, receiver) = unbounded_channel();
        let receives = thread::spawn(move || {
            assert_eq!(block_on(receiver.recv()), Some(Box::new(1)));
            assert_eq!(block_on(receiver.recv()), None);
        });
        sender.send(Box::new(1)).unwrap();
        drop(sender);
        receives.join().unwrap();
    });
}

/// Two receivers over the end of a block.
#[test]
fn receivers_share_the_end_of_a_block() {
    model(2, || {
        let (sender, receiver) = unbounded_channel();
        (0..4).for_each(|value| sender.send(Box::new(value)).unwrap());
        assert!(receiver.try_recv().is_ok());
        let other = receiver.clone();
        let receives = thread::spawn(move || [other.try_recv(), other.try_recv()]);
        let mut values: Vec<_> = [receiver.try_recv(), receiver.try_recv()].into();
        values.extend(receives.join().unwrap());
        let mut values: Vec<_> = values.into_iter().flatten().map(|value| *value).collect();
        values.sort_unstable();
        assert_eq!(values, [1, 2, 3]);
    });
}

#[test]
fn the_end_reaches_all_who_wait() {
    model(2, || {
        let (sender, receiver) = channel(1);
        let other = receiver.clone();
        let all = |receiver: Receiver<i32>| {
            move || (0..).take_while(|_| block_on(receiver.recv()).is_some()).count()
        };
        sender.try_send(1).unwrap();
        drop(sender);
        let (one, other) = both(all(receiver), all(other));
        assert_eq!(one + other, 1);
    });
}

/// One who was told of a value is gone: the other gets it.
#[test]
fn a_wait_given_up_passes_the_value_on() {
    model(2, || {
        let (sender, receiver) = unbounded_channel();
        let other = receiver.clone();
        let mut gives_up = Box::pin(async move { other.recv().await });
        let mut next = Box::pin(receiver.recv());
        assert!(poll_idle(&mut gives_up).is_pending());
        assert!(poll_idle(&mut next).is_pending());
        both(move || sender.send(1).unwrap(), move || drop(gives_up));
        assert_eq!(poll_idle(&mut next), Poll::Ready(Some(1)));
    });
}

#[test]
fn two_who_wait_get_two_values() {
    model(1, || {
        let (sender, receiver) = unbounded_channel();
        let other = receiver.clone();
        let receives = thread::spawn(move || block_on(other.recv()));
        let also = thread::spawn(move || block_on(receiver.recv()));
        sender.send(1).unwrap();
        sender.send(2).unwrap();
        assert_eq!(receives.join().unwrap().max(also.join().unwrap()), Some(2));
    });
}
