//! Who waits and who wakes: asynchronous synchronisation for every executor.
//!
//! Names, signatures and results are those of `tokio::sync`, so code moves over by changing an import. Nothing here needs a
//! particular executor: a task waits with the waker of whoever polls it. Waiting allocates nothing; a future that is dropped leaves
//! nothing behind; wakers are never cloned, woken or dropped while anything is held.
//!
//! - [`Semaphore`]: permits, with a choice of [fairness](Fairness): [`Fifo`] or [`Barging`].
//! - [`Mutex`]: one permit and a value. [`RwLock`]: one writer or many readers. [`Notify`]: a task is told that something happened.
//! - [`ranked`]: locks that are taken in one order, checked by the compiler or by a witness; and one that inherits priorities.
//! - [`local`]: the same for the tasks of one thread, without atomics.
//!
//! All of them stand on one queue of waiters that live in the futures that wait; its header (`queue.rs`) numbers the invariants, and the tests of
//! the crate show for each a wrong version that they find.
//!
//! Without the feature `std` there are no blocking variants.

#![cfg_attr(not(any(feature = "std", loom, shuttle, mutants)), no_std)]

extern crate alloc;

pub mod access;
#[cfg(feature = "std")]
mod block;
mod fairness;
pub mod local;
pub mod mutex;
pub mod notify;
mod patience;
mod permits;
mod queue;
pub mod ranked;
pub mod rwlock;
pub mod semaphore;
mod shared;
mod signals;
#[cfg(test)]
mod tests;

pub use fairness::{Barging, Fairness, Fifo};
pub use mutex::TryLockError;
pub use semaphore::{AcquireError, TryAcquireError};
pub use shared::*;
