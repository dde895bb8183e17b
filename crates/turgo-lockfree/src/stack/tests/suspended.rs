//! Threads suspended in the middle of an operation on a stack, and the elimination array by itself.

use std::sync::Arc;

use turgo_machine::atomic::Ordering;

use super::super::elimination::Elimination;
use super::super::{Node, TreiberStack};
use crate::hazard::Hazard;
use crate::pause::suspend_at;
use crate::reclaim::Reclaim;

fn others_go_on<R: Reclaim + Default + 'static>() {
    for place in ["stack push", "stack pop"] {
        let stack = Arc::new(TreiberStack::<u32, R>::default());
        stack.push(0);
        let stuck = Arc::clone(&stack);
        let operation = move || {
            if place == "stack push" {
                stuck.push(1000);
                None
            } else {
                stuck.pop()
            }
        };
        let popped = suspend_at(place, operation, || {
            for value in 1..100 {
                stack.push(value);
                assert_eq!(stack.pop(), Some(value), "{place}");
            }
            assert_eq!(stack.pop(), Some(0), "{place}");
            assert_eq!(stack.pop(), None, "{place}");
        });
        assert_eq!(popped, None);
        assert_eq!(stack.pop(), (place == "stack push").then_some(1000));
    }
}

#[test]
fn a_suspended_thread_holds_up_no_other() {
    others_go_on::<crate::rcu::Rcu>();
    others_go_on::<Hazard>();
}

#[test]
fn a_suspended_pop_is_not_fooled_by_another_node_at_the_same_address() {
    let stack = Arc::new(TreiberStack::<u32, Hazard>::default());
    (1..=2).for_each(|value| stack.push(value));
    let address = stack.top.load(Ordering::Relaxed).as_ptr().addr();
    let stuck = Arc::clone(&stack);
    let popped = suspend_at(
        "stack pop",
        move || stuck.pop(),
        || {
            assert_eq!((stack.pop(), stack.pop()), (Some(2), Some(1)));
            Hazard.flush();
            // Were the suspended pop's node not protected, its memory would come back here, and the pop would take it for the old node.
            for _ in 0..64 {
                stack.push(3);
                if stack.top.load(Ordering::Relaxed).as_ptr().addr() == address {
                    return;
                }
                assert_eq!(stack.pop(), Some(3));
            }
            stack.push(3);
        },
    );
    assert!(stack.is_empty(), "T3: the node below was popped long ago");
    assert_eq!(popped, Some(3));
}

/// A pop may come when nobody pushes: it looks until it has found something.
fn taken<T>(elimination: &Elimination<T>) -> T {
    loop {
        if let Some(node) = elimination.take() {
            // SAFETY: T4, we took it out, and take its value once.
            return unsafe { node.take() };
        }
        turgo_machine::thread::yield_now();
    }
}

#[test]
fn an_offer_that_nobody_takes_comes_back() {
    let value = Arc::new(());
    let elimination = Elimination::new();
    let back = elimination.offer(Node::new(Arc::clone(&value)));
    // SAFETY: T4, it came back, and its value is taken once.
    let back = unsafe { back.expect_err("nobody takes it").take() };
    assert!(elimination.take().is_none(), "it was given twice");
    assert!(Arc::ptr_eq(&back, &value));
}

#[test]
fn an_offer_goes_to_one_pop_or_comes_back() {
    const OFFERS: u32 = 2000;
    // In a stack, which is what may be shared.
    let stack = Arc::new(TreiberStack::<u32>::new());
    let other = Arc::clone(&stack);
    let offering = turgo_machine::thread::spawn(move || {
        for value in 0..OFFERS {
            let mut node = Node::new(value);
            while let Err(back) = other.elimination.offer(node) {
                node = back;
                turgo_machine::thread::yield_now();
            }
        }
    });
    let all: Vec<u32> = (0..OFFERS).map(|_| taken(&stack.elimination)).collect();
    offering.join().expect("it does not panic");
    assert!(all.into_iter().eq(0..OFFERS));
    assert!(stack.elimination.take().is_none());
    assert_eq!(stack.pop(), None);
}
