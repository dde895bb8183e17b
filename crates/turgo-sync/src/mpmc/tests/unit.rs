//! Tests on one thread, and one on more. What senders do is tested with `mpsc`.

use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use turgo_machine::thread;

use crate::access::Access;
use crate::mpmc;
use crate::mpsc::error::{TryRecvError, TrySendError};
use crate::mpsc::shared::{channel_in, unbounded_channel_in};
use crate::tests::both;
use crate::tests::probe::{Wakes, poll, poll_idle};

both!(
    each_value_goes_to_one,
    room_is_limited,
    those_who_wait_are_told_in_order,
    a_value_for_a_dropped_wait_goes_to_the_next,
    the_end_reaches_all,
    the_last_value_of_a_closed_channel_ends_it_for_all,
    the_last_receiver_drops_what_is_left,
);

fn each_value_goes_to_one<A: Access>() {
    let (sender, receiver) = unbounded_channel_in::<_, A>();
    let other = receiver.clone();
    assert!(receiver.same_channel(&other));
    assert_eq!((receiver.receiver_count(), receiver.sender_strong_count()), (2, 1));
    (0..500).for_each(|value| sender.send(value).unwrap());
    assert_eq!(receiver.len(), 500);
    for value in 0..250 {
        assert_eq!((receiver.try_recv(), other.try_recv()), (Ok(2 * value), Ok(2 * value + 1)));
    }
    assert_eq!(other.try_recv(), Err(TryRecvError::Empty));
    assert!(receiver.is_empty() && !receiver.is_closed());
    assert_eq!(receiver.sender_weak_count(), 0);
}

fn room_is_limited<A: Access>() {
    let (sender, receiver) = channel_in::<_, A>(2);
    sender.try_send(1).unwrap();
    let permit = sender.try_reserve().unwrap();
    assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
    let mut sends = Box::pin(sender.send(3));
    assert!(poll_idle(&mut sends).is_pending());
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(poll_idle(&mut sends), Poll::Ready(Ok(())));
    permit.send(2);
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(3), Ok(2)));
    assert_eq!((receiver.capacity(), receiver.max_capacity()), (2, 2));
}

fn those_who_wait_are_told_in_order<A: Access>() {
    let (sender, receiver) = channel_in::<_, A>(4);
    let other = receiver.clone();
    let ((first, one), (second, two)) = (Wakes::new(), Wakes::new());
    let mut waits = [Box::pin(receiver.recv()), Box::pin(other.recv())];
    assert!(poll(&mut waits[0], &one).is_pending());
    assert!(poll(&mut waits[1], &two).is_pending());
    sender.try_send(1).unwrap();
    assert_eq!((first.count(), second.count()), (1, 0));
    sender.try_send(2).unwrap();
    assert_eq!((first.count(), second.count()), (1, 1));
    assert_eq!(poll_idle(&mut waits[0]), Poll::Ready(Some(1)));
    assert_eq!(poll_idle(&mut waits[1]), Poll::Ready(Some(2)));
}

fn a_value_for_a_dropped_wait_goes_to_the_next<A: Access>() {
    let (sender, receiver) = channel_in::<_, A>(4);
    let (wakes, waker) = Wakes::new();
    let mut gives_up = Box::pin(receiver.recv());
    let mut next = Box::pin(receiver.recv());
    assert!(poll_idle(&mut gives_up).is_pending());
    assert!(poll(&mut next, &waker).is_pending());
    sender.try_send(1).unwrap();
    drop(gives_up);
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll_idle(&mut next), Poll::Ready(Some(1)));
}

fn the_end_reaches_all<A: Access>() {
    for closes in [false, true] {
        let (sender, receiver) = unbounded_channel_in::<u8, A>();
        let other = receiver.clone();
        let (wakes, waker) = Wakes::new();
        let mut waits = [Box::pin(receiver.recv()), Box::pin(other.recv())];
        waits.iter_mut().for_each(|wait| assert!(poll(wait, &waker).is_pending()));
        if closes {
            other.close();
            assert!(sender.is_closed() && sender.send(1).is_err());
        } else {
            drop(sender);
        }
        assert_eq!(wakes.count(), 2);
        waits.iter_mut().for_each(|wait| assert_eq!(poll(wait, &waker), Poll::Ready(None)));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    }
}

fn the_last_value_of_a_closed_channel_ends_it_for_all<A: Access>() {
    let (sender, receiver) = channel_in::<_, A>(2);
    let permit = sender.try_reserve().unwrap();
    receiver.close();
    let (wakes, waker) = Wakes::new();
    let mut waits = Box::pin(receiver.recv());
    assert!(poll(&mut waits, &waker).is_pending());
    let mut told_of_the_value = Box::pin(receiver.recv());
    permit.send(1);
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll_idle(&mut told_of_the_value), Poll::Ready(Some(1)));
    assert_eq!(poll(&mut waits, &waker), Poll::Ready(None));
    // One who waits, and is not told of the last value.
    let (sender, receiver) = channel_in::<_, A>(2);
    let permits: Vec<_> = sender.try_reserve_many(2).unwrap().collect();
    receiver.close();
    let mut waits = [(); 3].map(|()| Box::pin(receiver.recv()));
    waits.iter_mut().for_each(|wait| assert!(poll(wait, &waker).is_pending()));
    permits.into_iter().for_each(|permit| permit.send(1));
    let [one, two, three] = &mut waits;
    let before = wakes.count();
    assert_eq!(poll(one, &waker), Poll::Ready(Some(1)));
    assert_eq!(wakes.count(), before);
    assert_eq!(poll(two, &waker), Poll::Ready(Some(1)));
    assert_eq!(wakes.count(), before + 1);
    assert_eq!(poll(three, &waker), Poll::Ready(None));
}

fn the_last_receiver_drops_what_is_left<A: Access>() {
    let value = Rc::new(());
    let (sender, receiver) = unbounded_channel_in::<_, A>();
    let other = receiver.clone();
    (0..100).for_each(|_| sender.send(value.clone()).unwrap());
    drop(receiver);
    (0..33).for_each(|_| drop(other.try_recv().unwrap()));
    assert!(!sender.is_closed());
    drop(other);
    assert!(sender.is_closed());
    assert_eq!(Rc::strong_count(&value), 1);
}

#[test]
fn threads_share_the_values() {
    let (sender, receiver) = mpmc::channel(3);
    let receives: Vec<_> = (0..3)
        .map(|_| {
            let receiver = receiver.clone();
            thread::spawn(move || {
                let mut sum = 0;
                while let Some(value) = receiver.blocking_recv() {
                    sum += value;
                }
                sum
            })
        })
        .collect();
    (0..1000_u64).for_each(|value| sender.blocking_send(value).unwrap());
    drop(sender);
    assert_eq!(receives.into_iter().map(|sum| sum.join().unwrap()).sum::<u64>(), 499_500);
    assert!(!format!("{receiver:?} {:?}", mpmc::unbounded_channel::<u8>()).is_empty());
}

#[test]
fn a_wake_that_is_not_for_a_value_is_not_kept() {
    let (sender, receiver) = mpmc::channel(1);
    let (wakes, waker) = Wakes::new();
    let mut waits = Box::pin(receiver.recv());
    sender.try_send(1).unwrap();
    // The notification was kept, and its value is gone.
    assert_eq!(receiver.try_recv(), Ok(1));
    assert!(poll(&mut waits, &waker).is_pending());
    sender.try_send(2).unwrap();
    assert_eq!((wakes.count(), Arc::strong_count(&wakes)), (1, 2));
    assert_eq!(poll(&mut waits, &waker), Poll::Ready(Some(2)));
}
