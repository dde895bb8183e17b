//! Numbers and positions that two threads want at once.

use loom::sync::Arc;
use loom::thread;
use turgo_lockfree::queue::{ArrayQueue, SegmentQueue};

use crate::explore;

#[test]
fn two_producers_of_an_array_queue_never_share_a_slot() {
    explore(2, || {
        let queue = Arc::new(ArrayQueue::new(2));
        let other = Arc::clone(&queue);
        let pushing = thread::spawn(move || other.push(1));
        assert_eq!(queue.push(2), Ok(()));
        assert_eq!(pushing.join().unwrap(), Ok(()));
        let mut all = [queue.pop(), queue.pop()];
        all.sort_unstable();
        assert_eq!(all, [Some(1), Some(2)], "Q2");
    });
}

#[test]
fn two_consumers_of_a_segment_never_share_a_number() {
    explore(2, || {
        let queue = Arc::new(SegmentQueue::new());
        queue.push(1);
        queue.push(2);
        let other = Arc::clone(&queue);
        let popping = thread::spawn(move || other.pop());
        let mine = queue.pop();
        let mut all = [mine, popping.join().unwrap()];
        all.sort_unstable();
        assert_eq!(all, [Some(1), Some(2)], "S1");
    });
}

#[test]
fn two_producers_that_begin_a_queue_share_its_first_segment() {
    explore(2, || {
        let queue = Arc::new(SegmentQueue::new());
        let other = Arc::clone(&queue);
        let pushing = thread::spawn(move || other.push(1));
        queue.push(2);
        pushing.join().unwrap();
        let mut all = [queue.pop(), queue.pop()];
        all.sort_unstable();
        assert_eq!(all, [Some(1), Some(2)], "S5");
    });
}

#[test]
fn a_consumer_finds_the_first_segment_of_a_queue() {
    explore(2, || {
        let queue = Arc::new(SegmentQueue::new());
        let other = Arc::clone(&queue);
        let pushing = thread::spawn(move || other.push(1));
        let early = queue.pop();
        pushing.join().unwrap();
        assert_eq!(early.or_else(|| queue.pop()), Some(1), "S5");
    });
}
