//! Channels in which every receiver gets every value, with the names, signatures and results of `tokio::sync::broadcast`.
//!
//! Values are in a ring, whose places are locked one by one; a new one overwrites the oldest, and who had not received that is told how many it missed.
//! The value is cloned for all receivers but the last, which gets the value itself. A receiver clones while it holds the place, because
//! nothing is allocated for a value and `T` need not be `Sync`; a clone that is slow holds up those who want the same place.
//!
//! # Invariants
//!
//! - **B1** Values are sent by who holds the tail, which is let go when the value is in its place. So who holds it knows that each of the last values is
//!   there, and a new receiver gets all of a value or nothing.
//! - **B2** A value counts the receivers that it was sent to and that have not received it, skipped it or gone. So it is there until the last of them
//!   has had it or it was overwritten, and no longer. Receivers go in order.
//! - **B3** Who waits has begun before it looks; who sends, or closes, does so before it tells those who wait. So no value is missed.
//! - **B4** Values are dropped, and wakers called, when nothing is held. A clone that panics gives up its part like any other.
//!
//! # Progress
//!
//! Sending and receiving hold locks for a few assignments and a clone. A thread that finds one taken spins shortly, then sleeps. A clone that itself sends or
//! receives waits for ever if it comes to the place that is cloned; on one thread, as with [`local::broadcast`](crate::local::broadcast), it panics.
//!
//! ```
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let (sender, mut one) = turgo_sync::broadcast::channel(16);
//! let mut other = sender.subscribe();
//! sender.send("value").unwrap();
//! assert_eq!(one.recv().await, Ok("value"));
//! assert_eq!(other.recv().await, Ok("value"));
//! # });
//! ```

pub mod error;
mod ring;
pub mod sides;
#[cfg(test)]
mod tests;

use crate::access::{Access, Shared};
use ring::Ring;

/// Sends values to all receivers. The last one to be dropped closes the channel.
pub type Sender<T> = sides::Sender<T, Shared>;
/// A sender that does not keep its channel open. Made by [`Sender::downgrade`](sides::Sender::downgrade).
pub type WeakSender<T> = sides::WeakSender<T, Shared>;
/// Receives all values that are sent after it was made.
pub type Receiver<T> = sides::Receiver<T, Shared>;

/// A channel that keeps at least `capacity` values for receivers that lag: as many as the next power of two.
///
/// # Panics
///
/// If `capacity` is zero or more than `usize::MAX / 2`.
#[track_caller]
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    channel_in(capacity)
}

#[track_caller]
pub(crate) fn channel_in<T: Clone, A: Access>(
    capacity: usize,
) -> (sides::Sender<T, A>, sides::Receiver<T, A>) {
    sides::pair(Ring::new(capacity, 1))
}
