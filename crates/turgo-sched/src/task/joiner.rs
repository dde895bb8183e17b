//! Who waits for a task's end.
//!
//! # Invariants
//!
//! - **D1** The waker is touched by whoever moved the word from IDLE: the handle to REGISTERING, the task's end to WAKING. Whoever finds the other one there leaves the
//!   waking to him.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use turgo_machine::atomic::{AtomicBool, AtomicU32, Ordering};
use turgo_machine::cell::UnsafeCell;
use turgo_machine::mutant;
use turgo_machine::thread::{self, Thread};

use crate::pool::contain;

const IDLE: u32 = 0;
const REGISTERING: u32 = 1;
const WAKING: u32 = 2;

/// Room for one waker, which is woken once. Wait-free.
pub(super) struct Joiner {
    word: AtomicU32,
    waker: UnsafeCell<Option<Waker>>,
}

// SAFETY: D1; wakers are `Send`.
unsafe impl Sync for Joiner {}

impl Joiner {
    pub(super) fn new() -> Self {
        Self { word: AtomicU32::new(IDLE), waker: UnsafeCell::new(None) }
    }

    fn exchange(&self, from: u32, to: u32) -> bool {
        // AcqRel: hands the waker from one to the other. Relaxed: a failure touches nothing.
        let order = (Ordering::AcqRel, Ordering::Relaxed);
        self.word.compare_exchange(from, to, order.0, order.1).is_ok()
    }

    /// Leaves a waker, by the handle; the task's end may have come already, so the caller looks again.
    pub(super) fn register(&self, waker: &Waker) {
        if !self.exchange(IDLE, REGISTERING) {
            return waker.wake_by_ref();
        }
        let waker = waker.clone();
        let old = self.waker.with_mut(|place| {
            // SAFETY: D1.
            unsafe { (*place).replace(waker) }
        });
        drop(old);
        if !self.exchange(REGISTERING, IDLE) && !mutant!("D1 a waker registered late is forgotten")
        {
            // The end came meanwhile, and left the waking to us.
            self.take().into_iter().for_each(Waker::wake);
        }
    }

    fn take(&self) -> Option<Waker> {
        self.waker.with_mut(|place| {
            // SAFETY: D1.
            unsafe { (*place).take() }
        })
    }

    /// The task has ended. The waker is somebody else's code, whose panic is not the task's and not the worker's.
    pub(super) fn wake(&self) {
        // AcqRel: as in `exchange`.
        if self.word.fetch_or(WAKING, Ordering::AcqRel) == IDLE {
            contain(|| self.take().into_iter().for_each(Waker::wake));
        }
    }
}

/// Wakes a thread that blocks.
struct Blocked {
    thread: Thread,
    is_woken: AtomicBool,
}

impl Wake for Blocked {
    fn wake(self: Arc<Self>) {
        // Release: what led to this comes before the Acquire in `block_on`.
        self.is_woken.swap(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Polls until there is an answer, and sleeps meanwhile.
pub(super) fn block_on<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    let blocked = Blocked { thread: thread::current(), is_woken: AtomicBool::new(false) };
    let blocked = Arc::new(blocked);
    let waker = Waker::from(Arc::clone(&blocked));
    loop {
        if let Poll::Ready(answer) = poll(&mut Context::from_waker(&waker)) {
            return answer;
        }
        // Acquire: pairs with the Release in `wake`.
        while !blocked.is_woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}
