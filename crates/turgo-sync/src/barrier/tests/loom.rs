//! Models of rounds, and of who gives up while a round ends.

use std::sync::Arc;

use turgo_machine::cell::UnsafeCell;
use turgo_machine::thread;

use crate::Barrier;
use crate::block::block_on;
use crate::tests::probe::{model, poll_idle};

struct Checked(UnsafeCell<usize>);
// SAFETY: the models check it.
unsafe impl Sync for Checked {}
// SAFETY: the models check it.
unsafe impl Send for Checked {}

/// Two rounds of two: what one did before is seen by the other after, and one leads.
#[test]
fn rounds_follow_each_other() {
    model(1, || {
        let shared = Arc::new((Barrier::new(2), [(); 2].map(|()| Checked(UnsafeCell::new(0)))));
        let threads: Vec<_> = (0..2)
            .map(|index| {
                let shared = shared.clone();
                thread::spawn(move || {
                    let (barrier, cells) = &*shared;
                    // SAFETY: checked by the model.
                    cells[index].0.with_mut(|cell| unsafe { *cell = 1 });
                    let led = block_on(barrier.wait()).is_leader();
                    // SAFETY: checked by the model.
                    cells[1 - index].0.with(|cell| assert_eq!(unsafe { *cell }, 1));
                    usize::from(led) + usize::from(block_on(barrier.wait()).is_leader())
                })
            })
            .collect();
        let led: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(led, 2);
    });
}

/// One gives up while two others come: they make the round, or wait for a third, and the next round misses nobody.
#[test]
fn who_gives_up_is_counted_in_no_other_round() {
    model(3, || {
        let barrier = Arc::new(Barrier::new(2));
        let other = thread::spawn({
            let barrier = barrier.clone();
            move || {
                let mut wait = Box::pin(async move { barrier.wait().await.is_leader() });
                let done = poll_idle(&mut wait).is_ready();
                (wait, done)
            }
        });
        let mut gives_up = Box::pin(barrier.wait());
        let led = poll_idle(&mut gives_up).is_ready();
        drop(gives_up);
        let (mut wait, done) = other.join().unwrap();
        // Whoever waits now does so alone: so one more makes the round.
        let waits = !done && poll_idle(&mut wait).is_pending();
        assert!(!led || !waits, "who led let the other go");
        let mut next = Box::pin(barrier.wait());
        assert_eq!(poll_idle(&mut next).is_ready(), waits);
    });
}

/// Two wait in one round and the third ends it, while another of the next comes and gives up.
#[test]
fn three_come_and_go() {
    model(1, || {
        let barrier = Arc::new(Barrier::new(2));
        let others: Vec<_> = (0..2)
            .map(|_| {
                let barrier = barrier.clone();
                thread::spawn(move || {
                    let mut wait = Box::pin(barrier.wait());
                    let done = poll_idle(&mut wait).is_ready();
                    done || poll_idle(&mut wait).is_ready()
                })
            })
            .collect();
        let mut wait = Box::pin(barrier.wait());
        _ = poll_idle(&mut wait).is_ready() || poll_idle(&mut wait).is_ready();
        drop(wait);
        others.into_iter().for_each(|other| _ = other.join().unwrap());
        // All have gone: two make a round again, and not one.
        let mut one = Box::pin(barrier.wait());
        assert!(poll_idle(&mut one).is_pending());
        assert!(poll_idle(&mut Box::pin(barrier.wait())).is_ready());
        assert!(poll_idle(&mut one).is_ready());
    });
}
