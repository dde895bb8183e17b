//! Counting what all threads do.

use std::sync::atomic::{AtomicU64, Ordering};

use turgo_lockfree::counter::Counter;

use bench_harness::shared;
use bench_harness::{Case, Work};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case { name: "turgo Counter", make: |n| counting(n, Counter::new(), |c| c.add(1)) },
        Case {
            name: "AtomicU64",
            make: |n| counting(n, AtomicU64::new(0), |c| _ = c.fetch_add(1, Ordering::Relaxed)),
        },
        Case {
            name: "Mutex std",
            make: |n| {
                counting(n, std::sync::Mutex::new(0_u64), |c| {
                    *c.lock().expect("nobody panics") += 1;
                })
            },
        },
    ]
}

fn counting<C: Send + Sync + 'static>(
    threads: usize,
    counter: C,
    add: impl Fn(&C) + Copy + Send + 'static,
) -> Vec<Work> {
    shared(threads, counter, move |counter, operations| {
        (0..operations).for_each(|_| add(counter));
        operations
    })
}
