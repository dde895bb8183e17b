//! What one thread can see.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use crate::access::{Access, Local, Shared};
use crate::semaphore::{Semaphore, SemaphorePermit, TryAcquireError};
use crate::tests::probe::{Wakes, poll, poll_idle};
use crate::{AcquireError, Barging, Fairness, Fifo};

type Wait<'a, F, A> =
    Pin<Box<dyn Future<Output = Result<SemaphorePermit<'a, F, A>, AcquireError>> + 'a>>;

fn wait<F: Fairness, A: Access>(semaphore: &Semaphore<F, A>, n: u32) -> Wait<'_, F, A> {
    Box::pin(semaphore.acquire_many(n))
}

/// Runs a test with each order and each access.
macro_rules! each {
    ($($name:ident),* $(,)?) => { $(
        mod $name {
            use super::*;

            #[test]
            fn fifo() {
                super::$name::<Fifo, Shared>();
            }

            #[test]
            fn barging() {
                super::$name::<Barging<2>, Shared>();
            }

            #[test]
            fn local_fifo() {
                super::$name::<Fifo, Local>();
            }

            #[test]
            fn local_barging() {
                super::$name::<Barging<2>, Local>();
            }
        }
    )* };
}

each!(
    permits_are_counted,
    a_wait_is_served_and_woken_once,
    a_wait_that_is_dropped_is_skipped,
    what_was_given_to_a_dropped_wait_goes_to_the_next,
    a_part_that_was_assigned_goes_back,
    closing_tells_everybody,
    many_are_served_by_one_release,
    spurious_polls_leave_nothing,
    the_last_waker_is_woken,
    a_waker_may_use_the_semaphore,
    a_waker_that_panics_harms_nobody_else,
    zero_permits_are_always_there,
    a_big_wish_is_served_in_time,
    overtaking_is_bounded,
    a_wait_is_over_when_it_is_ready,
);

fn permits_are_counted<F: Fairness, A: Access>() {
    let semaphore = Semaphore::<F, A>::with_fairness(3);
    let mut two = semaphore.try_acquire_many(2).unwrap();
    assert_eq!((semaphore.available_permits(), semaphore.in_use()), (1, 2));
    assert_eq!(semaphore.try_acquire_many(2).unwrap_err(), TryAcquireError::NoPermits);
    let one = two.split(1).unwrap();
    assert!(two.split(2).is_none());
    two.merge(one);
    assert_eq!(two.num_permits(), 2);
    two.forget();
    assert_eq!((semaphore.available_permits(), semaphore.max_permits()), (1, 1));
    semaphore.add_permits(4);
    assert_eq!((semaphore.max_permits(), semaphore.in_use()), (5, 0));
    assert_eq!(semaphore.reduce_permits(7), 5);
    assert_eq!((semaphore.max_permits(), semaphore.available_permits()), (0, 0));
}

fn a_wait_is_served_and_woken_once<F: Fairness, A: Access>() {
    let semaphore = Semaphore::<F, A>::with_fairness(1);
    let held = semaphore.try_acquire().unwrap();
    let (wakes, waker) = Wakes::new();
    let mut waits = wait(&semaphore, 1);
    assert!(poll(&mut waits, &waker).is_pending());
    assert_eq!(wakes.count(), 0);
    drop(held);
    assert_eq!(wakes.count(), 1);
    assert!(poll(&mut waits, &waker).is_ready());
    assert_eq!(Arc::strong_count(&wakes), 2, "no waker is left");
    assert_eq!(semaphore.available_permits(), 1);
}

/// The fifth defect: a waker in a queue whose future is gone.
fn a_wait_that_is_dropped_is_skipped<F: Fairness, A: Access>() {
    let semaphore = Semaphore::<F, A>::with_fairness(1);
    let held = semaphore.try_acquire().unwrap();
    let (first, waker) = Wakes::new();
    let (second, other) = Wakes::new();
    let (mut gives_up, mut waits) = (wait(&semaphore, 1), wait(&semaphore, 1));
    assert!(poll(&mut gives_up, &waker).is_pending());
    assert!(poll(&mut waits, &other).is_pending());
    drop(gives_up);
    assert_eq!(Arc::strong_count(&first), 2, "its waker is gone with it");
    drop(held);
    assert_eq!((first.count(), second.count()), (0, 1));
    assert!(poll(&mut waits, &other).is_ready());
}

