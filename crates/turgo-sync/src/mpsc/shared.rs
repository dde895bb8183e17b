//! Receivers that share a channel. They are `mpmc`'s; the senders are the same.

use core::fmt;
use core::ptr;

use super::bounded::Sender;
use super::chan::Chan;
use super::error::TryRecvError;
use super::room::{Bounded, Unbounded};
use super::unbounded::UnboundedSender;
use crate::access::{Access, Shared};
#[cfg(feature = "std")]
use crate::block::block_on;
use crate::permits::PERMITS_MAX;

/// Receives values; each is received by one of those who share the channel.
pub struct Receiver<T, A: Access = Shared> {
    chan: A::Handle<Chan<T, Bounded<A>, A>>,
}

/// Receives values of a channel without a limit; each is received by one of those who share the channel.
pub struct UnboundedReceiver<T, A: Access = Shared> {
    chan: A::Handle<Chan<T, Unbounded, A>>,
}

/// A channel in which at most `buffer` values are on their way or reserved for.
///
/// # Panics
///
/// If `buffer` is zero, or more than [`Semaphore::MAX_PERMITS`](crate::Semaphore::MAX_PERMITS).
#[track_caller]
pub fn channel<T>(buffer: usize) -> (Sender<T>, Receiver<T>) {
    channel_in(buffer)
}

#[track_caller]
pub(crate) fn channel_in<T, A: Access>(buffer: usize) -> (Sender<T, A>, Receiver<T, A>) {
    assert!(buffer > 0, "mpmc bounded channel requires buffer > 0");
    assert!(buffer as u64 <= PERMITS_MAX, "a channel's room is at most MAX_PERMITS");
    let chan = A::handle(Chan::new(Bounded::new(buffer), true));
    (Sender { chan: chan.clone() }, Receiver { chan })
}

/// A channel in which any number of values may be on their way: as many as there is memory for.
pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    unbounded_channel_in()
}

pub(crate) fn unbounded_channel_in<T, A: Access>()
-> (UnboundedSender<T, A>, UnboundedReceiver<T, A>) {
    let chan = A::handle(Chan::new(Unbounded, true));
    (UnboundedSender { chan: chan.clone() }, UnboundedReceiver { chan })
}

impl<T, A: Access> Receiver<T, A> {
    /// How much room there is at this moment.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.chan.room.available()
    }

    /// How much room there is when nothing is on its way or reserved.
    #[must_use]
    pub fn max_capacity(&self) -> usize {
        self.chan.room.max
    }
}

macro_rules! receiver {
    ($receiver:ident) => {
        impl<T, A: Access> $receiver<T, A> {
            /// Waits for the next value; nothing when no more can come.
            ///
            /// Those who wait are told of values in the order of asking; one who comes just then may be quicker. What was sent before the channel was
            /// closed is received still.
            ///
            /// Cancel safe: a value is taken in the poll that answers it, and a wait that was told of one and is given up tells the next. A spurious
            /// wake is possible; the wait goes on then.
            pub async fn recv(&self) -> Option<T> {
                self.chan.recv_shared().await
            }

            /// The next value, if it is there.
            ///
            /// Waits shortly for a sender that was stopped while it sends.
            ///
            /// # Errors
            ///
            /// If it is not there, or none can come any more.
            pub fn try_recv(&self) -> Result<T, TryRecvError> {
                // SAFETY: we are one of those who share it.
                unsafe { self.chan.try_recv() }
            }

            /// Accepts no more values, for all who share the channel; those that were sent, or that room was reserved for, can be received still.
            pub fn close(&self) {
                self.chan.close();
            }

            /// Whether the channel was closed or all senders are gone.
            #[must_use]
            pub fn is_closed(&self) -> bool {
                self.chan.is_closed_or_left()
            }

            /// Whether no value is on its way or there.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// How many values are there or on their way.
            #[must_use]
            pub fn len(&self) -> usize {
                self.chan.len()
            }

            /// Whether two receivers are of one channel.
            #[must_use]
            pub fn same_channel(&self, other: &Self) -> bool {
                ptr::eq(&*self.chan, &*other.chan)
            }

            /// How many receivers share the channel.
            #[must_use]
            pub fn receiver_count(&self) -> usize {
                self.chan.receiver_count()
            }

            /// How many senders there are.
            #[must_use]
            pub fn sender_strong_count(&self) -> usize {
                self.chan.strong_count()
            }

            /// How many weak senders there are.
            #[must_use]
            pub fn sender_weak_count(&self) -> usize {
                self.chan.weak_count()
            }
        }

        #[cfg(feature = "std")]
        impl<T> $receiver<T> {
            /// [`recv`](Self::recv) for a thread, which sleeps meanwhile.
            pub fn blocking_recv(&self) -> Option<T> {
                block_on(self.recv())
            }
        }

        impl<T, A: Access> Clone for $receiver<T, A> {
            fn clone(&self) -> Self {
                self.chan.add_receiver();
                Self { chan: self.chan.clone() }
            }
        }

        impl<T, A: Access> Drop for $receiver<T, A> {
            fn drop(&mut self) {
                // SAFETY: we are one of those who share it.
                unsafe { self.chan.remove_receiver() };
            }
        }

        impl<T, A: Access> fmt::Debug for $receiver<T, A> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($receiver)).field("chan", &*self.chan).finish()
            }
        }
    };
}

receiver!(Receiver);
receiver!(UnboundedReceiver);
