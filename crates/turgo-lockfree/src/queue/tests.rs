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

#[test]
fn a_push_that_was_overtaken_takes_another_cell() {
    let queue = Arc::new(SegmentQueue::<u32>::default());
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
fn a_batch_that_was_overtaken_keeps_its_order() {
    let queue = Arc::new(SegmentQueue::<u32>::default());
    let stuck = Arc::clone(&queue);
    suspend_at(
        "segment push",
        move || stuck.push_batch([1, 2, 3]),
        || {
            // Spoils the cells of the whole batch.
            assert_eq!(queue.pop(), None);
            queue.push(0);
        },
    );
    let mut popped = Vec::new();
    assert_eq!(queue.pop_batch(10, &mut popped), 4);
    assert_eq!(popped, [0, 1, 2, 3]);
}

#[test]
fn threads_suspended_between_segments_hold_up_no_other() {
    for place in ["segment push visit", "segment pop visit"] {
        let queue = Arc::new(SegmentQueue::<u32>::default());
        // The next push and the next pop are those of the last cell.
        for value in 0..63 {
            queue.push(value);
            assert_eq!(queue.pop(), Some(value));
        }
        if place == "segment pop visit" {
            queue.push(1000);
        }
        let stuck = Arc::clone(&queue);
        let operation = move || {
            if place == "segment push visit" {
                stuck.push(1000);
                None
            } else {
                stuck.pop()
            }
        };
        let popped = suspend_at(place, operation, || {
            if place == "segment pop visit" {
                assert_eq!(queue.pop(), Some(1000));
            }
            // Into a segment that is named where the stuck thread is about to name one (S5).
            for value in 0..420 {
                queue.push(value);
                assert_eq!(queue.len(), 1);
                assert_eq!(queue.pop(), Some(value), "{place}");
            }
            assert_eq!(queue.pop(), None);
        });
        assert_eq!(popped, None);
        assert_eq!(queue.pop(), (place == "segment push visit").then_some(1000));
        // What waited for the visitor is used again.
        assert!(queue.waiting() > 5, "nobody waited for the visitor");
        (0..200).for_each(|value| queue.push(value));
        (0..200).for_each(|value| assert_eq!(queue.pop(), Some(value)));
        assert!(queue.waiting() <= 3, "segments are kept");
    }
}

#[test]
fn a_queue_crosses_segments_and_drops_the_rest() {
    let value = Arc::new(());
    let queue = SegmentQueue::default();
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

#[test]
fn batches_cross_segments_in_order() {
    let queue = SegmentQueue::new();
    let mut popped = Vec::new();
    let (mut pushed, mut round) = (0, 0);
    while pushed < 2000 {
        let count = round * 7 % 150;
        queue.push_batch(pushed..pushed + count);
        pushed += count;
        round += 1;
        let expected = queue.len().min(90);
        assert_eq!(queue.pop_batch(90, &mut popped), expected);
    }
    queue.pop_batch(usize::MAX, &mut popped);
    assert!(popped.into_iter().eq(0..pushed));
}

#[test]
fn segments_of_large_values_are_not_made_on_the_stack() {
    let queue = SegmentQueue::new();
    queue.push([1_u8; 64 * 1024]);
    assert_eq!(queue.pop().map(|value| value[9]), Some(1));
}
