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
//! Sending and receiving hold locks for a few assignments and a clone. A thread that finds one taken spins shortly, then sleeps.
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
#[cfg(test)]
mod tests;

use alloc::sync::Arc;
use core::fmt;

use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;

#[cfg(feature = "std")]
use crate::block::block_on;
use error::{RecvError, SendError, TryRecvError};
use ring::Ring;

/// Sends values to all receivers. The last one to be dropped closes the channel.
pub struct Sender<T> {
    ring: Arc<Ring<T>>,
}

/// A sender that does not keep its channel open. Made by [`Sender::downgrade`].
pub struct WeakSender<T> {
    ring: Arc<Ring<T>>,
}

/// Receives all values that are sent after it was made.
pub struct Receiver<T> {
    ring: Arc<Ring<T>>,
    /// The position of the next value.
    next: u64,
}

/// A channel that keeps at least `capacity` values for receivers that lag: as many as the next power of two.
///
/// # Panics
///
/// If `capacity` is zero or more than `usize::MAX / 2`.
#[track_caller]
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let ring = Arc::new(Ring::new(capacity, 1));
    (Sender { ring: ring.clone() }, Receiver { ring, next: 0 })
}

impl<T> Sender<T> {
    /// A channel that has no receiver yet.
    ///
    /// # Panics
    ///
    /// As for [`channel`].
    #[must_use]
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        Self { ring: Arc::new(Ring::new(capacity, 0)) }
    }

    /// Sends a value to all who are receivers now, and answers how many these are. It never waits for them to receive.
    ///
    /// # Errors
    ///
    /// The value, if there are none. There may be some later.
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        self.ring.send(value).map_err(SendError)
    }

    /// One more receiver, of what is sent from now on.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<T> {
        receiver(self.ring.clone())
    }

    /// A sender that does not keep the channel open.
    #[must_use]
    pub fn downgrade(&self) -> WeakSender<T> {
        // Relaxed: a number.
        self.ring.weak_senders.fetch_add(1, Ordering::Relaxed);
        WeakSender { ring: self.ring.clone() }
    }

    /// How many values there are that some receiver has not received.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether all values were received by all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many receivers there are.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.ring.receiver_count()
    }

    /// Whether two senders are of one channel.
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.ring, &other.ring)
    }

    /// Waits until there are no receivers.
    ///
    /// Cancel safe: a wait that is given up leaves nothing.
    pub async fn closed(&self) {
        loop {
            // Begun before it is looked at.
            let left = self.ring.left.notified();
            if self.receiver_count() == 0 {
                return;
            }
            // There may be new ones by then.
            left.await;
        }
    }

    /// How many senders there are.
    #[must_use]
    pub fn strong_count(&self) -> usize {
        self.ring.strong_count()
    }

    /// How many weak senders there are.
    #[must_use]
    pub fn weak_count(&self) -> usize {
        self.ring.weak_count()
    }
}

impl<T> Ring<T> {
    fn strong_count(&self) -> usize {
        // Acquire: comes after the last use of those who are gone.
        self.senders.load(Ordering::Acquire)
    }

    fn weak_count(&self) -> usize {
        // Relaxed: a number.
        self.weak_senders.load(Ordering::Relaxed)
    }
}

fn receiver<T>(ring: Arc<Ring<T>>) -> Receiver<T> {
    let next = ring.add_receiver();
    Receiver { ring, next }
}

impl<T> WeakSender<T> {
    /// A sender, if there is one still.
    #[must_use]
    pub fn upgrade(&self) -> Option<Sender<T>> {
        // Relaxed, all: only a number; that it is not zero is all that matters.
        let mut now = self.ring.senders.load(Ordering::Relaxed);
        while now > 0 {
            let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
            match self.ring.senders.compare_exchange_weak(now, now + 1, success, failure) {
                Ok(_) => return Some(Sender { ring: self.ring.clone() }),
                Err(found) => now = found,
            }
        }
        None
    }

    /// How many senders there are.
    #[must_use]
    pub fn strong_count(&self) -> usize {
        self.ring.strong_count()
    }

    /// How many weak senders there are.
    #[must_use]
    pub fn weak_count(&self) -> usize {
        self.ring.weak_count()
    }
}

