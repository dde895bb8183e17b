//! Futures polled by hand.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

/// What a future answers that has no reason to wait.
#[inline(always)]
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nobody else has it"),
    }
}

/// Counts its wakes.
#[derive(Default)]
pub(crate) struct Wakes(AtomicU64);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Places for futures of a kind that are pinned once and used again and again.
pub(crate) struct Places<F> {
    places: Vec<Pin<Box<F>>>,
}

impl<F: Future> Places<F> {
    pub(crate) fn new(count: usize, make: impl Fn() -> F) -> Self {
        Self { places: (0..count).map(|_| Box::pin(make())).collect() }
    }

    /// Puts a new future into a place; what was there is dropped.
    #[inline(always)]
    pub(crate) fn set(&mut self, place: usize, future: F) {
        self.places[place].as_mut().set(future);
    }

    #[inline(always)]
    pub(crate) fn poll(&mut self, place: usize, waker: &Waker) -> Poll<F::Output> {
        self.places[place].as_mut().poll(&mut Context::from_waker(waker))
    }
}

struct Parker {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Runs futures on a thread that sleeps while they wait.
pub(crate) struct Blocking {
    parker: Arc<Parker>,
    waker: Waker,
}

impl Blocking {
    pub(crate) fn new() -> Self {
        let thread = std::thread::current();
        let parker = Arc::new(Parker { thread, woken: AtomicBool::new(false) });
        Self { waker: Waker::from(parker.clone()), parker }
    }

    #[inline(always)]
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&self.waker))
            {
                return value;
            }
            while !self.parker.woken.swap(false, Ordering::Acquire) {
                std::thread::park();
            }
        }
    }
}
