//! The worker that runs the calling thread.

use std::cell::Cell;
use std::ptr;

use super::worker::Worker;

#[cfg(not(any(loom, shuttle)))]
turgo_machine::thread::thread_local! {
    static CURRENT: Cell<*const Worker> = const { Cell::new(ptr::null()) };
}

#[cfg(any(loom, shuttle))]
turgo_machine::thread::thread_local! {
    static CURRENT: Cell<*const Worker> = Cell::new(ptr::null());
}

/// The worker is this thread's until the guard is dropped.
pub(super) struct Entered<'a>(#[expect(dead_code, reason = "it keeps the worker")] &'a Worker);

pub(super) fn enter(worker: &Worker) -> Entered<'_> {
    CURRENT.with(|current| current.set(worker));
    Entered(worker)
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        CURRENT.with(|current| current.set(ptr::null()));
    }
}

/// Calls `f` with the calling thread's worker, if it has one.
#[inline(always)]
pub(crate) fn with<R>(f: impl FnOnce(Option<&Worker>) -> R) -> R {
    let worker = CURRENT.with(Cell::get);
    // SAFETY: `Entered` borrows the worker for as long as the pointer is here, and it never leaves the thread.
    f(unsafe { worker.as_ref() })
}
