//! What senders and receivers of a broadcast have in common: the ring of values, and who is there.

use alloc::boxed::Box;
use core::panic::{RefUnwindSafe, UnwindSafe};

use turgo_machine::mutant;

use super::error::TryRecvError;
use crate::access::{Access, Word};
use crate::brief::{Mutex, MutexGuard, lock};
use crate::notify::Notify;

/// A place of the ring.
struct Place<T> {
    /// Of which position the value is.
    position: u64,
    /// How many receivers have not received it yet (B2).
    left: usize,
    value: Option<T>,
}

/// Where the next value goes, and who will get it.
struct Tail {
    position: u64,
    receivers: usize,
    /// All senders are gone.
    closed: bool,
}

pub(super) struct Ring<T, A: Access> {
    places: Box<[Mutex<Place<T>, A>]>,
    tail: Mutex<Tail, A>,
    pub(super) senders: A::Word,
    pub(super) weak_senders: A::Word,
    /// For receivers who wait for a value or the end.
    pub(super) arrivals: Notify<A>,
    /// For senders who wait until no receiver is left.
    pub(super) left: Notify<A>,
}

// B4: values are dropped, and wakers called, when nothing is held; a clone that panics leaves the ring whole.
impl<T, A: Access> UnwindSafe for Ring<T, A> {}
impl<T, A: Access> RefUnwindSafe for Ring<T, A> {}

impl<T, A: Access> Ring<T, A> {
    #[track_caller]
    pub(super) fn new(capacity: usize, receivers: usize) -> Self {
        assert!(capacity > 0, "broadcast channel capacity cannot be zero");
        assert!(
            capacity <= usize::MAX >> 1,
            "broadcast channel capacity exceeded `usize::MAX / 2`"
        );
        let capacity = capacity.next_power_of_two();
        let place = |index: usize| {
            // A position of the lap before the first.
            let position = (index as u64).wrapping_sub(capacity as u64);
            Mutex::with_fairness(Place { position, left: 0, value: None })
        };
        Self {
            places: (0..capacity).map(place).collect(),
            tail: Mutex::with_fairness(Tail { position: 0, receivers, closed: false }),
            senders: A::Word::new(1),
            weak_senders: A::Word::new(0),
            arrivals: Notify::new(),
            left: Notify::new(),
        }
    }

