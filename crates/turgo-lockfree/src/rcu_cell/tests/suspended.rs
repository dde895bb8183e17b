//! A reader and a writer stopped inside of their closures; closures and values that panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};

use turgo_machine::thread;

use crate::hazard::Hazard;
use crate::rcu::Rcu;
use crate::reclaim::tests::canary::{Canary, Census};
use crate::{RcuCell, Reclaim, hazard, rcu};

fn others_go_on<R: Reclaim + Default + 'static>() {
    for writes in [false, true] {
        let cell = Arc::new(RcuCell::new_in(0, R::default()));
        let (stuck, (ready, entered)) = (Arc::clone(&cell), mpsc::channel());
        let (resume, resumed) = mpsc::channel::<()>();
        let stop = move |value: &u32| {
            if *value == 0 {
                ready.send(()).unwrap();
                resumed.recv().unwrap();
            }
            *value
        };
        let thread = thread::spawn(move || {
            if writes {
                drop(stuck.rcu(|value| stop(value) + 1000));
            } else {
                assert_eq!(stuck.read(stop), 0);
            }
        });
        entered.recv().unwrap();
        for value in 1..500 {
            cell.store(value);
            assert_eq!(cell.load_full(), value);
            assert_eq!(*cell.rcu(|value| value + 1), value);
        }
        resume.send(()).unwrap();
        thread.join().unwrap();
        assert_eq!(cell.load_full(), if writes { 1500 } else { 500 });
    }
}

#[test]
fn a_suspended_reader_or_writer_holds_up_no_other() {
    others_go_on::<Rcu>();
    others_go_on::<Hazard>();
}

fn panics<R: Reclaim>(domain: R) {
    let census = Census::leaked();
    let cell = RcuCell::new_in(Canary::new(census), domain);
    let caught = |f: &dyn Fn()| assert!(catch_unwind(AssertUnwindSafe(f)).is_err());
    caught(&|| cell.read(|_| panic!("told to")));
    caught(&|| drop(cell.rcu(|_| panic!("told to"))));
    cell.read(Canary::check);
    assert_eq!(census.alive(), 1);
    cell.store(Canary::new(census));
    cell.domain().flush();
    assert_eq!(census.alive(), 1, "no section was left open");
    drop(cell);
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_closure_that_panics_leaves_the_cell_as_it_was() {
    panics(rcu::Domain::new());
    panics(hazard::Domain::new());
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("told to");
    }
}

#[test]
fn a_value_that_panics_when_it_is_dropped_is_counted() {
    let domain = rcu::Domain::new();
    let cell = RcuCell::new_in(Some(Bomb), domain.clone());
    cell.store(None);
    domain.flush();
    assert_eq!((domain.stats().panics, cell.read(Option::is_none)), (1, true));
}
