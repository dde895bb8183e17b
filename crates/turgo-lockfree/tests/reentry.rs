//! Code of the user's that runs in the middle of an operation on a structure, and uses that structure.

#![cfg(not(any(loom, shuttle)))]

use std::cell::Cell;

use turgo_lockfree::deque::{Injector, Worker};
use turgo_lockfree::rcu::Rcu;
use turgo_lockfree::{Owned, Reclaim};

/// Items that are dropped, each of which must be dropped once.
const ITEMS: usize = 200_000;

thread_local! {
    static WORKER: &'static Worker<Item> = Box::leak(Box::new(Worker::new_lifo()));
    static DROPS: &'static [Cell<u32>] = Box::leak(vec![Cell::new(0); ITEMS].into_boxed_slice());
    static NEXT: Cell<usize> = const { Cell::new(0) };
}

struct Item(usize);

impl Item {
    fn new() -> Self {
        Self(NEXT.replace(NEXT.get() + 1))
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        DROPS.with(|drops| drops[self.0].set(drops[self.0].get() + 1));
    }
}

/// Uses the deque when it is freed, wherever that happens to be.
struct Intruder;

impl Drop for Intruder {
    fn drop(&mut self) {
        WORKER.with(|worker| {
            worker.push(Item::new());
            drop(worker.pop());
        });
    }
}

#[test]
fn a_batch_for_a_deque_bears_the_deque_being_used_meanwhile() {
    let injector = Injector::new();
    // However late the intruders are freed, there is room for the item that each of them makes.
    for _ in 0..ITEMS / 65 {
        (0..64).for_each(|_| injector.push(Item::new()));
        // SAFETY: nobody ever knew it.
        unsafe { Rcu.retire(Owned::new(Intruder)) };
        WORKER.with(|worker| {
            while !injector.is_empty() {
                let _ = injector.steal_batch(*worker);
                while worker.pop().is_some() {}
            }
        });
    }
    drop(injector);
    Rcu.flush();
    let count = |times: u32| DROPS.with(|drops| drops.iter().filter(|d| d.get() == times).count());
    assert_eq!(count(1), NEXT.get(), "each item was dropped once");
    assert_eq!(count(1) + count(0), ITEMS, "and none twice");
}
