//! Histories of the cell, under real threads or shuttle's schedules.

use turgo_lockfree::reclaim::Reclaim;
use turgo_lockfree::{RcuCell, hazard, rcu};

use crate::lincheck::spec::{Register, RegisterCall, RegisterResult};
use crate::threads::{histories, linearizable};

fn histories_with<R: Reclaim + 'static>(domain: fn() -> R) {
    histories(move |round| {
        let (threads, operations) = round.size();
        let object = || RcuCell::new_in(0, domain());
        linearizable(&Register, object, threads, move |cell, calls, thread| {
            let mut random = round.random(thread);
            for number in 0..operations {
                let value = thread * 1000 + number;
                match random.below(4) {
                    0 => calls.record(RegisterCall::Load, || {
                        RegisterResult::Value(cell.read(|now| *now))
                    }),
                    1 => calls.record(RegisterCall::Store(value), || {
                        cell.store(value);
                        RegisterResult::Stored
                    }),
                    2 => calls.record(RegisterCall::Swap(value), || {
                        RegisterResult::Value(*cell.swap(value))
                    }),
                    _ => calls.record(RegisterCall::Add(7), || {
                        RegisterResult::Value(*cell.rcu(|now| now.wrapping_add(7)))
                    }),
                }
            }
        });
    });
}

#[test]
fn cell_histories_are_linearizable_with_rcu() {
    histories_with(rcu::Domain::new);
}

#[test]
fn cell_histories_are_linearizable_with_hazard_pointers() {
    histories_with(hazard::Domain::new);
}
