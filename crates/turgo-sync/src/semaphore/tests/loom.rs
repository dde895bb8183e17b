//! Models of two and three threads, under both orders.
//!
//! Only threads that are started wait: a late unpark of one that joins another confuses loom.

use std::sync::Arc;
use std::task::Poll;

use turgo_machine::cell::UnsafeCell;
use turgo_machine::thread;

use crate::access::Shared;
use crate::block::block_on;
use crate::semaphore::Semaphore;
use crate::tests::probe::{Wakes, model, poll, poll_idle};
use crate::{Barging, Fairness, Fifo};

fn semaphore<F: Fairness>(permits: usize) -> Arc<Semaphore<F, Shared>> {
    Arc::new(Semaphore::with_fairness(permits))
}

/// Nobody is left behind, and so many permits are there.
fn settled<F: Fairness>(semaphore: &Semaphore<F, Shared>, permits: usize) {
    assert_eq!(semaphore.available_permits(), permits);
    assert!(!semaphore.permits.has_waiters());
    assert!(!semaphore.permits.is_held());
}

/// A cell that only the holder of a permit touches.
struct Guarded<F: Fairness> {
    semaphore: Semaphore<F, Shared>,
    cell: UnsafeCell<usize>,
}

// SAFETY: the models check it.
unsafe impl<F: Fairness> Sync for Guarded<F> {}
// SAFETY: the models check it.
unsafe impl<F: Fairness> Send for Guarded<F> {}

impl<F: Fairness> Guarded<F> {
    fn add(&self) {
        let permit = block_on(self.semaphore.acquire()).unwrap();
        // SAFETY: checked by the model.
        self.cell.with_mut(|cell| unsafe { *cell += 1 });
        drop(permit);
    }
}

fn excludes<F: Fairness>(threads: usize, preemptions: usize) {
    model(preemptions, move || {
        let guarded = Arc::new(Guarded::<F> {
            semaphore: Semaphore::with_fairness(1),
            cell: UnsafeCell::new(0),
        });
        let others: Vec<_> = (0..threads)
            .map(|_| {
                let guarded = guarded.clone();
                thread::spawn(move || guarded.add())
            })
            .collect();
        others.into_iter().for_each(|other| other.join().unwrap());
        // SAFETY: all have been joined.
        assert_eq!(guarded.cell.with(|cell| unsafe { *cell }), threads);
        settled(&guarded.semaphore, 1);
    });
}

#[test]
fn one_permit_excludes_in_order() {
    excludes::<Fifo>(2, 3);
}

#[test]
fn one_permit_excludes_with_barging() {
    excludes::<Barging<1>>(2, 3);
}

#[test]
fn one_permit_excludes_three_in_order() {
    excludes::<Fifo>(3, 1);
}

#[test]
fn one_permit_excludes_three_with_barging() {
    excludes::<Barging<1>>(3, 1);
}

fn polling_finds_what_was_given<F: Fairness>() {
    model(2, || {
        let guarded = Arc::new(Guarded::<F> {
            semaphore: Semaphore::with_fairness(0),
            cell: UnsafeCell::new(0),
        });
        let polls = thread::spawn({
            let guarded = guarded.clone();
            move || {
                let mut wait = Box::pin(guarded.semaphore.acquire());
                // The second time nobody has woken it, and nothing but the node says what became of it.
                let permit = (0..2).find_map(|_| match poll_idle(&mut wait) {
                    Poll::Ready(permit) => Some(permit.unwrap()),
                    Poll::Pending => None,
                });
                if permit.is_some() {
                    // SAFETY: checked by the model.
                    guarded.cell.with_mut(|cell| unsafe { *cell += 1 });
                }
            }
        });
        // SAFETY: checked by the model: nobody has a permit before the next line.
        guarded.cell.with_mut(|cell| unsafe { *cell += 1 });
        guarded.semaphore.add_permits(1);
        polls.join().unwrap();
        settled(&guarded.semaphore, 1);
    });
}

#[test]
fn who_polls_unasked_comes_after_who_gave_in_order() {
    polling_finds_what_was_given::<Fifo>();
}

#[test]
fn who_polls_unasked_comes_after_who_gave_with_barging() {
    polling_finds_what_was_given::<Barging<1>>();
}