/// The sixth and seventh defect: a wait that was served and is dropped passes it on, to the one behind it.
fn what_was_given_to_a_dropped_wait_goes_to_the_next<F: Fairness, A: Access>() {
    let semaphore = Semaphore::<F, A>::with_fairness(1);
    let held = semaphore.try_acquire().unwrap();
    let (wakes, waker) = Wakes::new();
    let mut gives_up = wait(&semaphore, 1);
    let mut waits = wait(&semaphore, 1);
    assert!(poll_idle(&mut gives_up).is_pending());
    assert!(poll(&mut waits, &waker).is_pending());
    drop(held);
    assert_eq!(wakes.count(), 0);
    drop(gives_up);
    assert_eq!(wakes.count(), 1);
    assert!(poll(&mut waits, &waker).is_ready());
    assert_eq!(semaphore.available_permits(), 1);
    assert!(!semaphore.permits.has_waiters());
}

fn a_part_that_was_assigned_goes_back<F: Fairness, A: Access>() {
    let semaphore = Semaphore::<F, A>::with_fairness(2);
    let mut big = wait(&semaphore, 5);
    assert!(poll_idle(&mut big).is_pending());
    let mut small = wait(&semaphore, 1);
    let waits = poll_idle(&mut small).is_pending();
    assert_eq!(waits, F::OVERTAKES_MAX.is_none(), "in order nobody passes");
    drop(big);
    assert!(!waits || poll_idle(&mut small).is_ready());
    drop(small);
    assert_eq!(semaphore.available_permits(), 2);
}

fn closing_tells_everybody<F: Fairness, A: Access>() {
    let semaphore = Semaphore::<F, A>::with_fairness(1);
    let held = semaphore.try_acquire().unwrap();
    let (wakes, waker) = Wakes::new();
    let mut waits: Vec<_> = (1..101).map(|n| wait(&semaphore, n)).collect();
    for one in &mut waits {
        assert!(poll(one, &waker).is_pending());
    }
    semaphore.close();
    semaphore.close();
    assert_eq!(wakes.count(), 100);
    for one in &mut waits {
        assert!(matches!(poll(one, &waker), std::task::Poll::Ready(Err(_))));
    }
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::Closed);
    drop(held);
    assert_eq!(semaphore.available_permits(), 1);
}

/// More than are collected at once.
fn many_are_served_by_one_release<F: Fairness, A: Access>() {
    let semaphore = Semaphore::<F, A>::with_fairness(0);
    let (wakes, waker) = Wakes::new();
    let mut waits: Vec<_> = (0..100).map(|_| wait(&semaphore, 1)).collect();
    for one in &mut waits {
        assert!(poll(one, &waker).is_pending());
    }
    semaphore.add_permits(101);
    for one in &mut waits {
        let std::task::Poll::Ready(permit) = poll(one, &waker) else { panic!("was served") };
        permit.unwrap().forget();
    }
    assert_eq!(wakes.count(), 100);
    assert_eq!(semaphore.available_permits(), 1);
}

/// The ninth defect: each poll left a waker behind.
fn spurious_polls_leave_nothing<F: Fairness, A: Access>() {
    let semaphore = Semaphore::<F, A>::with_fairness(1);
    let held = semaphore.try_acquire().unwrap();
    let (wakes, waker) = Wakes::new();
    let mut waits = wait(&semaphore, 1);
    for _ in 0..10_000 {
        assert!(poll(&mut waits, &waker).is_pending());
    }
    assert_eq!(Arc::strong_count(&wakes), 3, "one is queued");
    drop(held);
    assert_eq!(wakes.count(), 1);
    drop(waits);
    assert_eq!(Arc::strong_count(&wakes), 2);
    assert_eq!(semaphore.available_permits(), 1);
}

