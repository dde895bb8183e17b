//! What one thread can see, and threads that block.

use std::future::{pending, ready};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::access::{Access, Local, Shared};
use crate::condvar::Condvar;
use crate::mutex::Mutex;
use crate::tests::probe::{Wakes, each_access, poll, poll_idle};

each_access!(
    who_waits_unlocks_and_locks_again,
    one_is_notified_in_the_order_of_coming,
    all_are_notified,
    a_wait_dropped_before_it_locks_again_passes_on,
    a_timer_ends_a_wait,
    who_is_notified_as_the_timer_ends_passes_nothing_on_twice,
);

fn who_waits_unlocks_and_locks_again<A: Access>() {
    let (mutex, condvar) = (Mutex::<_, _, A>::new(0), Condvar::<A>::new());
    let guard = mutex.try_lock().unwrap();
    let mut waits = Box::pin(condvar.wait_while(guard, |value| *value < 2));
    assert!(mutex.try_lock().is_err(), "the future has the guard");
    for round in 1..=2 {
        assert!(poll_idle(&mut waits).is_pending());
        *mutex.try_lock().unwrap() = round;
        condvar.notify_one();
    }
    let Poll::Ready(guard) = poll_idle(&mut waits) else { panic!("the condition is false") };
    assert_eq!(*guard, 2);
    assert!(mutex.try_lock().is_err());
}

fn one_is_notified_in_the_order_of_coming<A: Access>() {
    let (mutex, condvar) = (Mutex::<_, _, A>::new(()), Condvar::<A>::new());
    condvar.notify_one();
    let mut first = Box::pin(condvar.wait(mutex.try_lock().unwrap()));
    assert!(poll_idle(&mut first).is_pending(), "nothing is kept");
    let mut second = Box::pin(condvar.wait(mutex.try_lock().unwrap()));
    let (wakes, waker) = Wakes::new();
    assert!(poll(&mut second, &waker).is_pending());
    condvar.notify_one();
    assert!(poll(&mut second, &waker).is_pending());
    assert_eq!(wakes.count(), 0);
    assert!(poll_idle(&mut first).is_ready());
}

fn all_are_notified<A: Access>() {
    let (mutex, condvar) = (Mutex::<_, _, A>::new(()), Condvar::<A>::new());
    let mut waits: Vec<_> = (0..50)
        .map(|_| {
            let mut wait = Box::pin(condvar.wait(mutex.try_lock().unwrap()));
            assert!(poll_idle(&mut wait).is_pending());
            wait
        })
        .collect();
    condvar.notify_all();
    waits.iter_mut().for_each(|wait| assert!(poll_idle(wait).is_ready()));
}

fn a_wait_dropped_before_it_locks_again_passes_on<A: Access>() {
    let (mutex, condvar) = (Mutex::<_, _, A>::new(()), Condvar::<A>::new());
    for locks in [false, true] {
        let mut waits: Vec<_> = (0..2)
            .map(|_| {
                let mut wait = Box::pin(condvar.wait(mutex.try_lock().unwrap()));
                assert!(poll_idle(&mut wait).is_pending());
                wait
            })
            .collect();
        let held = mutex.try_lock().unwrap();
        condvar.notify_one();
        if locks {
            assert!(poll_idle(&mut waits[0]).is_pending(), "it waits for the mutex");
        }
        drop(waits.remove(0));
        drop(held);
        assert!(poll_idle(&mut waits[0]).is_ready(), "the next was notified");
    }
}

fn a_timer_ends_a_wait<A: Access>() {
    let (mutex, condvar) = (Mutex::<_, _, A>::new(0), Condvar::<A>::new());
    let mut waits = Box::pin(condvar.wait_until(mutex.try_lock().unwrap(), ready(())));
    let Poll::Ready((guard, result)) = poll_idle(&mut waits) else { panic!("the timer ended") };
    assert!(result.timed_out());
    drop((guard, waits));
    let mut waits = Box::pin(condvar.wait_while_until(
        mutex.try_lock().unwrap(),
        |value| *value == 0,
        pending(),
    ));
    assert!(poll_idle(&mut waits).is_pending());
    *mutex.try_lock().unwrap() = 1;
    condvar.notify_all();
    let Poll::Ready((guard, result)) = poll_idle(&mut waits) else { panic!("it is 1") };
    assert_eq!((*guard, result.timed_out()), (1, false));
    drop((guard, waits));
    let still = condvar.wait_while_until(mutex.try_lock().unwrap(), |_| true, ready(()));
    let Poll::Ready((_, result)) = poll_idle(&mut Box::pin(still)) else { panic!("it ended") };
    assert!(result.timed_out());
}

fn who_is_notified_as_the_timer_ends_passes_nothing_on_twice<A: Access>() {
    let (mutex, condvar) = (Mutex::<_, _, A>::new(()), Condvar::<A>::new());
    let event = crate::event::Event::<A>::new();
    let mut first = Box::pin(condvar.wait_until(mutex.try_lock().unwrap(), event.wait()));
    assert!(poll_idle(&mut first).is_pending());
    let mut second = Box::pin(condvar.wait(mutex.try_lock().unwrap()));
    assert!(poll_idle(&mut second).is_pending());
    condvar.notify_one();
    event.set();
    let Poll::Ready((guard, result)) = poll_idle(&mut first) else { panic!("it was notified") };
    assert!(!result.timed_out());
    drop((guard, first));
    assert!(poll_idle(&mut second).is_pending());
}

/// A queue of items between threads that block.
#[test]
fn threads_pass_items() {
    let shared = Arc::new((crate::Mutex::new(Vec::new()), crate::Condvar::new()));
    let takes: Vec<_> = (0..2)
        .map(|_| {
            let shared = shared.clone();
            turgo_machine::thread::spawn(move || {
                let (mutex, condvar) = &*shared;
                (0..200_u64)
                    .map(|_| {
                        let guard = mutex.blocking_lock();
                        condvar.blocking_wait_while(guard, |items| items.is_empty()).pop().unwrap()
                    })
                    .sum::<u64>()
            })
        })
        .collect();
    for item in 0..400_u64 {
        shared.0.blocking_lock().push(item);
        shared.1.notify_one();
    }
    let sum: u64 = takes.into_iter().map(|take| take.join().unwrap()).sum();
    assert_eq!(sum, 399 * 400 / 2);
}

#[test]
fn a_thread_waits_no_longer_than_it_may() {
    let (mutex, condvar) = (crate::Mutex::new(0), crate::Condvar::new());
    let brief = Duration::from_millis(5);
    let guard = mutex.blocking_lock();
    let (guard, result) = condvar.blocking_wait_timeout(guard, brief);
    assert!(result.timed_out());
    let (guard, result) = condvar.blocking_wait_timeout_while(guard, brief, |value| *value == 0);
    assert!(result.timed_out());
    let (guard, result) = condvar.blocking_wait_timeout_while(guard, brief, |value| *value != 0);
    assert!(!result.timed_out());
    drop(guard);
    assert!(mutex.try_lock().is_ok());
}