fn queueing_meets_a_release<F: Fairness>() {
    model(3, || {
        let semaphore = semaphore::<F>(0);
        let waits = thread::spawn({
            let semaphore = semaphore.clone();
            move || block_on(semaphore.acquire()).unwrap().forget()
        });
        semaphore.add_permits(1);
        waits.join().unwrap();
        settled(&semaphore, 0);
    });
}

#[test]
fn a_release_while_somebody_queues_is_seen_in_order() {
    queueing_meets_a_release::<Fifo>();
}

#[test]
fn a_release_while_somebody_queues_is_seen_with_barging() {
    queueing_meets_a_release::<Barging<1>>();
}

fn cancel_meets_a_release<F: Fairness>() {
    model(3, || {
        let semaphore = semaphore::<F>(0);
        let giver = thread::spawn({
            let semaphore = semaphore.clone();
            move || semaphore.add_permits(1)
        });
        let mut wait = Box::pin(semaphore.acquire());
        _ = poll_idle(&mut wait);
        drop(wait);
        giver.join().unwrap();
        settled(&semaphore, 1);
    });
}

#[test]
fn a_wait_given_up_while_it_is_served_gives_back_in_order() {
    cancel_meets_a_release::<Fifo>();
}

#[test]
fn a_wait_given_up_while_it_is_served_gives_back_with_barging() {
    cancel_meets_a_release::<Barging<1>>();
}

fn cancel_passes_on<F: Fairness>() {
    model(2, || {
        let semaphore = semaphore::<F>(0);
        let mut gives_up = Box::pin(semaphore.acquire());
        assert!(poll_idle(&mut gives_up).is_pending());
        let waits = thread::spawn({
            let semaphore = semaphore.clone();
            move || block_on(semaphore.acquire()).unwrap().forget()
        });
        let giver = thread::spawn({
            let semaphore = semaphore.clone();
            move || semaphore.add_permits(1)
        });
        drop(gives_up);
        giver.join().unwrap();
        waits.join().unwrap();
        settled(&semaphore, 0);
    });
}

#[test]
fn what_was_granted_and_given_up_goes_to_the_next() {
    cancel_passes_on::<Fifo>();
}

#[test]
fn who_was_told_and_gave_up_passes_it_on() {
    cancel_passes_on::<Barging<1>>();
}

fn two_wait_and_two_come<F: Fairness>(preemptions: usize) {
    model(preemptions, || {
        let semaphore = semaphore::<F>(0);
        let others: Vec<_> = (0..2)
            .map(|_| {
                let semaphore = semaphore.clone();
                thread::spawn(move || block_on(semaphore.acquire()).unwrap().forget())
            })
            .collect();
        semaphore.add_permits(1);
        semaphore.add_permits(1);
        others.into_iter().for_each(|other| other.join().unwrap());
        settled(&semaphore, 0);
    });
}

#[test]
fn the_inbox_is_seen_by_who_holds_the_list_in_order() {
    two_wait_and_two_come::<Fifo>(1);
}

#[test]
fn the_inbox_is_seen_by_who_holds_the_list_with_barging() {
    two_wait_and_two_come::<Barging<1>>(1);
}

fn close_meets_queueing<F: Fairness>() {
    model(2, || {
        let semaphore = semaphore::<F>(0);
        let waits = thread::spawn({
            let semaphore = semaphore.clone();
            move || block_on(semaphore.acquire()).map(drop).is_err()
        });
        let mut wait = Box::pin(semaphore.acquire());
        _ = poll_idle(&mut wait);
        semaphore.close();
        assert!(waits.join().unwrap());
        drop(wait);
        settled(&semaphore, 0);
    });
}

#[test]
fn who_queues_while_it_is_closed_is_told_in_order() {
    close_meets_queueing::<Fifo>();
}

#[test]
fn who_queues_while_it_is_closed_is_told_with_barging() {
    close_meets_queueing::<Barging<1>>();
}

#[test]
fn close_meets_one_who_was_told_to_try() {
    model(3, || {
        let semaphore = semaphore::<Barging<1>>(0);
        let mut wait = Box::pin(semaphore.clone().acquire_owned());
        assert!(poll_idle(&mut wait).is_pending());
        let waits = thread::spawn(move || drop(block_on(wait)));
        semaphore.add_permits(1);
        semaphore.close();
        waits.join().unwrap();
        settled(&semaphore, 1);
    });
}

