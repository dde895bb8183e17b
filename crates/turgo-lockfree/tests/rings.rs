//! Rings and the bounded queue under real threads: nothing is lost, doubled or reordered, also at the ends of their range.

#![cfg(not(any(loom, shuttle)))]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use turgo_lockfree::queue::ArrayQueue;
use turgo_lockfree::ring::spsc;
use turgo_machine::thread;

#[test]
fn a_ring_holds_exactly_its_capacity() {
    for capacity in 1..=9 {
        let (mut producer, mut consumer) = spsc::new(capacity);
        for lap in 0..5 {
            for item in 0..capacity {
                assert_eq!(producer.push(lap * 100 + item), Ok(()));
            }
            assert!(producer.is_full());
            assert_eq!(producer.push(7), Err(7));
            for item in 0..capacity {
                assert_eq!(consumer.pop(), Some(lap * 100 + item));
            }
            assert_eq!(consumer.pop(), None);
            assert!(consumer.is_empty());
        }
    }
}

#[test]
fn a_ring_hands_everything_over_in_order() {
    const ITEMS: usize = 100_000;
    let (mut producer, mut consumer) = spsc::new(6);
    let pushing = thread::spawn(move || {
        let mut next = 0;
        let mut batch = Vec::new();
        while next < ITEMS {
            if next % 3 == 0 {
                batch.extend(next..(next + 5).min(ITEMS));
                next += batch.len();
                while !batch.is_empty() {
                    producer.push_batch(&mut batch);
                }
            } else {
                while producer.push(next).is_err() {
                    thread::yield_now();
                }
                next += 1;
            }
        }
    });
    let mut seen = Vec::new();
    while seen.len() < ITEMS {
        let before = seen.len();
        if before % 2 == 0 {
            seen.extend(consumer.pop());
        } else {
            consumer.pop_batch(4, &mut seen);
        }
        if seen.len() == before {
            thread::yield_now();
        }
    }
    pushing.join().unwrap();
    assert!(seen.into_iter().eq(0..ITEMS));
    assert!(consumer.is_abandoned());
}

#[derive(Debug, Clone)]
enum Call {
    Push,
    Pop,
    PushBatch(usize),
    PopBatch(usize),
    Force,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let call = prop_oneof![
        Just(Call::Push),
        Just(Call::Pop),
        (0_usize..6).prop_map(Call::PushBatch),
        (0_usize..6).prop_map(Call::PopBatch),
        Just(Call::Force),
    ];
    prop::collection::vec(call, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_array_queue_does_what_a_deque_does(capacity in 1_usize..6, calls in calls()) {
        let queue = ArrayQueue::new(capacity);
        let mut model = std::collections::VecDeque::new();
        let mut next = 0_u32;
        for call in calls {
            match call {
                Call::Push => {
                    let fits = model.len() < capacity;
                    prop_assert_eq!(queue.push(next), if fits { Ok(()) } else { Err(next) });
                    if fits {
                        model.push_back(next);
                    }
                }
                Call::Pop => prop_assert_eq!(queue.pop(), model.pop_front()),
                Call::PushBatch(count) => {
                    let mut items: Vec<u32> = (next..).take(count).collect();
                    let fits = count.min(capacity - model.len());
                    prop_assert_eq!(queue.push_batch(&mut items), fits);
                    prop_assert_eq!(items.len(), count - fits);
                    model.extend((next..).take(fits));
                }
                Call::PopBatch(max) => {
                    let mut out = Vec::new();
                    let count = queue.pop_batch(max, &mut out);
                    prop_assert_eq!(count, max.min(model.len()));
                    prop_assert!(out.into_iter().eq(model.drain(..count)));
                }
                Call::Force => {
                    let displaced = if model.len() == capacity { model.pop_front() } else { None };
                    prop_assert_eq!(queue.force_push(next), displaced);
                    model.push_back(next);
                }
            }
            next += 10;
            prop_assert_eq!(queue.len(), model.len());
            prop_assert_eq!(queue.is_empty(), model.is_empty());
            prop_assert_eq!(queue.is_full(), model.len() == capacity);
        }
        prop_assert!(queue.into_iter().eq(model));
    }
}

#[test]
fn an_array_queue_passes_each_item_to_one_consumer() {
    const ITEMS: usize = 30_000;
    let queue: &'static ArrayQueue<usize> = Box::leak(Box::new(ArrayQueue::new(5)));
    let counts: &'static [AtomicUsize] =
        Box::leak((0..2 * ITEMS).map(|_| AtomicUsize::new(0)).collect::<Box<[_]>>());
    let left: &'static AtomicUsize = Box::leak(Box::new(AtomicUsize::new(2 * ITEMS)));
    let producers = (0..2).map(|part| {
        thread::spawn(move || {
            for item in part * ITEMS..(part + 1) * ITEMS {
                while queue.push(item).is_err() {
                    thread::yield_now();
                }
            }
        })
    });
    let consumers = (0..2).map(|_| {
        thread::spawn(move || {
            let mut last = [None; 2];
            while left.load(Ordering::Relaxed) > 0 {
                let Some(item) = queue.pop() else {
                    thread::yield_now();
                    continue;
                };
                assert!(last[item / ITEMS] < Some(item), "out of a producer's order");
                last[item / ITEMS] = Some(item);
                counts[item].fetch_add(1, Ordering::Relaxed);
                left.fetch_sub(1, Ordering::Relaxed);
            }
        })
    });
    let all: Vec<_> = producers.chain(consumers).collect();
    all.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
}

/// Panics when it is dropped for the first time in a test.
struct Bomb(&'static AtomicUsize);

impl Drop for Bomb {
    fn drop(&mut self) {
        assert_ne!(self.0.fetch_add(1, Ordering::Relaxed), 0, "the first drop");
    }
}

#[test]
fn a_drop_that_panics_loses_no_other_item() {
    static RING: AtomicUsize = AtomicUsize::new(0);
    static QUEUE: AtomicUsize = AtomicUsize::new(0);
    let (mut producer, consumer) = spsc::new(4);
    let queue = ArrayQueue::new(4);
    for _ in 0..3 {
        assert!(producer.push(Bomb(&RING)).is_ok());
        assert!(queue.push(Bomb(&QUEUE)).is_ok());
    }
    drop(producer);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(consumer))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(queue))).is_err());
    assert_eq!(RING.load(Ordering::Relaxed), 3);
    assert_eq!(QUEUE.load(Ordering::Relaxed), 3);
}
