//! What is swapped out belongs to one thread, and is freed behind its readers.

use std::sync::Arc;

use turgo_machine::thread;

use crate::reclaim::tests::probe::{Probe, model};
use crate::{RcuCell, Reclaim, hazard, rcu};

/// A domain that is never dropped: the checker does not see how the reference counts of `alloc` order that.
fn domain<R>(new: fn() -> R) -> &'static R {
    Box::leak(Box::new(new()))
}

fn swaps<R: Reclaim + 'static>(new: fn() -> R) {
    model(3, move || {
        let cell = Arc::new(RcuCell::new_in(0, domain(new)));
        let other = Arc::clone(&cell);
        let swapping = thread::spawn(move || {
            let before = other.swap(1);
            // A mistake gives one node to two threads: neither frees it before both are looked at.
            let value = *before;
            std::mem::forget(before);
            value
        });
        let before = cell.swap(2);
        let mine = *before;
        std::mem::forget(before);
        let mut all = [mine, swapping.join().unwrap(), cell.load_full()];
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2], "C1");
    });
}

#[test]
fn what_is_swapped_out_belongs_to_one() {
    swaps(rcu::Domain::new);
    swaps(hazard::Domain::new);
}

fn replaced<R: Reclaim + 'static>(new: fn() -> R) {
    model(2, move || {
        let cell = Arc::new(RcuCell::new_in(Probe::new(), domain(new)));
        let other = Arc::clone(&cell);
        let reading = thread::spawn(move || other.read(Probe::check));
        cell.store(Probe::new());
        cell.domain().flush();
        cell.read(Probe::check);
        reading.join().unwrap();
    });
}

#[test]
fn what_is_replaced_is_freed_behind_its_readers() {
    replaced(rcu::Domain::new);
    replaced(hazard::Domain::new);
}
