//! Channels with a limit.

use alloc::vec::Vec;
use core::fmt;
use core::future::{Future, poll_fn};
use core::mem;
use core::pin::pin;
use core::ptr;
use core::task::{Context, Poll};

use turgo_machine::mutant;

use super::chan::Chan;
use super::error::{SendError, TryRecvError, TrySendError};
use super::permit::{OwnedPermit, Permit, PermitIterator};
use super::room::Bounded;
use super::sides::{receiver, sender};
use crate::access::{Access, Shared};
#[cfg(feature = "std")]
use crate::block::block_on;
use crate::permits::{PERMITS_MAX, Refused};

/// Sends values, of which so many may be on their way.
///
/// Those who wait for room get it strictly in the order of asking.
pub struct Sender<T, A: Access = Shared> {
    pub(super) chan: A::Handle<Chan<T, Bounded<A>, A>>,
}

/// A sender that does not keep its channel open. Made by [`Sender::downgrade`].
pub struct WeakSender<T, A: Access = Shared> {
    pub(super) chan: A::Handle<Chan<T, Bounded<A>, A>>,
}

/// Receives the values, in the order in which they were sent.
pub struct Receiver<T, A: Access = Shared> {
    pub(super) chan: A::Handle<Chan<T, Bounded<A>, A>>,
}

/// A channel in which at most `buffer` values are on their way or reserved for.
///
/// Memory is used for values that are there, not for the room.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let (sender, mut receiver) = turgo_sync::mpsc::channel(1);
/// sender.send(1).await.unwrap();
/// assert!(sender.try_send(2).is_err());
/// assert_eq!(receiver.recv().await, Some(1));
/// # });
/// ```
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
    assert!(buffer > 0, "mpsc bounded channel requires buffer > 0");
    assert!(buffer as u64 <= PERMITS_MAX, "a channel's room is at most MAX_PERMITS");
    let chan = A::handle(Chan::new(Bounded::new(buffer), false));
    (Sender { chan: chan.clone() }, Receiver { chan })
}

impl<T, A: Access> Sender<T, A> {
    /// Sends a value as soon as there is room.
    ///
    /// Cancel safe in that a future that is dropped before it is ready has not sent; the value is gone with it. [`reserve`](Self::reserve) keeps it.
    ///
    /// # Errors
    ///
    /// The value, if the receiver was closed or dropped, also while it waits.
    #[inline]
    pub async fn send(&self, value: T) -> Result<(), SendError<T>> {
        match self.take(1).await {
            Ok(()) => {
                self.push(value);
                Ok(())
            }
            Err(_) => Err(SendError(value)),
        }
    }

