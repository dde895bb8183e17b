//! All interleavings of two or three threads.

use loom::model::Builder;
use loom::sync::Arc;
use turgo_lockfree::deque::Worker as Deque;
use turgo_machine::atomic::{AtomicU32, Ordering};
use turgo_machine::thread;

use crate::pool::persist;
use crate::sleep::{Pushed, Sleep};

use super::{NODE, beds, worker};

fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(model);
}

/// Work without any fence of its own: a deque has one in each steal, which would hide that ours is missing.
#[derive(Default)]
struct Work(AtomicU32);

impl Work {
    fn push(&self, item: u32) {
        self.0.store(item, Ordering::Release);
    }

    fn is_empty(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }

    fn take(&self) -> Option<u32> {
        if self.is_empty() {
            return None;
        }
        let item = self.0.swap(0, Ordering::AcqRel);
        (item != 0).then_some(item)
    }
}

/// What a worker does that has nothing of its own, until it has found something.
fn find(
    sleep: &Sleep,
    number: u32,
    take: impl Fn() -> Option<u32>,
    more: impl Fn() -> bool,
) -> u32 {
    let me = worker(number);
    // SAFETY: each model has a thread for each worker that calls this, once.
    unsafe { sleep.introduce(me) };
    sleep.search(me);
    let mut found = take();
    while found.is_none() {
        sleep.lie_down(me);
        found = take();
        if found.is_some() {
            sleep.rise(me);
        } else {
            sleep.sleep(me);
            found = take();
        }
    }
    sleep.leave(me, more);
    found.expect("the loop ends with one")
}

/// As [`find`], in what is plain work.
fn find_in(sleep: &Sleep, number: u32, work: &Work) -> u32 {
    find(sleep, number, || work.take(), || !work.is_empty())
}

#[test]
fn no_wakeup_is_lost() {
    check(|| {
        let (sleep, work) = (Arc::new(beds(2)), Arc::new(Work::default()));
        let (others, place) = (Arc::clone(&sleep), Arc::clone(&work));
        let finder = thread::spawn(move || find_in(&others, 0, &place));
        work.push(7);
        sleep.notify(NODE, Pushed::Within);
        assert_eq!(finder.join().expect("a finder"), 7);
    });
}

#[test]
fn each_push_finds_somebody() {
    check(|| {
        let sleep = Arc::new(beds(3));
        let deque = Deque::new_lifo();
        let finders = [0, 1].map(|number| {
            let (sleep, from) = (Arc::clone(&sleep), deque.stealer());
            thread::spawn(move || {
                find(&sleep, number, || persist(|| from.steal()), || !from.is_empty())
            })
        });
        for item in [1, 2] {
            deque.push(item);
            sleep.notify(NODE, Pushed::Within);
        }
        let found: u32 = finders.map(|finder| finder.join().expect("a finder")).iter().sum();
        assert_eq!(found, 3);
    });
}

#[test]
fn whoever_leaves_looks_once_more() {
    check(|| {
        let (sleep, work) = (Arc::new(beds(3)), Arc::new(Work::default()));
        let (others, place) = (Arc::clone(&sleep), Arc::clone(&work));
        let finder = thread::spawn(move || find_in(&others, 0, &place));
        let (others, place) = (Arc::clone(&sleep), Arc::clone(&work));
        // It searches already, and finds something else.
        sleep.search(worker(1));
        let leaver = thread::spawn(move || others.leave(worker(1), || !place.is_empty()));
        work.push(7);
        sleep.notify(NODE, Pushed::Within);
        assert_eq!(finder.join().expect("a finder"), 7);
        leaver.join().expect("one that leaves");
    });
}

/// The first is woken by name when it has set its bit and not counted itself, at the cost of the other's place on the count; the other rises nevertheless.
#[test]
fn one_that_rises_is_not_left_without_a_place_on_the_count() {
    check(|| {
        let (sleep, work) = (Arc::new(beds(2)), Arc::new(Work::default()));
        let (others, place) = (Arc::clone(&sleep), Arc::clone(&work));
        let finder = thread::spawn(move || find_in(&others, 0, &place));
        let others = Arc::clone(&sleep);
        let riser = thread::spawn(move || {
            // SAFETY: this is its thread.
            unsafe { others.introduce(worker(1)) };
            others.search(worker(1));
            others.lie_down(worker(1));
            // Anybody might do this now; one thread less, and all interleavings are few.
            others.wake(worker(0));
            others.rise(worker(1));
            others.leave(worker(1), || false);
        });
        riser.join().expect("one that rises");
        work.push(7);
        sleep.notify(NODE, Pushed::Outside);
        assert_eq!(finder.join().expect("a finder"), 7);
    });
}

#[test]
fn a_certain_worker_and_any_are_woken_at_once() {
    check(|| {
        let (sleep, work) = (Arc::new(beds(2)), Arc::new(Work::default()));
        let (others, place) = (Arc::clone(&sleep), Arc::clone(&work));
        let finder = thread::spawn(move || find_in(&others, 0, &place));
        let others = Arc::clone(&sleep);
        let waker = thread::spawn(move || others.wake(worker(0)));
        work.push(7);
        sleep.notify(NODE, Pushed::Within);
        waker.join().expect("a waker");
        assert_eq!(finder.join().expect("a finder"), 7);
    });
}

/// The second is woken by name for nothing when it has set its bit and not counted itself, which may take the first one's place on the count; the first is woken by name all the same.
#[test]
fn one_whose_place_on_the_count_was_taken_is_woken_by_name() {
    check(|| {
        let sleep = Arc::new(beds(2));
        let work = [0, 1].map(|_| Arc::new(Work::default()));
        let finders = [0, 1].map(|number| {
            let (sleep, place) = (Arc::clone(&sleep), Arc::clone(&work[number as usize]));
            thread::spawn(move || find_in(&sleep, number, &place))
        });
        sleep.wake(worker(1));
        for ((number, place), finder) in (0..).zip(&work).zip(finders) {
            place.push(7);
            sleep.wake(worker(number));
            assert_eq!(finder.join().expect("a finder"), 7);
        }
    });
}
