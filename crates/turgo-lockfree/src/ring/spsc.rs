//! A bounded ring for one producer and one consumer, after Lamport (1983), each side with a copy of the other's index as in
//! FastForward and its successors (Giacomoni et al., PPoPP 2008; Lee et al., ANCS 2009).
//!
//! Both indices only grow, and wrap with `usize`; a slot is an index modulo a power of two. Each side reads the other's index only when
//! its copy leaves nothing to do, so that in a busy ring the shared lines move once per lap rather than once per item.
//!
//! # Invariants
//!
//! - **R1** `head <= tail <= head + capacity`, and `capacity` is at most the number of slots: two live indices never share a slot.
//! - **R2** Slots in `head..tail` hold items and belong to the consumer, all others belong to the producer. Only the producer stores
//!   `tail`, only the consumer stores `head`; each store is a Release that the other side's load acquires.
//! - **R3** A copy of the other's index is never ahead of it: it can only hide room or items that are there.
//! - **R4** A side that goes says so last, with a Release that the other side's question acquires: who knows that the producer is gone
//!   sees all it has pushed.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem::MaybeUninit;

use turgo_machine::CachePadded;
use turgo_machine::atomic::{AtomicBool, AtomicUsize, Ordering};
use turgo_machine::cell::UnsafeCell;
use turgo_machine::mutant;

use crate::drain::drop_all;

struct Ring<T> {
    /// The next index to pop.
    head: CachePadded<AtomicUsize>,
    /// The next index to push.
    tail: CachePadded<AtomicUsize>,
    slots: Box<[UnsafeCell<MaybeUninit<T>>]>,
    capacity: usize,
    /// One side is gone; only the other is left to ask (R4).
    abandoned: AtomicBool,
}

// SAFETY: R2. Items move from the producer's thread to the consumer's, and no reference to one is shared.
unsafe impl<T: Send> Sync for Ring<T> {}
// SAFETY: owning the ring is owning its items.
unsafe impl<T: Send> Send for Ring<T> {}

/// The side that pushes.
///
/// Wait-free: `push` takes a bounded number of steps whatever the consumer does. It can move to another thread where `T: Send`; it cannot
/// be shared.
pub struct Producer<T> {
    ring: Arc<Ring<T>>,
    tail: usize,
    /// R3.
    head_seen: usize,
}

/// The side that pops.
///
/// Wait-free: `pop` takes a bounded number of steps whatever the producer does. It can move to another thread where `T: Send`; it cannot
/// be shared.
pub struct Consumer<T> {
    ring: Arc<Ring<T>>,
    head: usize,
    /// R3.
    tail_seen: usize,
}

/// The two sides of a ring that holds up to `capacity` items.
///
/// # Panics
///
/// Where `capacity` is 0 or above a quarter of the address space.
///
/// ```
/// let (mut producer, mut consumer) = turgo_lockfree::ring::spsc::new(2);
/// assert_eq!(producer.push("a"), Ok(()));
/// assert_eq!(producer.push("b"), Ok(()));
/// assert_eq!(producer.push("c"), Err("c"));
/// assert_eq!(consumer.pop(), Some("a"));
/// ```
#[must_use]
pub fn new<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    assert!(capacity > 0, "a ring without room");
    assert!(capacity <= usize::MAX / 4, "a ring larger than memory");
    let slots = (0..capacity.next_power_of_two()).map(|_| UnsafeCell::new(MaybeUninit::uninit()));
    let ring = Arc::new(Ring {
        head: CachePadded::new(AtomicUsize::new(0)),
        tail: CachePadded::new(AtomicUsize::new(0)),
        slots: slots.collect(),
        capacity,
        abandoned: AtomicBool::new(false),
    });
    let producer = Producer { ring: Arc::clone(&ring), tail: 0, head_seen: 0 };
    (producer, Consumer { ring, head: 0, tail_seen: 0 })
}

impl<T> Ring<T> {
    fn slot(&self, index: usize) -> &UnsafeCell<MaybeUninit<T>> {
        &self.slots[index & (self.slots.len() - 1)]
    }

    fn len(&self) -> usize {
        // Acquire: pairs with the Release in `Consumer::release`. Read first, so that the difference never passes below 0.
        let head = self.head.load(Ordering::Acquire);
        // Acquire: pairs with the Release in `Producer::publish`.
        let tail = self.tail.load(Ordering::Acquire);
        tail.wrapping_sub(head).min(self.capacity)
    }

    fn abandon(&self) {
        let order =
            if mutant!("R4 Relaxed farewell") { Ordering::Relaxed } else { Ordering::Release };
        // Release: R4, hands all that this side did to the Acquire in `is_abandoned`.
        self.abandoned.store(true, order);
    }

    fn is_abandoned(&self) -> bool {
        // Acquire: R4, pairs with the Release in `abandon`.
        self.abandoned.load(Ordering::Acquire)
    }
}

