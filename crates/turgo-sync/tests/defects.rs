//! Ten defects that were found in the crate whose place this one takes, as tests of every primitive that could have them. Those of one thread are
//! also tests of the crate's own modules.

#![cfg(not(any(loom, shuttle)))]

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use turgo_machine::thread;
use turgo_sync::{Barging, Event, Notify, Semaphore, WaiterQueue};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn wakes() -> (Arc<Wakes>, Waker) {
    let wakes = Arc::new(Wakes::default());
    (wakes.clone(), Waker::from(wakes))
}

fn poll<F: Future>(future: &mut Pin<Box<F>>, waker: &Waker) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(waker))
}

/// One parked waiter made the ring busy: 167,672 calls of the kernel in two seconds.
#[test]
fn defect_1_a_parked_waiter_busies_nobody() {
    let polls = compio::runtime::Runtime::new().unwrap().block_on(async {
        let semaphore = Arc::new(Semaphore::new(0));
        let polls = Arc::new(AtomicUsize::new(0));
        let waits = compio::runtime::spawn({
            let (semaphore, polls) = (semaphore.clone(), polls.clone());
            async move {
                let mut wait = pin!(semaphore.acquire());
                poll_fn(|context| {
                    polls.fetch_add(1, Relaxed);
                    wait.as_mut().poll(context).map(drop)
                })
                .await;
            }
        });
        compio::time::sleep(Duration::from_millis(300)).await;
        semaphore.add_permits(1);
        waits.await.unwrap();
        polls.load(Relaxed)
    });
    assert_eq!(polls, 2, "once to wait and once when it was served");
}

/// The fallback without the ring could wake nobody.
#[test]
fn defect_2_a_thread_without_a_runtime_is_woken_and_wakes() {
    let (there, back) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let plain = thread::spawn({
        let (there, back) = (there.clone(), back.clone());
        move || {
            there.blocking_acquire().unwrap().forget();
            back.add_permits(1);
        }
    });
    compio::runtime::Runtime::new().unwrap().block_on(async {
        compio::time::sleep(Duration::from_millis(5)).await;
        there.add_permits(1);
        back.acquire().await.unwrap().forget();
    });
    plain.join().unwrap();
}

/// What was waited for was read before the waiter was there, and not again.
#[test]
fn defect_3_a_change_between_looking_and_queueing_is_seen() {
    for round in 0..2000 {
        let shared = Arc::new((WaiterQueue::new(), AtomicBool::new(false)));
        let waits = thread::spawn({
            let shared = shared.clone();
            move || {
                let looks = || shared.1.load(Relaxed);
                // A runtime that is as simple as can be: the thread itself.
                let waker = Waker::from(Arc::new(Unpark(thread::current())));
                let mut wait = Box::pin(shared.0.add_waiter_if(looks));
                while poll(&mut wait, &waker).is_pending() {
                    thread::park();
                }
                shared.1.load(Relaxed)
            }
        });
        if round % 2 == 0 {
            thread::yield_now();
        }
        shared.1.store(true, Relaxed);
        shared.0.wake_one();
        assert!(waits.join().unwrap());
    }
}

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Each release started a task, and panicked outside of a runtime.
#[test]
fn defect_4_a_release_needs_no_runtime() {
    let semaphore = Semaphore::new(1);
    let mut wait = Box::pin(semaphore.acquire_many(1));
    let held = semaphore.try_acquire().unwrap();
    let (wakes, waker) = wakes();
    assert!(poll(&mut wait, &waker).is_pending());
    drop(held);
    assert_eq!(wakes.0.load(Relaxed), 1, "here and now");
}

/// A waiter that was dropped in the queue swallowed the wake of the next.
#[test]
fn defect_5_who_left_the_queue_swallows_no_wake() {
    let semaphore = Semaphore::new(1);
    let queue = WaiterQueue::new();
    let held = semaphore.try_acquire().unwrap();
    let (wakes, waker) = wakes();
    let mut gone = Box::pin(semaphore.acquire());
    let mut next = Box::pin(semaphore.acquire());
    let mut gone_there = Box::pin(queue.add_waiter_if(|| false));
    let mut next_there = Box::pin(queue.add_waiter_if(|| false));
    assert!(poll(&mut gone, Waker::noop()).is_pending());
    assert!(poll(&mut next, &waker).is_pending());
    assert!(poll(&mut gone_there, Waker::noop()).is_pending());
    assert!(poll(&mut next_there, &waker).is_pending());
    drop((gone, gone_there));
    drop(held);
    queue.wake_one();
    assert_eq!(wakes.0.load(Relaxed), 2);
    assert!(poll(&mut next, &waker).is_ready() && poll(&mut next_there, &waker).is_ready());
}

