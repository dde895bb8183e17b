//! All interleavings of two or three threads.

use loom::model::Builder;
use loom::sync::Arc;
use turgo_lockfree::deque::{Steal, Stealer, Worker as Deque};
use turgo_machine::thread;

use crate::sleep::{Pushed, Sleep};

use super::{NODE, beds, worker};

fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(model);
}

fn steal(from: &Stealer<u32>) -> Option<u32> {
    loop {
        match from.steal() {
            Steal::Success(item) => return Some(item),
            Steal::Empty => return None,
            Steal::Retry => thread::yield_now(),
        }
    }
}

/// What a worker does that has nothing of its own, until it has found something.
fn find(sleep: &Sleep, number: u32, from: &Stealer<u32>) -> u32 {
    let me = worker(number);
    // SAFETY: each model has a thread for each worker that calls this, once.
    unsafe { sleep.introduce(me) };
    sleep.search(me);
    let mut found = steal(from);
    while found.is_none() {
        sleep.lie_down(me);
        found = steal(from);
        if found.is_some() {
            sleep.rise(me);
        } else {
            sleep.sleep(me);
            found = steal(from);
        }
    }
    sleep.leave(me, || !from.is_empty());
    found.expect("the loop ends with one")
}

#[test]
fn no_wakeup_is_lost() {
    check(|| {
        let sleep = Arc::new(beds(2));
        let deque = Deque::new_lifo();
        let (others, from) = (Arc::clone(&sleep), deque.stealer());
        let finder = thread::spawn(move || find(&others, 0, &from));
        deque.push(7);
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
            thread::spawn(move || find(&sleep, number, &from))
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
        let sleep = Arc::new(beds(3));
        let deque = Deque::new_lifo();
        let (others, from) = (Arc::clone(&sleep), deque.stealer());
        let finder = thread::spawn(move || find(&others, 0, &from));
        let (others, from) = (Arc::clone(&sleep), deque.stealer());
        // It searches already, and finds something that is not in the deque.
        sleep.search(worker(1));
        let leaver = thread::spawn(move || others.leave(worker(1), || !from.is_empty()));
        deque.push(7);
        sleep.notify(NODE, Pushed::Within);
        assert_eq!(finder.join().expect("a finder"), 7);
        leaver.join().expect("one that leaves");
    });
}

#[test]
fn a_certain_worker_and_any_are_woken_at_once() {
    check(|| {
        let sleep = Arc::new(beds(2));
        let deque = Deque::new_lifo();
        let (others, from) = (Arc::clone(&sleep), deque.stealer());
        let finder = thread::spawn(move || find(&others, 0, &from));
        let others = Arc::clone(&sleep);
        let waker = thread::spawn(move || others.wake(worker(0)));
        deque.push(7);
        sleep.notify(NODE, Pushed::Within);
        waker.join().expect("a waker");
        assert_eq!(finder.join().expect("a finder"), 7);
    });
}