impl<T> Producer<T> {
    /// How many items fit now, looking at the consumer's index only if fewer than `wanted` seem to.
    fn room(&mut self, wanted: usize) -> usize {
        let capacity = if mutant!("R1 ring one too full") {
            self.ring.slots.len() + 1
        } else {
            self.ring.capacity
        };
        let room = capacity - self.tail.wrapping_sub(self.head_seen);
        if room >= wanted {
            return room;
        }
        // Acquire: pairs with the Release in `Consumer::release`, so that the consumer is done with the slots up to here.
        self.head_seen = self.ring.head.load(Ordering::Acquire);
        if mutant!("R3 copy ahead of the index") {
            self.head_seen = self.tail;
        }
        capacity - self.tail.wrapping_sub(self.head_seen)
    }

    /// Writes an item where there is room; not visible before `publish`.
    fn write(&mut self, value: T) {
        self.ring.slot(self.tail).with_mut(|slot| {
            // SAFETY: R2, the caller found room, so the slot at `tail` is ours.
            let slot = unsafe { &mut *slot };
            slot.write(value);
        });
        self.tail = self.tail.wrapping_add(1);
    }

    fn publish(&self) {
        let order =
            if mutant!("R2 Relaxed publication") { Ordering::Relaxed } else { Ordering::Release };
        // Release: hands the slots below to the Acquire load in `Consumer::items`.
        self.ring.tail.store(self.tail, order);
    }

    /// Adds an item.
    ///
    /// # Errors
    ///
    /// Gives the item back where the ring is full.
    pub fn push(&mut self, value: T) -> Result<(), T> {
        if self.room(1) == 0 {
            return Err(value);
        }
        self.write(value);
        self.publish();
        Ok(())
    }

    /// Moves as many items as fit out of the front of `items`, and says how many. The consumer sees all of them at once.
    pub fn push_batch(&mut self, items: &mut Vec<T>) -> usize {
        let count = self.room(items.len()).min(items.len());
        for item in items.drain(..count) {
            self.write(item);
        }
        self.publish();
        count
    }

    /// Items in the ring. At least as many as there are by the time of return.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether the consumer has taken everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() == self.ring.capacity
    }

    /// Items the ring can hold.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.capacity
    }

    /// Whether the consumer is gone: what is pushed now is only ever dropped.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        self.ring.abandon();
    }
}

impl<T> Consumer<T> {
    /// How many items there are now, looking at the producer's index only if fewer than `wanted` seem to be there.
    fn items(&mut self, wanted: usize) -> usize {
        let items = self.tail_seen.wrapping_sub(self.head);
        if items >= wanted {
            return items;
        }
        // Acquire: pairs with the Release in `Producer::publish`, so that the items up to here are written.
        self.tail_seen = self.ring.tail.load(Ordering::Acquire);
        self.tail_seen.wrapping_sub(self.head)
    }

    /// Takes the item at `head`; its slot stays ours until `release`.
    fn read(&mut self) -> T {
        let value = self.ring.slot(self.head).with(|slot| {
            // SAFETY: R2, the caller found an item, so the slot at `head` is ours.
            let slot = unsafe { &*slot };
            // SAFETY: R2, the slot holds an item, and `head` moves past it, so it is read once.
            unsafe { slot.assume_init_read() }
        });
        self.head = self.head.wrapping_add(1);
        value
    }

    fn release(&self) {
        let order =
            if mutant!("R2 Relaxed release") { Ordering::Relaxed } else { Ordering::Release };
        // Release: gives the slots below back to the Acquire load in `Producer::room`.
        self.ring.head.store(self.head, order);
    }

    /// Takes the oldest item.
    pub fn pop(&mut self) -> Option<T> {
        if self.items(1) == 0 {
            return None;
        }
        let value = self.read();
        self.release();
        Some(value)
    }

    /// Moves up to `max` of the oldest items to the end of `out`, and says how many.
    pub fn pop_batch(&mut self, max: usize, out: &mut Vec<T>) -> usize {
        let count = self.items(max).min(max);
        out.reserve(count);
        out.extend((0..count).map(|_| self.read()));
        self.release();
        count
    }

    /// Items in the ring: so many can be popped, and more where the producer has pushed by the time of return.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether there is nothing to pop.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Items the ring can hold.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.capacity
    }

    /// Whether the producer is gone: a pop that finds the ring empty after this finds it empty for good.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        self.ring.abandon();
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        // Relaxed: nobody else is left, and `Arc` ordered what they did before this.
        let mut head = self.head.load(Ordering::Relaxed);
        // Relaxed: as above.
        let tail = self.tail.load(Ordering::Relaxed);
        drop_all(|| {
            if head == tail {
                return None;
            }
            let slot = self.slot(head);
            head = head.wrapping_add(1);
            slot.with(|slot| {
                // SAFETY: nobody else is left.
                let slot = unsafe { &*slot };
                // SAFETY: R2, the slot holds an item, and `head` has moved past it.
                Some(unsafe { slot.assume_init_read() })
            })
        });
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("len", &self.len()).finish_non_exhaustive()
    }
}
