//! Replacing a value and freeing the old one when nobody reads it: allocate, swap, retire.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use turgo_lockfree::hazard::Hazard;
use turgo_lockfree::rcu::Rcu;
use turgo_lockfree::reclaim::Reclaim;

use bench_harness::shared;
use bench_harness::{Case, Work};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case { name: "turgo Rcu", make: |n| replacing(n, Rcu) },
        Case { name: "turgo Hazard", make: |n| replacing(n, Hazard) },
        Case {
            name: "Box, nobody reads",
            make: |n| {
                shared(n, AtomicPtr::new(ptr::null_mut()), |p, k| {
                    count(k, || {
                        let old: *mut u64 = p.swap(made(), Ordering::AcqRel);
                        if !old.is_null() {
                            // SAFETY: it was swapped out, and nobody reads.
                            drop(unsafe { Box::from_raw(old) });
                        }
                    })
                })
            },
        },
        Case {
            name: "crossbeam-epoch",
            make: |n| {
                shared(n, crossbeam_epoch::Atomic::new(7_u64), |p, k| {
                    count(k, || {
                        let guard = crossbeam_epoch::pin();
                        let new = crossbeam_epoch::Owned::new(7);
                        let old = p.swap(new, Ordering::AcqRel, &guard);
                        // SAFETY: it was swapped out.
                        unsafe { guard.defer_destroy(old) };
                    })
                })
            },
        },
        Case {
            name: "seize",
            make: |n| {
                let value = (seize::Collector::new(), AtomicPtr::new(made()));
                shared(n, value, |(collector, p), k| {
                    count(k, || {
                        let old = p.swap(made(), Ordering::AcqRel);
                        // SAFETY: it was swapped out, and a box made it.
                        unsafe { collector.retire(old, seize::reclaim::boxed) };
                    })
                })
            },
        },
        Case {
            name: "haphazard",
            make: |n| {
                shared(n, haphazard::AtomicPtr::from(Box::new(7_u64)), |p, k| {
                    count(k, || {
                        let old = p.swap(Box::new(7)).expect("it is never null");
                        // SAFETY: it was swapped out.
                        unsafe { old.retire() };
                    })
                })
            },
        },
        Case {
            name: "kovan",
            make: |n| shared(n, kovan::Atom::new(7_u64), |p, k| count(k, || drop(p.swap(7)))),
        },
        Case {
            name: "arc-swap store",
            make: |n| {
                shared(n, arc_swap::ArcSwap::from_pointee(7_u64), |p, k| {
                    count(k, || p.store(std::sync::Arc::new(7)))
                })
            },
        },
    ]
}

fn replacing<R: Reclaim + Clone + 'static>(threads: usize, reclaim: R) -> Vec<Work> {
    shared(threads, (turgo_lockfree::Atomic::new(7_u64), reclaim), |(p, reclaim), k| {
        count(k, || {
            let old =
                p.swap(turgo_lockfree::Owned::new(7), turgo_machine::atomic::Ordering::AcqRel);
            // SAFETY: the swap made it ours.
            let old = unsafe { old.into_owned() };
            // SAFETY: it was swapped out.
            unsafe { reclaim.retire(old) };
        })
    })
}

fn made() -> *mut u64 {
    Box::into_raw(Box::new(7))
}

fn count(operations: u64, mut replace: impl FnMut()) -> u64 {
    for _ in 0..operations {
        replace();
    }
    operations
}
