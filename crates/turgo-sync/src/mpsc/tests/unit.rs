//! Tests on one thread, and a few on more.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use turgo_machine::thread;

use crate::access::Access;
use crate::mpsc::error::{SendError, TryRecvError, TrySendError};
use crate::mpsc::{channel, channel_in, unbounded_channel, unbounded_channel_in};
use crate::tests::both;
use crate::tests::probe::{Wakes, poll, poll_idle};

both!(
    values_come_in_order_over_many_blocks,
    room_is_limited_and_given_in_order,
    room_that_is_freed_goes_to_all_who_wait,
    room_counts_wherever_it_is,
    who_waits_is_woken_once,
    the_last_sender_ends_it,
    a_closed_channel_waits_for_reserved_room,
    room_given_to_a_dropped_wait_goes_on,
    reserved_room_is_used_or_given_back,
    many_at_once,
    weak_senders_do_not_keep_it_open,
    senders_wait_for_the_end,
    what_is_left_is_dropped_once,
);

fn values_come_in_order_over_many_blocks<A: Access>() {
    let (sender, mut receiver) = unbounded_channel_in::<_, A>();
    let mut next = 0;
    for round in 0..200_usize {
        let count = round % 71;
        (next..next + count).for_each(|value| sender.send(value).unwrap());
        assert_eq!((receiver.len(), receiver.is_empty()), (count, count == 0));
        for value in next..next + count {
            assert_eq!(receiver.try_recv(), Ok(value));
        }
        next += count;
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    }
}

fn room_is_limited_and_given_in_order<A: Access>() {
    let (sender, mut receiver) = channel_in::<_, A>(2);
    assert_eq!((sender.capacity(), sender.max_capacity()), (2, 2));
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
    let other = sender.clone();
    let mut first = Box::pin(sender.send(3));
    let mut second = Box::pin(other.send(4));
    assert!(poll_idle(&mut first).is_pending());
    assert!(poll_idle(&mut second).is_pending());
    assert_eq!(receiver.try_recv(), Ok(1));
    assert!(poll_idle(&mut second).is_pending(), "the first comes first");
    assert_eq!(poll_idle(&mut first), Poll::Ready(Ok(())));
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!(poll_idle(&mut second), Poll::Ready(Ok(())));
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(3), Ok(4)));
    assert_eq!((receiver.capacity(), receiver.max_capacity()), (2, 2));
}

fn room_that_is_freed_goes_to_all_who_wait<A: Access>() {
    let (sender, mut receiver) = channel_in::<_, A>(2);
    sender.try_send(0).unwrap();
    sender.try_send(1).unwrap();
    let mut waits: Vec<_> = (2..5).map(|value| Box::pin(sender.send(value))).collect();
    let wakers: Vec<_> = waits.iter().map(|_| Wakes::new()).collect();
    for (wait, (_, waker)) in waits.iter_mut().zip(&wakers) {
        assert!(poll(wait, waker).is_pending());
    }
    // One gives up: what is freed later goes past it.
    drop(waits.remove(1));
    assert_eq!(receiver.try_recv(), Ok(0));
    assert_eq!([0, 1, 2].map(|who: usize| wakers[who].0.count()), [1, 0, 0]);
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!([0, 1, 2].map(|who: usize| wakers[who].0.count()), [1, 0, 1]);
    for wait in &mut waits {
        assert!(poll_idle(wait).is_ready());
    }
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(2), Ok(4)));
    assert_eq!(sender.capacity(), 2);
}

fn room_counts_wherever_it_is<A: Access>() {
    let (sender, mut receiver) = channel_in::<_, A>(4);
    for round in 0..20 {
        (0..4).for_each(|value| sender.try_send(value + round).unwrap());
        assert_eq!((sender.capacity(), sender.try_send(0)), (0, Err(TrySendError::Full(0))));
        for received in 0..4 {
            assert_eq!((sender.capacity(), receiver.capacity()), (received, received));
            assert_eq!(receiver.try_recv(), Ok(received + round));
        }
        let all = sender.try_reserve_many(4).unwrap();
        assert_eq!(receiver.capacity(), 0);
        assert!(sender.try_reserve().is_err(), "all of it is reserved");
        drop(all);
        assert_eq!(sender.capacity(), 4);
    }
}

