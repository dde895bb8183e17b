//! Channels without a limit.

use alloc::vec::Vec;
use core::fmt;
use core::future::poll_fn;
use core::ptr;
use core::task::{Context, Poll};

use super::chan::Chan;
use super::error::{SendError, TryRecvError};
use super::room::Unbounded;
use super::sides::{receiver, sender};
use crate::access::{Access, Shared};
#[cfg(feature = "std")]
use crate::block::block_on;

/// Sends values, of which any number may be on their way.
pub struct UnboundedSender<T, A: Access = Shared> {
    pub(super) chan: A::Handle<Chan<T, Unbounded, A>>,
}

/// A sender that does not keep its channel open. Made by [`UnboundedSender::downgrade`].
pub struct WeakUnboundedSender<T, A: Access = Shared> {
    pub(super) chan: A::Handle<Chan<T, Unbounded, A>>,
}

/// Receives the values, in the order in which they were sent.
pub struct UnboundedReceiver<T, A: Access = Shared> {
    pub(super) chan: A::Handle<Chan<T, Unbounded, A>>,
}

/// A channel in which any number of values may be on their way: as many as there is memory for.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let (sender, mut receiver) = turgo_sync::mpsc::unbounded_channel();
/// sender.send(1).unwrap();
/// sender.send(2).unwrap();
/// drop(sender);
/// assert_eq!((receiver.recv().await, receiver.recv().await), (Some(1), Some(2)));
/// assert_eq!(receiver.recv().await, None);
/// # });
/// ```
pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    unbounded_channel_in()
}

pub(crate) fn unbounded_channel_in<T, A: Access>()
-> (UnboundedSender<T, A>, UnboundedReceiver<T, A>) {
    let chan = A::handle(Chan::new(Unbounded, false));
    (UnboundedSender { chan: chan.clone() }, UnboundedReceiver { chan })
}

impl<T, A: Access> UnboundedSender<T, A> {
    /// Sends a value, at once.
    ///
    /// # Errors
    ///
    /// The value, if the receiver was closed or dropped.
    #[inline]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.chan.push(message).map_err(SendError)
    }
}

sender!(UnboundedSender, WeakUnboundedSender, A);
receiver!(UnboundedReceiver, A);
