//! The values of a channel on their way: an unbounded queue in blocks. It knows nothing of waiting but that a receiver wants to be woken.
//!
//! # Invariants
//!
//! - **L1** Numbers count up. Each that names a place is given to one sender and to one receiver, to the receiver only after the sender. Who
//!   exchanges a number for the next one while its block is named has that place: blocks are named anew only while the number is one without a
//!   place.
//! - **L2** A place is written by the sender who has its number, before it is said to be full, and read by the receiver who has its number,
//!   after that.
//! - **L3** Who has the last place of a block names the next one and hangs it behind, before it fills the place. So who finds the last place full
//!   finds the next block, and a sole receiver always has a block whose next place it can wait for.
//! - **L4** A block is freed after all its values were taken: by the sole receiver when it takes the last, and else by the last receiver to leave. No
//!   sender looks at a block after it filled its place.
//! - **L5** The receiver registers before it says that it awaits the next place, and the sender who fills that place sees it. One word holds both, so no
//!   wake is lost and none is for nothing.
//! - **L6** Between a number and its place's value no code of a user runs and nothing is allocated.
//!
//! # Progress
//!
//! A sender waits for another that was stopped between the last place of a block and the next block: three stores, once in so many values. A
//! receiver among others waits for a sender that was stopped between its number and its value; a sole receiver does not.
//!
//! Numbers, laps and the number without a place are those of crossbeam's `SegQueue`; waiting at a place is ours.

mod block;

use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

use turgo_machine::CachePadded;
use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;

use crate::access::{Access, Link, Shared, Word};
use crate::patience::Patience;
use block::{Block, LAP, PLACES, Place};

/// No more values are accepted; in the word of the tail, below its number.
const CLOSED: u64 = 1;
/// From one number to the next.
const STEP: u64 = 1 << 1;

/// An end: a number, twice, and the block of its place.
struct End<T, A: Access> {
    word: A::Word,
    block: A::Link<Block<T, A>>,
}

/// A queue of values.
pub(crate) struct Lane<T, A: Access> {
    tail: CachePadded<End<T, A>>,
    head: CachePadded<End<T, A>>,
    values: PhantomData<*mut T>,
}

// SAFETY: L2: a value moves from who sends it to who receives it.
unsafe impl<T: Send> Send for Lane<T, Shared> {}
// SAFETY: L2, and values are never shared.
unsafe impl<T: Send> Sync for Lane<T, Shared> {}

/// How many places there are before a number.
fn places_before(number: u64) -> u64 {
    number / LAP * PLACES + (number % LAP).min(PLACES)
}

impl<T, A: Access> End<T, A> {
    fn new(block: NonNull<Block<T, A>>) -> CachePadded<Self> {
        let end = Self { word: A::Word::new(0), block: A::Link::null() };
        // Relaxed: nobody else knows it.
        end.block.store(block.as_ptr(), Ordering::Relaxed);
        CachePadded::new(end)
    }

    #[inline(always)]
    fn block(&self, order: Ordering) -> NonNull<Block<T, A>> {
        let block = self.block.load(order);
        debug_assert!(!block.is_null());
        // SAFETY: never null: `new` and whoever names another stores a block.
        unsafe { NonNull::new_unchecked(block) }
    }
}

impl<T, A: Access> Lane<T, A> {
    pub(crate) fn new() -> Self {
        let first = NonNull::from(Box::leak(Block::new()));
        Self { tail: End::new(first), head: End::new(first), values: PhantomData }
    }

    /// Sends a value. Answers whether the receiver wants to be woken.
    ///
    /// # Errors
    ///
    /// The value, if no more are accepted.
    #[inline]
    pub(crate) fn push(&self, value: T) -> Result<bool, T> {
        let patience = Patience::new();
        let mut spare = None;
        loop {
            // Acquire: the block is named before the number (L1).
            let word = self.tail.word.load(Ordering::Acquire);
            if word & CLOSED != 0 {
                return Err(value);
            }
            let offset = word / STEP % LAP;
            if offset == PLACES {
                patience.wait();
                continue;
            }
            // Acquire: what the block is.
            let block = self.tail.block(Ordering::Acquire);
            let is_last = offset + 1 == PLACES;
            if is_last && spare.is_none() {
                // L6: while nothing is ours.
                spare = Some(Block::new());
            }
            // AcqRel: numbers are in one order, in which what a closed channel has is known. Relaxed: tried again.
            let order = (Ordering::AcqRel, Ordering::Relaxed);
            if self.tail.word.compare_exchange_weak(word, word + STEP, order.0, order.1).is_err() {
                continue;
            }
            // SAFETY: L1 and L4, we have a place there that is not full.
            let block = unsafe { block.as_ref() };
            if is_last && let Some(next) = spare {
                self.turn(block, next);
            }
            // SAFETY: L1, it is ours.
            return Ok(unsafe { block.place(word / STEP).fill(value) });
        }
    }

    /// Who has the last place of a block makes the next one known.
    #[cold]
    fn turn(&self, block: &Block<T, A>, next: Box<Block<T, A>>) {
        let next = NonNull::from(Box::leak(next));
        // Release: hands the block to who sees it named.
        self.tail.block.store(next.as_ptr(), Ordering::Release);
        // Release: the block is named before the number (L1). Added, because somebody may close meanwhile.
        self.tail.word.fetch_add(STEP, Ordering::Release);
        block.set_next(next);
    }

    /// Accepts no more values.
    pub(crate) fn close(&self) {
        // AcqRel: in the order of numbers.
        self.tail.word.fetch_or(CLOSED, Ordering::AcqRel);
    }

    /// Whether no more values are accepted.
    pub(crate) fn is_closed(&self) -> bool {
        // Acquire: comes after who closed it.
        self.tail.word.load(Ordering::Acquire) & CLOSED != 0
    }

