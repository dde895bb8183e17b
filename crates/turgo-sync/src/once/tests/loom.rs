//! Models of who makes a value while others come, fail and go.

use std::future::pending;
use std::sync::Arc;

use turgo_machine::thread;

use crate::block::block_on;
use crate::tests::probe::{model, poll_idle};
use crate::{OnceCell, SetOnce};

#[test]
fn two_make_one_value() {
    model(3, || {
        let cell = Arc::new(OnceCell::new());
        let make = |index: usize| {
            let cell = cell.clone();
            move || **block_on(cell.get_or_init(|| async { Box::new(index) }))
        };
        let (one, other) = (thread::spawn(make(1)), thread::spawn(make(2)));
        let seen = cell.get().map(|value| **value);
        let (one, other) = (one.join().unwrap(), other.join().unwrap());
        assert_eq!(one, other);
        assert!(seen.is_none_or(|seen| seen == one));
    });
}

/// Who makes it is dropped while another comes to wait.
#[test]
fn the_turn_of_one_who_is_dropped_goes_to_the_next() {
    model(3, || {
        let cell = Arc::new(OnceCell::new());
        let makes = thread::spawn({
            let cell = cell.clone();
            move || *block_on(cell.get_or_init(|| async { 2 }))
        });
        let mut first = Box::pin(cell.get_or_init(pending));
        let had = poll_idle(&mut first).is_ready();
        drop(first);
        assert_eq!(makes.join().unwrap(), 2);
        assert!(!had || cell.get() == Some(&2));
    });
}

#[test]
fn a_value_is_set_while_another_waits() {
    model(3, || {
        let cell = Arc::new(SetOnce::<Box<u8>>::new());
        let waits = thread::spawn({
            let cell = cell.clone();
            move || **block_on(cell.wait())
        });
        assert!(cell.set(Box::new(3)).is_ok());
        assert_eq!(waits.join().unwrap(), 3);
    });
}

/// Who is refused finds the value that is there instead.
#[test]
fn two_set_and_one_is_refused() {
    model(3, || {
        let cell = Arc::new(SetOnce::new());
        let set = |index: usize| {
            let cell = cell.clone();
            move || {
                let is_set = cell.set(index).is_ok();
                let found = cell.get().expect("set by us, or there already");
                assert_eq!(*found == index, is_set);
                is_set
            }
        };
        let one = thread::spawn(set(1));
        let other = set(2)();
        assert!(one.join().unwrap() != other);
    });
}
