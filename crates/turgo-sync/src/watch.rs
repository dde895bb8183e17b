//! A value that many watch, with the names, signatures and results of `tokio::sync::watch`.
//!
//! Receivers see the latest value, not each: what is sent over another before somebody looks is not seen by them. The value is in place, behind a lock of
//! this crate that is held while somebody looks at it or changes it, so a [`Ref`] should be dropped soon, and never held across an await.
//!
//! # Invariants
//!
//! - **V1** The version goes up while the value is held for writing, after it was changed. So who reads the version while it reads the value has the value's
//!   version, and who saw a version sees its value or a later one.
//! - **V2** Who waits has begun before it looks at the version; who sends, or leaves as the last, changes the version or says so before it tells those who
//!   wait. So no change is missed.
//! - **V3** A value that was replaced is dropped when nothing is held.
//! - **V4** A closure that panics leaves the lock free, the version as it was and nobody told.
//!
//! # Progress
//!
//! [`Receiver::has_changed`] and the counts are wait-free. Looking at the value and sending wait for who holds it: a thread spins shortly, then sleeps.
//! A thread that holds a [`Ref`] and asks for another waits for ever if a sender came between, as with tokio. On one thread, as with [`local::watch`], whoever
//! holds the value could let go only afterwards: sending while a [`Ref`] is held, or looking from within a closure that changes the value, panics there.
//!
//! [`local::watch`]: crate::local::watch
//!
//! ```
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let (sender, mut receiver) = turgo_sync::watch::channel("first");
//! sender.send("second").unwrap();
//! receiver.changed().await.unwrap();
//! assert_eq!(*receiver.borrow_and_update(), "second");
//! # });
//! ```

pub mod error;
pub mod sides;
#[cfg(test)]
mod tests;

use crate::access::{Access, Shared};

/// Sends values. The last one to be dropped closes the channel.
pub type Sender<T> = sides::Sender<T, Shared>;
/// Sees the latest value.
pub type Receiver<T> = sides::Receiver<T, Shared>;
/// The value, which cannot change until this is dropped: senders wait.
pub type Ref<'a, T> = sides::Ref<'a, T, Shared>;

/// A value, one who sends and one who watches. The value counts as seen.
pub fn channel<T>(init: T) -> (Sender<T>, Receiver<T>) {
    channel_in(init)
}

pub(crate) fn channel_in<T, A: Access>(init: T) -> (sides::Sender<T, A>, sides::Receiver<T, A>) {
    let sender = sides::Sender::new(init);
    let receiver = sender.subscribe();
    (sender, receiver)
}