    /// How many values were sent and not received; some may be on their way.
    pub(crate) fn len(&self) -> usize {
        // Acquire, both: the head first, so that the tail is not behind it.
        let head = self.head.word.load(Ordering::Acquire) / STEP;
        let tail = self.tail.word.load(Ordering::Acquire) / STEP;
        places_before(tail).saturating_sub(places_before(head)) as usize
    }

    /// The place that a sole receiver comes to next.
    ///
    /// # Safety
    ///
    /// Nobody else receives from this lane. The place is not used any more when its value was taken.
    #[inline(always)]
    unsafe fn next_place(&self) -> &Place<T, A> {
        // Relaxed, both: only we write it.
        let (number, block) =
            (self.head.word.load(Ordering::Relaxed) / STEP, self.head.block(Ordering::Relaxed));
        // SAFETY: L4, only we free it.
        unsafe { block.as_ref() }.place(number)
    }

    /// The next value, for a sole receiver; nothing if it is not there yet.
    ///
    /// # Safety
    ///
    /// Nobody else receives from this lane.
    #[inline]
    pub(crate) unsafe fn pop_sole(&self) -> Option<T> {
        // SAFETY: the caller's promise.
        let place = unsafe { self.next_place() };
        if !place.is_full() {
            return None;
        }
        // SAFETY: L2, it is full, and it is the next in the only receiver's order.
        let value = unsafe { place.take() };
        // Relaxed: only we write it.
        let word = self.head.word.load(Ordering::Relaxed);
        if word / STEP % LAP + 1 == PLACES {
            self.free_front(word);
        } else {
            // Release: for who asks how many there are.
            self.head.word.store(word + STEP, Ordering::Release);
        }
        Some(value)
    }

    /// The sole receiver took the last value of its block.
    #[cold]
    fn free_front(&self, word: u64) {
        // Relaxed: only we write it.
        let block = self.head.block(Ordering::Relaxed);
        // SAFETY: L4, only we free it.
        let next = unsafe { block.as_ref() }.wait_for_next();
        // Relaxed: only we read it. Release: as in `pop_sole`.
        self.head.block.store(next.as_ptr(), Ordering::Relaxed);
        self.head.word.store(word + 2 * STEP, Ordering::Release);
        // SAFETY: L4, all its values were taken.
        drop(unsafe { Box::from_raw(block.as_ptr()) });
    }

    /// The sole receiver wants to be woken by the next value. Answers whether there is none yet.
    ///
    /// # Safety
    ///
    /// Nobody else receives from this lane.
    pub(crate) unsafe fn wait_for_next(&self) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.next_place() }.wait_for()
    }

    /// The next value, for one receiver among others; nothing if all were received.
    pub(crate) fn pop_shared(&self) -> Option<T> {
        let patience = Patience::new();
        loop {
            // Acquire: the block is named before the number (L1), and the tail is not behind the head.
            let word = self.head.word.load(Ordering::Acquire);
            let number = word / STEP;
            if number % LAP == PLACES {
                patience.wait();
                continue;
            }
            // Acquire: what the block is.
            let block = self.head.block(Ordering::Acquire);
            // Acquire: comes after the senders who have their numbers.
            if number == self.tail.word.load(Ordering::Acquire) / STEP {
                return None;
            }
            // AcqRel: numbers are in one order. Relaxed: tried again.
            let order = (Ordering::AcqRel, Ordering::Relaxed);
            if self.head.word.compare_exchange_weak(word, word + STEP, order.0, order.1).is_err() {
                continue;
            }
            // SAFETY: L1 and L4, we have a place there that we have not left.
            let here = unsafe { block.as_ref() };
            if number % LAP + 1 == PLACES {
                self.turn_front(here, word);
            }
            let place = here.place(number);
            place.wait_until_full();
            // SAFETY: L2, it is full and ours.
            let value = unsafe { place.take() };
            if here.leave() || mutant!("L4 freed before all have left") {
                // SAFETY: L4, all have left it.
                drop(unsafe { Box::from_raw(block.as_ptr()) });
            }
            return Some(value);
        }
    }

    /// The receiver who has the last place of a block makes the next one known.
    #[cold]
    fn turn_front(&self, block: &Block<T, A>, word: u64) {
        let next = block.wait_for_next();
        // Release: hands the block to who sees it named.
        self.head.block.store(next.as_ptr(), Ordering::Release);
        // Release: the block is named before the number (L1).
        self.head.word.store(word + 2 * STEP, Ordering::Release);
    }
}

/// Drops the values that are left, also where one panics.
struct Rest<'a, T, A: Access>(&'a Lane<T, A>);

impl<T, A: Access> Drop for Rest<'_, T, A> {
    fn drop(&mut self) {
        // SAFETY: the lane is being dropped.
        while let Some(value) = unsafe { self.0.pop_sole() } {
            drop(value);
        }
    }
}

/// Frees the last block.
struct Last<T, A: Access>(NonNull<Block<T, A>>);

impl<T, A: Access> Drop for Last<T, A> {
    fn drop(&mut self) {
        // SAFETY: L4, the lane is being dropped, and all values were.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl<T, A: Access> Drop for Lane<T, A> {
    fn drop(&mut self) {
        // Acquire: what the block is. Nobody names another.
        let _last = Last(self.tail.block(Ordering::Acquire));
        let rest = Rest(self);
        // SAFETY: the lane is being dropped.
        while let Some(value) = unsafe { rest.0.pop_sole() } {
            drop(value);
        }
    }
}

impl<T, A: Access> fmt::Debug for Lane<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("len", &self.len()).field("closed", &self.is_closed()).finish()
    }
}
