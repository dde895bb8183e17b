//! Threads with names, that a checker can replace.

use std::io;

#[cfg(not(any(loom, shuttle)))]
use std::thread::{JoinHandle, current};

#[cfg(any(loom, shuttle))]
use turgo_machine::thread::{JoinHandle, current};

/// A thread of a pool.
pub(super) struct Handle(JoinHandle<()>);

impl Handle {
    /// Waits for its end, unless it is the calling thread.
    ///
    /// # Panics
    ///
    /// If it has panicked, and the calling thread does not: a worker catches what its tasks throw, so that is a defect of the pool.
    pub(super) fn join(self) {
        // Such as one whose own values are dropped after it has ended as a worker.
        if self.0.thread().id() == current().id() {
            return;
        }
        if let Err(payload) = self.0.join()
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(payload);
        }
    }
}

/// Starts a thread.
#[cfg(not(any(loom, shuttle)))]
pub(super) fn start(
    name: String,
    stack_bytes: Option<usize>,
    f: impl FnOnce() + Send + 'static,
) -> io::Result<Handle> {
    let mut builder = std::thread::Builder::new().name(name);
    if let Some(bytes) = stack_bytes {
        builder = builder.stack_size(bytes);
    }
    builder.spawn(f).map(Handle)
}

/// Starts a thread of the checker's.
#[cfg(any(loom, shuttle))]
pub(super) fn start(
    _name: String,
    _stack_bytes: Option<usize>,
    f: impl FnOnce() + Send + 'static,
) -> io::Result<Handle> {
    Ok(Handle(turgo_machine::thread::spawn(f)))
}
