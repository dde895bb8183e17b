//! Who waits and who wakes: asynchronous synchronisation for every executor.
//!
//! Names, signatures and results are those of `tokio::sync`, so code moves over by changing an import. Nothing here needs a
//! particular executor: a task waits with the waker of whoever polls it. Waiting allocates nothing; a future that is dropped leaves
//! nothing behind; wakers are never cloned, woken or dropped while anything is held.
//!
//! - [`Semaphore`]: permits, with a choice of [fairness](Fairness): [`Fifo`] or [`Barging`].
//! - [`Mutex`]: one permit and a value. [`RwLock`]: one writer or many readers. [`Notify`]: a task is told that something happened.
//! - [`oneshot`], [`mpsc`], [`mpmc`], [`broadcast`], [`watch`]: channels.
//! - [`CancellationToken`]: tells tasks to stop, in a tree.
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
mod brief;
pub mod broadcast;
pub mod cancellation;
mod fairness;
mod lane;
pub mod local;
pub mod mpmc;
pub mod mpsc;
pub mod mutex;
pub mod notify;
pub mod oneshot;
mod patience;
mod permits;
mod queue;
pub mod rwlock;
pub mod semaphore;
mod shared;
mod signals;
mod single;
#[cfg(test)]
mod tests;
pub mod watch;

pub use cancellation::CancellationToken;
pub use fairness::{Barging, Fairness, Fifo};
pub use mutex::TryLockError;
pub use semaphore::{AcquireError, TryAcquireError};
pub use shared::*;
