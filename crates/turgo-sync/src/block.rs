//! Waiting with a thread instead of a task.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use turgo_machine::atomic::{AtomicBool, Ordering};
use turgo_machine::thread::{self, Thread, thread_local};

thread_local! {
    /// One per thread, so that waiting allocates nothing.
    static PARKER: Arc<Parker> = Parker::new();
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
        // Acquire: comes after what led to the Release in `wake_by_ref`.
        while !self.woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Release: what led to this comes before the Acquire in `park`. An exchange, not a store: then loom, too, has one order of all changes.
        self.woken.swap(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Runs a future on this thread, which sleeps meanwhile.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let parker = parker();
    let waker = Waker::from(Arc::clone(&parker));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return answer;
        }
        parker.park();
    }
}

/// This thread's; a new one where the thread is ending.
#[cfg(not(any(loom, shuttle)))]
fn parker() -> Arc<Parker> {
    PARKER.try_with(Arc::clone).unwrap_or_else(|_| Parker::new())
}

/// This thread's.
#[cfg(any(loom, shuttle))]
fn parker() -> Arc<Parker> {
    PARKER.with(Arc::clone)
}
