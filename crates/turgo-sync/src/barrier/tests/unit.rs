//! What one thread can see.

use std::task::Poll;

use crate::access::{Access, Local, Shared};
use crate::barrier::Barrier;
use crate::tests::probe::{Wakes, each_access, poll, poll_idle};

each_access!(
    the_last_to_come_leads_and_lets_the_others_go,
    who_gives_up_has_not_come,
    who_gives_up_after_the_round_is_missed_by_nobody,
    zero_is_as_good_as_one,
);

fn leads(answer: Poll<crate::BarrierWaitResult>) -> Option<bool> {
    match answer {
        Poll::Ready(result) => Some(result.is_leader()),
        Poll::Pending => None,
    }
}

fn the_last_to_come_leads_and_lets_the_others_go<A: Access>() {
    let barrier = Barrier::<A>::new(3);
    for _round in 0..3 {
        let (wakes, waker) = Wakes::new();
        let (mut one, mut other) = (Box::pin(barrier.wait()), Box::pin(barrier.wait()));
        assert_eq!(leads(poll(&mut one, &waker)), None);
        assert_eq!(leads(poll(&mut other, &waker)), None);
        assert_eq!(leads(poll(&mut other, &waker)), None, "polls do not count");
        assert_eq!(leads(poll_idle(&mut Box::pin(barrier.wait()))), Some(true));
        assert_eq!(wakes.count(), 2);
        assert_eq!(leads(poll_idle(&mut other)), Some(false));
        assert_eq!(leads(poll_idle(&mut one)), Some(false));
    }
}

fn who_gives_up_has_not_come<A: Access>() {
    let barrier = Barrier::<A>::new(2);
    let mut gives_up = Box::pin(barrier.wait());
    assert_eq!(leads(poll_idle(&mut gives_up)), None);
    drop(gives_up);
    let mut comes = Box::pin(barrier.wait());
    assert_eq!(leads(poll_idle(&mut comes)), None, "it is alone");
    assert_eq!(leads(poll_idle(&mut Box::pin(barrier.wait()))), Some(true));
    assert_eq!(leads(poll_idle(&mut comes)), Some(false));
}

fn who_gives_up_after_the_round_is_missed_by_nobody<A: Access>() {
    let barrier = Barrier::<A>::new(2);
    let mut first = Box::pin(barrier.wait());
    assert_eq!(leads(poll_idle(&mut first)), None);
    assert_eq!(leads(poll_idle(&mut Box::pin(barrier.wait()))), Some(true));
    let mut next = Box::pin(barrier.wait());
    assert_eq!(leads(poll_idle(&mut next)), None);
    drop(first);
    assert_eq!(leads(poll_idle(&mut Box::pin(barrier.wait()))), Some(true), "of the next round");
    assert_eq!(leads(poll_idle(&mut next)), Some(false));
}

fn zero_is_as_good_as_one<A: Access>() {
    for n in 0..2 {
        let barrier = Barrier::<A>::new(n);
        assert_eq!(leads(poll_idle(&mut Box::pin(barrier.wait()))), Some(true));
        assert_eq!(leads(poll_idle(&mut Box::pin(barrier.wait()))), Some(true));
    }
}

#[test]
#[should_panic(expected = "may not have more")]
fn more_than_can_be_counted_are_refused() {
    drop(crate::Barrier::new(1 << 30));
}

/// Rounds of threads: in each one leads, and nobody is in two at once.
#[test]
fn threads_go_through_rounds_together() {
    use turgo_machine::atomic::{AtomicUsize, Ordering::Relaxed};

    static BARRIER: crate::Barrier = crate::Barrier::const_new(4);
    static CAME: AtomicUsize = AtomicUsize::new(0);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            turgo_machine::thread::spawn(|| {
                let mut led = 0;
                for round in 1..=200 {
                    CAME.fetch_add(1, Relaxed);
                    led += usize::from(BARRIER.blocking_wait().is_leader());
                    assert!(CAME.load(Relaxed) >= round * 4, "all of the round have come");
                }
                led
            })
        })
        .collect();
    let led: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(led, 200);
}