/// A waiter that was woken and dropped kept the wake.
#[test]
fn defect_6_who_was_woken_and_left_passes_it_on() {
    let (fifo, barging) = (Semaphore::new(0), Semaphore::<Barging>::with_fairness(0));
    let (queue, notify) = (WaiterQueue::new(), Notify::new());
    let (wakes, waker) = wakes();
    let mut gone = (
        Box::pin(fifo.acquire()),
        Box::pin(barging.acquire()),
        Box::pin(queue.add_waiter_if(|| false)),
        Box::pin(notify.notified()),
    );
    let mut next = (
        Box::pin(fifo.acquire()),
        Box::pin(barging.acquire()),
        Box::pin(queue.add_waiter_if(|| false)),
        Box::pin(notify.notified()),
    );
    assert!(poll(&mut gone.0, Waker::noop()).is_pending());
    assert!(poll(&mut gone.1, Waker::noop()).is_pending());
    assert!(poll(&mut gone.2, Waker::noop()).is_pending());
    assert!(poll(&mut gone.3, Waker::noop()).is_pending());
    assert!(poll(&mut next.0, &waker).is_pending());
    assert!(poll(&mut next.1, &waker).is_pending());
    assert!(poll(&mut next.2, &waker).is_pending());
    assert!(poll(&mut next.3, &waker).is_pending());
    fifo.add_permits(1);
    barging.add_permits(1);
    queue.wake_one();
    notify.notify_one();
    assert_eq!(wakes.0.load(Relaxed), 0);
    drop(gone);
    assert_eq!(wakes.0.load(Relaxed), 4);
}

/// A woken waiter that was dropped took the waker of one that came later with it.
#[test]
fn defect_7_who_was_woken_and_left_takes_nobody_with_him() {
    let queue = WaiterQueue::new();
    let mut woken = Box::pin(queue.add_waiter_if(|| false));
    assert!(poll(&mut woken, Waker::noop()).is_pending());
    queue.wake_all();
    let (wakes, waker) = wakes();
    let mut later = Box::pin(queue.add_waiter_if(|| false));
    assert!(poll(&mut later, &waker).is_pending());
    drop(woken);
    assert_eq!((queue.waiter_count(), wakes.0.load(Relaxed)), (1, 0));
    queue.wake_one();
    assert!(poll(&mut later, &waker).is_ready());
}

/// From one waiter to two and back the mode of the queue was stored, not exchanged: a release in between saw nobody.
#[test]
fn defect_8_one_waiter_and_two_are_the_same() {
    let semaphore = Arc::new(Semaphore::new(0));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let semaphore = semaphore.clone();
            thread::spawn(move || {
                for _ in 0..3000 {
                    semaphore.blocking_acquire().unwrap().forget();
                }
            })
        })
        .collect();
    for _ in 0..6000 {
        semaphore.add_permits(1);
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(semaphore.available_permits(), 0);
}

/// Each poll queued the waker again: 10,000 polls left 10,000 wakers, and 20,000 waits that were given up 20,001.
#[test]
fn defect_9_polls_and_waits_given_up_leave_nothing() {
    let (queue, event) = (WaiterQueue::new(), Event::new());
    let (wakes, waker) = wakes();
    let mut wait = Box::pin(queue.add_waiter_if(|| false));
    for _ in 0..10_000 {
        assert!(poll(&mut wait, &waker).is_pending());
    }
    assert_eq!((queue.waiter_count(), Arc::strong_count(&wakes)), (1, 3));
    for _ in 0..20_000 {
        assert!(poll(&mut Box::pin(queue.add_waiter_if(|| false)), &waker).is_pending());
        assert!(poll(&mut Box::pin(event.wait()), &waker).is_pending());
    }
    assert_eq!((queue.waiter_count(), Arc::strong_count(&wakes)), (1, 3));
}

/// A waiter was overtaken a thousand times out of a thousand.
#[test]
fn defect_10_overtaking_ends() {
    const MAX: u16 = 7;
    let semaphore = Semaphore::<Barging<MAX>>::with_fairness(1);
    let held = semaphore.try_acquire().unwrap();
    let mut wait = Box::pin(semaphore.acquire());
    assert!(poll(&mut wait, Waker::noop()).is_pending());
    drop(held);
    let overtaken = (0..1000).filter(|_| semaphore.try_acquire().is_ok()).count();
    assert_eq!(overtaken, usize::from(MAX));
    assert!(poll(&mut wait, Waker::noop()).is_ready());
    let fifo = Semaphore::new(0);
    let mut wait = Box::pin(fifo.acquire());
    assert!(poll(&mut wait, Waker::noop()).is_pending());
    fifo.add_permits(1);
    assert!(fifo.try_acquire().is_err(), "in order nobody overtakes");
}
