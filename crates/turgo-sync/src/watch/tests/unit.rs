//! Tests on one thread, and one on two.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;

use turgo_machine::thread;

use crate::access::Access;
use crate::local;
use crate::tests::both;
use crate::tests::probe::{Wakes, poll, poll_idle};
use crate::watch::error::SendError;
use crate::watch::sides::{Receiver, Sender};
use crate::watch::{self, channel, channel_in};

both!(
    the_latest_value_is_seen_once,
    who_waits_is_told,
    a_value_is_waited_for,
    senders_wait_until_nobody_watches,
    a_panic_tells_nobody_and_holds_nothing,
    what_was_replaced_is_dropped_when_nothing_is_held,
);

fn the_latest_value_is_seen_once<A: Access>() {
    let (sender, mut receiver) = channel_in::<_, A>(0);
    assert!(!receiver.has_changed().unwrap());
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    assert!(receiver.has_changed().unwrap());
    assert!(receiver.borrow().has_changed());
    assert_eq!(
        poll_idle(&mut Box::pin(receiver.changed())).map(|it| it.is_ok()),
        Poll::Ready(true)
    );
    assert!(poll_idle(&mut Box::pin(receiver.changed())).is_pending());
    sender.send(3).unwrap();
    let value = receiver.borrow_and_update();
    assert_eq!((*value, value.has_changed()), (3, true));
    drop(value);
    assert!(!receiver.has_changed().unwrap());
    receiver.mark_changed();
    assert!(receiver.has_changed().unwrap());
    receiver.mark_unchanged();
    assert!(!receiver.has_changed().unwrap());
}

fn who_waits_is_told<A: Access>() {
    let (sender, mut receiver) = channel_in::<_, A>(0);
    let mut other = receiver.clone();
    let (wakes, waker) = Wakes::new();
    {
        let mut waits = [Box::pin(receiver.changed()), Box::pin(other.changed())];
        waits.iter_mut().for_each(|wait| assert!(poll(wait, &waker).is_pending()));
        sender.send_modify(|value| *value += 1);
        assert_eq!(wakes.count(), 2);
        waits.iter_mut().for_each(|wait| assert!(poll(wait, &waker).is_ready()));
    }
    let mut waits = Box::pin(receiver.changed());
    assert!(poll(&mut waits, &waker).is_pending());
    assert!(!sender.send_if_modified(|_| false));
    assert_eq!(wakes.count(), 2);
    drop(sender);
    assert_eq!(wakes.count(), 3);
    assert_eq!(poll(&mut waits, &waker).map(|it| it.is_err()), Poll::Ready(true));
    drop(waits);
    assert!(receiver.is_closed() && receiver.has_changed().is_err());
    assert_eq!(*receiver.borrow(), 1);
    drop(waker);
    assert_eq!(Arc::strong_count(&wakes), 1);
}

fn a_value_is_waited_for<A: Access>() {
    let (sender, mut receiver) = channel_in::<_, A>(0);
    {
        let mut waits = Box::pin(receiver.wait_for(|value| *value > 2));
        assert!(poll_idle(&mut waits).is_pending());
        sender.send(2).unwrap();
        assert!(poll_idle(&mut waits).is_pending());
        sender.send(3).unwrap();
        assert!(matches!(poll_idle(&mut waits), Poll::Ready(Ok(value)) if *value == 3));
    }
    drop(sender);
    assert!(matches!(
        poll_idle(&mut Box::pin(receiver.wait_for(|it| *it == 3))),
        Poll::Ready(Ok(_))
    ));
    assert!(matches!(
        poll_idle(&mut Box::pin(receiver.wait_for(|it| *it == 4))),
        Poll::Ready(Err(_))
    ));
}

fn senders_wait_until_nobody_watches<A: Access>() {
    let (sender, receiver) = channel_in::<_, A>(0);
    let (wakes, waker) = Wakes::new();
    let mut waits = Box::pin(sender.closed());
    assert!(poll(&mut waits, &waker).is_pending());
    drop(receiver);
    assert_eq!(wakes.count(), 1);
    let receiver = sender.subscribe();
    assert!(poll(&mut waits, &waker).is_pending(), "somebody began again");
    drop(receiver);
    assert!(poll(&mut waits, &waker).is_ready());
    assert!(sender.is_closed());
    assert_eq!(sender.send(1), Err(SendError(1)));
    assert_eq!(sender.send_replace(2), 0);
    assert_eq!(*sender.borrow(), 2);
    let other = sender.clone();
    assert!(sender.same_channel(&other));
    assert_eq!((sender.sender_count(), sender.receiver_count()), (2, 0));
}

fn a_panic_tells_nobody_and_holds_nothing<A: Access>() {
    let (sender, receiver) = channel_in::<_, A>(1);
    let modify = || sender.send_modify(|_| panic!("planned"));
    assert!(catch_unwind(AssertUnwindSafe(modify)).is_err());
    assert!(!receiver.has_changed().unwrap());
    sender.send(2).unwrap();
    assert_eq!(*receiver.borrow(), 2);
}

/// A value whose drop looks at the channel.
fn what_was_replaced_is_dropped_when_nothing_is_held<A: Access>() {
    struct Looks<A: Access>(Option<Receiver<Option<Looks<A>>, A>>);
    impl<A: Access> Drop for Looks<A> {
        fn drop(&mut self) {
            if let Some(receiver) = &self.0 {
                assert!(receiver.watched.value.try_write().is_ok(), "nothing is held");
            }
        }
    }
    let (sender, receiver) = channel_in::<_, A>(None);
    sender.send(Some(Looks(Some(receiver.clone())))).unwrap();
    sender.send(None).unwrap();
    assert!(receiver.same_channel(&sender.subscribe()));
    assert!(
        !format!(
            "{sender:?} {receiver:?}",
            sender = channel_in::<_, A>(1).0,
            receiver = channel_in::<_, A>(1).1
        )
        .is_empty()
    );
    assert_eq!(*Sender::<u8, A>::default().borrow(), 0);
}

#[test]
fn a_thread_sees_values_in_order() {
    let (sender, mut receiver) = channel(0);
    let watches = thread::spawn(move || {
        let mut last = 0;
        while crate::block::block_on(receiver.changed()).is_ok() {
            let now = *receiver.borrow_and_update();
            assert!(now >= last);
            last = now;
        }
        last
    });
    (1..=1000).for_each(|value| _ = sender.send_replace(value));
    drop(sender);
    assert_eq!(watches.join().unwrap(), 1000);
}

/// Neither value nor type says who may touch it: the name does.
#[test]
fn a_sender_is_made_without_naming_its_access() {
    let sender = watch::Sender::new(1);
    assert_eq!((*sender.borrow(), *watch::Sender::<u8>::default().borrow()), (1, 0));
}

/// Nobody else could let go of it: so it panics, with everything as it was.
#[test]
fn one_thread_does_not_wait_for_itself() {
    let (sender, mut receiver) = local::watch::channel(1);
    let value = receiver.borrow_and_update();
    assert_eq!((*sender.borrow(), *sender.subscribe().borrow()), (1, 1), "many may look");
    assert!(catch_unwind(AssertUnwindSafe(|| sender.send(2))).is_err());
    assert_eq!(*value, 1);
    drop(value);
    assert!(!receiver.has_changed().unwrap());
    let looks = || sender.send_modify(|_| drop(receiver.borrow()));
    assert!(catch_unwind(AssertUnwindSafe(looks)).is_err());
    assert!(!receiver.has_changed().unwrap());
    sender.send(3).unwrap();
    assert_eq!(*receiver.borrow_and_update(), 3);
}
