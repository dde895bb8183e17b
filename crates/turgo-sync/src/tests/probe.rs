//! What tests use: wakers that count, futures polled by hand, models.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use turgo_machine::atomic::{AtomicUsize, Ordering};

/// Counts wakes.
#[derive(Debug, Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    /// A counter, and a waker that counts there.
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        (wakes.clone(), Waker::from(wakes))
    }

    #[cfg(not(shuttle))]
    pub(crate) fn count(&self) -> usize {
        // Relaxed: a number.
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        // Relaxed: a number.
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Polls once.
pub(crate) fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>, waker: &Waker) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(waker))
}

/// Polls once, for nobody.
pub(crate) fn poll_idle<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    poll(future, Waker::noop())
}

/// Goes through all interleavings with so many preemptions.
#[cfg(loom)]
pub(crate) fn model(preemptions: usize, f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 20_000;
    builder.check(f);
}

/// Runs two threads to their ends. This one does not wait for anything else: under loom a thread that was woken once too often cannot join.
#[cfg(loom)]
pub(crate) fn both<T: 'static, U: 'static>(
    one: impl FnOnce() -> T + 'static,
    other: impl FnOnce() -> U + 'static,
) -> (T, U) {
    let (one, other) = (turgo_machine::thread::spawn(one), turgo_machine::thread::spawn(other));
    (one.join().unwrap(), other.join().unwrap())
}
/// Runs a test with each access.
#[cfg(not(any(loom, shuttle)))]
macro_rules! each_access {
    ($($name:ident),* $(,)?) => { $(
        mod $name {
            use super::{Local, Shared};

            #[test]
            fn shared() {
                super::$name::<Shared>();
            }

            #[test]
            fn local() {
                super::$name::<Local>();
            }
        }
    )* };
}
#[cfg(not(any(loom, shuttle)))]
pub(crate) use each_access;
