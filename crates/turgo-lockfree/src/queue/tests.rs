//! Threads suspended in the middle of an operation on a queue.

use std::sync::Arc;

use super::MsQueue;
use crate::hazard::Hazard;
use crate::pause::suspend_at;
use crate::rcu::Rcu;
use crate::reclaim::Reclaim;

fn others_go_on<R: Reclaim + Default + 'static>() {
    for place in ["queue linked", "queue pop"] {
        let queue = Arc::new(MsQueue::<u32, R>::default());
        queue.push(0);
        let stuck = Arc::clone(&queue);
        let operation = move || {
            if place == "queue linked" {
                stuck.push(1000);
                None
            } else {
                stuck.pop()
            }
        };
        let popped = suspend_at(place, operation, || {
            assert_eq!(queue.pop(), Some(0), "{place}");
            if place == "queue linked" {
                assert_eq!(queue.pop(), Some(1000), "{place}");
            }
            assert!(queue.is_tail_linked(), "M2");
            for value in 1..100 {
                queue.push(value);
                assert_eq!(queue.len(), 1);
                assert_eq!(queue.pop(), Some(value), "{place}");
            }
            assert_eq!(queue.pop(), None, "{place}");
        });
        assert_eq!(popped, None);
        assert!(queue.is_tail_linked(), "M2");
    }
}

#[test]
fn a_suspended_thread_holds_up_no_other() {
    others_go_on::<Rcu>();
    others_go_on::<Hazard>();
}
