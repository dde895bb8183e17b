//! Two and three threads in all their interleavings.

use loom::thread;

use super::*;

fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

fn node() -> loom::sync::Arc<Capacity> {
    loom::sync::Arc::new(Capacity::new(pair(2.0, 2.0)))
}

#[test]
fn a_capacity_is_not_taken_twice() {
    explore(|| {
        let node = node();
        let other = loom::sync::Arc::clone(&node);
        let taker = thread::spawn(move || Reservation::new(other, pair(1.5, 0.0)).ok());
        let mine = node.reserve(pair(1.5, 0.0));
        let theirs = taker.join().expect("ends");
        assert!(mine.is_ok() ^ theirs.is_some(), "R1");
        drop((mine, theirs));
        assert_eq!(node.free(), pair(1.0, 1.0), "R1: conserved");
    });
}

#[test]
fn those_in_each_others_way_do_not_all_fail() {
    explore(|| {
        let node = node();
        let other = loom::sync::Arc::clone(&node);
        let taker = thread::spawn(move || Reservation::new(other, pair(2.0, 1.0)).ok());
        let mine = node.reserve(pair(1.0, 2.0));
        let theirs = taker.join().expect("ends");
        assert!(mine.is_ok() || theirs.is_some(), "R4");
        drop((mine, theirs));
        assert_eq!(node.free(), pair(1.0, 1.0), "R1: conserved");
    });
}

#[test]
fn what_one_holder_did_the_next_one_sees() {
    explore(|| {
        let node = node();
        let slot = loom::sync::Arc::new(turgo_machine::cell::UnsafeCell::new(0));
        let (other, theirs) = (loom::sync::Arc::clone(&node), loom::sync::Arc::clone(&slot));
        let write = |slot: &turgo_machine::cell::UnsafeCell<i32>| {
            slot.with_mut(|slot| {
                // SAFETY: R1: whoever holds all of it is alone.
                unsafe { *slot += 1 };
            });
        };
        let taker = thread::spawn(move || {
            let held = Reservation::new(other, pair(2.0, 0.0));
            held.map(|_held| write(&theirs)).is_ok()
        });
        let held = node.reserve(pair(2.0, 0.0));
        let wrote = held.map(|_held| write(&slot)).is_ok();
        assert!(taker.join().expect("ends") || wrote);
    });
}