fn who_waits_is_woken_once<A: Access>() {
    let (sender, mut receiver) = channel_in::<_, A>(8);
    let (wakes, waker) = Wakes::new();
    for round in 1..100 {
        {
            let mut receives = Box::pin(receiver.recv());
            assert!(poll(&mut receives, &waker).is_pending());
            assert!(poll(&mut receives, &waker).is_pending());
        }
        sender.try_send(round).unwrap();
        assert_eq!(wakes.count(), round);
        sender.try_send(round + 1).unwrap();
        assert_eq!(wakes.count(), round, "only for the value that was awaited");
        assert_eq!(poll_idle(&mut Box::pin(receiver.recv())), Poll::Ready(Some(round)));
        assert_eq!(receiver.try_recv(), Ok(round + 1));
    }
    drop((sender, receiver, waker));
    assert_eq!(Arc::strong_count(&wakes), 1, "no waker is left");
}

fn the_last_sender_ends_it<A: Access>() {
    let (sender, mut receiver) = channel_in::<_, A>(4);
    let other = sender.clone();
    let (wakes, waker) = Wakes::new();
    assert!(poll(&mut Box::pin(receiver.recv()), &waker).is_pending());
    drop(sender);
    assert_eq!((wakes.count(), receiver.is_closed()), (0, false));
    other.try_send(1).unwrap();
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll(&mut Box::pin(receiver.recv()), &waker), Poll::Ready(Some(1)));
    assert!(poll(&mut Box::pin(receiver.recv()), &waker).is_pending());
    drop(other);
    assert_eq!((wakes.count(), receiver.is_closed()), (2, true));
    assert_eq!(poll(&mut Box::pin(receiver.recv()), &waker), Poll::Ready(None));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
}

fn a_closed_channel_waits_for_reserved_room<A: Access>() {
    let (sender, mut receiver) = channel_in::<_, A>(2);
    let used = sender.try_reserve().unwrap();
    let unused = sender.try_reserve().unwrap();
    receiver.close();
    receiver.close();
    assert!(receiver.is_closed() && sender.is_closed());
    assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
    let (wakes, waker) = Wakes::new();
    assert!(poll(&mut Box::pin(receiver.recv()), &waker).is_pending());
    used.send(1);
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll(&mut Box::pin(receiver.recv()), &waker), Poll::Ready(Some(1)));
    assert!(poll(&mut Box::pin(receiver.recv()), &waker).is_pending());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    drop(unused);
    assert_eq!(wakes.count(), 2);
    assert_eq!(poll(&mut Box::pin(receiver.recv()), &waker), Poll::Ready(None));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
}

fn room_given_to_a_dropped_wait_goes_on<A: Access>() {
    let (sender, mut receiver) = channel_in::<_, A>(1);
    sender.try_send(1).unwrap();
    let mut gives_up = Box::pin(sender.reserve());
    assert!(poll_idle(&mut gives_up).is_pending());
    let mut next = Box::pin(sender.reserve());
    assert!(poll_idle(&mut next).is_pending());
    assert_eq!(receiver.try_recv(), Ok(1));
    drop(gives_up);
    assert!(matches!(poll_idle(&mut next), Poll::Ready(Ok(_))));
    drop(next);
    assert_eq!(sender.capacity(), 1);
    // Given to a wait of a channel that is closed by the time it looks.
    sender.try_send(2).unwrap();
    let mut late = Box::pin(sender.reserve());
    assert!(poll_idle(&mut late).is_pending());
    assert_eq!(receiver.try_recv(), Ok(2));
    receiver.close();
    let (wakes, waker) = Wakes::new();
    assert!(poll(&mut Box::pin(receiver.recv()), &waker).is_pending());
    assert!(matches!(poll_idle(&mut late), Poll::Ready(Err(SendError(())))));
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll(&mut Box::pin(receiver.recv()), &waker), Poll::Ready(None));
}

