//! Reading what another thread may replace: protect, load, look, let go.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use turgo_lockfree::hazard::Hazard;
use turgo_lockfree::rcu;
use turgo_lockfree::reclaim::{ReadGuard, Reclaim, Shield};

use bench_harness::Case;
use bench_harness::shared;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "turgo Rcu",
            make: |n| {
                shared(n, turgo_lockfree::Atomic::new(7_u64), |p, k| {
                    every(k, || {
                        let _guard = rcu::read_lock();
                        // SAFETY: nobody replaces it.
                        *unsafe { p.load(turgo_machine::atomic::Ordering::Acquire).deref() }
                    })
                })
            },
        },
        Case {
            name: "turgo HazardPointer held",
            make: |n| {
                shared(n, turgo_lockfree::Atomic::new(7_u64), |p, k| {
                    let guard = Hazard.enter();
                    let mut hazard = guard.shield();
                    every(k, || {
                        // SAFETY: protected, and nobody replaces it.
                        let value = *unsafe { hazard.protect(p).deref() };
                        hazard.reset();
                        value
                    })
                })
            },
        },
        Case {
            name: "turgo HazardPointer new",
            make: |n| {
                shared(n, turgo_lockfree::Atomic::new(7_u64), |p, k| {
                    every(k, || {
                        let guard = Hazard.enter();
                        let mut hazard = guard.shield();
                        // SAFETY: protected, and nobody replaces it.
                        *unsafe { hazard.protect(p).deref() }
                    })
                })
            },
        },
        Case {
            name: "turgo RcuCell",
            make: |n| {
                shared(n, turgo_lockfree::RcuCell::<u64>::new(7), |p, k| {
                    every(k, || p.read(|v| *v))
                })
            },
        },
        Case { name: "plain load", make: |n| shared(n, leaked(), |p, k| every(k, || *load(p))) },
        Case {
            name: "crossbeam-epoch",
            make: |n| {
                shared(n, crossbeam_epoch::Atomic::new(7_u64), |p, k| {
                    every(k, || {
                        let guard = crossbeam_epoch::pin();
                        // SAFETY: nobody replaces it.
                        *unsafe { p.load(Ordering::Acquire, &guard).deref() }
                    })
                })
            },
        },
        Case {
            name: "kovan",
            make: |n| {
                shared(n, kovan::Atomic::new(Box::into_raw(Box::new(7_u64))), |p, k| {
                    every(k, || {
                        let guard = kovan::pin();
                        // SAFETY: nobody replaces it.
                        *unsafe { p.load(Ordering::Acquire, &guard).deref() }
                    })
                })
            },
        },
        Case {
            name: "kovan peek",
            make: |n| shared(n, kovan::Atom::new(7_u64), |p, k| every(k, || p.peek(|v| *v))),
        },
        Case {
            name: "seize",
            make: |n| {
                shared(n, (seize::Collector::new(), leaked()), |(collector, p), k| {
                    every(k, || {
                        let guard = collector.enter();
                        // SAFETY: nobody replaces it.
                        unsafe { *seize::Guard::protect(&guard, p, Ordering::Acquire) }
                    })
                })
            },
        },
        Case {
            name: "haphazard held",
            make: |n| {
                shared(n, haphazard::AtomicPtr::from(Box::new(7_u64)), |p, k| {
                    let mut hazard = haphazard::HazardPointer::new();
                    every(k, || {
                        let value = *p.safe_load(&mut hazard).expect("it is there");
                        hazard.reset_protection();
                        value
                    })
                })
            },
        },
        Case {
            name: "haphazard new",
            make: |n| {
                shared(n, haphazard::AtomicPtr::from(Box::new(7_u64)), |p, k| {
                    every(k, || {
                        let mut hazard = haphazard::HazardPointer::new();
                        *p.safe_load(&mut hazard).expect("it is there")
                    })
                })
            },
        },
        Case {
            name: "arc-swap load",
            make: |n| {
                shared(n, arc_swap::ArcSwap::from_pointee(7_u64), |p, k| every(k, || **p.load()))
            },
        },
        Case {
            name: "Arc clone",
            make: |n| shared(n, Arc::new(7_u64), |p, k| every(k, || *Arc::clone(p))),
        },
        Case {
            name: "RwLock std",
            make: |n| {
                shared(n, std::sync::RwLock::new(7_u64), |p, k| {
                    every(k, || *p.read().expect("nobody panics"))
                })
            },
        },
        Case {
            name: "RwLock parking_lot",
            make: |n| shared(n, parking_lot::RwLock::new(7_u64), |p, k| every(k, || *p.read())),
        },
        Case {
            name: "Mutex std",
            make: |n| {
                shared(n, std::sync::Mutex::new(7_u64), |p, k| {
                    every(k, || *p.lock().expect("nobody panics"))
                })
            },
        },
        Case {
            name: "Mutex parking_lot",
            make: |n| shared(n, parking_lot::Mutex::new(7_u64), |p, k| every(k, || *p.lock())),
        },
    ]
}

/// How many of `operations` reads found the value.
fn every(operations: u64, mut read: impl FnMut() -> u64) -> u64 {
    (0..operations).map(|_| u64::from(black_box(read()) == 7)).sum()
}

fn leaked() -> AtomicPtr<u64> {
    AtomicPtr::new(Box::into_raw(Box::new(7_u64)))
}

fn load(p: &AtomicPtr<u64>) -> &u64 {
    // SAFETY: `leaked` made it, and nobody replaces it.
    unsafe { &*p.load(Ordering::Acquire) }
}
