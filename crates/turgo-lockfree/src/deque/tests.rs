//! Thieves suspended in the middle of a steal, and slots of several words.

use super::{Steal, Worker};
use crate::pause::suspend_at;

fn both() -> [Worker<usize>; 2] {
    [Worker::new_lifo(), Worker::new_fifo()]
}

#[test]
fn a_suspended_steal_holds_up_no_other() {
    for worker in both() {
        (0..3).for_each(|item| worker.push(item));
        let (stuck, other) = (worker.stealer(), worker.stealer());
        let stolen = suspend_at(
            "deque steal",
            move || stuck.steal(),
            || {
                assert_eq!(other.steal(), Steal::Success(0));
                assert!(worker.pop().is_some());
                assert!(other.steal().is_success());
                assert_eq!((worker.pop(), other.steal()), (None, Steal::Empty));
                for item in 0..500 {
                    worker.push(item);
                    assert_eq!(worker.pop(), Some(item));
                    worker.push(item);
                    assert_eq!(other.steal(), Steal::Success(item));
                }
            },
        );
        assert_eq!(stolen, Steal::Retry, "D4: another thread has the item");
    }
}

#[test]
fn a_suspended_batch_takes_nothing_that_others_have() {
    for worker in both() {
        (0..8).for_each(|item| worker.push(item));
        let (stuck, other) = (worker.stealer(), worker.stealer());
        let stolen = suspend_at(
            "deque claim",
            move || {
                let dest = Worker::new_lifo();
                (stuck.steal_batch(&dest), dest.len())
            },
            || assert_eq!(other.steal(), Steal::Success(0)),
        );
        assert_eq!(stolen, (Steal::Retry, 0), "W3: the words that were copied are nobody's");
        assert_eq!(std::iter::from_fn(|| worker.pop()).count(), 7);
    }
}

#[test]
fn a_suspended_thief_reads_from_the_buffer_it_has_seen() {
    for worker in both() {
        (0..10).for_each(|item| worker.push(item));
        let stuck = worker.stealer();
        let stolen = suspend_at(
            "deque steal",
            move || stuck.steal(),
            // It grows once: a second buffer might take the place of the first.
            || (10..100).for_each(|item| worker.push(item)),
        );
        assert_eq!(stolen, Steal::Success(0), "D7");
        let mut rest: Vec<usize> = std::iter::from_fn(|| worker.pop()).collect();
        rest.sort_unstable();
        assert!(rest.into_iter().eq(1..100));
    }
}

#[test]
fn items_of_several_words_have_slots_of_their_own() {
    let worker = Worker::new_fifo();
    (0..60_usize).for_each(|item| worker.push([item, item + 100, item + 200]));
    let all: Vec<[usize; 3]> = std::iter::from_fn(|| worker.pop()).collect();
    assert!(all.into_iter().eq((0..60).map(|item| [item, item + 100, item + 200])), "W1");
}
