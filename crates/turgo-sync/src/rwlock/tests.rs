//! Tests of the read-write lock. Waiting, giving up and order are the permits', and tested with the semaphore.

#![cfg(not(shuttle))]

mod upgrade;

#[cfg(not(loom))]
use std::rc::Rc;
use std::sync::Arc;

use crate::access::Shared;
use crate::rwlock::RwLock;
use crate::{Barging, Fairness, Fifo};

/// A writer is alone, and what it wrote is seen by who reads after it.
#[cfg(loom)]
#[test]
fn a_writer_is_alone() {
    use crate::block::block_on;
    use turgo_machine::cell::UnsafeCell;

    struct Checked(UnsafeCell<u8>);
    // SAFETY: the model checks it.
    unsafe impl Sync for Checked {}

    fn run<F: Fairness>() {
        crate::tests::probe::model(2, || {
            let lock = Arc::new(RwLock::<_, F, Shared>::with_fairness(Checked(UnsafeCell::new(0))));
            let writer = turgo_machine::thread::spawn({
                let lock = lock.clone();
                move || {
                    let guard = block_on(lock.write());
                    // SAFETY: checked by the model.
                    guard.0.with_mut(|value| unsafe { *value = 1 });
                    let guard = guard.downgrade();
                    // SAFETY: checked by the model.
                    guard.0.with(|value| assert_eq!(unsafe { *value }, 1));
                }
            });
            let reader = turgo_machine::thread::spawn({
                let lock = lock.clone();
                move || {
                    let guard = block_on(lock.read());
                    // SAFETY: checked by the model.
                    guard.0.with(|value| assert!(unsafe { *value } <= 1));
                }
            });
            writer.join().unwrap();
            reader.join().unwrap();
        });
    }
    run::<Fifo>();
    run::<Barging<1>>();
}

#[cfg(not(loom))]
fn readers_and_writers<F: Fairness>() {
    use crate::tests::probe::poll_idle;

    let lock = RwLock::<_, F, Shared>::with_fairness(vec![1]);
    let (one, other) = (lock.try_read().unwrap(), lock.try_read().unwrap());
    assert!(lock.try_write().is_err());
    let mut writes = Box::pin(lock.write());
    assert!(poll_idle(&mut writes).is_pending());
    assert_eq!(lock.try_read().is_err(), F::OVERTAKES_MAX.is_none(), "in order readers wait");
    drop((one, other));
    let std::task::Poll::Ready(mut guard) = poll_idle(&mut writes) else { panic!("is alone") };
    guard.push(2);
    assert!(lock.try_read().is_err());
    assert!(format!("{lock:?}").contains("locked"));
    drop(guard);
    assert_eq!(*lock.try_read().unwrap(), [1, 2]);
}

#[cfg(not(loom))]
#[test]
fn a_writer_waits_for_readers_and_readers_for_a_writer() {
    readers_and_writers::<Fifo>();
    readers_and_writers::<Barging>();
}

#[cfg(not(loom))]
#[test]
fn a_writer_becomes_a_reader_and_no_writer_comes_between() {
    use crate::tests::probe::poll_idle;

    let lock = crate::RwLock::new(1);
    let mut guard = lock.try_write().unwrap();
    *guard = 2;
    let mut writes = Box::pin(lock.write());
    let mut reads = Box::pin(lock.read());
    assert!(poll_idle(&mut writes).is_pending());
    assert!(poll_idle(&mut reads).is_pending());
    let guard = guard.downgrade();
    assert!(poll_idle(&mut writes).is_pending());
    assert_eq!(*guard, 2);
    drop(guard);
    assert!(poll_idle(&mut writes).is_ready());
    assert!(poll_idle(&mut reads).is_ready());
}

#[cfg(not(loom))]
#[test]
fn mapped_guards_hold_the_lock() {
    use crate::{RwLockReadGuard, RwLockWriteGuard};

    let lock = crate::RwLock::new((1, [2, 3]));
    let read = RwLockReadGuard::map(lock.try_read().unwrap(), |pair| &pair.1);
    let read = RwLockReadGuard::try_map(read, |list| list.get(1)).unwrap();
    assert_eq!(*read, 3);
    assert!(lock.try_write().is_err());
    drop(read);
    let mut write = RwLockWriteGuard::map(lock.try_write().unwrap(), |pair| &mut pair.0);
    *write = 4;
    drop(write);
    let write = lock.try_write().unwrap();
    let write = RwLockWriteGuard::try_downgrade_map(write, |_| None::<&u8>).unwrap_err();
    let read = RwLockWriteGuard::downgrade_map(write, |pair| &pair.0);
    assert_eq!(*read, 4);
    assert!(lock.try_read().is_ok());
    drop(read);
    assert!(lock.try_write().is_ok());
}

#[cfg(not(loom))]
#[test]
fn owned_guards_share_their_lock() {
    use crate::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard};

    let lock = Arc::new(crate::RwLock::new([1, 2]));
    let mut write =
        OwnedRwLockWriteGuard::map(lock.clone().try_write_owned().unwrap(), |two| &mut two[0]);
    *write = 3;
    assert!(lock.clone().try_read_owned().is_err());
    drop(write);
    let read = lock.clone().try_write_owned().unwrap().downgrade();
    let read = OwnedRwLockReadGuard::map(read, |two| &two[0]);
    assert_eq!((*read, *lock.blocking_read()), (3, [3, 2]));
    assert!(Arc::ptr_eq(OwnedRwLockReadGuard::rwlock(&read), &lock));
    drop(read);
    assert!(lock.try_write().is_ok());
    let local = Rc::new(crate::local::RwLock::with_max_readers(1, 1));
    let read = local.clone().try_read_owned().unwrap();
    assert!(local.try_read().is_err(), "one reader at most");
    drop(read);
    *local.try_write().unwrap() = 2;
    assert_eq!(*local.try_read().unwrap(), 2);
}

#[cfg(not(loom))]
#[test]
#[should_panic(expected = "a RwLock may not be created with 0 readers")]
fn a_lock_that_nobody_could_read_is_refused() {
    drop(crate::RwLock::with_max_readers(1, 0));
}
