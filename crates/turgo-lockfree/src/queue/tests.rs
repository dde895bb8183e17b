//! Threads suspended in the middle of an operation on a queue.

mod suspended;

use std::sync::Arc;

use super::{MsQueue, SegmentQueue};
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

fn a_suspended_push<R: Reclaim + Default + 'static>() {
    let queue = Arc::new(SegmentQueue::<u32, R>::default());
    let stuck = Arc::clone(&queue);
    suspend_at(
        "segment push",
        move || stuck.push(1000),
        || {
            // The stuck push holds the first cell: the pops spoil it and go on, over the end of the segment.
            for value in 0..200 {
                queue.push(value);
                assert_eq!(queue.pop(), Some(value));
            }
            assert_eq!(queue.pop(), None);
        },
    );
    assert_eq!(queue.pop(), Some(1000));
    assert_eq!(queue.pop(), None);
}

#[test]
fn a_push_that_was_overtaken_takes_another_cell() {
    a_suspended_push::<Rcu>();
    a_suspended_push::<Hazard>();
}

#[test]
fn a_queue_crosses_segments_and_drops_the_rest() {
    let value = Arc::new(());
    let queue = SegmentQueue::<_, Rcu>::default();
    for round in 0..300 {
        queue.push((round, Arc::clone(&value)));
    }
    assert_eq!(queue.len(), 300);
    for round in 0..130 {
        assert_eq!(queue.pop().map(|(number, _)| number), Some(round));
    }
    assert_eq!(queue.len(), 170);
    drop(queue);
    assert_eq!(Arc::strong_count(&value), 1);
}
