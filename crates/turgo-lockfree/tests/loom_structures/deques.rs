//! The work-stealing deques. In models one claim takes at most 2 items, and a new deque has 2 slots.

use loom::sync::Arc;
use loom::thread;
use turgo_lockfree::deque::{BoundedWorker, Steal, Stealer, Worker};

use crate::explore;

/// Steals until there is nothing, taking what batches bring through `own`.
fn steal_all(stealer: &Stealer<usize>, own: &Worker<usize>, batch: bool) -> Vec<usize> {
    let mut stolen = Vec::new();
    loop {
        let got = if batch { stealer.steal_batch_and_pop(own) } else { stealer.steal() };
        match got {
            Steal::Success(item) => stolen.push(item),
            Steal::Retry => thread::yield_now(),
            Steal::Empty => break,
        }
        stolen.extend(core::iter::from_fn(|| own.pop()));
    }
    stolen
}

fn assert_each_once(mut all: Vec<usize>, count: usize) {
    all.sort_unstable();
    assert_eq!(all, (0..count).collect::<Vec<_>>());
}

fn owner_and_thieves(
    worker: Worker<usize>,
    before: usize,
    pops: usize,
    thieves: usize,
    batch: bool,
) {
    (0..before).for_each(|item| worker.push(item));
    let steal = |_| {
        let stealer = worker.stealer();
        thread::spawn(move || steal_all(&stealer, &Worker::new_fifo(), batch))
    };
    let stealing: Vec<_> = (0..thieves).map(steal).collect();
    let mut all: Vec<usize> = (0..pops).filter_map(|_| worker.pop()).collect();
    for thief in stealing {
        all.extend(thief.join().expect("it does not panic"));
    }
    all.extend(core::iter::from_fn(|| worker.pop()));
    assert_each_once(all, before);
}

#[test]
fn the_last_item_goes_to_one() {
    explore(3, || owner_and_thieves(Worker::new_lifo(), 1, 1, 1, false));
    explore(3, || owner_and_thieves(Worker::new_fifo(), 1, 1, 1, false));
    explore(2, || owner_and_thieves(Worker::new_lifo(), 1, 1, 2, false));
}

#[test]
fn a_pop_and_a_batch_never_share_an_item() {
    explore(2, || owner_and_thieves(Worker::new_lifo(), 2, 2, 1, true));
    explore(2, || owner_and_thieves(Worker::new_lifo(), 4, 2, 1, true));
    explore(2, || owner_and_thieves(Worker::new_fifo(), 3, 2, 1, true));
}

#[test]
fn a_pop_without_arbitration_is_out_of_reach() {
    // Four items: the owner's first pops are further than a claim from the top, until thieves have come nearer.
    explore(3, || {
        let worker = Worker::new_lifo();
        (0..4).for_each(|item| worker.push(item));
        let stealer = worker.stealer();
        let stealing = thread::spawn(move || {
            let own = Worker::new_fifo();
            let mut stolen = Vec::new();
            stolen.extend(stealer.steal_batch_and_pop(&own).success());
            stolen.extend(stealer.steal().success());
            stolen.extend(stealer.steal().success());
            stolen.extend(core::iter::from_fn(|| own.pop()));
            stolen
        });
        let mut all: Vec<usize> = (0..2).filter_map(|_| worker.pop()).collect();
        all.extend(stealing.join().expect("it does not panic"));
        all.extend(core::iter::from_fn(|| worker.pop()));
        assert_each_once(all, 4);
    });
}

#[test]
fn a_batch_stays_within_its_limit() {
    explore(2, || {
        let worker = Worker::new_lifo();
        (0..6).for_each(|item| worker.push(item));
        let stealer = worker.stealer();
        let stealing = thread::spawn(move || {
            let own = Worker::new_fifo();
            let mut stolen: Vec<usize> =
                stealer.steal_batch_and_pop(&own).success().into_iter().collect();
            stolen.extend(core::iter::from_fn(|| own.pop()));
            stolen
        });
        let mut all: Vec<usize> = (0..4).filter_map(|_| worker.pop()).collect();
        all.extend(stealing.join().expect("it does not panic"));
        all.extend(core::iter::from_fn(|| worker.pop()));
        assert_each_once(all, 6);
    });
}

#[test]
fn two_thieves_and_an_owner_share_nothing() {
    explore(2, || {
        let worker = Worker::new_lifo();
        (0..3).for_each(|item| worker.push(item));
        let steal = |_| {
            let stealer = worker.stealer();
            thread::spawn(move || stealer.steal().success())
        };
        let stealing: Vec<_> = (0..2).map(steal).collect();
        let mut all: Vec<usize> = worker.pop().into_iter().collect();
        for thief in stealing {
            all.extend(thief.join().expect("it does not panic"));
        }
        all.extend(core::iter::from_fn(|| worker.pop()));
        assert_each_once(all, 3);
    });
}

#[test]
fn what_is_pushed_is_written_before_it_is_stolen() {
    explore(3, || {
        let worker = Worker::new_lifo();
        let stealer = worker.stealer();
        let stealing =
            thread::spawn(move || stealer.steal().success().map(|item: Box<usize>| *item));
        worker.push(Box::new(7));
        let stolen = stealing.join().expect("it does not panic");
        let popped = worker.pop().map(|item| *item);
        assert_eq!(stolen.or(popped), Some(7));
        assert!(stolen.is_none() || popped.is_none());
    });
}

#[test]
fn a_thief_follows_the_deque_into_its_new_buffer() {
    explore(3, || {
        let worker = Worker::new_lifo();
        worker.push(0);
        worker.push(1);
        let stealer = worker.stealer();
        let stealing = thread::spawn(move || {
            let mut stolen = Vec::new();
            for _ in 0..3 {
                stolen.extend(stealer.steal().success());
            }
            stolen
        });
        worker.push(2);
        let mut all: Vec<usize> = worker.pop().into_iter().collect();
        all.extend(stealing.join().expect("it does not panic"));
        all.extend(core::iter::from_fn(|| worker.pop()));
        assert_each_once(all, 3);
    });
}

#[test]
fn items_pushed_again_at_an_index_are_not_confused() {
    explore(3, || {
        let worker = Worker::new_lifo();
        worker.push(0);
        let stealer = worker.stealer();
        let stealing = thread::spawn(move || stealer.steal().success());
        let mut all: Vec<usize> = worker.pop().into_iter().collect();
        worker.push(1);
        all.extend(worker.pop());
        worker.push(2);
        all.extend(stealing.join().expect("it does not panic"));
        all.extend(core::iter::from_fn(|| worker.pop()));
        assert_each_once(all, 3);
    });
}

#[test]
fn a_bounded_deque_reuses_slots_only_after_thieves_are_done() {
    explore(2, || {
        let worker = BoundedWorker::new_lifo(1);
        assert!(worker.push(Arc::new(0)).is_ok());
        let stealer = worker.stealer();
        let stealing = thread::spawn(move || stealer.steal().success());
        let second = worker.push(Arc::new(1));
        let mut all: Vec<usize> =
            stealing.join().expect("it does not panic").iter().map(|item| **item).collect();
        all.extend(second.err().map(|item| *item));
        all.extend(core::iter::from_fn(|| worker.pop()).map(|item| *item));
        assert_each_once(all, 2);
    });
}