fn reserved_room_is_used_or_given_back<A: Access>() {
    let (sender, mut receiver) = channel_in::<_, A>(4);
    let mut permits = sender.try_reserve_many(3).unwrap();
    assert_eq!((permits.len(), sender.capacity()), (3, 1));
    permits.next().unwrap().send(1);
    drop(permits);
    assert_eq!(sender.capacity(), 3);
    assert_eq!(sender.try_reserve_many(5).unwrap_err(), TrySendError::Full(()));
    let many = poll_idle(&mut Box::pin(sender.reserve_many(5)));
    assert!(matches!(many, Poll::Ready(Err(SendError(())))));
    let owned = sender.clone().try_reserve_owned().unwrap();
    assert!(owned.same_channel_as_sender(&sender) && owned.same_channel(&owned));
    let sender = owned.send(2).clone().try_reserve_owned().unwrap().release();
    assert_eq!((sender.strong_count(), sender.capacity()), (2, 2));
    drop(poll_idle(&mut Box::pin(sender.clone().reserve_owned())));
    let Poll::Ready(Ok(permits)) = poll_idle(&mut Box::pin(sender.reserve_many(0))) else {
        panic!("there is room for nothing")
    };
    assert_eq!(permits.count(), 0);
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(1), Ok(2)));
    assert_eq!(sender.capacity(), 4);
}

fn many_at_once<A: Access>() {
    let (sender, mut receiver) = channel_in::<_, A>(100);
    let mut values = Vec::new();
    assert_eq!(poll_idle(&mut Box::pin(receiver.recv_many(&mut values, 0))), Poll::Ready(0));
    let (wakes, waker) = Wakes::new();
    assert!(poll(&mut Box::pin(receiver.recv_many(&mut values, 9)), &waker).is_pending());
    (0..80).for_each(|value| sender.try_send(value).unwrap());
    assert_eq!((wakes.count(), sender.capacity()), (1, 20));
    assert_eq!(poll_idle(&mut Box::pin(receiver.recv_many(&mut values, 70))), Poll::Ready(70));
    assert_eq!(sender.capacity(), 90);
    assert_eq!(poll_idle(&mut Box::pin(receiver.recv_many(&mut values, 70))), Poll::Ready(10));
    assert_eq!(values, (0..80).collect::<Vec<_>>());
    drop(sender);
    assert_eq!(poll_idle(&mut Box::pin(receiver.recv_many(&mut values, 70))), Poll::Ready(0));
}

fn weak_senders_do_not_keep_it_open<A: Access>() {
    let (sender, receiver) = channel_in::<u8, A>(1);
    let weak = sender.downgrade();
    let other = weak.clone();
    assert_eq!((sender.strong_count(), receiver.sender_weak_count()), (1, 2));
    let again = weak.upgrade().unwrap();
    assert!(again.same_channel(&sender));
    assert_eq!(weak.strong_count(), 2);
    drop((sender, again));
    assert!(weak.upgrade().is_none() && other.upgrade().is_none());
    assert!(receiver.is_closed());
    drop(other);
    assert_eq!((weak.weak_count(), receiver.sender_strong_count()), (1, 0));
    let (sender, _receiver) = unbounded_channel_in::<u8, A>();
    let weak = sender.downgrade();
    assert!(weak.upgrade().is_some());
    drop(sender);
    assert!(weak.upgrade().is_none());
}

