//! A worker, or whoever wakes one, suspended between two atomic operations of each step of the protocol: the others go on, and nothing is lost when it comes back.
//!
//! One thread stands for all: a step is suspended by making its first operations and leaving out the rest until the others have done what they do. What they may not rely on is
//! being *woken* meanwhile: a searcher that is suspended is a searcher, so that pushes of that time wake nobody, and whoever is awake runs them. Thieves suspended in the middle of
//! a steal are the deque's affair, and tested there.

use turgo_machine::atomic::Ordering;

use crate::sleep::rest::Rest;
use crate::sleep::{Node, Pushed, Sleep};

use super::{NODE, beds, rest, worker};

/// The one that is suspended; 1 is awake, 2 and 3 sleep.
const STUCK: u32 = 0;

fn node(sleep: &Sleep) -> &Node {
    &sleep.nodes[0]
}

/// Takes one off the count, as whoever wants to wake somebody does first.
fn take_off(sleep: &Sleep) {
    let now = node(sleep).rest.load(Ordering::Relaxed);
    let next = Rest::of(now).transition_to_woken().expect("somebody sleeps");
    while node(sleep).exchange(now, next).is_err() {}
}

/// The first half of a step, and the second.
type Halves = (&'static str, fn(&Sleep), fn(&Sleep));

/// Every place within a step that lies between two of its operations on shared words, and those between the steps.
const SUSPENDED: [Halves; 8] = [
    (
        "searching",
        |sleep| sleep.search(worker(STUCK)),
        |sleep| sleep.leave(worker(STUCK), || false),
    ),
    (
        "lying down, its bit set and not counted",
        |sleep| {
            sleep.search(worker(STUCK));
            sleep.bed(worker(STUCK)).0.set(node(sleep));
        },
        |sleep| {
            node(sleep).rest.fetch_add(Rest::SLEEPER - Rest::SEARCHER, Ordering::AcqRel);
            sleep.rise(worker(STUCK));
            sleep.leave(worker(STUCK), || false);
        },
    ),
    (
        "lain down, before the last look",
        |sleep| {
            sleep.search(worker(STUCK));
            sleep.lie_down(worker(STUCK));
        },
        |sleep| {
            sleep.rise(worker(STUCK));
            sleep.leave(worker(STUCK), || false);
        },
    ),
    (
        "rising, taken off the count and its bit not cleared",
        |sleep| {
            sleep.search(worker(STUCK));
            sleep.lie_down(worker(STUCK));
            take_off(sleep);
        },
        |sleep| {
            if !sleep.bed(worker(STUCK)).0.clear(node(sleep)) {
                sleep.wake_one_of(node(sleep));
                sleep.sleep(worker(STUCK));
            }
            sleep.leave(worker(STUCK), || false);
        },
    ),
    (
        "leaving, before it looks",
        |sleep| {
            sleep.search(worker(STUCK));
            node(sleep).rest.fetch_sub(Rest::SEARCHER, Ordering::AcqRel);
        },
        |sleep| sleep.notify(NODE, Pushed::Outside),
    ),
    ("notifying, before the look at the word", |_| (), |sleep| sleep.notify(NODE, Pushed::Outside)),
    ("waking, taken off the count and no bit cleared", take_off, |sleep| {
        sleep.wake_one_of(node(sleep))
    }),
    (
        "waking, a bit cleared and no token given",
        |sleep| {
            take_off(sleep);
            assert!(sleep.bed(worker(2)).0.clear(node(sleep)), "it sleeps");
        },
        |sleep| sleep.give_token(worker(2), node(sleep)),
    ),
];

/// What the others do meanwhile: push, search, lie down and rise, and wake one of themselves.
fn others(sleep: &Sleep, what: &str) {
    for _ in 0..1_000 {
        sleep.notify(NODE, Pushed::Within);
        sleep.notify(NODE, Pushed::Outside);
        sleep.search(worker(1));
        sleep.leave(worker(1), || true);
        sleep.search(worker(1));
        sleep.lie_down(worker(1));
        sleep.rise(worker(1));
        sleep.leave(worker(1), || false);
    }
    sleep.wake(worker(3));
    assert!(!sleep.is_asleep(worker(3)), "{what}: a certain worker is woken");
    // One that has been woken finds its token, and goes on.
    sleep.sleep(worker(3));
    sleep.leave(worker(3), || false);
}

#[test]
fn whoever_is_suspended_holds_up_nobody_and_loses_nothing() {
    for (what, first, second) in SUSPENDED {
        let sleep = beds(4);
        for number in 0..4 {
            // SAFETY: once for each; the test's thread stands for all of them.
            unsafe { sleep.introduce(worker(number)) };
        }
        for number in [2, 3] {
            sleep.search(worker(number));
            sleep.lie_down(worker(number));
        }
        first(&sleep);
        others(&sleep, what);
        second(&sleep);
        // All get up who were woken, and all who were not are still counted.
        if sleep.is_asleep(worker(2)) {
            sleep.wake(worker(2));
        }
        sleep.sleep(worker(2));
        sleep.leave(worker(2), || false);
        assert_eq!(rest(&sleep), (0, 0), "{what}: S1");
        let tokens = sleep.beds.iter().map(|bed| bed.token.load(Ordering::Relaxed)).sum::<u32>();
        assert_eq!(tokens, 0, "{what}: S5");
    }
}
