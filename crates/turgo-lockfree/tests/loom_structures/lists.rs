//! The unbounded queues and the stack, with either way of reclaiming.

use loom::sync::Arc;
use loom::thread;
use turgo_lockfree::queue::{MsQueue, SegmentQueue};
use turgo_lockfree::reclaim::Reclaim;
use turgo_lockfree::stack::TreiberStack;
use turgo_lockfree::{hazard, rcu};

use crate::explore;

/// A domain that is never dropped: the checker does not see how the reference counts of `alloc` order that.
fn domain<R>(new: fn() -> R) -> &'static R {
    Box::leak(Box::new(new()))
}

fn queue_hands_over<R: Reclaim + 'static>(new: fn() -> R) {
    explore(2, move || {
        let queue = Arc::new(MsQueue::new_in(domain(new)));
        let other = Arc::clone(&queue);
        let pushing = thread::spawn(move || {
            other.push(Box::new(1));
            other.push(Box::new(2));
        });
        let mut popped: Vec<u32> = queue.pop().map(|item| *item).into_iter().collect();
        popped.extend(queue.pop().map(|item| *item));
        pushing.join().expect("it does not panic");
        popped.extend(core::iter::from_fn(|| queue.pop()).map(|item| *item));
        assert_eq!(popped, [1, 2]);
    });
}

#[test]
fn a_queue_hands_items_over_in_order() {
    queue_hands_over(rcu::Domain::new);
    queue_hands_over(hazard::Domain::new);
}

fn queue_shares_nothing<R: Reclaim + 'static>(new: fn() -> R) {
    explore(2, move || {
        let queue = Arc::new(MsQueue::new_in(domain(new)));
        queue.push(1);
        let other = Arc::clone(&queue);
        let popping = thread::spawn(move || other.pop());
        queue.push(2);
        let mine = queue.pop();
        let theirs = popping.join().expect("it does not panic");
        assert_ne!(mine, theirs);
        assert!(mine.is_some());
        assert!(theirs.is_some());
    });
}

#[test]
fn two_consumers_never_share_an_item() {
    queue_shares_nothing(rcu::Domain::new);
    queue_shares_nothing(hazard::Domain::new);
}

fn stack_shares_nothing<R: Reclaim + 'static>(new: fn() -> R) {
    explore(2, move || {
        let stack = Arc::new(TreiberStack::new_in(domain(new)));
        stack.push(Box::new(1));
        let other = Arc::clone(&stack);
        let theirs = thread::spawn(move || {
            other.push(Box::new(2));
            other.pop().map(|item| *item)
        });
        let mut all: Vec<u32> = stack.pop().map(|item| *item).into_iter().collect();
        all.extend(theirs.join().expect("it does not panic"));
        all.extend(core::iter::from_fn(|| stack.pop()).map(|item| *item));
        all.sort_unstable();
        assert_eq!(all, [1, 2]);
    });
}

#[test]
fn a_stack_hands_each_item_to_one() {
    stack_shares_nothing(rcu::Domain::new);
    stack_shares_nothing(hazard::Domain::new);
}

// The models of `SegmentQueue` push on the thread that runs first. The checker looks for other orders from the accesses of a thread back to the last
// access of another, and takes no interest in loads there: it would not see that a push came between the loads of a pop that ran before.

#[test]
fn segments_hand_items_over_in_order() {
    explore(2, || {
        let queue = Arc::new(SegmentQueue::new());
        let other = Arc::clone(&queue);
        let popping = thread::spawn(move || [other.pop(), other.pop()]);
        queue.push(1);
        queue.push(2);
        let popped = popping.join().expect("it does not panic").into_iter().flatten();
        let rest = core::iter::from_fn(|| queue.pop());
        assert_eq!(popped.chain(rest).collect::<Vec<u32>>(), [1, 2]);
    });
}

#[test]
fn a_spoiled_cell_gives_its_value_to_one() {
    // One push and two pops: the pops come to a cell whose push has not written yet.
    explore(3, || {
        let queue = Arc::new(SegmentQueue::new());
        let other = Arc::clone(&queue);
        let popping = thread::spawn(move || other.pop());
        queue.push(7);
        let first = popping.join().expect("it does not panic");
        let second = queue.pop();
        let all: Vec<u32> = first.into_iter().chain(second).collect();
        assert_eq!(all, [7]);
        assert_eq!(queue.pop(), None);
    });
}

#[test]
fn pushes_that_meet_at_the_end_of_a_segment_go_on_in_one() {
    explore(2, || {
        let queue = Arc::new(SegmentQueue::new());
        queue.push(1);
        let other = Arc::clone(&queue);
        let pushing = thread::spawn(move || {
            other.push(2);
            other.push(3);
        });
        queue.push(4);
        pushing.join().expect("it does not panic");
        let all: Vec<u32> = core::iter::from_fn(|| queue.pop()).collect();
        let orders = [[1, 2, 3, 4], [1, 2, 4, 3], [1, 4, 2, 3]];
        assert!(orders.contains(&all[..].try_into().expect("four")), "{all:?}");
    });
}

#[test]
fn a_segment_is_used_again_only_when_it_was_left() {
    explore(2, || {
        let queue = Arc::new(SegmentQueue::new());
        (0..5).for_each(|value| queue.push(value));
        let other = Arc::clone(&queue);
        let popping = thread::spawn(move || other.pop());
        // Over two ends of segments, and the first segment is used again where it may be.
        let mut all: Vec<u32> = (0..4).map(|_| queue.pop().expect("there are five")).collect();
        (5..9).for_each(|value| queue.push(value));
        all.extend(popping.join().expect("it does not panic"));
        all.extend(core::iter::from_fn(|| queue.pop()));
        all.sort_unstable();
        assert!(all.into_iter().eq(0..9));
    });
}

#[test]
fn batches_hand_items_over_in_order() {
    explore(2, || {
        let queue = Arc::new(SegmentQueue::new());
        let other = Arc::clone(&queue);
        let popping = thread::spawn(move || {
            let mut popped = Vec::new();
            other.pop_batch(2, &mut popped);
            popped
        });
        queue.push_batch([1, 2, 3]);
        let mut popped: Vec<u32> = popping.join().expect("it does not panic");
        queue.pop_batch(3, &mut popped);
        assert_eq!(popped, [1, 2, 3]);
    });
}
