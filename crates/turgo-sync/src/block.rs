//! Waiting with a thread instead of a task.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::cell::Cell;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
#[cfg(not(any(loom, shuttle)))]
use std::time::Duration;

use turgo_machine::atomic::{AtomicBool, Ordering};
#[cfg(not(any(loom, shuttle)))]
use turgo_machine::clock::Clock;
use turgo_machine::thread::{self, Thread, thread_local};

thread_local! {
    /// One per thread, so that waiting allocates nothing. Who waits takes it out: a future that blocks while it is polled by somebody who blocks
    /// must not swallow the other's wake.
    static PARKER: Cell<Option<Arc<Parker>>> = Cell::default();
}

/// Wakes a thread that parks.
struct Parker {
    thread: Thread,
    /// Whether there was a wake since the thread last looked; other code on the thread may have swallowed the thread's own token.
    woken: AtomicBool,
}

impl Parker {
    fn new() -> Arc<Self> {
        Arc::new(Self { thread: thread::current(), woken: AtomicBool::new(false) })
    }

    /// Parks until there was a wake.
    fn park(&self) {
        while !self.was_woken() {
            thread::park();
        }
    }

    /// Parks until there was a wake, or `duration` after the clock started. Answers whether there is time left.
    #[cfg(not(any(loom, shuttle)))]
    fn park_until(&self, clock: &Clock, duration: Duration) -> bool {
        while !self.was_woken() {
            let spent = Duration::from_nanos(clock.now_ns());
            match duration.checked_sub(spent).filter(|left| !left.is_zero()) {
                Some(left) => thread::park_timeout(left),
                None => return false,
            }
        }
        true
    }

    fn was_woken(&self) -> bool {
        // Acquire: comes after what led to the Release in `wake_by_ref`.
        self.woken.swap(false, Ordering::Acquire)
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Release: what led to this comes before the Acquire in `was_woken`. An exchange, not a store: then loom, too, has one order of all changes.
        self.woken.swap(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// This thread's parker while somebody waits with it.
struct Taken(Arc<Parker>);

impl Taken {
    fn new() -> Self {
        Self(of_this_thread(Cell::take).flatten().unwrap_or_else(Parker::new))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        _ = of_this_thread(|kept| kept.set(Some(Arc::clone(&self.0))));
    }
}

/// Calls `f` with this thread's place for a parker; nothing where the thread is ending.
#[cfg(not(any(loom, shuttle)))]
fn of_this_thread<R>(f: impl FnOnce(&Cell<Option<Arc<Parker>>>) -> R) -> Option<R> {
    PARKER.try_with(f).ok()
}

/// Calls `f` with this thread's place for a parker.
#[cfg(any(loom, shuttle))]
fn of_this_thread<R>(f: impl FnOnce(&Cell<Option<Arc<Parker>>>) -> R) -> Option<R> {
    Some(PARKER.with(f))
}

/// Runs a future on this thread, which sleeps meanwhile.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let parker = Taken::new();
    let waker = Waker::from(Arc::clone(&parker.0));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return answer;
        }
        parker.0.park();
    }
}

/// The same, but for no longer than `duration`: nothing if it was not ready by then. It is polled at least once.
#[cfg(not(any(loom, shuttle)))]
pub(crate) fn block_on_for<T>(future: impl Future<Output = T>, duration: Duration) -> Option<T> {
    let mut future = pin!(future);
    let parker = Taken::new();
    let waker = Waker::from(Arc::clone(&parker.0));
    let mut context = Context::from_waker(&waker);
    let clock = Clock::real();
    loop {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return Some(answer);
        }
        if !parker.0.park_until(&clock, duration) {
            return None;
        }
    }
}
