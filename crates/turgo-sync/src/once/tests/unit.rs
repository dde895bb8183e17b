//! What one thread can see.

use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::Poll;

use crate::access::{Access, Local, Shared};
use crate::once::{OnceCell, SetError, SetOnce, SetOnceError};
use crate::tests::probe::{Wakes, each_access, poll, poll_idle};

each_access!(
    the_first_who_needs_it_makes_it,
    the_next_makes_it_when_the_first_is_dropped,
    the_next_makes_it_when_the_first_fails_or_panics,
    a_cell_that_is_being_made_cannot_be_set,
    values_are_dropped_once,
    who_waits_gets_what_is_set,
    a_value_is_set_once,
);

fn the_first_who_needs_it_makes_it<A: Access>() {
    let cell = OnceCell::<_, A>::new();
    assert_eq!((cell.get(), cell.initialized()), (None, false));
    assert_eq!(poll_idle(&mut Box::pin(cell.get_or_init(|| ready(1)))), Poll::Ready(&1));
    assert_eq!(poll_idle(&mut Box::pin(cell.get_or_init(pending))), Poll::Ready(&1));
    assert_eq!(cell.set(2), Err(SetError::AlreadyInitializedError(2)));
    assert_eq!(cell, OnceCell::from(1));
    assert_eq!(cell.clone().into_inner(), Some(1));
}

fn the_next_makes_it_when_the_first_is_dropped<A: Access>() {
    let cell = OnceCell::<_, A>::new();
    let mut first = Box::pin(cell.get_or_init(pending));
    assert!(poll_idle(&mut first).is_pending());
    let (wakes, waker) = Wakes::new();
    let mut next = Box::pin(cell.get_or_init(|| ready(2)));
    assert!(poll(&mut next, &waker).is_pending());
    let mut third = Box::pin(cell.get_or_init(|| ready(3)));
    assert!(poll_idle(&mut third).is_pending());
    drop(first);
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll_idle(&mut next), Poll::Ready(&2));
    assert_eq!(poll_idle(&mut third), Poll::Ready(&2));
}

fn the_next_makes_it_when_the_first_fails_or_panics<A: Access>() {
    let cell = OnceCell::<u8, A>::new();
    let mut fails = Box::pin(cell.get_or_try_init(|| ready(Err("none"))));
    assert_eq!(poll_idle(&mut fails), Poll::Ready(Err("none")));
    let mut panics = Box::pin(cell.get_or_init(|| async { panic!("on purpose") }));
    assert!(catch_unwind(AssertUnwindSafe(|| _ = poll_idle(&mut panics))).is_err());
    drop(panics);
    let mut made = Box::pin(cell.get_or_try_init(|| ready(Ok::<_, ()>(5))));
    assert_eq!(poll_idle(&mut made), Poll::Ready(Ok(&5)));
}

fn a_cell_that_is_being_made_cannot_be_set<A: Access>() {
    let cell = OnceCell::<_, A>::new();
    let mut makes = Box::pin(cell.get_or_init(pending));
    assert!(poll_idle(&mut makes).is_pending());
    let error = cell.set(1).unwrap_err();
    assert!(error.is_initializing_err() && !error.is_already_init_err());
    assert_eq!(error.to_string(), "InitializingError");
    drop(makes);
    assert_eq!(cell.set(1), Ok(()));
    assert!(cell.set(2).unwrap_err().is_already_init_err());
}

fn values_are_dropped_once<A: Access>() {
    let value = Rc::new(());
    let count = || Rc::strong_count(&value);
    let mut cell = OnceCell::<_, A>::from(value.clone());
    assert!(cell.get_mut().is_some());
    assert_eq!(cell.take().map(|value| Rc::strong_count(&value)), Some(2));
    assert_eq!((cell.take(), count()), (None, 1));
    assert!(cell.set(value.clone()).is_ok(), "it is as new");
    assert_eq!(count(), 2);
    drop(cell);
    assert_eq!(count(), 1);
    let cell = SetOnce::<_, A>::new_with(Some(value.clone()));
    assert_eq!(cell.into_inner().map(|value| Rc::strong_count(&value)), Some(2));
    drop(SetOnce::<_, A>::from(value.clone()));
    assert_eq!((SetOnce::<Rc<()>, A>::new().into_inner(), count()), (None, 1));
}

fn who_waits_gets_what_is_set<A: Access>() {
    let cell = SetOnce::<_, A>::new();
    let (wakes, waker) = Wakes::new();
    let mut waits = Box::pin(cell.wait());
    assert!(poll(&mut waits, &waker).is_pending());
    assert_eq!(cell.set(7), Ok(()));
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll_idle(&mut waits), Poll::Ready(&7));
    assert_eq!(poll_idle(&mut Box::pin(cell.wait())), Poll::Ready(&7));
}

fn a_value_is_set_once<A: Access>() {
    let cell = SetOnce::<_, A>::new();
    assert!(!cell.initialized());
    assert_eq!(cell.set(1), Ok(()));
    assert_eq!(cell.set(2), Err(SetOnceError(2)));
    assert_eq!((cell.get(), cell.clone() == SetOnce::from(1)), (Some(&1), true));
}

#[test]
fn threads_make_one_value() {
    static CELL: crate::OnceCell<usize> = crate::OnceCell::const_new();
    static SET: crate::SetOnce<usize> = crate::SetOnce::const_new();
    static MADE: crate::OnceCell<u8> = crate::OnceCell::const_new_with(1);
    let threads: Vec<_> = (0..4)
        .map(|index| {
            turgo_machine::thread::spawn(move || {
                let made = *CELL.blocking_get_or_init(|| index);
                _ = SET.set(made);
                (made, *SET.blocking_wait())
            })
        })
        .collect();
    let all: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(all.iter().all(|one| *one == all[0] && one.0 == one.1));
    assert_eq!(MADE.get(), Some(&1));
    assert_eq!(CELL.blocking_get_or_try_init(|| Err(())), Ok(&all[0].0));
}
