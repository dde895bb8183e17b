//! Who waits and who wakes: asynchronous synchronisation for every executor.
//!
//! Names, signatures and results are those of `tokio::sync`, so code moves over by changing an import. Nothing here needs a
//! particular executor: a task waits with the waker of whoever polls it. Waiting allocates nothing; a future that is dropped leaves
//! nothing behind; wakers are never cloned, woken or dropped while anything is held.
//!
//! - [`Semaphore`]: permits, with a choice of [fairness](Fairness): [`Fifo`] or [`Barging`].
//! - [`Mutex`]: one permit and a value. [`Condvar`]: a task waits until what a mutex protects has changed.
//! - [`RwLock`]: one writer or many readers, one of whom may become a writer.
//! - [`Notify`]: a task is told that something happened. [`Event`]: it has happened, until that is cleared.
//! - [`Barrier`]: tasks go on when so many have come. [`Latch`] and [`WaitGroup`]: when so much is done.
//! - [`OnceCell`], [`SetOnce`]: a value that is made once, by whoever needs it or by somebody else.
//! - [`oneshot`], [`mpsc`], [`mpmc`], [`broadcast`], [`watch`]: channels.
//! - [`CancellationToken`]: tells tasks to stop, in a tree.
//! - [`ranked`]: locks that are taken in one order, checked by the compiler or by a witness; and one that inherits priorities.
//! - [`WaiterQueue`], [`AtomicWaker`]: what other primitives can be made of, for many who wait and for one.
//! - [`local`]: the same for the tasks of one thread, without atomics.
//!
//! All of them stand on one queue of waiters that live in the futures that wait; its header (`queue.rs`) numbers the invariants, and the tests of
//! the crate show for each a wrong version that they find.
//!
//! Without the feature `std` there are no blocking variants. The features `tokio` and `compio` add timeouts by those runtimes' timers.

#![cfg_attr(not(any(feature = "std", loom, shuttle, mutants)), no_std)]

extern crate alloc;

pub mod access;
pub mod atomic_waker;
pub mod barrier;
#[cfg(feature = "std")]
mod block;
mod brief;
pub mod broadcast;
pub mod cancellation;
pub mod condvar;
mod crowd;
#[cfg(all(feature = "std", not(any(loom, shuttle))))]
mod deadline;
pub mod event;
mod fairness;
mod gate;
mod lane;
pub mod latch;
pub mod local;
pub mod mpmc;
pub mod mpsc;
pub mod mutex;
mod names;
pub mod notify;
pub mod once;
pub mod oneshot;
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
#[cfg(all(feature = "std", not(any(loom, shuttle))))]
pub mod timeout;
pub mod waiter_queue;
pub mod watch;

pub use barrier::BarrierWaitResult;
pub use cancellation::CancellationToken;
pub use condvar::WaitTimeoutResult;
pub use fairness::{Barging, Fairness, Fifo};
pub use mutex::TryLockError;
pub use once::{SetError, SetOnceError};
pub use semaphore::{AcquireError, TryAcquireError};
pub use shared::*;
