//! A bounded queue in one array, after Vyukov's bounded MPMC queue (1024cores.net, 2010).
//!
//! Each slot has a sequence number that says whose turn it is. A producer that finds its slot free takes the position by moving `tail` on,
//! writes, and raises the sequence number; a consumer does the same with `head`. There is one compare-and-swap per operation, and nothing
//! to reclaim. The price is honest progress: **this queue is not lock-free**. A producer that is suspended between taking a position
//! and raising the number holds up the consumers when they reach its slot, and likewise for consumers and the lap after.
//!
//! # Invariants
//!
//! - **Q1** A slot with sequence number `p`, a position, is free for the producer that takes `p`; with `p + 1` it holds the item of `p` for the
//!   consumer that takes `p`; that consumer leaves it at `p` one lap on.
//! - **Q2** A position is taken by one thread: by compare-and-swap of `tail` or `head`, both of which only move on. Between taking it and
//!   storing the next sequence number the slot is that thread's alone.
//! - **Q3** `head <= tail <= head` one lap on. `force_push` on a full queue takes the oldest item's position first, so that no producer can
//!   take the new one before `force_push` stores `tail`. On nothing else a full queue takes an item.
//! - **Q4** The queue is empty where `head == tail` and the slot there is free. Where it is not, an earlier consumer is about to free it, or a
//!   `force_push` that has taken the oldest item has yet to put its own there; a `pop` waits to see which.

mod position;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::mem::MaybeUninit;
use core::panic::{RefUnwindSafe, UnwindSafe};

use turgo_machine::atomic::{AtomicUsize, Ordering, fence};
use turgo_machine::cell::UnsafeCell;
use turgo_machine::{CachePadded, mutant};

use crate::drain::drop_all;
use crate::patience::{Contention, Patience};
use position::{Laps, Position};

struct Slot<T> {
    /// Q1.
    sequence: AtomicUsize,
    value: UnsafeCell<MaybeUninit<T>>,
}

/// A bounded queue for any number of producers and consumers, with the methods of crossbeam's type of the same name.
///
/// Blocking in the sense of the theory: an operation that does not meet a suspended one takes one compare-and-swap, but a thread suspended in
/// the middle of an operation holds up those that reach its slot. Linearizable. Vyukov 2010.
///
/// ```
/// let queue = turgo_lockfree::queue::ArrayQueue::new(2);
/// assert_eq!(queue.push('a'), Ok(()));
/// assert_eq!(queue.push('b'), Ok(()));
/// assert_eq!(queue.push('c'), Err('c'));
/// assert_eq!(queue.force_push('c'), Some('a'));
/// assert_eq!(queue.pop(), Some('b'));
/// ```
pub struct ArrayQueue<T> {
    head: CachePadded<AtomicUsize>,
    tail: CachePadded<AtomicUsize>,
    slots: Box<[Slot<T>]>,
    laps: Laps,
}

// SAFETY: Q2. An item is moved from one thread to another, never shared.
unsafe impl<T: Send> Sync for ArrayQueue<T> {}
// SAFETY: owning the queue is owning its items.
unsafe impl<T: Send> Send for ArrayQueue<T> {}
// No user code runs while a slot is half-written.
impl<T> UnwindSafe for ArrayQueue<T> {}
impl<T> RefUnwindSafe for ArrayQueue<T> {}

