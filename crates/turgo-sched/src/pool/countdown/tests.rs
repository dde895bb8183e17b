//! An owner that sleeps until others have ended, in all interleavings.

use loom::model::Builder;
use loom::sync::Arc;
use turgo_machine::thread;
use turgo_machine::topology::Topology;

use crate::layout::{Layout, WorkerId};
use crate::sleep::Sleep;

use super::{Bed, Countdown};

const OWNER: WorkerId = WorkerId(0);

fn check(bed: Bed) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let machine = Topology::simulate("1x4").expect("a machine");
        let sleep = Arc::new(Sleep::new(&Layout::new(&machine, 3)));
        let countdown = Arc::new(Countdown::new(OWNER));
        let enders = [(); 2].map(|()| {
            countdown.begin_own();
            let (sleep, countdown) = (Arc::clone(&sleep), Arc::clone(&countdown));
            thread::spawn(move || countdown.end(&sleep))
        });
        // SAFETY: this is the owner's thread.
        unsafe { sleep.introduce(OWNER) };
        wait(&sleep, &countdown, bed);
        assert!(countdown.is_over(), "W1");
        enders.into_iter().for_each(|ender| ender.join().expect("an end"));
    });
}

/// As a worker waits, without work.
fn wait(sleep: &Sleep, countdown: &Countdown, bed: Bed) {
    if bed == Bed::Alone {
        if countdown.announce(bed) {
            sleep.sleep(OWNER);
            countdown.withdraw();
        }
        return;
    }
    sleep.search(OWNER);
    while !countdown.is_over() && countdown.announce(bed) {
        sleep.lie_down(OWNER);
        if countdown.is_over() {
            sleep.rise(OWNER);
        } else {
            sleep.sleep(OWNER);
        }
        countdown.withdraw();
    }
    sleep.leave(OWNER, || false);
}

#[test]
fn an_owner_among_others_is_woken() {
    check(Bed::Shared);
}

#[test]
fn an_owner_that_sleeps_alone_is_woken_once() {
    check(Bed::Alone);
}
