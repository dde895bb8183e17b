//! Wakers that panic, and wakers that use the primitive that wakes them: for each primitive.

#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex as StdMutex};
use std::task::{Context, Poll, Wake, Waker};

use turgo_sync::{
    AtomicWaker, Barging, Barrier, Condvar, Event, Latch, Mutex, Notify, RwLock,
    RwLockUpgradableReadGuard, Semaphore, SetOnce, WaitGroup, WaiterQueue,
};

/// Runs a closure when it wakes.
struct Calls(StdMutex<Box<dyn FnMut() + Send>>);

impl Calls {
    fn waker(f: impl FnMut() + Send + 'static) -> Waker {
        Waker::from(Arc::new(Self(StdMutex::new(Box::new(f)))))
    }
}

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        // One that is woken by what itself does is woken once.
        if let Ok(mut call) = self.0.try_lock() {
            call();
        }
    }
}

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A primitive: how one waits for it, and what lets go all who wait, perhaps one after the other.
struct Subject {
    name: &'static str,
    wait: Box<dyn Fn() -> Wait + Send>,
    serve: Arc<dyn Fn() + Send + Sync>,
}

/// Something that is leaked, so that waits live as long as they like.
fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn subject(
    name: &'static str,
    wait: impl Fn() -> Wait + Send + 'static,
    serve: impl Fn() + Send + Sync + 'static,
) -> Subject {
    Subject { name, wait: Box::new(wait), serve: Arc::new(serve) }
}

/// All of them, for so many who wait.
#[expect(clippy::too_many_lines, reason = "a table, a row for each primitive")]
fn subjects(n: usize) -> Vec<Subject> {
    let fifo = leak(Semaphore::new(0));
    let barging = leak(Semaphore::<Barging>::with_fairness(0));
    let notify = leak(Notify::new());
    let notify_each = leak(Notify::new());
    let queue = leak(WaiterQueue::new());
    let event = leak(Event::new());
    let latch = leak(Latch::new(1));
    let group = leak(WaitGroup::new());
    group.add(1);
    let cell = leak(SetOnce::new());
    let barrier = leak(Barrier::new(n + 1));
    let pair = leak((Mutex::new(()), Condvar::new()));
    let lock = leak(RwLock::new(()));
    let held = StdMutex::new(lock.try_write().ok());
    vec![
        subject(
            "Semaphore in order",
            || Box::pin(async { fifo.acquire().await.unwrap().forget() }),
            move || fifo.add_permits(n),
        ),
        subject(
            "Semaphore with barging",
            || Box::pin(async { barging.acquire().await.unwrap().forget() }),
            move || barging.add_permits(n),
        ),
        subject("Notify", || Box::pin(notify.notified()), || notify.notify_waiters()),
        subject(
            "Notify, one by one",
            || Box::pin(notify_each.notified()),
            move || (0..n).for_each(|_| notify_each.notify_one()),
        ),
        subject("WaiterQueue", || Box::pin(queue.add_waiter_if(|| false)), || queue.wake_all()),
        subject("Event", || Box::pin(event.wait()), || _ = event.set()),
        subject(
            "Latch",
            || Box::pin(latch.wait()),
            || {
                if !latch.try_wait() {
                    latch.count_down()
                }
            },
        ),
        subject(
            "WaitGroup",
            || Box::pin(group.wait()),
            || {
                if group.count() > 0 {
                    group.done()
                }
            },
        ),
        subject("SetOnce", || Box::pin(async { _ = cell.wait().await }), || _ = cell.set(1)),
        subject(
            "Barrier",
            || Box::pin(async { _ = barrier.wait().await }),
            || {
                let mut last = Box::pin(barrier.wait());
                _ = last.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            },
        ),
        subject(
            "Condvar",
            || {
                Box::pin(async {
                    let guard = pair.0.lock().await;
                    drop(pair.1.wait(guard).await);
                })
            },
            || pair.1.notify_all(),
        ),
        subject(
            "RwLock",
            || Box::pin(async { drop(lock.read().await) }),
            move || {
                // Not in one statement: what wakes may come back here.
                let guard = held.lock().unwrap().take();
                drop(guard);
            },
        ),
    ]
}

fn poll(wait: &mut Wait, waker: &Waker) -> Poll<()> {
    wait.as_mut().poll(&mut Context::from_waker(waker))
}

/// Polls until it is ready, as an executor would where others are woken in between.
fn finish(name: &str, waits: Vec<Wait>) {
    let mut waits = waits;
    for _ in 0..100 {
        waits.retain_mut(|wait| {
            catch_unwind(AssertUnwindSafe(|| poll(wait, Waker::noop())))
                .is_ok_and(|p| p.is_pending())
        });
    }
    assert!(waits.is_empty(), "{name}: {} wait for ever", waits.len());
}

