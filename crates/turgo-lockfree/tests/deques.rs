//! Deques under real threads: nothing is lost or doubled, whatever the items are made of.

#![cfg(not(any(loom, shuttle)))]

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use turgo_lockfree::deque::{BoundedWorker, Steal, Worker};
use turgo_machine::thread;

#[test]
fn a_pop_of_an_empty_deque_leaves_it_empty() {
    for worker in [Worker::new_lifo(), Worker::new_fifo()] {
        for item in 0..3 {
            assert_eq!(worker.pop(), None);
            assert_eq!(worker.len(), 0);
            worker.push(item);
            assert_eq!(worker.stealer().steal(), Steal::Success(item));
            assert_eq!(worker.pop(), None);
            assert_eq!(worker.stealer().steal(), Steal::Empty);
            worker.push(item);
            assert_eq!(worker.pop(), Some(item));
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Call {
    Push(usize),
    Pop(usize),
    Steal,
    Batch(usize),
    BatchAndPop(usize),
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let call = prop_oneof![
        (0_usize..90).prop_map(Call::Push),
        (0_usize..60).prop_map(Call::Pop),
        Just(Call::Steal),
        (1_usize..50).prop_map(Call::Batch),
        (1_usize..50).prop_map(Call::BatchAndPop),
    ];
    prop::collection::vec(call, 0..40)
}

fn popped(model: &mut VecDeque<u32>, lifo: bool) -> Option<u32> {
    if lifo { model.pop_back() } else { model.pop_front() }
}

/// The items a batch takes, in the order in which their owner would have popped them.
fn batch(model: &mut VecDeque<u32>, lifo: bool, limit: usize) -> Vec<u32> {
    let count = limit.min(model.len().div_ceil(2));
    let mut items: Vec<u32> = model.drain(..count).collect();
    if lifo {
        items.reverse();
    }
    items
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_deque_does_what_its_model_does(lifo in any::<bool>(), lifo_dest in any::<bool>(), calls in calls()) {
        let new = |lifo| if lifo { Worker::new_lifo() } else { Worker::new_fifo() };
        let (worker, dest) = (new(lifo), new(lifo_dest));
        let stealer = worker.stealer();
        let (mut model, mut next) = (VecDeque::new(), 0);
        for call in calls {
            match call {
                Call::Push(count) => for _ in 0..count {
                    worker.push(next);
                    model.push_back(next);
                    next += 1;
                },
                Call::Pop(count) => for _ in 0..count {
                    prop_assert_eq!(worker.pop(), popped(&mut model, lifo));
                },
                Call::Steal => prop_assert_eq!(stealer.steal().success(), model.pop_front()),
                Call::Batch(limit) => {
                    let got = stealer.steal_batch_with_limit(&dest, limit);
                    prop_assert_eq!(got.is_success(), !model.is_empty());
                    let items: Vec<u32> = std::iter::from_fn(|| dest.pop()).collect();
                    prop_assert_eq!(items, batch(&mut model, lifo, limit));
                }
                Call::BatchAndPop(limit) => {
                    let got = stealer.steal_batch_with_limit_and_pop(&dest, limit).success();
                    let items: Vec<u32> = got.into_iter().chain(std::iter::from_fn(|| dest.pop())).collect();
                    prop_assert_eq!(items, batch(&mut model, lifo, limit));
                }
            }
            prop_assert_eq!(worker.len(), model.len());
            prop_assert_eq!(stealer.is_empty(), model.is_empty());
        }
    }
}

#[test]
fn a_bounded_deque_takes_no_more_than_fits() {
    let (from, dest) = (Worker::new_lifo(), BoundedWorker::new_fifo(3));
    (0..20).for_each(|item| from.push(item));
    assert_eq!(dest.push(100), Ok(()));
    assert_eq!(from.stealer().steal_batch(&dest), Steal::Success(()));
    assert_eq!((dest.len(), from.len()), (3, 18));
    assert_eq!(dest.push(101), Err(101));
    assert_eq!(from.stealer().steal_batch(&dest), Steal::Empty);
    assert_eq!(from.stealer().steal_batch_and_pop(&dest), Steal::Success(2));
    assert_eq!(
        [dest.pop(), dest.pop(), dest.pop(), dest.pop()],
        [Some(100), Some(1), Some(0), None]
    );
}

#[test]
fn a_batch_goes_to_whatever_leads_to_a_deque() {
    let from = Worker::new_lifo();
    (0..16).for_each(|item| from.push(item));
    let stealer = from.stealer();
    let (shared, locked) = (Rc::new(Worker::new_lifo()), Mutex::new(BoundedWorker::new_fifo(1)));
    let (reference, guard) = (&*shared, locked.lock().expect("nobody panics with it"));
    assert_eq!(stealer.steal_batch_with_limit(&shared, 2), Steal::Success(()));
    assert_eq!(stealer.steal_batch_with_limit(&reference, 2), Steal::Success(()));
    assert_eq!(stealer.steal_batch(&guard), Steal::Success(()));
    assert_eq!((shared.len(), guard.len()), (4, 1));
}

/// Pushes, pops and steals with two thieves; every item must come out once.
fn none_lost_or_doubled<T: Send + 'static>(
    worker: Worker<T>,
    make: impl Fn(usize) -> T,
    number: impl Fn(T) -> usize + Send + Copy + 'static,
) {
    const ITEMS: usize = 20_000;
    let taken: &'static AtomicUsize = Box::leak(Box::new(AtomicUsize::new(0)));
    let thief = |which| {
        let stealer = worker.stealer();
        thread::spawn(move || {
            let (own, mut got) = (Worker::new_lifo(), Vec::new());
            while taken.load(Ordering::Relaxed) < ITEMS {
                let before = got.len();
                match which {
                    0 => got.extend(stealer.steal().success().map(number)),
                    _ => got.extend(stealer.steal_batch_and_pop(&own).success().map(number)),
                }
                got.extend(std::iter::from_fn(|| own.pop()).map(number));
                taken.fetch_add(got.len() - before, Ordering::Relaxed);
                if got.len() == before {
                    thread::yield_now();
                }
            }
            got
        })
    };
    let thieves: Vec<_> = (0..2).map(thief).collect();
    let mut all = Vec::new();
    for item in 0..ITEMS {
        worker.push(make(item));
        if item % 100 < 45 {
            let before = all.len();
            all.extend(worker.pop().map(number));
            all.extend(worker.pop().map(number));
            taken.fetch_add(all.len() - before, Ordering::Relaxed);
        }
    }
    thieves.into_iter().for_each(|thief| all.extend(thief.join().expect("a thief has panicked")));
    assert_eq!(worker.pop().map(number), None);
    all.sort_unstable();
    assert!(all.into_iter().eq(0..ITEMS));
}

#[test]
fn no_item_is_lost_or_doubled() {
    none_lost_or_doubled(Worker::new_lifo(), |item| item, |item| item);
    none_lost_or_doubled(Worker::new_fifo(), |item| item, |item| item);
}

#[test]
fn items_of_any_shape_arrive_whole() {
    none_lost_or_doubled(Worker::new_lifo(), Box::new, |item| *item);
    none_lost_or_doubled(
        Worker::new_lifo(),
        |item| (item as u8, item, [item as u16; 3]),
        |(byte, item, shorts)| {
            assert_eq!((byte, shorts), (item as u8, [item as u16; 3]), "torn");
            item
        },
    );
    none_lost_or_doubled(Worker::new_fifo(), |item| item.to_string(), |item| item.parse().unwrap());
}

#[test]
fn items_without_a_size_are_counted() {
    let worker = Worker::new_lifo();
    (0..100).for_each(|_| worker.push(()));
    assert_eq!(worker.stealer().steal(), Steal::Success(()));
    assert_eq!(worker.stealer().steal_batch(&Worker::new_fifo()), Steal::Success(()));
    assert_eq!(std::iter::from_fn(|| worker.pop()).count(), 67);
}

/// Panics when the first of its kind is dropped.
struct Bomb(&'static AtomicUsize);

impl Drop for Bomb {
    fn drop(&mut self) {
        assert_ne!(self.0.fetch_add(1, Ordering::Relaxed), 0, "the first drop");
    }
}

#[test]
fn a_drop_that_panics_loses_no_other_item() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    let worker = Worker::new_lifo();
    (0..100).for_each(|_| worker.push(Bomb(&DROPPED)));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(worker))).is_err());
    assert_eq!(DROPPED.load(Ordering::Relaxed), 100);
}
