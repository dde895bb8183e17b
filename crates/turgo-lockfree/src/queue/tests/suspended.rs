//! Threads suspended where an invariant is at stake.

use std::sync::Arc;

use super::super::{MsQueue, SegmentQueue};
use crate::hazard::Hazard;
use crate::pause::suspend_at;
use crate::rcu::Rcu;
use crate::reclaim::Reclaim;

fn overtaken_push<R: Reclaim + Default + 'static>() {
    let queue = Arc::new(MsQueue::<u32, R>::default());
    let stuck = Arc::clone(&queue);
    suspend_at("queue push", move || stuck.push(2), || queue.push(1));
    assert_eq!([queue.pop(), queue.pop(), queue.pop()], [Some(1), Some(2), None], "M1");
}

#[test]
fn a_push_that_was_overtaken_goes_behind_the_other() {
    overtaken_push::<Rcu>();
    overtaken_push::<Hazard>();
}

fn late_read<R: Reclaim + Default + 'static>() {
    let queue = Arc::new(MsQueue::<u64, R>::default());
    (1..=3).for_each(|value| queue.push(value));
    let stuck = Arc::clone(&queue);
    let popped = suspend_at(
        "queue popped",
        move || stuck.pop(),
        || {
            // The node that the suspended pop has yet to read is unlinked by the next pop.
            assert_eq!((queue.pop(), queue.pop(), queue.pop()), (Some(2), Some(3), None));
            R::default().flush();
        },
    );
    assert_eq!(popped, Some(1), "M4");
}

#[test]
fn a_value_is_read_before_its_node_is_freed() {
    late_read::<Hazard>();
    late_read::<Rcu>();
}

#[test]
fn values_linked_in_one_step_are_counted_one_by_one() {
    let queue = MsQueue::new();
    queue.push(0);
    for length in 1..5 {
        queue.push_batch(0..length);
        assert_eq!(queue.len() as u32, 1 + (1..=length).sum::<u32>(), "M5");
    }
    queue.pop();
    assert_eq!(queue.len(), 10);
}

#[test]
fn a_pop_suspended_with_its_number_holds_up_no_other() {
    let queue = Arc::new(SegmentQueue::<u32>::default());
    queue.push(1000);
    let stuck = Arc::clone(&queue);
    let popped = suspend_at(
        "segment pop",
        move || stuck.pop(),
        || {
            // The stuck pop has the number of the first cell: the others go on behind it, over the end of the segment and of more.
            for value in 0..500 {
                queue.push(value);
                assert_eq!(queue.pop(), Some(value));
            }
            assert_eq!(queue.pop(), None);
        },
    );
    assert_eq!((popped, queue.pop()), (Some(1000), None), "S4");
}

#[test]
fn a_push_suspended_while_it_begins_a_queue_holds_up_no_other() {
    let queue = Arc::new(SegmentQueue::<u32>::default());
    let stuck = Arc::clone(&queue);
    suspend_at(
        "segment begin",
        move || stuck.push(1000),
        || {
            assert_eq!((queue.len(), queue.is_empty(), queue.pop()), (0, true, None));
            for value in 0..500 {
                queue.push(value);
                assert_eq!((queue.len(), queue.pop()), (1, Some(value)));
            }
        },
    );
    assert_eq!((queue.pop(), queue.pop()), (Some(1000), None), "S5");
}
