//! A reader and a writer stopped inside of their closures; closures and values that panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};

use turgo_machine::atomic::{AtomicBool, Ordering};
use turgo_machine::thread;

use crate::hazard::Hazard;
use crate::rcu::Rcu;
use crate::reclaim::ReadGuard;
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

/// Notes whether it was dropped inside of a read section.
struct Watch(rcu::Domain, &'static AtomicBool);

impl Drop for Watch {
    fn drop(&mut self) {
        self.1.fetch_or(self.0.try_synchronize().is_err(), Ordering::Relaxed);
    }
}

#[test]
fn what_was_made_in_vain_is_dropped_outside_of_the_section() {
    let (domain, inside) = (rcu::Domain::new(), &*Box::leak(Box::new(AtomicBool::new(false))));
    let watch = || Watch(domain.clone(), inside);
    let cell = RcuCell::new_in(watch(), domain.clone());
    let mut calls = 0;
    drop(cell.rcu(|_| {
        calls += 1;
        if calls == 1 {
            // Another writer is faster.
            drop(cell.swap(watch()));
        }
        watch()
    }));
    drop(cell);
    // What was replaced holds a handle of the domain that it waits in.
    domain.flush();
    assert_eq!((calls, inside.load(Ordering::Relaxed)), (2, false));
    assert_eq!(domain.stats().pending(), 0);
}

/// Compiles for any domain, whose guards need not be covariant.
fn seen<R: Reclaim>(cell: &RcuCell<u32, R>) -> u32 {
    let guard = cell.enter();
    let mut shield = guard.shield();
    *cell.load(&guard, &mut shield)
}

#[test]
fn a_cell_is_read_in_place_with_any_domain() {
    assert_eq!(seen(&RcuCell::new_in(3, rcu::Domain::new())), 3);
    assert_eq!(seen(&RcuCell::new_in(4, hazard::Domain::new())), 4);
}