    /// Sends a value if there is room at once.
    ///
    /// # Errors
    ///
    /// The value, if there is no room, others wait for it, or the receiver was closed or dropped.
    #[inline]
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        match self.try_take(1) {
            Ok(()) => {
                self.push(message);
                Ok(())
            }
            Err(refused) => Err(refusal(refused, message)),
        }
    }

    /// Waits for room for a value.
    ///
    /// Cancel safe: a wait that is given up loses its place in the queue, and gives back the room it was given.
    ///
    /// # Errors
    ///
    /// If the receiver was closed or dropped, also while it waits.
    pub async fn reserve(&self) -> Result<Permit<'_, T, A>, SendError<()>> {
        self.take(1).await.map_err(|_| SendError(()))?;
        Ok(Permit { sender: self })
    }

    /// Waits for room for `n` values, which comes at once. Those behind wait meanwhile, though there may be room for them.
    ///
    /// Cancel safe, as [`reserve`](Self::reserve).
    ///
    /// # Errors
    ///
    /// If `n` is more than the channel's capacity, or the receiver was closed or dropped.
    pub async fn reserve_many(&self, n: usize) -> Result<PermitIterator<'_, T, A>, SendError<()>> {
        if n > self.max_capacity() {
            return Err(SendError(()));
        }
        self.take(n as u64).await.map_err(|_| SendError(()))?;
        Ok(PermitIterator { sender: self, count: n })
    }

    /// [`reserve`](Self::reserve) for room that owns the sender.
    ///
    /// Cancel safe, as there; the sender is dropped with the future. Clone it to keep one.
    ///
    /// # Errors
    ///
    /// If the receiver was closed or dropped, also while it waits.
    pub async fn reserve_owned(self) -> Result<OwnedPermit<T, A>, SendError<()>> {
        self.take(1).await.map_err(|_| SendError(()))?;
        Ok(OwnedPermit { sender: Some(self) })
    }

    /// Takes room for a value if there is some at once.
    ///
    /// # Errors
    ///
    /// If there is no room, others wait for it, or the receiver was closed or dropped.
    pub fn try_reserve(&self) -> Result<Permit<'_, T, A>, TrySendError<()>> {
        self.try_take(1).map_err(|refused| refusal(refused, ()))?;
        Ok(Permit { sender: self })
    }

    /// Takes room for `n` values if there is so much at once.
    ///
    /// # Errors
    ///
    /// If there is not so much room, others wait for it, or the receiver was closed or dropped.
    pub fn try_reserve_many(&self, n: usize) -> Result<PermitIterator<'_, T, A>, TrySendError<()>> {
        if n > self.max_capacity() {
            return Err(TrySendError::Full(()));
        }
        self.try_take(n as u64).map_err(|refused| refusal(refused, ()))?;
        Ok(PermitIterator { sender: self, count: n })
    }

    /// [`try_reserve`](Self::try_reserve) for room that owns the sender.
    ///
    /// # Errors
    ///
    /// The sender, where that fails.
    pub fn try_reserve_owned(self) -> Result<OwnedPermit<T, A>, TrySendError<Self>> {
        match self.try_take(1) {
            Ok(()) => Ok(OwnedPermit { sender: Some(self) }),
            Err(refused) => Err(refusal(refused, self)),
        }
    }

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

    #[inline(always)]
    fn try_take(&self, count: u64) -> Result<(), Refused> {
        match self.chan.room.permits.try_take(count) {
            Err(Refused::Short) => self.try_take_freed(count),
            taken => taken,
        }
    }

    /// The same where there are too few permits: more may have been freed.
    #[cold]
    #[inline(never)]
    fn try_take_freed(&self, count: u64) -> Result<(), Refused> {
        if !self.chan.room.collect() {
            return Err(Refused::Short);
        }
        let taken = self.chan.room.permits.try_take(count);
        if taken == Err(Refused::Closed) {
            // C6: what was collected may have been the last to come back.
            self.chan.tell_if_over();
        }
        taken
    }

    #[inline]
    async fn take(&self, count: u64) -> Result<(), Refused> {
        match self.try_take(count) {
            Err(Refused::Short) => self.wait_for_room(count).await,
            taken => taken,
        }
    }

    async fn wait_for_room(&self, count: u64) -> Result<(), Refused> {
        let room = &self.chan.room;
        // C3: dropped after the wait below, which may have been given room.
        let tells = TellReceiver(&self.chan);
        let mut wait = pin!(room.permits.take(count));
        let mut wanted = false;
        poll_fn(|context| {
            let answer = wait.as_mut().poll(context);
            if answer.is_ready() || wanted || mutant!("C5 queued and not wanted") {
                return answer;
            }
            // C5: it is queued now.
            wanted = true;
            room.want();
            wait.as_mut().poll(context)
        })
        .await?;
        if room.permits.is_closed() {
            room.permits.give(count);
            return Err(Refused::Closed);
        }
        mem::forget(tells);
        Ok(())
    }

    /// Sends a value for which there is room: a bounded channel accepts it even when it was closed meanwhile.
    #[inline]
    pub(super) fn push(&self, value: T) {
        // The lane of a bounded channel is never closed.
        let refused = self.chan.push(value).err();
        debug_assert!(refused.is_none(), "there was room");
    }
}

/// Tells the receiver of a closed channel when a wait for room was the last that had some.
struct TellReceiver<'a, T, A: Access>(&'a Chan<T, Bounded<A>, A>);

impl<T, A: Access> Drop for TellReceiver<'_, T, A> {
    fn drop(&mut self) {
        self.0.tell_if_over();
    }
}

/// What to say to somebody who wanted room at once.
fn refusal<T>(refused: Refused, value: T) -> TrySendError<T> {
    match refused {
        Refused::Closed => TrySendError::Closed(value),
        Refused::Short => TrySendError::Full(value),
    }
}

#[cfg(feature = "std")]
impl<T> Sender<T> {
    /// [`send`](Self::send) for a thread, which sleeps meanwhile.
    ///
    /// # Errors
    ///
    /// The value, if the receiver was closed or dropped, also while it waits.
    pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
        block_on(self.send(value))
    }
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

sender!(Sender, WeakSender, A);
receiver!(Receiver, A);
