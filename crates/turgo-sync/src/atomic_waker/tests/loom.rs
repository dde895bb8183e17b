//! Models of registering against waking.

use std::sync::Arc;
use std::task::{Wake, Waker};

use turgo_machine::atomic::{AtomicBool, AtomicUsize, Ordering};
use turgo_machine::thread;

use crate::AtomicWaker;
use crate::tests::probe::model;

/// Counts wakes, and orders what comes after them as the wakers of executors do.
struct Wakes(AtomicUsize);

impl Wakes {
    fn count(&self) -> usize {
        // Acquire: comes after what led to the Release in `wake`.
        self.0.load(Ordering::Acquire)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        // Release: what led to this comes before the Acquire in `count`.
        self.0.fetch_add(1, Ordering::Release);
    }
}

/// Registers, looks at the flag, and answers the counter of wakes if it was not raised. Who was woken sees why.
fn comes(slot: &AtomicWaker, flag: &AtomicBool) -> Option<Arc<Wakes>> {
    let wakes = Arc::new(Wakes(AtomicUsize::new(0)));
    let waker = Waker::from(wakes.clone());
    slot.register(&waker);
    let woken = wakes.count() > 0;
    // Relaxed: the slot alone orders it.
    let raised = flag.load(Ordering::Relaxed);
    assert!(raised || !woken, "who was woken sees why");
    (!raised).then_some(wakes)
}

/// Who registers and then looks sees what happened, or is woken.
#[test]
fn who_registers_sees_it_or_is_woken() {
    model(3, || {
        let shared = Arc::new((AtomicWaker::new(), AtomicBool::new(false)));
        let waits = thread::spawn({
            let shared = shared.clone();
            move || comes(&shared.0, &shared.1)
        });
        shared.1.store(true, Ordering::Relaxed);
        shared.0.wake();
        if let Some(wakes) = waits.join().unwrap() {
            assert_eq!(wakes.count(), 1);
        }
    });
}

/// A task that registers twice, with another waker each time.
#[test]
fn another_waker_is_woken_instead() {
    model(3, || {
        let shared = Arc::new((AtomicWaker::new(), AtomicBool::new(false)));
        let waits = thread::spawn({
            let shared = shared.clone();
            move || comes(&shared.0, &shared.1).and_then(|_| comes(&shared.0, &shared.1))
        });
        shared.1.store(true, Ordering::Relaxed);
        shared.0.wake();
        if let Some(wakes) = waits.join().unwrap() {
            assert_eq!(wakes.count(), 1);
        }
    });
}

/// Two wake at once.
#[test]
fn two_wakes_are_as_good_as_one() {
    model(2, || {
        let shared = Arc::new((AtomicWaker::new(), AtomicBool::new(false)));
        let wakes = || {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.1.store(true, Ordering::Relaxed);
                shared.0.wake();
            })
        };
        let (one, other) = (wakes(), wakes());
        let waits = comes(&shared.0, &shared.1);
        one.join().unwrap();
        other.join().unwrap();
        if let Some(wakes) = waits {
            assert!(wakes.count() == 1);
        }
        assert!(shared.0.take().is_none_or(|_| shared.1.load(Ordering::Relaxed)));
    });
}
