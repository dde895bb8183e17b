//! Read-copy-update: readers say that they read, and what was unlinked is freed when all who might have seen it have left.
//!
//! After Desnoyers, McKenney, Stern, Dagenais and Walpole, *User-Level Implementations of Read-Copy Update* (IEEE TPDS 2012), with one scan of
//! the readers per grace period: as QEMU does where numbers have 64 bits, grace periods are counted and not flipped between two phases.
//! A section costs two stores; everything that is read inside is protected by it. The shape of the interface is that of C++26, with what
//! Linux has besides: `call`, `barrier`, cookies, quiescent states.
//!
//! # How it works
//!
//! The domain counts grace periods: `periods` is the last that began. A reader publishes it when its outermost section begins, and zero when that
//! ends. Whoever unlinks a node takes `periods` as the node's *stamp*. A grace period begins when the leader adds one to `periods`, which
//! gives its *target*, and makes a heavy fence; it ends when every reader was seen to publish zero, or the target, or more. A node may be freed when a
//! grace period whose target is above its stamp has ended.
//!
//! # Invariants
//!
//! - **U1** The unlinking of a node comes before its stamp, a read-modify-write of `periods` with Release; the beginning of every later period
//!   continues the sequence of that write. So a reader that reads the target, with Acquire, or the leader that wrote it, sees the node unlinked.
//! - **U2** A reader publishes its section, then makes a [`light`](turgo_machine::barrier::light) fence, then reads; a leader begins the period, then makes a
//!   [`heavy`](turgo_machine::barrier::heavy) fence, then looks at the readers. Either the leader sees the section, or the reader's reads see
//!   all that was unlinked before the period. One fence is enough for all looks of a period: each of them is behind it.
//! - **U3** A reader's stores are Release, also that of the next section's beginning, and the leader's looks are Acquire: where the leader
//!   finds that a reader left, its reads are over. The end of a period is published with Release and read with Acquire by whoever frees.
//! - **U4** A batch is closed when it is stamped; what comes later goes into the next one, and is never freed by a period that ran already.
//! - **U5** One thread at a time leads, under a flag that nobody waits for who retires.
//! - **U6** Callbacks and drops run outside of every section of their thread, by whichever record it is open, not in the drop of a guard, with no
//!   flag or lock of ours held. While a thread runs them, what they retire is queued and nothing else is run: no recursion. A panic is
//!   caught and counted, and the rest goes on. A [`Qsbr`] that is online is no section in this sense, as it may be so for ever.
//! - **U7** What a thread has not freed when it ends is handed to the domain. What is handed over gets its stamp only then.
//! - **U8** A stalled period is reported and never ended by force. A leaked guard is such a stall: it keeps its record for ever (G4).
//!
//! # Choosing
//!
//! Take RCU where reads are many and short. A reader that stops inside of a section keeps everything from being freed that is retired from
//! then on, which no limit can change: see [`Config`]. Where that cannot be ruled out, take [hazard pointers](crate::hazard).
//!
//! # Without `std`
//!
//! Threads are not told apart. What is retired without a [`Reader`] is freed by [`poll`](Domain::poll), [`flush`](crate::Reclaim::flush) and
//! [`barrier`](Domain::barrier) only, and a call that would be refused inside of a section or a callback waits for ever instead, or runs
//! callbacks inside of the callback.
//!
//! ```
//! use turgo_lockfree::rcu::{self, Rcu};
//! use turgo_lockfree::{Atomic, Owned, Reclaim};
//! use turgo_machine::atomic::Ordering;
//!
//! let config = Atomic::new("first".to_string());
//! {
//!     let guard = rcu::read_lock();
//!     // SAFETY: nodes are retired after they were unlinked, and the guard was there before.
//!     assert_eq!(unsafe { guard.dereference(&config).deref() }, "first");
//! }
//! let old = config.swap(Owned::new("second".to_string()), Ordering::AcqRel);
//! // SAFETY: the swap unlinked it, and nobody else did.
//! unsafe { Rcu.retire(old.into_owned()) };
//! rcu::synchronize();
//! # let mut config = config;
//! # // SAFETY: nobody else knows it.
//! # drop(unsafe { config.take() });
//! ```

#[cfg(all(feature = "std", not(any(loom, shuttle))))]
mod background;
mod callbacks;
mod config;
mod domain;
mod global;
mod grace;
mod guard;
mod handle;
mod qsbr;
mod reader;
mod record;
mod stall;
mod state;
#[cfg(test)]
mod tests;
mod wait;

pub use config::{Config, Executor};
pub use global::{Rcu, barrier, call, read_lock, synchronize, try_synchronize};
pub use guard::{Guard, RegionShield, Source};
pub use handle::{Cookie, Domain};
pub use qsbr::Qsbr;
pub use reader::Reader;
pub use stall::{Stall, StalledReader};

/// A call that waits for readers was made by one of them, or by a callback that the call would wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InReadSection;

impl core::fmt::Display for InReadSection {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("cannot wait for readers inside of a read section or a callback")
    }
}

impl core::error::Error for InReadSection {}

/// The domain holds as much as it may; this is the node it did not take.
#[derive(Debug)]
pub struct Full<T>(pub T);

impl<T> core::fmt::Display for Full<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the domain holds as much waiting memory as it may")
    }
}

impl<T: core::fmt::Debug> core::error::Error for Full<T> {}
