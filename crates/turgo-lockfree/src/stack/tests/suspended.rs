//! Threads suspended in the middle of an operation on a stack.

use std::sync::Arc;

use turgo_machine::atomic::Ordering;

use super::super::TreiberStack;
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
