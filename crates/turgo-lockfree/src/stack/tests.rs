//! Threads suspended in the middle of an operation on a stack.

use std::sync::Arc;

use super::TreiberStack;
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