impl<T> ArrayQueue<T> {
    /// A queue that holds up to `capacity` items.
    ///
    /// # Panics
    ///
    /// Where `capacity` is 0 or above a quarter of the address space.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "capacity must be non-zero");
        assert!(capacity < usize::MAX / 4, "a queue larger than memory");
        let slot = |sequence| Slot {
            sequence: AtomicUsize::new(sequence),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        };
        Self {
            head: CachePadded::new(AtomicUsize::new(0)),
            tail: CachePadded::new(AtomicUsize::new(0)),
            slots: (0..capacity).map(slot).collect(),
            laps: Laps::new(capacity),
        }
    }

    fn slot(&self, position: Position) -> &Slot<T> {
        let slot = self.laps.slot(position);
        debug_assert!(slot < self.slots.len(), "a position names a slot");
        // SAFETY: positions start at 0 and come from `Laps::next` and `next_lap`, which keep the slot below the capacity.
        unsafe { self.slots.get_unchecked(slot) }
    }

    /// Adds an item.
    ///
    /// # Errors
    ///
    /// Gives the item back where the queue is full.
    pub fn push(&self, value: T) -> Result<(), T> {
        match self.take_tail(1) {
            Some((position, _)) => {
                self.fill(position, value);
                Ok(())
            }
            None if mutant!("Q3 push to a full queue") => {
                self.force_push(value);
                Ok(())
            }
            None => Err(value),
        }
    }

    /// Adds an item, and takes the oldest one out where the queue is full.
    pub fn force_push(&self, value: T) -> Option<T> {
        let patience = Patience::new();
        loop {
            if let Some((tail, _)) = self.take_tail(1) {
                self.fill(tail, value);
                return None;
            }
            // Relaxed: the compare-and-swap below fails where this is old.
            let head = Position(self.head.load(Ordering::Relaxed));
            let tail = self.laps.next_lap(head);
            // Relaxed: Q3 is checked by the compare-and-swap: `tail` cannot move while `head` stays and the slot is not free.
            if self.tail.load(Ordering::Relaxed) != tail.0 || !self.is_filled(head) {
                patience.wait();
                continue;
            }
            let next = self.laps.next(head).0;
            // Release: as in `take_head`; the slot's sequence number, read above with Acquire, hands over the item. Relaxed: tried again.
            if self
                .head
                .compare_exchange(head.0, next, Ordering::Release, Ordering::Relaxed)
                .is_ok()
            {
                let oldest = self.read(head);
                // Release: as in `take_tail`. Q3, no producer takes this position, since the slot is not free for it.
                self.tail.store(self.laps.next(tail).0, Ordering::Release);
                self.fill(tail, value);
                return Some(oldest);
            }
        }
    }

    /// Takes the oldest item.
    pub fn pop(&self) -> Option<T> {
        self.take_head(1).map(|(position, _)| self.empty(position))
    }

    /// As [`push`](Self::push), for whoever has the queue alone.
    ///
    /// # Errors
    ///
    /// Gives the item back where the queue is full.
    pub fn push_mut(&mut self, value: T) -> Result<(), T> {
        self.push(value)
    }

    /// As [`pop`](Self::pop), for whoever has the queue alone.
    pub fn pop_mut(&mut self) -> Option<T> {
        self.pop()
    }

    /// Moves items out of the front of `items` while there is room, and says how many. Items that were moved by one compare-and-swap are next
    /// to each other in the queue; a batch that meets other producers may be less than the room there is.
    pub fn push_batch(&self, items: &mut Vec<T>) -> usize {
        if items.is_empty() {
            return 0;
        }
        let Some((mut position, count)) = self.take_tail(items.len()) else { return 0 };
        for item in items.drain(..count) {
            self.fill(position, item);
            position = self.laps.next(position);
        }
        count
    }

    /// Moves up to `max` of the oldest items to the end of `out`, and says how many: 0 only where the queue was empty or `max` is 0.
    pub fn pop_batch(&self, max: usize, out: &mut Vec<T>) -> usize {
        if max == 0 {
            return 0;
        }
        // Room before anything is taken: a failed allocation must not lose items.
        out.reserve(max.min(self.len()).max(1));
        let max = max.min(out.capacity() - out.len());
        let Some((mut position, count)) = self.take_head(max) else { return 0 };
        for _ in 0..count {
            out.push(self.empty(position));
            position = self.laps.next(position);
        }
        count
    }

    /// Takes up to `wanted` positions to push at, or none where the queue is full.
    fn take_tail(&self, wanted: usize) -> Option<(Position, usize)> {
        // Relaxed: the compare-and-swap below fails where this is old.
        let mut tail = Position(self.tail.load(Ordering::Relaxed));
        let (patience, contention) = (Patience::new(), Contention::new());
        loop {
            let (mut end, mut count) = (tail, 0);
            while count < wanted && self.is_free(end) {
                end = self.laps.next(end);
                count += 1;
            }
            if count > 0 {
                if mutant!("Q2 position taken twice") {
                    // Relaxed: as below.
                    self.tail.store(end.0, Ordering::Relaxed);
                    return Some((tail, count));
                }
                // Release: whoever sees this tail (Acquire, in `len`; the fences, in pushes and pops) sees `head` no less far than we do, and so
                // never pairs an end with the other's past. Sequence numbers hand over slots; `tail` says who writes (Q2). Relaxed: tried again.
                let taken = self.tail.compare_exchange_weak(
                    tail.0,
                    end.0,
                    Ordering::Release,
                    Ordering::Relaxed,
                );
                match taken {
                    Ok(_) => return Some((tail, count)),
                    Err(_) => contention.wait(),
                }
                // Relaxed: as above.
                tail = Position(self.tail.load(Ordering::Relaxed));
                continue;
            }
            // SeqCst: between this thread's earlier operations and the look at the other end, so that two threads that each push
            // to one queue and find another full or empty agree on an order. Pairs with itself.
            fence(Ordering::SeqCst);
            // Relaxed: the fence above.
            let head = Position(self.head.load(Ordering::Relaxed));
            if self.laps.next_lap(head) == tail {
                return None;
            }
            patience.wait();
            // Relaxed: as above.
            tail = Position(self.tail.load(Ordering::Relaxed));
        }
    }

    /// Takes up to `wanted` positions to pop from, or none where the queue is empty.
    fn take_head(&self, wanted: usize) -> Option<(Position, usize)> {
        // Relaxed: the compare-and-swap below fails where this is old.
        let mut head = Position(self.head.load(Ordering::Relaxed));
        let (patience, contention) = (Patience::new(), Contention::new());
        loop {
            let (mut end, mut count) = (head, 0);
            while count < wanted && self.is_filled(end) {
                end = self.laps.next(end);
                count += 1;
            }
            if count > 0 {
                // Release: as in `take_tail`, of the other end. Sequence numbers hand over slots; `head` says who reads (Q2). Relaxed: tried again.
                let taken = self.head.compare_exchange_weak(
                    head.0,
                    end.0,
                    Ordering::Release,
                    Ordering::Relaxed,
                );
                match taken {
                    Ok(_) => return Some((head, count)),
                    Err(_) => contention.wait(),
                }
                // Relaxed: as above.
                head = Position(self.head.load(Ordering::Relaxed));
                continue;
            }
            // Q4, and looked at before `tail`: a slot that is free at `head` stays so while `tail` is there.
            let is_free = self.is_free(head) || mutant!("Q4 empty amid a displacement");
            // SeqCst: as in `take_tail`.
            fence(Ordering::SeqCst);
            // Relaxed: the fence above.
            if self.tail.load(Ordering::Relaxed) == head.0 && is_free {
                return None;
            }
            patience.wait();
            // Relaxed: as above.
            head = Position(self.head.load(Ordering::Relaxed));
        }
    }

    fn is_free(&self, position: Position) -> bool {
        // Acquire: pairs with the Release in `empty`: its consumer is done with the slot.
        self.slot(position).sequence.load(Ordering::Acquire) == position.0
    }

    fn is_filled(&self, position: Position) -> bool {
        // Acquire: pairs with the Release in `fill`: its producer has written the item.
        self.slot(position).sequence.load(Ordering::Acquire) == position.0.wrapping_add(1)
    }

    /// Writes an item at a position we took.
    fn fill(&self, position: Position, value: T) {
        let slot = self.slot(position);
        slot.value.with_mut(|cell| {
            // SAFETY: Q2, we took the position, so the slot is ours.
            let cell = unsafe { &mut *cell };
            cell.write(value);
        });
        let order =
            if mutant!("Q1 Relaxed publication") { Ordering::Relaxed } else { Ordering::Release };
        // Release: hands the item to the Acquire in `is_filled`.
        slot.sequence.store(position.0.wrapping_add(1), order);
    }

    fn read(&self, position: Position) -> T {
        self.slot(position).value.with(|cell| {
            // SAFETY: Q2, we took the position, so the slot is ours.
            let cell = unsafe { &*cell };
            // SAFETY: Q1, the slot was filled, and the position is taken once.
            unsafe { cell.assume_init_read() }
        })
    }

    /// Takes the item at a position we took, and frees its slot for the next lap.
    fn empty(&self, position: Position) -> T {
        let value = self.read(position);
        let order =
            if mutant!("Q1 Relaxed release") { Ordering::Relaxed } else { Ordering::Release };
        // Release: hands the slot to the Acquire in `is_free`.
        self.slot(position).sequence.store(self.laps.next_lap(position).0, order);
        value
    }

    /// Items the queue can hold.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.laps.capacity
    }

    /// Whether there was nothing in the queue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there was no room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Items in the queue at one instant during the call, without one that a `force_push` is exchanging. Lock-free: repeats where `tail` moves meanwhile.
    #[must_use]
    pub fn len(&self) -> usize {
        loop {
            // Acquire: pairs with the Release in `take_tail`, and keeps the load of `head` below after this.
            let tail = self.tail.load(Ordering::Acquire);
            // SeqCst: as in `take_tail`.
            fence(Ordering::SeqCst);
            // Acquire: pairs with the Release in `take_head`, and keeps the second look at `tail` after this.
            let head = self.head.load(Ordering::Acquire);
            // Relaxed: the two loads above come before.
            if self.tail.load(Ordering::Relaxed) == tail {
                return self.laps.distance(Position(head), Position(tail));
            }
        }
    }
}

impl<T> Drop for ArrayQueue<T> {
    fn drop(&mut self) {
        drop_all(|| self.pop());
    }
}

impl<T> fmt::Debug for ArrayQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("ArrayQueue { .. }")
    }
}

impl<T> IntoIterator for ArrayQueue<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { queue: self }
    }
}

/// The items of an [`ArrayQueue`], oldest first.
#[derive(Debug)]
pub struct IntoIter<T> {
    queue: ArrayQueue<T>,
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.queue.pop()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.queue.len();
        (left, Some(left))
    }
}
