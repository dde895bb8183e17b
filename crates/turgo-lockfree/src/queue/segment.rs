//! An unbounded queue of segments whose cells are handed out by number.
//!
//! Pushes and pops count up one number each. The numbers of 64 pushes share a segment of cells, and whoever has a number has a cell: values
//! are handed over by plain stores. Where a pop comes to a cell whose push has not written yet it waits for a while, then *spoils* the
//! cell and goes on, and the push takes another number. This is what makes the queue lock-free: a suspended push holds up nobody. Spoiling
//! is rare, so its price is put on the side of the pop: an asymmetric fence. Numbers, segments and spoiling are those of Correia and
//! Ramalhete's FAAArrayQueue (2016).
//!
//! Nobody looks into a segment but for a cell it has, so that a segment can be used again at once when its cells were left: there is no reclamation to pay
//! for. Only who crosses into the next segment, once in 64 operations, looks at one of which it has no cell, and says so before. This is
//! argued in `docs/adr/0018-segments-without-reclamation.md`.
//!
//! # Invariants
//!
//! - **S1** A number is given to one push and to one pop, and to the pop only after the push.
//! - **S2** The push of a cell writes the value, stores `filled`, makes the light fence and looks at `spoiled`. The pop, having found
//!   nothing, stores `spoiled`, makes the heavy fence and looks at `filled`. At least one sees the other.
//! - **S3** Where a push sees `spoiled`, and where a pop sees `filled` after it has spoiled, the first to set `claimed` has the value. A pop that saw
//!   `filled` and did not spoil has it unasked: no push sees `spoiled` then. A pop that saw nothing after its fence leaves the cell to the push.
//! - **S4** The push and the pop of a cell each say, as the last thing they do with it, that they have left. A segment is used again or freed
//!   only after both have left each of its cells.
//! - **S5** An end names two segments, each at its number's parity: that of the end's number, and the one before or after it. An end's number enters a segment
//!   only after that is named; a name is replaced, by that of the segment two on, only while the number is in the segment between. So
//!   who reads number and name, and then exchanges that very number for a higher one, has read the name of that number's segment. Ends begin at the last
//!   number of a segment that is not there, which nobody is given: the first push leads the head from it into the first segment, and then the tail.
//! - **S6** Whoever looks at a segment without having a cell of it is a *visitor*: counts itself, finds the segment named for the number of an end, and
//!   sees the number unchanged. A segment is used again or freed by a thread that finds that its numbers have all been popped, then that no end names it, and then
//!   that there is no other visitor. Any later one sees that the ends have moved on. So a name that a visitor has read is no other
//!   segment's during the visit, and its exchanges cannot be fooled.

mod cell;
mod end;
mod store;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr;

use turgo_machine::atomic::{AtomicU64, Ordering, fence};
use turgo_machine::{CachePadded, mutant};

use crate::drain::drop_all;
use crate::patience::Contention;
use crate::pause;
use end::{CELLS, Claim, End, START, Segment};
use store::Store;

/// An unbounded queue for any number of producers and consumers, with the methods of crossbeam's `SegQueue`.
///
/// Lock-free: a suspended thread holds up no other. Linearizable. After Correia and Ramalhete 2016. Segments of 64 cells are used again as soon as
/// their values were popped, and freed where two wait for that; a thread that is suspended while it crosses from one segment to the next, which one
/// operation in 64 does, delays that until it goes on.
///
/// ```
/// let queue = turgo_lockfree::queue::SegmentQueue::new();
/// queue.push('a');
/// queue.push('b');
/// assert_eq!(queue.len(), 2);
/// assert_eq!(queue.pop(), Some('a'));
/// ```
pub struct SegmentQueue<T> {
    tail: CachePadded<End<T>>,
    head: CachePadded<Head<T>>,
    store: CachePadded<Store<T>>,
    values: PhantomData<T>,
}

struct Head<T> {
    end: End<T>,
    /// A number that the pushes have come to: so far, a pop need not look at the tail, which is the pushes' line.
    reached: AtomicU64,
}

// SAFETY: S3. A value moves from the thread that pushes it to the one that pops it, and is never shared.
unsafe impl<T: Send> Sync for SegmentQueue<T> {}
// SAFETY: owning the queue is owning its values.
unsafe impl<T: Send> Send for SegmentQueue<T> {}
// No user code runs in the middle of an operation.
impl<T> UnwindSafe for SegmentQueue<T> {}
impl<T> RefUnwindSafe for SegmentQueue<T> {}

impl<T> SegmentQueue<T> {
    crate::fence::maybe_const! {
        /// An empty queue. The first push allocates.
        ///
        /// ```
        /// use turgo_lockfree::queue::SegmentQueue;
        /// static QUEUE: SegmentQueue<u32> = SegmentQueue::new();
        /// QUEUE.push(1);
        /// assert_eq!(QUEUE.pop(), Some(1));
        /// ```
        #[must_use]
        pub fn new() -> Self {
            Self {
                tail: CachePadded::new(End::new()),
                head: CachePadded::new(Head { end: End::new(), reached: AtomicU64::new(0) }),
                store: CachePadded::new(Store::new()),
                values: PhantomData,
            }
        }
    }