fn the_last_waker_is_woken<F: Fairness, A: Access>() {
    let semaphore = Semaphore::<F, A>::with_fairness(1);
    let held = semaphore.try_acquire().unwrap();
    let mut waits = wait(&semaphore, 1);
    let all: Vec<_> = (0..3).map(|_| Wakes::new()).collect();
    for (_, waker) in &all {
        assert!(poll(&mut waits, waker).is_pending());
    }
    drop(held);
    assert_eq!(all.iter().map(|(wakes, _)| wakes.count()).collect::<Vec<_>>(), [0, 0, 1]);
}

/// Calls back into whatever the test says. A waker must be `Send`; what is called here stays on its thread all the same.
struct Calls(Mutex<Box<dyn FnMut()>>);

// SAFETY: the tests that use it have one thread.
unsafe impl Send for Calls {}
// SAFETY: as above.
unsafe impl Sync for Calls {}

impl Calls {
    fn waker(f: impl FnMut() + 'static) -> Waker {
        Waker::from(Arc::new(Self(Mutex::new(Box::new(f)))))
    }
}

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.0.lock().unwrap()();
    }
}

fn a_waker_may_use_the_semaphore<F: Fairness, A: Access>() {
    let semaphore = Rc::new(Semaphore::<F, A>::with_fairness(1));
    let held = semaphore.try_acquire().unwrap();
    let other: Rc<RefCell<Option<Wait<'static, F, A>>>> = Rc::default();
    let waker = Calls::waker({
        let (semaphore, other) = (semaphore.clone(), other.clone());
        move || {
            assert!(!semaphore.permits.is_held(), "woken after the list was let go");
            // Withdraws somebody who is queued.
            drop(other.borrow_mut().take());
            drop(semaphore.try_acquire());
        }
    });
    let mut waits = wait(&semaphore, 1);
    assert!(poll(&mut waits, &waker).is_pending());
    // SAFETY: the semaphore outlives the wait, which the waker drops or the end of this function.
    let forever: &'static Semaphore<F, A> = unsafe { &*Rc::as_ptr(&semaphore) };
    let mut second = wait(forever, 1);
    assert!(poll_idle(&mut second).is_pending());
    *other.borrow_mut() = Some(second);
    drop(held);
    assert!(other.borrow().is_none());
    assert!(poll_idle(&mut waits).is_ready());
    assert_eq!(semaphore.available_permits(), 1);
    assert!(!semaphore.permits.has_waiters());
}

fn a_waker_that_panics_harms_nobody_else<F: Fairness, A: Access>() {
    let semaphore = Semaphore::<F, A>::with_fairness(0);
    let panics = Calls::waker(|| panic!("a waker panics"));
    let (wakes, waker) = Wakes::new();
    let mut waits: Vec<_> = (0..80).map(|_| wait(&semaphore, 1)).collect();
    for (index, one) in waits.iter_mut().enumerate() {
        assert!(poll(one, if index == 3 { &panics } else { &waker }).is_pending());
    }
    let mut panicked =
        usize::from(catch_unwind(AssertUnwindSafe(|| semaphore.add_permits(80))).is_err());
    for one in &mut waits {
        // With barging each one who takes tells the next, so the panic comes out of a poll. That wait is over, and its permit goes back.
        match catch_unwind(AssertUnwindSafe(|| poll(one, &waker))) {
            Ok(answer) => assert!(answer.is_ready()),
            Err(_) => panicked += 1,
        }
    }
    assert_eq!(panicked, 1);
    assert_eq!(wakes.count(), 79);
    drop(waits);
    assert_eq!(semaphore.available_permits(), 80);
    assert!(!semaphore.permits.has_waiters());
}

fn zero_permits_are_always_there<F: Fairness, A: Access>() {
    let semaphore = Semaphore::<F, A>::with_fairness(0);
    let mut waits = wait(&semaphore, 1);
    assert!(poll_idle(&mut waits).is_pending());
    assert!(semaphore.try_acquire_many(0).is_ok());
    assert!(poll_idle(&mut wait(&semaphore, 0)).is_ready());
    semaphore.close();
    assert!(semaphore.try_acquire_many(0).is_err());
}

