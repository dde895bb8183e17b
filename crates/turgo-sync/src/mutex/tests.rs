//! Tests of the mutex. That it excludes is checked by the models of the semaphore, which it is one of.

#![cfg(not(any(loom, shuttle)))]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use crate::tests::probe::poll_idle;
use crate::{Barging, Mutex, MutexGuard, OwnedMutexGuard, local};

#[test]
fn a_lock_excludes_and_is_passed_on() {
    let mutex = Mutex::new(1);
    let guard = mutex.try_lock().unwrap();
    assert!(mutex.try_lock().is_err());
    let mut waits = Box::pin(mutex.lock());
    assert!(poll_idle(&mut waits).is_pending());
    drop(guard);
    assert!(mutex.try_lock().is_err(), "it is the waiter's");
    let std::task::Poll::Ready(mut guard) = poll_idle(&mut waits) else { panic!("was served") };
    *guard += 1;
    drop(guard);
    drop(waits);
    assert_eq!(mutex.into_inner(), 2);
}

#[test]
fn a_barging_lock_can_be_taken_in_passing() {
    let mutex = Mutex::<u8, Barging>::with_fairness(1);
    let guard = mutex.try_lock().unwrap();
    let mut waits = Box::pin(mutex.lock());
    assert!(poll_idle(&mut waits).is_pending());
    drop(guard);
    drop(mutex.try_lock().unwrap());
    assert!(poll_idle(&mut waits).is_ready());
}

#[test]
fn a_panic_unlocks() {
    let mutex = Mutex::new(vec![1, 2]);
    let panics = catch_unwind(AssertUnwindSafe(|| {
        let guard = mutex.try_lock().unwrap();
        MutexGuard::map(guard, |vector| &mut vector[7])
    }));
    assert!(panics.is_err());
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn mapped_guards_hold_the_lock() {
    let mutex = Mutex::new((1, String::from("two")));
    let guard = MutexGuard::map(mutex.try_lock().unwrap(), |pair| &mut pair.1);
    let mut guard = crate::MappedMutexGuard::map(guard, String::as_mut_str);
    guard.make_ascii_uppercase();
    assert!(mutex.try_lock().is_err());
    assert_eq!(format!("{guard} {guard:?}"), "TWO \"TWO\"");
    drop(guard);
    let guard = MutexGuard::try_map(mutex.try_lock().unwrap(), |_| None::<&mut u8>).unwrap_err();
    assert_eq!(guard.1, "TWO");
    drop(guard);
    assert!(format!("{mutex:?}").contains("TWO"));
}

#[test]
fn owned_guards_share_their_mutex() {
    let mutex = Arc::new(Mutex::new([1, 2]));
    let guard = mutex.clone().try_lock_owned().unwrap();
    assert!(Arc::ptr_eq(OwnedMutexGuard::mutex(&guard), &mutex));
    let mut guard = OwnedMutexGuard::map(guard, |pair| &mut pair[1]);
    *guard = 3;
    assert!(mutex.try_lock().is_err());
    drop(guard);
    assert_eq!(*mutex.blocking_lock(), [1, 3]);
    let local = Rc::new(local::Mutex::new(1));
    *poll_ready(local.clone().lock_owned()) += 1;
    assert_eq!(*local.try_lock().unwrap(), 2);
}

fn poll_ready<T>(future: impl Future<Output = T>) -> T {
    match poll_idle(&mut Box::pin(future)) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("nobody else has it"),
    }
}

#[test]
fn a_mutex_may_hold_what_has_no_size() {
    let mutex: Arc<Mutex<dyn Fn() -> u8 + Send>> = Arc::new(Mutex::new(|| 7));
    assert_eq!((mutex.try_lock().unwrap())(), 7);
    assert!(mutex.clone().try_lock_owned().is_ok());
}

#[test]
fn guards_cross_threads_only_with_their_values() {
    fn send_sync<T: Send + Sync>() {}
    send_sync::<Mutex<std::cell::Cell<u8>>>();
    send_sync::<MutexGuard<'_, u8>>();
    send_sync::<OwnedMutexGuard<u8>>();
    fn future<T: Send + Sync>(_: T) {}
    let mutex = Mutex::new(1);
    future(mutex.lock());
    let semaphore = Arc::new(crate::Semaphore::new(1));
    future(semaphore.acquire());
    future(semaphore.clone().acquire_owned());
    let notify = Arc::new(crate::Notify::new());
    future(notify.notified());
    future(notify.clone().notified_owned());
}