    /// Adds a value at the end.
    pub fn push(&self, value: T) {
        let mut value = value;
        loop {
            let claim = self.claim_to_push(1);
            // SAFETY: S4, its only cell, and for the first time.
            match unsafe { claim.cell(0) }.fill(value) {
                Ok(()) => return,
                Err(back) => value = back,
            }
        }
    }

    /// At least one number to push at, and up to `wanted`.
    #[inline]
    fn claim_to_push(&self, wanted: u64) -> Claim<T> {
        let contention = Contention::new();
        loop {
            let number = self.tail.number();
            let left = CELLS - number % CELLS;
            if wanted >= left {
                self.extend(number);
            }
            if let Some(claim) = self.tail.claim(number, wanted.min(left)) {
                return claim;
            }
            // Whoever succeeded keeps the line for a few operations more.
            contention.wait();
        }
    }

    /// Leads both ends into the first segment: in it, or past it, is where they are when this returns.
    fn begin(&self) {
        crate::fence::decide();
        let new = Segment::new();
        if mutant!("S5 tail begun first") {
            self.tail.begin(new);
        }
        // The head first, or a pop would find numbers that were pushed at and no segment. Of threads that begin, one has its segment named there, and all
        // name that one at the tail.
        let mut first = self.head.end.begin(new);
        if !ptr::eq(first, new) && mutant!("S5 begun apart") {
            first = new;
        }
        if !ptr::eq(first, new) {
            // SAFETY: it came from a box just now, and nobody else has seen it.
            drop(unsafe { Box::from_raw(new) });
        }
        pause::point("segment begin");
        self.tail.begin(first);
    }

    /// Makes sure of the segment after that of `number`, before somebody takes the last number of this one.
    #[cold]
    fn extend(&self, number: u64) {
        if number == START {
            return self.begin();
        }
        let visit = self.store.visit();
        let Some(last) = self.tail.segment(number) else { return };
        pause::point("segment push visit");
        // SAFETY: S6.
        let last = unsafe { &*last };
        // Acquire: pairs with the Release below.
        let mut next = last.next.load(Ordering::Acquire);
        if next.is_null() {
            let new = visit.take();
            // Release: hands the segment to the Acquires here and in `follow`. Acquire: another's.
            let order = (Ordering::Release, Ordering::Acquire);
            match last.next.compare_exchange(ptr::null_mut(), new, order.0, order.1) {
                Ok(_) => next = new,
                Err(other) => {
                    visit.give(new);
                    next = other;
                }
            }
        }
        self.tail.lead_on(number, next);
    }

    /// Takes the oldest value.
    pub fn pop(&self) -> Option<T> {
        loop {
            let claim = self.claim_to_pop(1)?;
            // SAFETY: S4, its only cell, and for the first time.
            let value = unsafe { claim.cell(0) }.empty();
            if claim.is_last() {
                self.leave(claim.segment);
            }
            if value.is_some() {
                return value;
            }
        }
    }

    /// At least one number to pop at, and up to `wanted`; none where the queue was empty.
    #[inline]
    fn claim_to_pop(&self, wanted: u64) -> Option<Claim<T>> {
        let head = &self.head.end;
        let contention = Contention::new();
        loop {
            let number = head.number();
            let count = wanted.min(self.reached_from(number)?);
            let left = CELLS - number % CELLS;
            if count >= left {
                self.follow(number);
            }
            if let Some(claim) = head.claim(number, count.min(left)) {
                return Some(claim);
            }
            // As in `claim_to_push`.
            contention.wait();
        }
    }

    /// How many numbers from `number` on have been pushed at, at least; none where that was the end.
    #[inline]
    fn reached_from(&self, number: u64) -> Option<u64> {
        // Acquire: pairs with the Release in `look_at_tail`: who stored it had seen the tail there.
        let reached = self.head.reached.load(Ordering::Acquire);
        if reached > number { Some(reached - number) } else { self.look_at_tail(number) }
    }

    fn look_at_tail(&self, number: u64) -> Option<u64> {
        let mut tail = self.tail.number();
        if tail <= number {
            // SeqCst: between this thread's earlier operations and this look, so that two threads that each push to one queue and find another
            // empty agree on an order. Pairs with itself.
            fence(Ordering::SeqCst);
            tail = self.tail.number();
            if tail <= number {
                return None;
            }
        }
        // Release: as in `reached_from`. A lower number that is stored late only makes somebody look again.
        self.head.reached.store(tail, Ordering::Release);
        Some(tail - number)
    }

    /// Lets the head name the segment after that of `number`, before somebody takes the last number of this one.
    #[cold]
    fn follow(&self, number: u64) {
        let _visit = self.store.visit();
        let Some(first) = self.head.end.segment(number) else { return };
        pause::point("segment pop visit");
        // SAFETY: S6.
        let first = unsafe { &*first };
        // Acquire: pairs with the Release in `extend`. It was linked before the last number of this segment was pushed at.
        let next = first.next.load(Ordering::Acquire);
        self.head.end.lead_on(number, next);
    }