impl<T> Receiver<T> {
    /// How many values were sent and not received by this receiver, those included that were overwritten.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.sent_since(self.next)
    }

    /// Whether all values were received by this receiver.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether two receivers are of one channel.
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.ring, &other.ring)
    }

    /// How many senders there are.
    #[must_use]
    pub fn sender_strong_count(&self) -> usize {
        self.ring.strong_count()
    }

    /// How many weak senders there are.
    #[must_use]
    pub fn sender_weak_count(&self) -> usize {
        self.ring.weak_count()
    }

    /// Whether all senders are gone. There may be values still.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.ring.strong_count() == 0
    }
}

impl<T: Clone> Receiver<T> {
    /// One more receiver, of what is sent from now on.
    #[must_use]
    pub fn resubscribe(&self) -> Self {
        receiver(self.ring.clone())
    }

    /// Waits for the next value.
    ///
    /// Cancel safe: a value is received in the poll that answers it. A spurious wake is possible; the wait goes on then.
    ///
    /// # Errors
    ///
    /// [`RecvError::Lagged`] with the number of values that were overwritten: the next call answers the oldest that is left.
    /// [`RecvError::Closed`] if all senders are gone and all values were received.
    ///
    /// # Panics
    ///
    /// If cloning the value does. It counts as received then.
    pub async fn recv(&mut self) -> Result<T, RecvError> {
        loop {
            // B3: begun before the ring is looked at.
            let arrivals = self.ring.arrivals.notified();
            match self.ring.receive_value(&mut self.next) {
                Ok(value) => return Ok(value),
                Err(TryRecvError::Closed) => return Err(RecvError::Closed),
                Err(TryRecvError::Lagged(missed)) => return Err(RecvError::Lagged(missed)),
                Err(TryRecvError::Empty) => {}
            }
            // Behind the match, so that the future has no place for a value.
            arrivals.await;
        }
    }

    /// The next value, if it is there.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv), and if it was not sent yet.
    ///
    /// # Panics
    ///
    /// If cloning the value does. It counts as received then.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.ring.receive_value(&mut self.next)
    }

    /// [`recv`](Self::recv) for a thread, which sleeps meanwhile.
    ///
    /// # Errors
    ///
    /// As there.
    #[cfg(feature = "std")]
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        block_on(self.recv())
    }
}

/// A receiver that gives up its parts in all values that were meant for it, also where dropping one of them panics.
struct Leaving<'a, T> {
    ring: &'a Ring<T>,
    next: u64,
    until: u64,
    is_last: bool,
}

impl<T> Leaving<'_, T> {
    fn skip_all(&mut self) {
        // What was overwritten needs no skipping.
        while self.is_behind() {
            _ = self.ring.skip_value(&mut self.next);
        }
    }

    /// Whether there is something left to skip. B2: what is overwritten meanwhile may reach beyond the end, and what follows is meant for others.
    fn is_behind(&self) -> bool {
        let left = self.until.wrapping_sub(self.next);
        if mutant!("B2 skipped beyond its own") {
            return left != 0;
        }
        // More than half of all numbers is less than nothing.
        0 < left && left <= u64::MAX / 2
    }
}

impl<T> Drop for Leaving<'_, T> {
    fn drop(&mut self) {
        self.skip_all();
        if self.is_last {
            self.ring.left.notify_waiters();
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let (until, is_last) = self.ring.remove_receiver();
        let mut leaving = Leaving { ring: &self.ring, next: self.next, until, is_last };
        leaving.skip_all();
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        // Relaxed: the caller is one, so there is one.
        self.ring.senders.fetch_add(1, Ordering::Relaxed);
        Self { ring: self.ring.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // AcqRel: the last comes after all others.
        if self.ring.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.ring.close();
        }
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        // Relaxed, here and below: a number.
        self.ring.weak_senders.fetch_add(1, Ordering::Relaxed);
        Self { ring: self.ring.clone() }
    }
}

impl<T> Drop for WeakSender<T> {
    fn drop(&mut self) {
        self.ring.weak_senders.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broadcast::Sender")
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broadcast::WeakSender")
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broadcast::Receiver")
    }
}
