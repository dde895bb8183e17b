//! The first panic of several tasks, to be thrown again where they are waited for.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;

use turgo_machine::atomic::{AtomicPtr, Ordering};

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

/// Room for one payload; later ones are dropped. Lock-free.
#[derive(Debug)]
pub(crate) struct FirstPanic(AtomicPtr<Payload>);

impl FirstPanic {
    pub(crate) fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// Whether there was one.
    pub(crate) fn is_some(&self) -> bool {
        // Relaxed: a hint, to stop early.
        !self.0.load(Ordering::Relaxed).is_null()
    }

    /// Keeps it if it is the first.
    #[cold]
    pub(crate) fn keep(&self, payload: Payload) {
        let new = Box::into_raw(Box::new(payload));
        let order = (Ordering::Release, Ordering::Relaxed);
        // Release: hands the payload to the Acquire in `take`. Relaxed: another one's is not looked at.
        if self.0.compare_exchange(ptr::null_mut(), new, order.0, order.1).is_err() {
            // SAFETY: nobody else has seen it.
            forget_panic(*unsafe { Box::from_raw(new) });
        }
    }

    fn take(&self) -> Option<Payload> {
        // Acquire: pairs with the Release in `keep`.
        let kept = self.0.swap(ptr::null_mut(), Ordering::Acquire);
        // SAFETY: `keep` made it, and the exchange made it ours.
        (!kept.is_null()).then(|| *unsafe { Box::from_raw(kept) })
    }

    /// Throws it again, if there was one.
    pub(crate) fn throw(&self) {
        // Relaxed: those who keep one have ended, which orders.
        if self.is_some()
            && let Some(payload) = self.take()
        {
            resume_unwind(payload);
        }
    }
}

impl Drop for FirstPanic {
    fn drop(&mut self) {
        if let Some(payload) = self.take() {
            forget_panic(payload);
        }
    }
}

/// Drops a payload; one whose drop panics as well is leaked.
pub(crate) fn forget_panic(payload: Payload) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

/// Calls code of the user's of whose panics nobody is to hear, such as a drop: the worker goes on.
pub(crate) fn contain(f: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        forget_panic(payload);
    }
}
