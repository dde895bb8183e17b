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

/// Registers, looks at the flag, and answers the counter of wakes and whether it was raised. Who was woken sees why.
fn comes(slot: &AtomicWaker, flag: &AtomicBool) -> (Arc<Wakes>, bool) {
    let wakes = Arc::new(Wakes(AtomicUsize::new(0)));
    let waker = Waker::from(wakes.clone());
    slot.register(&waker);
    let woken = wakes.count() > 0;
    // Relaxed: the slot alone orders it.
    let raised = flag.load(Ordering::Relaxed);
    assert!(raised || !woken, "who was woken sees why");
    (wakes, raised)
}

/// Who came last saw what happened or was woken, and its waker was woken or is still there.
fn settled(slot: &AtomicWaker, wakes: &Wakes, raised: bool) {
    assert!(raised || wakes.count() == 1);
    assert_eq!(wakes.count() + usize::from(slot.take().is_some()), 1);
}

/// Raises the flag and wakes.
fn raises(shared: &Arc<(AtomicWaker, AtomicBool)>) -> impl FnOnce() + 'static {
    let shared = shared.clone();
    move || {
        shared.1.store(true, Ordering::Relaxed);
        shared.0.wake();
    }
}

#[test]
fn who_registers_sees_it_or_is_woken() {
    model(3, || {
        let shared = Arc::new((AtomicWaker::new(), AtomicBool::new(false)));
        let other = thread::spawn(raises(&shared));
        let (wakes, raised) = comes(&shared.0, &shared.1);
        other.join().unwrap();
        settled(&shared.0, &wakes, raised);
    });
}

/// A task that registers twice, with another waker each time.
#[test]
fn another_waker_is_woken_instead() {
    model(3, || {
        let shared = Arc::new((AtomicWaker::new(), AtomicBool::new(false)));
        let other = thread::spawn(raises(&shared));
        _ = comes(&shared.0, &shared.1);
        let (wakes, raised) = comes(&shared.0, &shared.1);
        other.join().unwrap();
        settled(&shared.0, &wakes, raised);
    });
}

#[test]
fn two_wakes_are_as_good_as_one() {
    model(2, || {
        let shared = Arc::new((AtomicWaker::new(), AtomicBool::new(false)));
        let others = [thread::spawn(raises(&shared)), thread::spawn(raises(&shared))];
        let (wakes, raised) = comes(&shared.0, &shared.1);
        others.into_iter().for_each(|other| other.join().unwrap());
        settled(&shared.0, &wakes, raised);
    });
}
