//! Threads and thread-local values: the standard library's, or those of the checker a program is built for. Without the feature `std` there
//! is [`spin_loop`] alone.

#[cfg(all(feature = "std", not(any(loom, shuttle))))]
pub use std::{
    thread::{JoinHandle, Thread, current, park, park_timeout, yield_now},
    thread_local,
};

#[cfg(loom)]
pub use loom::{
    thread::{JoinHandle, Thread, current, park, spawn, yield_now},
    thread_local,
};

#[cfg(all(shuttle, not(loom)))]
pub use shuttle::{
    thread::{JoinHandle, Thread, current, park, spawn, yield_now},
    thread_local,
};

/// Starts a thread, as [`std::thread::spawn`] does. For tests and examples: in the product threads have names and owners.
///
/// # Panics
///
/// If the system has no thread to give.
#[cfg(all(feature = "std", not(any(loom, shuttle))))]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that names it, for checkers to replace"
)]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    std::thread::spawn(f)
}

/// Says to the processor, or to the checker, that this thread waits for another one's store.
#[inline]
pub fn spin_loop() {
    #[cfg(not(any(loom, shuttle)))]
    core::hint::spin_loop();
    #[cfg(any(loom, shuttle))]
    yield_now();
}