    /// All numbers of the segment have been popped, and the calling thread was the last to ask for one.
    #[cold]
    fn leave(&self, segment: *mut Segment<T>) {
        let visit = self.store.visit();
        visit.leave(segment, |one| self.head.end.names(one) || self.tail.names(one));
    }

    /// As [`push`](Self::push), for whoever has the queue alone.
    pub fn push_mut(&mut self, value: T) {
        self.push(value);
    }

    /// As [`pop`](Self::pop), for whoever has the queue alone.
    pub fn pop_mut(&mut self) -> Option<T> {
        self.pop()
    }

    /// Adds values at the end, one after the other, in one step for up to 64 of them.
    pub fn push_batch(&self, values: impl IntoIterator<Item = T>) {
        // The values first: the iterator is the caller's, and must not run while others wait for cells.
        let mut values = values.into_iter().collect::<Vec<T>>().into_iter();
        let mut next = values.next();
        while next.is_some() {
            let claim = self.claim_to_push(1 + values.len() as u64);
            for place in 0..claim.count {
                let value = next.take().expect("a claim is no larger than the rest");
                // SAFETY: S4, each cell once.
                next = match unsafe { claim.cell(place) }.fill(value) {
                    Ok(()) => values.next(),
                    // It goes into the next cell: no later value may come before it.
                    Err(back) => Some(back),
                };
            }
        }
    }

    /// Takes up to `max` of the oldest values, one after the other, to the end of `out`, and says how many; in one step for up to 64 of them.
    pub fn pop_batch(&self, max: usize, out: &mut Vec<T>) -> usize {
        let before = out.len();
        while out.len() - before < max {
            let wanted = (max - (out.len() - before)).min(CELLS as usize);
            // Room first: a value that was taken must not be lost where memory runs out.
            out.reserve(wanted);
            if !self.pop_some(wanted, |value| out.push(value)) {
                break;
            }
        }
        out.len() - before
    }

    /// Takes up to `wanted` of the oldest values in one step and calls `put`, which must not panic, with each; false where the queue was empty. There
    /// may be none where cells were spoiled.
    pub(crate) fn pop_some(&self, wanted: usize, put: impl FnMut(T)) -> bool {
        let Some(claim) = self.claim_to_pop(wanted as u64) else { return false };
        // SAFETY: S4, each cell once.
        (0..claim.count).filter_map(|place| unsafe { claim.cell(place) }.empty()).for_each(put);
        if claim.is_last() {
            self.leave(claim.segment);
        }
        true
    }

    /// Values in the queue at one instant during the call, pushes that are under way included. Lock-free: repeats where one was pushed meanwhile.
    #[must_use]
    pub fn len(&self) -> usize {
        // SeqCst: as in `look_at_tail`.
        fence(Ordering::SeqCst);
        loop {
            let tail = self.tail.number();
            let head = self.head.end.number();
            if self.tail.number() == tail {
                // The head is ahead of the tail for a moment when the queue begins.
                return usize::try_from(tail.saturating_sub(head)).unwrap_or(usize::MAX);
            }
        }
    }

    /// Segments that have been left and not used again.
    #[cfg(all(test, not(any(loom, shuttle))))]
    pub(super) fn waiting(&self) -> usize {
        self.store.waiting()
    }

    /// Whether there was nothing in the queue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let head = self.head.end.number();
        // SeqCst: as in `look_at_tail`.
        fence(Ordering::SeqCst);
        self.tail.number() <= head
    }
}

impl<T> Drop for SegmentQueue<T> {
    fn drop(&mut self) {
        struct Segments<T>(*mut Segment<T>);

        impl<T> Drop for Segments<T> {
            fn drop(&mut self) {
                while !self.0.is_null() {
                    // SAFETY: nobody else uses the queue; segments come from boxes, and those that follow the head's are in no other list.
                    let segment = unsafe { Box::from_raw(self.0) };
                    // Relaxed: nobody else uses the queue.
                    self.0 = segment.next.load(Ordering::Relaxed);
                }
            }
        }

        // Also where an item panics; `drop_all` has taken all the others by then.
        struct Emptied<'a, T>(&'a SegmentQueue<T>);

        impl<T> Drop for Emptied<'_, T> {
            fn drop(&mut self) {
                let head = &self.0.head.end;
                drop(Segments(head.segment(head.number()).unwrap_or(ptr::null_mut())));
            }
        }

        let emptied = Emptied(self);
        drop_all(|| emptied.0.pop());
    }
}

impl<T> Default for SegmentQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for SegmentQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SegmentQueue { .. }")
    }
}

impl<T> IntoIterator for SegmentQueue<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { queue: self }
    }
}

/// The values of a [`SegmentQueue`], oldest first.
#[derive(Debug)]
pub struct IntoIter<T> {
    queue: SegmentQueue<T>,
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
