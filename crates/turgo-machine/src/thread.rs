//! Threads and thread-local values: the standard library's, or those of the checker a program is built for.

#[cfg(not(any(loom, shuttle)))]
pub use std::{
    thread::{JoinHandle, Thread, current, park, spawn, yield_now},
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

/// Says to the processor, or to the checker, that this thread waits for another one's store.
#[inline]
pub fn spin_loop() {
    #[cfg(not(any(loom, shuttle)))]
    core::hint::spin_loop();
    #[cfg(any(loom, shuttle))]
    yield_now();
}
