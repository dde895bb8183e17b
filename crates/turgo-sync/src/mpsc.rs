//! Channels from many senders to one receiver, with the names, signatures and results of `tokio::sync::mpsc`.
//!
//! Values travel in blocks (`lane.rs`); the room of a bounded channel is permits, so who waits for it waits in the crate's queue. Sending is one exchange
//! for the number and one for the place, and with a limit one for the room; receiving is none, and with a limit one, in a word that senders look at only
//! when they have no room left. Waiting allocates nothing.
//! `turgo_sync::local::mpsc` is the same for the tasks of one thread.
//!
//! # Invariants
//!
//! - **C1** Of a bounded channel's room each part is a permit, held by somebody who may send, is a value that was not received, was *freed*, or is in the
//!   hands of somebody who makes permits of what was freed. So no more values are there than there is room, and the channel is idle exactly when
//!   all is permits or freed.
//! - **C2** A sender is counted out after its last value has its number. So who finds no sender and then no value finds the end; the last one to
//!   leave wakes the receiver after it was counted.
//! - **C3** A closed channel is over when it is idle. Whoever gives back the last permit of a closed channel unused wakes the receiver.
//! - **C4** Values are dropped when they are the dropper's own, one by one; where one panics the others follow.
//! - **C5** Who is short of permits makes some of all that was freed. If he must wait he says *wanted* in the word of freed room, after he was queued; then
//!   receivers make permits of what they free. They clear *wanted* when nobody waits, and look once more after that. So nobody waits while room is
//!   free, and how much of it there is does not depend on where it is.
//! - **C6** Whether a closed channel is idle is asked with an exchange of the word of freed room, and by everybody who gave something back or made permits:
//!   after that. So the last of them sees what all have given, and tells.
//!
//! # Progress
//!
//! Sending, receiving and giving back never wait for another thread, but as said in `lane.rs`: once in some thirty values a sender may wait for another that
//! was stopped between three stores. Where a sender was stopped in the middle of sending, the receiver's task waits for it, and
//! [`try_recv`](Receiver::try_recv) does.

mod bounded;
mod chan;
pub mod error;
mod permit;
mod room;
pub(crate) mod shared;
mod sides;
#[cfg(test)]
mod tests;
mod unbounded;

pub(crate) use bounded::channel_in;
pub use bounded::{Receiver, Sender, WeakSender, channel};
pub use permit::{OwnedPermit, Permit, PermitIterator};
pub(crate) use unbounded::unbounded_channel_in;
pub use unbounded::{UnboundedReceiver, UnboundedSender, WeakUnboundedSender, unbounded_channel};
