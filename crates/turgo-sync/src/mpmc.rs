//! Channels from many senders to many receivers, each value to one of them. tokio has none; methods are called as those of its `mpsc`.
//!
//! The senders are those of [`mpsc`](crate::mpsc), with reservations, weak senders and all. Receivers can be cloned, and wait in the crate's queue of
//! notifications, so each that waits is a node in its own future: nothing is allocated, and a wait that is given up passes on what it was told.
//!
//! # Invariants
//!
//! - **M1** Who waits is queued before its last look. Who sends has sent before it notifies, and both change one word. So the value is seen or the
//!   wait is told.
//! - **M2** Whatever may have been the last thing before the end, the last sender's leaving, closing, room given back, or the last value received, tells
//!   all who wait; and who is told looks for the end after it looked for a value, and for a value again after it saw the end.
//! - **M3** A notification for a value is for one who waits; if that one is gone or finds nothing it goes to the next, or to the next to come.
//!
//! # Progress
//!
//! As for `mpsc`; also, a receiver waits for a sender that was stopped between a value's number and the value.
//!
//! ```
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let (sender, receiver) = turgo_sync::mpmc::channel(8);
//! let other = receiver.clone();
//! sender.send(1).await.unwrap();
//! sender.send(2).await.unwrap();
//! assert_eq!((receiver.recv().await, other.recv().await), (Some(1), Some(2)));
//! # });
//! ```

#[cfg(test)]
mod tests;

pub use crate::mpsc::shared::{Receiver, UnboundedReceiver, channel, unbounded_channel};
pub use crate::mpsc::{
    OwnedPermit, Permit, PermitIterator, Sender, UnboundedSender, WeakSender, WeakUnboundedSender,
    error,
};
