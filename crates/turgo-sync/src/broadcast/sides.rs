//! Senders and receivers, over who may touch them: [`broadcast`](super) names those of any thread, [`local::broadcast`](crate::local::broadcast) those of
//! one. The module above numbers the invariants.

use core::fmt;
use core::ptr;

use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;

use super::error::{RecvError, SendError, TryRecvError};
use super::ring::Ring;
#[cfg(feature = "std")]
use crate::access::Shared;
use crate::access::{Access, Word};
#[cfg(feature = "std")]
use crate::block::block_on;

/// Sends values to all receivers. The last one to be dropped closes the channel.
pub struct Sender<T, A: Access> {
    pub(super) ring: A::Handle<Ring<T, A>>,
}

/// A sender that does not keep its channel open. Made by [`Sender::downgrade`].
pub struct WeakSender<T, A: Access> {
    pub(super) ring: A::Handle<Ring<T, A>>,
}

/// Receives all values that are sent after it was made.
pub struct Receiver<T, A: Access> {
    ring: A::Handle<Ring<T, A>>,
    /// The position of the next value.
    next: u64,
}

impl<T, A: Access> Sender<T, A> {
    /// A channel that has no receiver yet.
    ///
    /// # Panics
    ///
    /// As for [`channel`](super::channel).
    #[must_use]
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        Self { ring: A::handle(Ring::new(capacity, 0)) }
    }

    /// Sends a value to all who are receivers now, and answers how many these are. It never waits for them to receive.
    ///
    /// # Errors
    ///
    /// The value, if there are none. There may be some later.
    ///
    /// # Panics
    ///
    /// With [`Local`](crate::access::Local) access, from within the clone of a value, if it comes to that value's place.
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        self.ring.send(value).map_err(SendError)
    }

    /// One more receiver, of what is sent from now on.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<T, A> {
        Receiver::of(&self.ring)
    }

    /// A sender that does not keep the channel open.
    #[must_use]
    pub fn downgrade(&self) -> WeakSender<T, A> {
        // Relaxed: a number.
        self.ring.weak_senders.fetch_add(1, Ordering::Relaxed);
        WeakSender { ring: self.ring.clone() }
    }

    /// How many values there are that some receiver has not received.
    ///
    /// # Panics
    ///
    /// With [`Local`](crate::access::Local) access, from within the clone of a value, if it comes to that value's place.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether all values were received by all.
    ///
    /// # Panics
    ///
    /// As [`len`](Self::len).
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
        ptr::eq(&*self.ring, &*other.ring)
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

pub(super) fn pair<T, A: Access>(ring: Ring<T, A>) -> (Sender<T, A>, Receiver<T, A>) {
    let ring = A::handle(ring);
    (Sender { ring: ring.clone() }, Receiver { ring, next: 0 })
}

impl<T, A: Access> Ring<T, A> {
    fn strong_count(&self) -> usize {
        // Acquire: comes after the last use of those who are gone.
        self.senders.load(Ordering::Acquire) as usize
    }

    fn weak_count(&self) -> usize {
        // Relaxed: a number.
        self.weak_senders.load(Ordering::Relaxed) as usize
    }
}

impl<T, A: Access> WeakSender<T, A> {
    /// A sender, if there is one still.
    #[must_use]
    pub fn upgrade(&self) -> Option<Sender<T, A>> {
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

impl<T, A: Access> Receiver<T, A> {
    fn of(ring: &A::Handle<Ring<T, A>>) -> Self {
        let next = ring.add_receiver();
        Self { ring: ring.clone(), next }
    }

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
        ptr::eq(&*self.ring, &*other.ring)
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

impl<T: Clone, A: Access> Receiver<T, A> {
    /// One more receiver, of what is sent from now on.
    #[must_use]
    pub fn resubscribe(&self) -> Self {
        Self::of(&self.ring)
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
    /// With [`Local`](crate::access::Local) access, from within the clone of a value, if it comes to that value's place.
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
    /// With [`Local`](crate::access::Local) access, from within the clone of a value, if it comes to that value's place.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.ring.receive_value(&mut self.next)
    }
}

#[cfg(feature = "std")]
impl<T: Clone> Receiver<T, Shared> {
    /// [`recv`](Self::recv) for a thread, which sleeps meanwhile.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        block_on(self.recv())
    }
}

/// A receiver that gives up its parts in all values that were meant for it, also where dropping one of them panics.
struct Leaving<'a, T, A: Access> {
    ring: &'a Ring<T, A>,
    next: u64,
    until: u64,
    is_last: bool,
}

impl<T, A: Access> Leaving<'_, T, A> {
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

impl<T, A: Access> Drop for Leaving<'_, T, A> {
    fn drop(&mut self) {
        self.skip_all();
        if self.is_last {
            self.ring.left.notify_waiters();
        }
    }
}

impl<T, A: Access> Drop for Receiver<T, A> {
    fn drop(&mut self) {
        let (until, is_last) = self.ring.remove_receiver();
        let mut leaving = Leaving { ring: &self.ring, next: self.next, until, is_last };
        leaving.skip_all();
    }
}

impl<T, A: Access> Clone for Sender<T, A> {
    fn clone(&self) -> Self {
        // Relaxed: the caller is one, so there is one.
        self.ring.senders.fetch_add(1, Ordering::Relaxed);
        Self { ring: self.ring.clone() }
    }
}

impl<T, A: Access> Drop for Sender<T, A> {
    fn drop(&mut self) {
        // AcqRel: the last comes after all others.
        if self.ring.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.ring.close();
        }
    }
}

impl<T, A: Access> Clone for WeakSender<T, A> {
    fn clone(&self) -> Self {
        // Relaxed, here and below: a number.
        self.ring.weak_senders.fetch_add(1, Ordering::Relaxed);
        Self { ring: self.ring.clone() }
    }
}

impl<T, A: Access> Drop for WeakSender<T, A> {
    fn drop(&mut self) {
        self.ring.weak_senders.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<T, A: Access> fmt::Debug for Sender<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broadcast::Sender")
    }
}

impl<T, A: Access> fmt::Debug for WeakSender<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broadcast::WeakSender")
    }
}

impl<T, A: Access> fmt::Debug for Receiver<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broadcast::Receiver")
    }
}
