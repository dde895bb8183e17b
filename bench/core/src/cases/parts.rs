//! What operations are made of: the least that one instruction, or one call that cannot be spared, costs here.
//!
//! Gates are shares of a peer's time. Where a peer pays for little but such a part, these rows say how small a share can be.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use turgo_machine::CachePadded;
use turgo_machine::barrier;

use bench_harness::{Case, Work};

thread_local! {
    static NUMBER: Cell<u64> = const { Cell::new(1) };
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "load and store",
            make: |n| {
                own(n, |word| {
                    word.store(word.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                })
            },
        },
        Case {
            name: "fetch_add",
            make: |n| own(n, |word| _ = word.fetch_add(1, Ordering::AcqRel)),
        },
        Case {
            name: "compare_exchange",
            make: |n| {
                own(n, |word| {
                    let seen = word.load(Ordering::Relaxed);
                    let to = seen.wrapping_add(1);
                    let order = Ordering::AcqRel;
                    _ = black_box(word.compare_exchange(seen, to, order, Ordering::Acquire));
                })
            },
        },
        Case {
            name: "store, fence, load",
            make: |n| {
                own(n, |word| {
                    word.store(1, Ordering::Relaxed);
                    fence(Ordering::SeqCst);
                    _ = black_box(word.load(Ordering::Relaxed));
                })
            },
        },
        Case {
            name: "store, light fence, load",
            make: |n| {
                own(n, |word| {
                    word.store(1, Ordering::Relaxed);
                    barrier::light();
                    _ = black_box(word.load(Ordering::Relaxed));
                })
            },
        },
        Case { name: "heavy fence", make: |n| own(n, |_| barrier::heavy()) },
        Case { name: "thread-local value", make: |n| own(n, |_| _ = black_box(NUMBER.get())) },
        Case { name: "Box", make: |n| own(n, |_| drop(black_box(Box::new([0_u64; 4])))) },
    ]
}

/// Each thread has a word of its own.
fn own(threads: usize, step: impl Fn(&AtomicU64) + Copy + Send + 'static) -> Vec<Work> {
    (0..threads)
        .map(|_| {
            let word = CachePadded::new(AtomicU64::new(0));
            Box::new(move |operations: u64| {
                (0..operations).for_each(|_| step(black_box(&word)));
                operations
            }) as Work
        })
        .collect()
}