fn senders_wait_for_the_end<A: Access>() {
    let (sender, receiver) = channel_in::<_, A>(1);
    sender.try_send(1).unwrap();
    let (wakes, waker) = Wakes::new();
    let mut closed = Box::pin(sender.closed());
    let mut sends = Box::pin(sender.send(2));
    assert!(poll(&mut closed, &waker).is_pending());
    assert!(poll(&mut sends, &waker).is_pending());
    drop(receiver);
    assert_eq!(wakes.count(), 2);
    assert!(poll(&mut closed, &waker).is_ready());
    assert_eq!(poll(&mut sends, &waker), Poll::Ready(Err(SendError(2))));
    let (sender, mut receiver) = unbounded_channel_in::<_, A>();
    sender.send(1).unwrap();
    receiver.close();
    assert_eq!(sender.send(2), Err(SendError(2)));
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(poll_idle(&mut Box::pin(receiver.recv())), Poll::Ready(None));
}

fn what_is_left_is_dropped_once<A: Access>() {
    let value = Rc::new(());
    for (sent, received) in [(0, 0), (5, 2), (100, 31), (62, 62)] {
        let (sender, mut receiver) = unbounded_channel_in::<_, A>();
        (0..sent).for_each(|_| sender.send(value.clone()).unwrap());
        (0..received).for_each(|_| drop(receiver.try_recv().unwrap()));
        assert_eq!(Rc::strong_count(&value), 1 + sent - received);
        drop(receiver);
        assert_eq!(Rc::strong_count(&value), 1, "gone with the receiver");
    }
    // What is sent when nobody receives any more goes with the channel.
    let (sender, receiver) = channel_in::<_, A>(2);
    let permit = sender.try_reserve().unwrap();
    drop(receiver);
    permit.send(value.clone());
    drop(sender);
    assert_eq!(Rc::strong_count(&value), 1);
}

/// A value that panics when it is dropped, as long as it is told to.
struct Panics<'a>(&'a Cell<usize>);

impl Drop for Panics<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
        assert!(self.0.get() != 2, "planned");
    }
}

#[test]
fn a_panic_of_a_value_leaves_none_behind() {
    let drops = Cell::new(0);
    let (sender, receiver) = channel(100);
    (0..70).for_each(|_| assert!(sender.try_send(Panics(&drops)).is_ok()));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(receiver))).is_err());
    assert_eq!((drops.get(), sender.capacity()), (70, 100));
    // The same where the channel drops them.
    drops.set(0);
    let (sender, receiver) = channel(100);
    let permits: Vec<_> = sender.try_reserve_many(70).unwrap().collect();
    drop(receiver);
    permits.into_iter().for_each(|permit| permit.send(Panics(&drops)));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(sender))).is_err());
    assert_eq!(drops.get(), 70);
}

#[test]
fn large_values_fit_on_no_stack() {
    let (sender, mut receiver) = unbounded_channel();
    sender.send([7_u8; 60_000]).unwrap();
    assert_eq!(receiver.try_recv().unwrap()[59_999], 7);
}

#[test]
fn threads_wait() {
    let (sender, mut receiver) = channel(1);
    let sends =
        thread::spawn(move || (0..100).for_each(|value| sender.blocking_send(value).unwrap()));
    for value in 0..100 {
        assert_eq!(receiver.blocking_recv(), Some(value));
    }
    assert_eq!(receiver.blocking_recv(), None);
    let mut values = Vec::new();
    assert_eq!(receiver.blocking_recv_many(&mut values, 3), 0);
    sends.join().unwrap();
}

#[test]
#[should_panic(expected = "requires buffer > 0")]
fn a_channel_has_room() {
    drop(channel::<u8>(0));
}

#[test]
fn sides_may_go_to_other_threads() {
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    let (sender, receiver) = channel::<Cell<u8>>(1);
    is_send_and_sync(&sender);
    is_send_and_sync(&receiver);
    is_send_and_sync(&unbounded_channel::<Cell<u8>>());
    assert!(!format!("{sender:?} {receiver:?} {:?}", sender.downgrade()).is_empty());
}
