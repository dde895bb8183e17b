//! Tests on one thread, and one on more.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use turgo_machine::thread;

use crate::access::Access;
use crate::broadcast::error::{RecvError, SendError, TryRecvError};
use crate::broadcast::sides::{Sender, WeakSender};
use crate::broadcast::{self, channel, channel_in};
use crate::local;
use crate::tests::both;
use crate::tests::probe::{Wakes, poll, poll_idle};

both!(
    every_value_reaches_every_receiver,
    who_lags_is_told_how_much,
    all_who_wait_are_told,
    senders_see_receivers_come_and_go,
    the_last_gets_the_value_itself,
    a_clone_that_panics_counts_as_received,
    values_are_dropped_when_nothing_is_held,
    who_leaves_skips_nothing_that_was_sent_after_it_had_left,
);

fn every_value_reaches_every_receiver<A: Access>() {
    let (sender, mut one) = channel_in::<_, A>(4);
    let mut other = sender.subscribe();
    assert_eq!(sender.send(1).unwrap(), 2);
    let mut late = other.resubscribe();
    assert_eq!(sender.send(2).unwrap(), 3);
    assert_eq!((sender.len(), one.len(), late.len()), (2, 2, 1));
    for receiver in [&mut one, &mut other] {
        assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(1), Ok(2)));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    }
    assert_eq!((sender.len(), sender.is_empty()), (1, false));
    assert_eq!(late.try_recv(), Ok(2));
    assert!(sender.is_empty() && late.is_empty());
    assert!(one.same_channel(&other));
    assert_eq!(sender.receiver_count(), 3);
}

fn who_lags_is_told_how_much<A: Access>() {
    let (sender, mut receiver) = channel_in::<_, A>(2);
    (0..7).for_each(|value| _ = sender.send(value).unwrap());
    assert_eq!(receiver.len(), 7);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(5)));
    assert_eq!(receiver.try_recv(), Ok(5));
    sender.send(7).unwrap();
    sender.send(8).unwrap();
    let lags = poll_idle(&mut Box::pin(receiver.recv()));
    assert_eq!(lags, Poll::Ready(Err(RecvError::Lagged(1))));
    drop(sender);
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(7), Ok(8)));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    assert!(receiver.is_closed());
}

fn all_who_wait_are_told<A: Access>() {
    let (sender, mut one) = channel_in::<_, A>(2);
    let mut other = sender.subscribe();
    let (wakes, waker) = Wakes::new();
    {
        let mut waits = [Box::pin(one.recv()), Box::pin(other.recv())];
        waits.iter_mut().for_each(|wait| assert!(poll(wait, &waker).is_pending()));
        sender.send(1).unwrap();
        assert_eq!(wakes.count(), 2);
        waits.iter_mut().for_each(|wait| assert_eq!(poll(wait, &waker), Poll::Ready(Ok(1))));
    }
    let mut waits = [Box::pin(one.recv()), Box::pin(other.recv())];
    waits.iter_mut().for_each(|wait| assert!(poll(wait, &waker).is_pending()));
    drop(sender);
    assert_eq!(wakes.count(), 4);
    let closed = Poll::Ready(Err(RecvError::Closed));
    waits.iter_mut().for_each(|wait| assert_eq!(poll(wait, &waker), closed));
    drop((waits, waker));
    assert_eq!(Arc::strong_count(&wakes), 1);
}

fn senders_see_receivers_come_and_go<A: Access>() {
    let sender = Sender::<_, A>::new(2);
    assert!(matches!(sender.send(1), Err(SendError(1))));
    assert!(poll_idle(&mut Box::pin(sender.closed())).is_ready());
    let receiver = sender.subscribe();
    let (wakes, waker) = Wakes::new();
    let mut closed = Box::pin(sender.closed());
    assert!(poll(&mut closed, &waker).is_pending());
    sender.send(2).unwrap();
    drop(receiver);
    assert_eq!((wakes.count(), sender.len()), (1, 0));
    assert!(poll(&mut closed, &waker).is_ready());
    let weak = sender.downgrade();
    assert_eq!((sender.strong_count(), sender.weak_count(), weak.weak_count()), (1, 1, 1));
    let other = weak.upgrade().unwrap();
    assert!(other.same_channel(&sender));
    let receiver = sender.subscribe();
    assert_eq!((receiver.sender_strong_count(), receiver.sender_weak_count()), (2, 1));
    drop(closed);
    drop((sender, other));
    assert!(weak.clone().upgrade().is_none() && receiver.is_closed());
    assert_eq!(weak.strong_count(), 0);
}

/// Counts how often it was cloned and how many there are.
struct Counted(Rc<Cell<usize>>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.set(self.0.get() + 1);
        Self(self.0.clone())
    }
}

/// The value itself goes to the last, and is gone with it.
fn the_last_gets_the_value_itself<A: Access>() {
    let value = Counted(Rc::new(Cell::new(0)));
    let alive = || Rc::strong_count(&value.0) - 1;
    let (sender, mut one) = channel_in::<_, A>(2);
    let mut other = sender.subscribe();
    assert!(sender.send(Counted(value.0.clone())).is_ok());
    let first = one.try_recv().ok();
    assert_eq!((alive(), value.0.get()), (2, 1));
    let last = other.try_recv().ok();
    assert_eq!((alive(), value.0.get()), (2, 1), "not cloned");
    drop((first, last));
    assert!(sender.send(Counted(value.0.clone())).is_ok());
    drop(one);
    assert_eq!(alive(), 1);
    drop(other);
    assert_eq!(alive(), 0, "gone with the last who could have received it");
}