    fn place(&self, position: u64) -> MutexGuard<'_, Place<T>, A> {
        lock(&self.places[(position & (self.places.len() as u64 - 1)) as usize])
    }

    /// Puts a value there for all who are receivers now, and answers how many these are.
    ///
    /// # Errors
    ///
    /// The value, if there are none.
    pub(super) fn send(&self, value: T) -> Result<usize, T> {
        let mut tail = lock(&self.tail);
        let receivers = tail.receivers;
        if receivers == 0 {
            return Err(value);
        }
        // B1: the tail is held until the value is there, and goes on when the place is ours: that can panic on one thread.
        let position = tail.position;
        let (mut place, tail) = if mutant!("B1 let go before the value is there") {
            tail.position = position.wrapping_add(1);
            drop(tail);
            (self.place(position), None)
        } else {
            let place = self.place(position);
            tail.position = position.wrapping_add(1);
            (place, Some(tail))
        };
        place.position = position;
        place.left = receivers;
        let old = place.value.replace(value);
        drop(place);
        drop(tail);
        if !mutant!("B3 sent and nobody told") {
            self.arrivals.notify_waiters();
        }
        // B4.
        drop(old);
        Ok(receivers)
    }

    /// The last sender is gone.
    pub(super) fn close(&self) {
        lock(&self.tail).closed = true;
        self.arrivals.notify_waiters();
    }

    /// One more receiver, of what is sent from the position that is answered on.
    pub(super) fn add_receiver(&self) -> u64 {
        let mut tail = lock(&self.tail);
        tail.receivers += 1;
        tail.position
    }

    /// One receiver less. Answers up to which position there are values that were meant for it, and whether it was the last.
    pub(super) fn remove_receiver(&self) -> (u64, bool) {
        let mut tail = lock(&self.tail);
        tail.receivers -= 1;
        (tail.position, tail.receivers == 0)
    }

    pub(super) fn receiver_count(&self) -> usize {
        lock(&self.tail).receivers
    }

    /// How many values were sent since a position.
    pub(super) fn sent_since(&self, position: u64) -> usize {
        lock(&self.tail).position.wrapping_sub(position) as usize
    }

    /// Whether the tail or a place is held at this moment.
    #[cfg(all(test, not(any(loom, shuttle))))]
    pub(super) fn is_held(&self) -> bool {
        self.tail.try_lock().is_err() || self.places.iter().any(|place| place.try_lock().is_err())
    }

    /// How many values there are that somebody has not received.
    pub(super) fn len(&self) -> usize {
        let tail = lock(&self.tail);
        let capacity = self.places.len() as u64;
        // B2: receivers go in order, so values that all have received are the older ones.
        let (mut low, mut high) = (0, capacity);
        while low < high {
            let middle = low.midpoint(high);
            // The oldest is `capacity` before the tail.
            let position = tail.position.wrapping_sub(capacity).wrapping_add(middle);
            if self.place(position).left == 0 { low = middle + 1 } else { high = middle }
        }
        (capacity - low) as usize
    }

    /// Takes part in the value at `next`, by `use_value`, which is told whether it is the last to; then `next` is one further. If it was
    /// overwritten `next` becomes the oldest there is.
    fn receive<R>(
        &self,
        next: &mut u64,
        use_value: impl Fn(&mut Share<'_, T, A>) -> R,
    ) -> Result<R, TryRecvError> {
        loop {
            let place = self.place(*next);
            if place.position == *next {
                *next = next.wrapping_add(1);
                return Ok(use_value(&mut Share { place: Some(place) }));
            }
            drop(place);
            // B1: which values there are is known to who holds the tail.
            let tail = lock(&self.tail);
            if tail.position == *next {
                return Err(if tail.closed { TryRecvError::Closed } else { TryRecvError::Empty });
            }
            let oldest = tail.position.wrapping_sub(self.places.len() as u64);
            let missed = oldest.wrapping_sub(*next);
            // More than half of all numbers is less than nothing: the value came between.
            if 0 < missed && missed <= u64::MAX / 2 {
                *next = oldest;
                return Err(TryRecvError::Lagged(missed));
            }
        }
    }

    /// The value at `next`.
    pub(super) fn receive_value(&self, next: &mut u64) -> Result<T, TryRecvError>
    where
        T: Clone,
    {
        self.receive(next, |share| share.value())
    }

    /// Leaves the value at `next` to others.
    pub(super) fn skip_value(&self, next: &mut u64) -> Result<(), TryRecvError> {
        self.receive(next, |_| ())
    }
}

/// A receiver's part in a value, which it gives up when this is dropped. The place is held so long.
struct Share<'a, T, A: Access> {
    place: Option<MutexGuard<'a, Place<T>, A>>,
}

impl<T: Clone, A: Access> Share<'_, T, A> {
    fn value(&mut self) -> T {
        let place = self.place.as_mut().expect("held until it is dropped");
        let value = if place.left == 1 && !mutant!("B2 cloned for the last") {
            place.value.take()
        } else {
            place.value.clone()
        };
        value.expect("there for as long as somebody has not received it")
    }
}

impl<T, A: Access> Drop for Share<'_, T, A> {
    fn drop(&mut self) {
        let Some(mut place) = self.place.take() else { return };
        place.left -= 1;
        let value = if place.left == 0 { place.value.take() } else { None };
        if mutant!("B4 dropped while the place is held") {
            drop(value);
            drop(place);
            return;
        }
        drop(place);
        // B4.
        drop(value);
    }
}