#[test]
fn a_waker_that_panics_harms_nobody_else() {
    const N: usize = 40;
    for Subject { name, wait, serve } in subjects(N) {
        let woken = Arc::new(AtomicUsize::new(0));
        let counts = Calls::waker({
            let woken = woken.clone();
            move || _ = woken.fetch_add(1, Relaxed)
        });
        let panics = Calls::waker(|| panic!("a waker panics"));
        let mut waits: Vec<_> = (0..N).map(|_| wait()).collect();
        for (index, wait) in waits.iter_mut().enumerate() {
            let waker = if index == 3 { &panics } else { &counts };
            assert!(poll(wait, waker).is_pending(), "{name}");
        }
        let served = catch_unwind(AssertUnwindSafe(|| serve()));
        let chained = name.ends_with("barging");
        assert!(served.is_err() || chained, "{name}: the panic goes to whoever woke");
        if !chained && name != "Notify, one by one" {
            assert_eq!(woken.load(Relaxed), N - 1, "{name}: the others are woken");
        }
        if name == "Notify, one by one" {
            // The panic ended the serving after the fourth.
            serve();
        }
        finish(name, waits);
    }
}

#[test]
fn a_waker_may_use_what_wakes_it() {
    const N: usize = 4;
    for Subject { name, wait, serve } in subjects(N) {
        let mut waits: Vec<_> = (0..N).map(|_| wait()).collect();
        // A wait that the waker gives up, one that it begins, and all are served once more.
        let given_up = StdMutex::new(None);
        let calls = Arc::new(AtomicUsize::new(0));
        let waker = Calls::waker({
            let (serve, calls) = (serve.clone(), calls.clone());
            let others: StdMutex<Vec<Wait>> = StdMutex::new((0..N).map(|_| wait()).collect());
            move || {
                calls.fetch_add(1, Relaxed);
                let wait: Option<Wait> = given_up.lock().unwrap().take();
                drop(wait);
                let next = others.lock().unwrap().pop();
                if let Some(mut wait) = next {
                    _ = poll(&mut wait, Waker::noop());
                    *given_up.lock().unwrap() = Some(wait);
                }
                if calls.load(Relaxed) == 1 {
                    serve();
                }
            }
        });
        for wait in &mut waits {
            assert!(poll(wait, &waker).is_pending(), "{name}");
        }
        serve();
        assert!(calls.load(Relaxed) > 0, "{name}");
        drop(waker);
        // What those that the waker began took or were told is made up for.
        for _ in 0..3 {
            waits.retain_mut(|wait| poll(wait, Waker::noop()).is_pending());
            if !waits.is_empty() {
                serve();
            }
        }
        finish(name, waits);
    }
}

/// A slot has one waiter: its waker panics, and the slot is as good as new; or registers again.
#[test]
fn a_slot_outlives_its_waker() {
    let slot = leak(AtomicWaker::new());
    slot.register(&Calls::waker(|| panic!("a waker panics")));
    assert!(catch_unwind(AssertUnwindSafe(|| slot.wake())).is_err());
    let again = Arc::new(AtomicUsize::new(0));
    slot.register(&Calls::waker({
        let again = again.clone();
        move || {
            slot.register(Waker::noop());
            again.fetch_add(1, Relaxed);
        }
    }));
    slot.wake();
    assert_eq!(again.load(Relaxed), 1);
    assert!(slot.take().is_some(), "what the waker registered");
}

/// An upgrade whose own wakers panic leaves the lock whole.
#[test]
fn a_panic_while_somebody_upgrades_leaves_the_lock_whole() {
    let lock = RwLock::new(0);
    let guard = lock.try_upgradable_read().unwrap();
    let mut writes: Pin<Box<dyn Future<Output = ()>>> =
        Box::pin(async { *lock.write().await += 1 });
    let panics = Calls::waker(|| panic!("a waker panics"));
    assert!(writes.as_mut().poll(&mut Context::from_waker(&panics)).is_pending());
    let mut upgrade = Box::pin(RwLockUpgradableReadGuard::upgrade(guard));
    let polled = catch_unwind(AssertUnwindSafe(|| {
        upgrade.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }));
    assert!(polled.is_err(), "giving up the permit wakes the writer");
    drop(upgrade);
    while writes.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {}
    assert_eq!(*lock.try_read().unwrap(), 1);
    assert!(lock.try_upgradable_read().is_ok());
}