#[test]
fn nobody_takes_what_a_waiter_is_due() {
    model(3, || {
        let semaphore = semaphore::<Fifo>(0);
        let mut wait = Box::pin(semaphore.acquire());
        assert!(poll_idle(&mut wait).is_pending());
        let thief = thread::spawn({
            let semaphore = semaphore.clone();
            move || assert!(semaphore.try_acquire().is_err())
        });
        semaphore.add_permits(1);
        let served = poll_idle(&mut wait);
        thief.join().unwrap();
        assert!(served.is_ready());
    });
}

/// Two nodes come to the inbox while it is emptied.
#[test]
fn a_node_that_comes_while_the_inbox_is_emptied_is_found() {
    model(3, || {
        let semaphore = semaphore::<Fifo>(0);
        let others = thread::spawn({
            let semaphore = semaphore.clone();
            move || {
                [(); 2].map(|()| {
                    let mut wait = Box::pin(semaphore.clone().acquire_owned());
                    assert!(poll_idle(&mut wait).is_pending());
                    wait
                })
            }
        });
        let mut wait = Box::pin(semaphore.acquire());
        assert!(poll_idle(&mut wait).is_pending());
        let others = others.join().unwrap();
        semaphore.add_permits(3);
        assert!(poll_idle(&mut wait).is_ready());
        others.into_iter().for_each(|mut other| assert!(poll_idle(&mut other).is_ready()));
    });
}

/// One who is told to try, and does so before those who told him are done.
#[test]
fn who_tries_early_leaves_no_trace() {
    model(3, || {
        let semaphore = semaphore::<Barging<1>>(0);
        let mut early = Box::pin(semaphore.clone().acquire_owned());
        assert!(poll_idle(&mut early).is_pending());
        let mut next = Box::pin(semaphore.acquire());
        assert!(poll_idle(&mut next).is_pending());
        let tries = thread::spawn(move || {
            let done = poll_idle(&mut early).is_ready();
            (early, done)
        });
        semaphore.add_permits(1);
        let (mut early, done) = tries.join().unwrap();
        assert!(done || poll_idle(&mut early).is_ready());
        assert!(poll_idle(&mut next).is_ready(), "the first has given it back");
    });
}

fn parts_of_a_wish<F: Fairness>() {
    model(2, || {
        let semaphore = semaphore::<F>(0);
        let mut gives_up = Box::pin(semaphore.acquire_many(2));
        assert!(poll_idle(&mut gives_up).is_pending());
        let giver = thread::spawn({
            let semaphore = semaphore.clone();
            move || semaphore.add_permits(1)
        });
        let waits = thread::spawn({
            let semaphore = semaphore.clone();
            move || block_on(semaphore.acquire()).unwrap().forget()
        });
        drop(gives_up);
        giver.join().unwrap();
        waits.join().unwrap();
        settled(&semaphore, 0);
    });
}

#[test]
fn the_part_of_one_who_gave_up_goes_to_the_next_in_order() {
    parts_of_a_wish::<Fifo>();
}

#[test]
fn the_part_of_one_who_gave_up_goes_to_the_next_with_barging() {
    parts_of_a_wish::<Barging<1>>();
}

fn another_waker<F: Fairness>() {
    model(3, || {
        let semaphore = semaphore::<F>(0);
        let mut wait = Box::pin(semaphore.clone().acquire_owned());
        let (_, first) = Wakes::new();
        assert!(poll(&mut wait, &first).is_pending());
        let waits = thread::spawn(move || block_on(wait).unwrap().forget());
        semaphore.add_permits(1);
        waits.join().unwrap();
        settled(&semaphore, 0);
    });
}

#[test]
fn the_waker_of_the_last_poll_is_woken_in_order() {
    another_waker::<Fifo>();
}

#[test]
fn the_waker_of_the_last_poll_is_woken_with_barging() {
    another_waker::<Barging<1>>();
}

/// Three waiters' places with a permit that others pass by: the one who is told finds nothing, goes back to the front, and is served in order.
#[test]
fn who_is_overtaken_goes_back_and_is_served() {
    model(2, || {
        let semaphore = semaphore::<Barging<1>>(1);
        let held = semaphore.try_acquire().unwrap();
        let waits = thread::spawn({
            let semaphore = semaphore.clone();
            move || drop(block_on(semaphore.acquire()).unwrap())
        });
        drop(held);
        for _ in 0..2 {
            drop(semaphore.try_acquire());
        }
        waits.join().unwrap();
        settled(&semaphore, 1);
    });
}
