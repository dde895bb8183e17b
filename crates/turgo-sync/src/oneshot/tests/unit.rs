//! Tests on one thread, and a few on two.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

use turgo_machine::thread;

use crate::access::Access;
use crate::oneshot::error::TryRecvError;
use crate::oneshot::{self, channel, channel_in};
use crate::tests::both;
use crate::tests::probe::{Wakes, poll, poll_idle};

both!(
    a_value_is_received,
    who_waits_is_woken_once,
    a_task_that_changes_is_woken,
    a_sender_that_leaves_is_seen,
    a_closed_channel_refuses,
    closing_keeps_what_was_sent,
    a_sender_waits_for_the_end,
    nothing_is_dropped_twice_or_lost,
);

fn a_value_is_received<A: Access>() {
    let (sender, receiver) = channel_in::<_, A>();
    assert!(receiver.is_empty() && !receiver.is_terminated() && !sender.is_closed());
    assert_eq!(sender.send(String::from("value")), Ok(()));
    assert!(!receiver.is_empty());
    let mut receiver = Box::pin(receiver);
    assert_eq!(poll_idle(&mut receiver), Poll::Ready(Ok(String::from("value"))));
    assert!(receiver.is_terminated() && receiver.is_empty());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut receiver))).is_err());
}

fn who_waits_is_woken_once<A: Access>() {
    let (sender, receiver) = channel_in::<_, A>();
    let mut receiver = Box::pin(receiver);
    let (wakes, waker) = Wakes::new();
    assert!(poll(&mut receiver, &waker).is_pending());
    assert!(poll(&mut receiver, &waker).is_pending());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(sender.send(1), Ok(()));
    assert_eq!(wakes.count(), 1);
    assert_eq!(receiver.try_recv(), Ok(1));
    drop(receiver);
    drop(waker);
    assert_eq!(Arc::strong_count(&wakes), 1, "no waker is left");
}

fn a_task_that_changes_is_woken<A: Access>() {
    let (mut sender, receiver) = channel_in::<u8, A>();
    let mut receiver = Box::pin(receiver);
    let ((first, one), (second, other)) = (Wakes::new(), Wakes::new());
    assert!(poll(&mut receiver, &one).is_pending());
    assert!(poll(&mut receiver, &other).is_pending());
    for waker in [&one, &other] {
        let mut context = std::task::Context::from_waker(waker);
        assert!(sender.poll_closed(&mut context).is_pending());
    }
    drop(one);
    assert_eq!(Arc::strong_count(&first), 1, "the first task's wakers are gone");
    receiver.close();
    assert_eq!((first.count(), second.count()), (0, 1));
    drop(sender);
    assert_eq!((first.count(), second.count()), (0, 2));
    drop(receiver);
    drop(other);
    assert_eq!(Arc::strong_count(&second), 1, "no waker is left");
}

fn a_sender_that_leaves_is_seen<A: Access>() {
    let (sender, receiver) = channel_in::<u8, A>();
    let mut receiver = Box::pin(receiver);
    let (wakes, waker) = Wakes::new();
    assert!(poll(&mut receiver, &waker).is_pending());
    drop(sender);
    assert_eq!(wakes.count(), 1);
    assert!(matches!(poll_idle(&mut receiver), Poll::Ready(Err(_))));
    let (sender, mut receiver) = channel_in::<u8, A>();
    drop(sender);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

fn a_closed_channel_refuses<A: Access>() {
    let (sender, mut receiver) = channel_in::<_, A>();
    receiver.close();
    assert!(sender.is_closed());
    assert_eq!(sender.send(5), Err(5));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    let (sender, receiver) = channel_in::<_, A>();
    drop(receiver);
    assert_eq!(sender.send(6), Err(6));
    let (sender, receiver) = channel_in::<_, A>();
    let mut receiver = Box::pin(receiver);
    assert!(poll_idle(&mut receiver).is_pending());
    drop(receiver);
    assert_eq!(sender.send(7), Err(7));
}

fn closing_keeps_what_was_sent<A: Access>() {
    let (sender, mut receiver) = channel_in::<_, A>();
    assert_eq!(sender.send(5), Ok(()));
    receiver.close();
    receiver.close();
    assert_eq!(receiver.try_recv(), Ok(5));
}

fn a_sender_waits_for_the_end<A: Access>() {
    let (mut sender, receiver) = channel_in::<u8, A>();
    let (wakes, waker) = Wakes::new();
    {
        let mut closed = Box::pin(sender.closed());
        assert!(poll(&mut closed, &waker).is_pending());
        assert!(poll(&mut closed, &waker).is_pending());
        drop(receiver);
        assert_eq!(wakes.count(), 1);
        assert!(poll(&mut closed, &waker).is_ready());
    }
    drop(sender);
    // A sender that waited and then sends leaves its waker to the receiver.
    let (mut sender, mut receiver) = channel_in::<u8, A>();
    assert!(poll(&mut Box::pin(sender.closed()), &waker).is_pending());
    assert_eq!(sender.send(1), Ok(()));
    assert_eq!(receiver.try_recv(), Ok(1));
    drop(waker);
    assert_eq!((Arc::strong_count(&wakes), wakes.count()), (1, 1));
}

fn nothing_is_dropped_twice_or_lost<A: Access>() {
    let value = Rc::new(());
    for (sends, receives) in [(true, true), (true, false), (false, true)] {
        let (sender, mut receiver) = channel_in::<_, A>();
        if sends {
            assert!(sender.send(value.clone()).is_ok());
        } else {
            drop(sender);
        }
        if receives {
            assert_eq!(receiver.try_recv().is_ok(), sends);
        }
        drop(receiver);
        assert_eq!(Rc::strong_count(&value), 1);
    }
}

/// A value whose drop looks at the other side, which has to find the channel whole.
#[test]
fn a_value_that_panics_when_dropped_leaves_the_channel_whole() {
    struct Panics<'a>(&'a Cell<u8>);
    impl Drop for Panics<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
            panic!("planned");
        }
    }
    let drops = Cell::new(0);
    let (mut sender, receiver) = channel::<Panics<'_>>();
    let (wakes, waker) = Wakes::new();
    assert!(poll(&mut Box::pin(sender.closed()), &waker).is_pending());
    assert!(sender.send(Panics(&drops)).is_ok());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(receiver))).is_err());
    drop(waker);
    assert_eq!((drops.get(), Arc::strong_count(&wakes)), (1, 1));
}

#[test]
fn a_thread_waits() {
    let (sender, receiver) = channel();
    let waits = thread::spawn(move || receiver.blocking_recv());
    assert_eq!(sender.send(1), Ok(()));
    assert_eq!(waits.join().unwrap(), Ok(1));
}

#[test]
fn sides_may_go_to_other_threads() {
    fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<oneshot::Sender<Cell<u8>>>();
    is_send_and_sync::<oneshot::Receiver<Cell<u8>>>();
    assert!(!format!("{:?}", channel::<u8>()).is_empty());
    assert!(Waker::noop().will_wake(Waker::noop()));
}
