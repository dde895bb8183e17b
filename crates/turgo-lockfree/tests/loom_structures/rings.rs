//! The ring and the bounded queue.

use loom::sync::Arc;
use loom::thread;
use turgo_lockfree::queue::ArrayQueue;
use turgo_lockfree::ring::spsc;

use crate::explore;

#[test]
fn a_ring_orders_items_and_slots() {
    explore(3, || {
        let (mut producer, mut consumer) = spsc::new(1);
        let pushing = thread::spawn(move || {
            let mut pushed = 0;
            for item in [Box::new(1), Box::new(2), Box::new(3)] {
                pushed += usize::from(producer.push(item).is_ok());
            }
            pushed
        });
        let mut popped: Vec<usize> =
            (0..2).filter_map(|_| consumer.pop()).map(|item| *item).collect();
        let pushed = pushing.join().unwrap();
        popped.extend(core::iter::from_fn(|| consumer.pop()).map(|item| *item));
        assert_eq!(popped.len(), pushed);
        assert!(popped.is_sorted());
    });
}

#[test]
fn a_ring_orders_batches() {
    explore(3, || {
        let (mut producer, mut consumer) = spsc::new(2);
        let pushing = thread::spawn(move || {
            let mut items = vec![1, 2, 3];
            producer.push_batch(&mut items) + producer.push_batch(&mut items)
        });
        let mut popped = Vec::new();
        consumer.pop_batch(2, &mut popped);
        let pushed = pushing.join().unwrap();
        consumer.pop_batch(2, &mut popped);
        assert!(popped.into_iter().eq(1..=pushed));
    });
}

#[test]
fn what_was_pushed_before_the_producer_went_is_found() {
    explore(3, || {
        let (mut producer, mut consumer) = spsc::new(1);
        let pushing = thread::spawn(move || producer.push(1));
        let gone = consumer.is_abandoned();
        let popped = consumer.pop();
        assert!(!gone || popped == Some(1), "the item is lost");
        assert_eq!(pushing.join().unwrap(), Ok(()));
    });
}

#[test]
fn an_array_queue_orders_items_and_slots() {
    explore(2, || {
        let queue = Arc::new(ArrayQueue::new(1));
        let other = Arc::clone(&queue);
        let pushing = thread::spawn(move || {
            let first = other.push(Box::new(1)).is_ok();
            (first, other.push(Box::new(2)).is_ok())
        });
        let mut popped: Vec<i32> = queue.pop().map(|item| *item).into_iter().collect();
        let (first, second) = pushing.join().unwrap();
        popped.extend(core::iter::from_fn(|| queue.pop()).map(|item| *item));
        assert!(first);
        assert_eq!(popped, if second { vec![1, 2] } else { vec![1] });
    });
}

#[test]
fn an_array_queue_hands_over_what_is_written() {
    explore(3, || {
        let queue = Arc::new(ArrayQueue::new(1));
        let other = Arc::clone(&queue);
        let popping = thread::spawn(move || other.pop());
        assert_eq!(queue.push(1), Ok(()));
        let again = queue.push(2).is_ok();
        let popped = popping.join().unwrap();
        assert_eq!(queue.pop(), if again { Some(2) } else { Some(1).filter(|_| popped.is_none()) });
    });
}

#[test]
fn an_array_queue_reuses_slots_only_after_consumers_are_done() {
    explore(3, || {
        let queue = Arc::new(ArrayQueue::new(1));
        assert_eq!(queue.push(1), Ok(()));
        let other = Arc::clone(&queue);
        let pushing = thread::spawn(move || other.push(2).is_ok());
        assert_eq!(queue.pop(), Some(1));
        let again = pushing.join().unwrap();
        assert_eq!(queue.pop().is_some(), again);
    });
}

#[test]
fn two_consumers_of_an_array_queue_never_share_an_item() {
    explore(2, || {
        let queue = Arc::new(ArrayQueue::new(2));
        assert_eq!(queue.push(1), Ok(()));
        let other = Arc::clone(&queue);
        let popping = thread::spawn(move || other.pop());
        let pushed = queue.push(2);
        let mine = queue.pop();
        let theirs = popping.join().unwrap();
        assert_eq!(pushed, Ok(()));
        assert!(mine.is_some());
        assert_ne!(mine, theirs);
    });
}

#[test]
fn displacement_takes_the_oldest() {
    explore(2, || {
        let queue = Arc::new(ArrayQueue::new(1));
        assert_eq!(queue.push(1), Ok(()));
        let other = Arc::clone(&queue);
        let popping = thread::spawn(move || other.pop());
        let displaced = queue.force_push(2);
        let popped = popping.join().unwrap();
        let left = queue.pop();
        let all: Vec<i32> = displaced.into_iter().chain(popped).chain(left).collect();
        let mut sorted = all.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [1, 2], "displaced, popped, left: {all:?}");
    });
}