fn a_clone_that_panics_counts_as_received<A: Access>() {
    struct Panics;
    impl Clone for Panics {
        fn clone(&self) -> Self {
            panic!("planned")
        }
    }
    let (sender, mut receiver) = channel_in::<_, A>(2);
    let mut other = sender.subscribe();
    assert!(sender.send(Panics).is_ok());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(receiver.try_recv()))).is_err());
    assert!(matches!(receiver.try_recv(), Err(TryRecvError::Empty)));
    assert!(other.try_recv().is_ok(), "the last gets the value itself");
    assert!(sender.is_empty());
}

/// A value whose drop looks whether something is held.
fn values_are_dropped_when_nothing_is_held<A: Access>() {
    struct Asks<A: Access>(WeakSender<Option<Rc<Asks<A>>>, A>);
    impl<A: Access> Drop for Asks<A> {
        fn drop(&mut self) {
            if let Some(sender) = self.0.upgrade() {
                assert!(!sender.ring.is_held(), "nothing is held");
            }
        }
    }
    let (sender, receiver) = channel_in::<_, A>(1);
    let value = |sender: &Sender<_, A>| Some(Rc::new(Asks(sender.downgrade())));
    assert!(sender.send(value(&sender)).is_ok());
    assert!(sender.send(value(&sender)).is_ok(), "one is overwritten");
    drop(receiver);
    let mut receiver = sender.subscribe();
    assert!(sender.send(value(&sender)).is_ok());
    drop(receiver.try_recv());
    assert!(!format!("{sender:?} {receiver:?} {:?}", sender.downgrade()).is_empty());
}

#[test]
#[should_panic(expected = "capacity cannot be zero")]
fn a_ring_has_places() {
    drop(channel::<u8>(0));
}

#[test]
fn threads_receive_all() {
    let (sender, receiver) = channel(8);
    let receives: Vec<_> = (0..2)
        .map(|_| {
            let mut receiver = receiver.resubscribe();
            thread::spawn(move || {
                let mut seen = 0;
                loop {
                    match receiver.blocking_recv() {
                        Ok(value) => {
                            assert_eq!(value, seen);
                            seen += 1;
                        }
                        Err(RecvError::Lagged(missed)) => seen += missed,
                        Err(RecvError::Closed) => return seen,
                    }
                }
            })
        })
        .collect();
    drop(receiver);
    (0..2000_u64).for_each(|value| _ = sender.send(value).unwrap());
    drop(sender);
    receives.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), 2000));
}

/// Says more when it is dropped, where it was told to whom.
struct Last<A: Access>(u8, Option<Sender<Self, A>>);

impl<A: Access> Clone for Last<A> {
    fn clone(&self) -> Self {
        Self(self.0, None)
    }
}

impl<A: Access> Drop for Last<A> {
    fn drop(&mut self) {
        if let Some(sender) = &self.1 {
            (2..5).for_each(|value| assert!(sender.send(Self(value, None)).is_ok()));
        }
    }
}

fn who_leaves_skips_nothing_that_was_sent_after_it_had_left<A: Access>() {
    let (sender, mut stays) = channel_in::<_, A>(2);
    let leaves = stays.resubscribe();
    assert!(sender.send(Last(0, Some(sender.clone()))).is_ok());
    assert!(sender.send(Last(1, None)).is_ok());
    let mut received = || stays.try_recv().map(|value| value.0);
    assert_eq!((received(), received()), (Ok(0), Ok(1)));
    // The first value goes with it and is followed by three more, so both places have other values than those it has to skip.
    drop(leaves);
    assert_eq!(received(), Err(TryRecvError::Lagged(1)));
    assert_eq!((received(), received()), (Ok(3), Ok(4)));
    assert_eq!(received(), Err(TryRecvError::Empty));
}

/// As tokio's: a receiver that waits has no value, so its future is as free as the receiver, and no larger for large values.
#[test]
fn a_wait_has_no_place_for_a_value() {
    fn shared<T: Send + Sync>(value: T) -> usize {
        size_of_val(&value)
    }
    let (_sender, mut receiver) = channel::<Cell<[u8; 512]>>(1);
    assert!(shared(receiver.recv()) < 512);
}

/// Neither value nor type says who may touch it: the name does.
#[test]
fn a_sender_is_made_without_naming_its_access() {
    assert!(broadcast::Sender::new(2).send(1).is_err(), "nobody receives");
}

/// Sends from within its clone.
struct Speaks(Option<local::broadcast::WeakSender<Speaks>>);

impl Clone for Speaks {
    fn clone(&self) -> Self {
        if let Some(sender) = self.0.as_ref().and_then(WeakSender::upgrade) {
            drop(sender.send(Self(None)));
        }
        Self(None)
    }
}

/// Nobody else could let go of the place: so it panics, with the ring as it was.
#[test]
fn one_thread_does_not_wait_for_itself() {
    let (sender, mut one) = local::broadcast::channel(1);
    let mut other = sender.subscribe();
    assert!(sender.send(Speaks(Some(sender.downgrade()))).is_ok());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(one.try_recv()))).is_err());
    assert_eq!((one.len(), other.len()), (0, 1), "nothing was sent");
    assert!(other.try_recv().is_ok());
    assert!(sender.send(Speaks(None)).is_ok());
    assert!(one.try_recv().is_ok() && other.try_recv().is_ok());
}