/// A wish for all permits, while others come and go.
fn a_big_wish_is_served_in_time<F: Fairness, A: Access>() {
    let semaphore = Semaphore::<F, A>::with_fairness(3);
    let mut held: Vec<_> = (0..3).map(|_| semaphore.try_acquire().unwrap()).collect();
    let mut big = wait(&semaphore, 3);
    assert!(poll_idle(&mut big).is_pending());
    let mut overtakes = 0;
    while poll_idle(&mut big).is_pending() {
        held.pop();
        if let Ok(permit) = semaphore.try_acquire() {
            overtakes += 1;
            held.push(permit);
        }
        assert!(overtakes < 10);
    }
    assert_eq!(overtakes, F::OVERTAKES_MAX.unwrap_or(0));
}

/// The tenth defect: a waiter was overtaken a thousand times out of a thousand.
fn overtaking_is_bounded<F: Fairness, A: Access>() {
    let semaphore = Semaphore::<F, A>::with_fairness(1);
    let held = semaphore.try_acquire().unwrap();
    let mut waits: Vec<_> = (0..3).map(|_| wait(&semaphore, 1)).collect();
    for one in &mut waits {
        assert!(poll_idle(one).is_pending());
    }
    drop(held);
    for place in 1..=3 {
        let overtakes = (0..1000).filter(|_| semaphore.try_acquire().is_ok()).count() as u64;
        assert_eq!(overtakes, F::OVERTAKES_MAX.unwrap_or(0), "before place {place}");
        assert!(poll_idle(&mut waits[place - 1]).is_ready(), "place {place} is served");
    }
    assert!(semaphore.try_acquire().is_ok());
}

fn a_wait_is_over_when_it_is_ready<F: Fairness, A: Access>() {
    let semaphore = Semaphore::<F, A>::with_fairness(1);
    let mut take = Box::pin(semaphore.permits.take(1));
    assert!(poll_idle(&mut take).is_ready());
    assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut take))).is_err());
    drop(take);
    assert_eq!(semaphore.available_permits(), 0);
}

#[test]
fn nobody_passes_a_wish_that_is_served_in_part() {
    let semaphore = Semaphore::<Fifo, Shared>::new(3);
    let one = semaphore.try_acquire().unwrap();
    let mut big = wait(&semaphore, 3);
    assert!(poll_idle(&mut big).is_pending());
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
    assert_eq!(semaphore.available_permits(), 0, "two are set aside");
    drop(one);
    assert!(poll_idle(&mut big).is_ready());
}

#[test]
#[should_panic(expected = "would overflow MAX_PERMITS")]
fn more_permits_than_can_be_counted_are_refused() {
    let semaphore = Semaphore::<Fifo, Shared>::new(Semaphore::<Fifo, Shared>::MAX_PERMITS);
    semaphore.add_permits(1);
}

#[test]
#[should_panic(expected = "merging permits from different semaphore instances")]
fn permits_of_two_semaphores_do_not_merge() {
    let (one, other) = (Semaphore::<Fifo, Shared>::new(1), Semaphore::<Fifo, Shared>::new(1));
    let mut permit = one.try_acquire().unwrap();
    permit.merge(other.try_acquire().unwrap());
}

#[cfg(target_pointer_width = "64")]
#[test]
fn more_permits_than_are_asked_for_at_once_merge() {
    let semaphore = Semaphore::<Fifo, Shared>::new(6_000_000_000);
    let mut one = semaphore.try_acquire_many(3_000_000_000).unwrap();
    one.merge(semaphore.try_acquire_many(3_000_000_000).unwrap());
    assert_eq!((one.num_permits(), semaphore.available_permits()), (6_000_000_000, 0));
    drop(one.split(5_000_000_000));
    drop(one);
    assert_eq!(semaphore.available_permits(), 6_000_000_000);
}

#[test]
fn owned_permits_share_their_semaphore() {
    let shared = Arc::new(Semaphore::<Fifo, Shared>::new(2));
    let mut owned = shared.clone().try_acquire_many_owned(2).unwrap();
    let half = owned.split(1).unwrap();
    assert!(Arc::ptr_eq(half.semaphore(), &shared));
    drop((owned, half));
    assert_eq!(shared.available_permits(), 2);
    let local = Rc::new(Semaphore::<Fifo, Local>::new(1));
    let owned = local.clone().try_acquire_owned().unwrap();
    assert!(local.try_acquire().is_err());
    drop(owned);
    assert_eq!(local.available_permits(), 1);
}
