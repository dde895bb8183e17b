//! What is counted, step by step on one thread.

use turgo_machine::atomic::Ordering;

use crate::sleep::rest::Rest;
use crate::sleep::{Pushed, Sleep};

use super::{NODE, beds, rest, worker};

fn token(sleep: &Sleep, number: usize) -> u32 {
    sleep.beds[number].token.load(Ordering::Relaxed)
}

fn asleep(workers: u32) -> Sleep {
    let sleep = beds(workers as usize);
    for number in 0..workers {
        // SAFETY: once for each; the test's thread stands for all of them.
        unsafe { sleep.introduce(worker(number)) };
        sleep.search(worker(number));
        sleep.lie_down(worker(number));
    }
    sleep
}

#[test]
fn a_burst_wakes_one() {
    let sleep = asleep(3);
    (0..100).for_each(|_| sleep.notify(NODE, Pushed::Outside));
    assert_eq!(sleep.wakeups(NODE), 1);
    assert_eq!(rest(&sleep), (1, 2));
}

#[test]
fn the_last_searcher_wakes_the_next_where_there_is_more() {
    let sleep = asleep(3);
    sleep.notify(NODE, Pushed::Outside);
    sleep.sleep(worker(0));
    sleep.leave(worker(0), || true);
    assert_eq!((sleep.wakeups(NODE), rest(&sleep)), (2, (1, 1)));
    sleep.sleep(worker(1));
    sleep.leave(worker(1), || false);
    assert_eq!((sleep.wakeups(NODE), rest(&sleep)), (2, (0, 1)));
}

#[test]
fn one_that_rises_takes_its_token() {
    let sleep = asleep(1);
    sleep.notify(NODE, Pushed::Outside);
    sleep.rise(worker(0));
    assert_eq!((token(&sleep, 0), rest(&sleep)), (0, (1, 0)), "S5");
}

#[test]
fn one_that_rises_unasked_needs_no_token() {
    let sleep = asleep(2);
    sleep.rise(worker(1));
    assert_eq!((token(&sleep, 1), rest(&sleep)), (0, (1, 1)));
    assert!(sleep.is_asleep(worker(0)));
    assert!(!sleep.is_asleep(worker(1)));
}

#[test]
fn a_certain_worker_is_woken() {
    let sleep = asleep(3);
    sleep.wake(worker(2));
    assert_eq!((token(&sleep, 2), rest(&sleep)), (1, (1, 2)));
    // Awake already: nobody is woken in its place but one who is counted.
    sleep.wake(worker(2));
    assert_eq!(rest(&sleep), (1, 2), "S1");
}

#[test]
fn all_are_woken_at_the_end() {
    let sleep = asleep(4);
    sleep.wake_all();
    assert_eq!((sleep.wakeups(NODE), rest(&sleep)), (4, (4, 0)));
}

/// The other one is woken by name when it has set its bit and not counted itself, which takes this one's place on the count.
#[test]
fn one_whose_place_on_the_count_was_taken_is_woken_by_name() {
    let sleep = beds(2);
    for number in 0..2 {
        // SAFETY: once for each; the test's thread stands for all of them.
        unsafe { sleep.introduce(worker(number)) };
        sleep.search(worker(number));
    }
    sleep.lie_down(worker(0));
    let node = &sleep.nodes[0];
    sleep.bed(worker(1)).0.set(node);
    sleep.wake(worker(1));
    // What worker 0 waits for is over.
    sleep.wake(worker(0));
    // Worker 1 goes on, finds nothing, rises at once as it has a token, and finds nothing again.
    node.rest.fetch_add(Rest::SLEEPER - Rest::SEARCHER, Ordering::AcqRel);
    sleep.sleep(worker(1));
    sleep.leave(worker(1), || false);
    assert!(!sleep.is_asleep(worker(0)), "S1: it was woken by name, and sleeps");
}
