//! Who waits and who wakes: asynchronous synchronisation for every executor.
//!
//! Names, signatures and results are those of `tokio::sync`, so code moves over by changing an import. Nothing here needs a
//! particular executor: a task waits with the waker of whoever polls it. Waiting allocates nothing; a future that is dropped leaves
//! nothing behind; wakers are never cloned, woken or dropped while anything is held.
//!
//! | primitive | what for | order of those who wait | a wait that is dropped | allocates | beside it |
//! |---|---|---|---|---|---|
//! | [`Semaphore`] | so many at once | [`Fifo`], or [`Barging`] within a bound | passes its permits on | never | tokio, async-lock |
//! | [`Mutex`] | one at a time, also over an await | the same | passes the lock on | never | tokio, async-lock |
//! | [`RwLock`] | one writer, or many readers, one of whom may become a writer | the same | passes the lock on | never | tokio; async-lock for upgrades |
//! | [`Condvar`] | until what a mutex protects has changed | first come, first woken | passes the wake on | never | std, for threads |
//! | [`Notify`] | something happened | first or last, as one says | passes it on | never | tokio |
//! | [`Event`] | it has happened, until that is cleared | all at once | leaves nothing | never | compio-sync's `Condvar` |
//! | [`Barrier`] | go on when so many have come | all at once | has not come | never | tokio |
//! | [`Latch`], [`WaitGroup`] | go on when so much is done | all at once | leaves nothing | never | C++, Go |
//! | [`OnceCell`], [`SetOnce`] | a value that is made once, by whoever needs it or by somebody else | first come makes it; all at once | passes its turn on | never | tokio |
//! | [`oneshot`] | one value | one waits | by reference: the value stays | one block | tokio |
//! | [`mpsc`] | many senders, one receiver, with a limit or without | room first come, first served | of a send: the value goes with it, of [`reserve`](mpsc::Sender::reserve) nothing | a block for 31 values | tokio |
//! | [`mpmc`] | the same with many receivers | the same for room; values to who comes first | the same; of a receiver: tells the next | a block for 31 values | async-channel |
//! | [`broadcast`] | each value to each receiver, the newest so many | all at once | leaves nothing | its ring, when made | tokio |
//! | [`watch`] | the latest value | all at once | has seen nothing | once, when made | tokio |
//! | [`CancellationToken`] | tells tasks to stop, in a tree | all at once | leaves nothing | a block for each token, lists of children | tokio-util |
//! | [`WaiterQueue`], [`AtomicWaker`] | what other primitives are made of, for many who wait and for one | first come, first woken | passes the wake on | never | compio-sync; futures |
//! | [`ranked`] | locks that are taken in one order, checked by the compiler or by a witness; one inherits priorities | of what is inside | of what is inside | the witness, a list for each thread | |
//!
//! *Allocates* is said of making and of using; waiting allocates nothing with any of them. [`local`] has all but [`ranked`] once more for the tasks of one thread,
//! without atomics. `docs/migration.md` says what changes for who comes from tokio or from compio-sync.
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

/// What changes for who comes from elsewhere; its code is tested with ours.
#[cfg(doctest)]
#[doc = include_str!("../docs/migration.md")]
struct Migration;
