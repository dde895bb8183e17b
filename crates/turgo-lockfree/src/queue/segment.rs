//! An unbounded queue of segments whose cells are handed out by addition, after Correia and Ramalhete's FAAArrayQueue (2016).
//!
//! A push takes the next number of the last segment and writes to the cell of that number; a pop takes the next number of the first one
//! and reads. One read-modify-write each: the cell itself is handed over by plain stores. Where a pop comes to a cell whose push has
//! not written yet it looks for a while, then *spoils* the cell and goes on, and the push takes another number. This is what makes the queue
//! lock-free: a suspended push holds up nobody. Spoiling is rare, so its price is put on the side of the pop: an asymmetric fence.
//!
//! # Invariants
//!
//! - **S1** A number of a segment is given to one push and to one pop. A pop takes a number only after some push has, but for pops that
//!   overtake each other.
//! - **S2** The push of a cell writes the value, stores `filled`, makes the light fence and looks at `spoiled`. The pop, having found
//!   nothing, stores `spoiled`, makes the heavy fence and looks at `filled`. At least one sees the other.
//! - **S3** Where a push sees `spoiled`, and where a pop sees `filled` after it has spoiled, the first to set `claimed` has the value. A pop that saw
//!   `filled` and did not spoil has it unasked: no push sees `spoiled` then. A pop that saw nothing after its fence leaves the cell to the push.
//! - **S4** `head`, `tail` and `next` lead from older to newer segments; `tail` is moved on before `head` leaves the segment it names, and whoever moves `head`
//!   retires the segment it leaves. No value is in a segment that is left.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::mem::MaybeUninit;
use core::panic::{RefUnwindSafe, UnwindSafe};

use turgo_machine::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use turgo_machine::cell::UnsafeCell;
use turgo_machine::{CachePadded, mutant, thread};

use crate::drain::drop_all;
use crate::fence::{heavy, light};
use crate::pause;
use crate::rcu::Rcu;
use crate::reclaim::{Atomic, Owned, ReadGuard, Reclaim, Shared, Shield};

/// Cells of a segment: as many as fit into what allocators hand out fast where values are words.
const CELLS: usize = if cfg!(any(loom, shuttle)) { 2 } else { 62 };

/// How often a pop looks at a cell before it spoils it.
const LOOKS_MAX: u32 = if cfg!(any(loom, shuttle)) { 1 } else { 200 };

/// With at least so many values behind it, a pop takes its number by addition; with fewer by an exchange that cannot overtake the pushes.
const NEAR: usize = 8;

struct Cell<T> {
    filled: AtomicBool,
    spoiled: AtomicBool,
    claimed: AtomicBool,
    /// S3.
    value: UnsafeCell<MaybeUninit<T>>,
}

impl<T> Cell<T> {
    fn new() -> Self {
        Self {
            filled: AtomicBool::new(false),
            spoiled: AtomicBool::new(false),
            claimed: AtomicBool::new(false),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// By the push that has the cell's number. Gives the value back where a pop has spoiled the cell.
    fn fill(&self, value: T) -> Result<(), T> {
        self.value.with_mut(|cell| {
            // SAFETY: S1, S3: until `filled` is stored the cell is the push's.
            let cell = unsafe { &mut *cell };
            cell.write(value);
        });
        pause::point("segment push");
        let order =
            if mutant!("S2 Relaxed publication") { Ordering::Relaxed } else { Ordering::Release };
        // Release: hands the value to the Acquire in `is_filled`.
        self.filled.store(true, order);
        if !mutant!("S2 push without the light fence") {
            light();
        }
        // Relaxed: S2, the fence.
        if !self.spoiled.load(Ordering::Relaxed) || !self.claim() {
            return Ok(());
        }
        // SAFETY: S3, we claimed it.
        Err(unsafe { self.take() })
    }

    /// By the pop that has the cell's number. Nothing where it spoiled the cell and the push takes another.
    fn empty(&self) -> Option<T> {
        for look in 1..=LOOKS_MAX {
            if self.is_filled() {
                // SAFETY: S3, it was filled, and we have not spoiled it.
                return Some(unsafe { self.take() });
            }
            if look < LOOKS_MAX {
                thread::spin_loop();
            }
        }
        self.spoil()
    }

    #[cold]
    fn spoil(&self) -> Option<T> {
        // Relaxed: S2, the fence.
        self.spoiled.store(true, Ordering::Relaxed);
        if !mutant!("S2 pop without the heavy fence") {
            heavy();
        }
        if !self.is_filled() || !self.claim() {
            return None;
        }
        // SAFETY: S3, we claimed it.
        Some(unsafe { self.take() })
    }

    fn is_filled(&self) -> bool {
        // Acquire: pairs with the Release in `fill`.
        self.filled.load(Ordering::Acquire)
    }

    /// Whether the value is the caller's, of the two that might think so (S3).
    fn claim(&self) -> bool {
        // Relaxed: one of the two is the push itself, the other has acquired `filled`.
        !self.claimed.swap(true, Ordering::Relaxed) || mutant!("S3 both claim")
    }

    /// # Safety
    ///
    /// The cell was filled, and the caller has its value by S3.
    unsafe fn take(&self) -> T {
        self.value.with(|cell| {
            // SAFETY: the caller has the value: nobody writes to it.
            let cell = unsafe { &*cell };
            // SAFETY: the cell was filled, and S3 gives its value to one.
            unsafe { cell.assume_init_read() }
        })
    }
}

/// Pushes and pops write to lines of their own, and pairs of lines. By distance, not by alignment, which costs a slow path of the allocator.
type Gap = [usize; 16];

#[repr(C)]
struct Segment<T> {
    /// The next number to push at; beyond `CELLS` where pushes have found the segment full.
    pushes: AtomicUsize,
    _before_pops: Gap,
    /// The next number to pop at; likewise.
    pops: AtomicUsize,
    _after_pops: Gap,
    next: Atomic<Segment<T>>,
    /// Numbers of all segments before this one.
    before: usize,
    cells: Box<[Cell<T>]>,
}

impl<T> Segment<T> {
    fn new(before: usize) -> Owned<Self> {
        Owned::new(Self {
            pushes: AtomicUsize::new(0),
            _before_pops: [0; 16],
            pops: AtomicUsize::new(0),
            _after_pops: [0; 16],
            next: Atomic::null(),
            before,
            cells: (0..CELLS).map(|_| Cell::new()).collect(),
        })
    }

    /// A number to pop at, or none where no push is ahead.
    fn pop_number(&self) -> Option<usize> {
        // Acquire: read before `pushes`, so that a difference that is seen was there.
        let mut next = self.pops.load(Ordering::Acquire);
        loop {
            // Acquire: keeps what follows after it.
            let end = self.pushes.load(Ordering::Acquire).min(CELLS);
            if next >= end {
                return None;
            }
            if end - next >= NEAR {
                // AcqRel: as the exchange below.
                let number = self.pops.fetch_add(1, Ordering::AcqRel);
                return (number < CELLS).then_some(number);
            }
            if mutant!("S1 number taken twice") {
                // Release: as below.
                self.pops.store(next + 1, Ordering::Release);
                return Some(next);
            }
            // AcqRel: orders the pops among themselves, so that `pushes` is not seen older than by the pop before. Acquire: likewise.
            let taken = self.pops.compare_exchange_weak(
                next,
                next + 1,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match taken {
                Ok(_) => return Some(next),
                Err(now) => next = now,
            }
        }
    }
}

/// An unbounded queue for any number of producers and consumers, with the methods of crossbeam's `SegQueue`.
///
/// Lock-free: a suspended thread holds up no other. Linearizable. Correia and Ramalhete 2016. Segments of 62 cells are reclaimed by
/// `R`: [`Rcu`], or [`Hazard`](crate::hazard::Hazard) for bounded garbage.
///
/// ```
/// let queue = turgo_lockfree::queue::SegmentQueue::new();
/// queue.push('a');
/// queue.push('b');
/// assert_eq!(queue.len(), 2);
/// assert_eq!(queue.pop(), Some('a'));
/// ```
pub struct SegmentQueue<T, R: Reclaim = Rcu> {
    head: CachePadded<Atomic<Segment<T>>>,
    tail: CachePadded<Atomic<Segment<T>>>,
    reclaim: R,
}

// SAFETY: S3. A value moves from the thread that pushes it to the one that pops it, and is never shared.
unsafe impl<T: Send, R: Reclaim> Sync for SegmentQueue<T, R> {}
// SAFETY: owning the queue is owning its values; `R` is `Send`.
unsafe impl<T: Send, R: Reclaim> Send for SegmentQueue<T, R> {}
// No user code runs in the middle of an operation.
impl<T, R: Reclaim> UnwindSafe for SegmentQueue<T, R> {}
impl<T, R: Reclaim> RefUnwindSafe for SegmentQueue<T, R> {}

impl<T> SegmentQueue<T> {
    /// An empty queue over the default domain of RCU.
    #[must_use]
    pub fn new() -> Self {
        Self::new_in(Rcu)
    }
}

impl<T, R: Reclaim> SegmentQueue<T, R> {
    /// An empty queue whose segments `reclaim` frees.
    #[must_use]
    pub fn new_in(reclaim: R) -> Self {
        // Decides how fences are made, so that the light one is light from now on.
        #[cfg(any(feature = "std", loom, shuttle))]
        let _ = turgo_machine::barrier::mode();
        let first = Segment::new(0).into_shared();
        let (head, tail) = (Atomic::null(), Atomic::null());
        // Relaxed: nobody else knows the queue.
        head.store(first, Ordering::Relaxed);
        // Relaxed: as above.
        tail.store(first, Ordering::Relaxed);
        Self { head: CachePadded::new(head), tail: CachePadded::new(tail), reclaim }
    }

    /// Adds a value at the end.
    pub fn push(&self, value: T) {
        let guard = self.reclaim.enter();
        let mut shield = guard.shield();
        self.push_with(&mut shield, value);
    }

    fn push_with(&self, shield: &mut impl Shield, mut value: T) {
        loop {
            let tail = shield.protect(&self.tail);
            // SAFETY: the shield protects it, and S4: what `tail` names was not retired.
            let segment = unsafe { tail.deref() };
            // AcqRel: a push that sees a pop's or another push's effect takes a later number than that one's.
            let number = segment.pushes.fetch_add(1, Ordering::AcqRel);
            let Some(cell) = segment.cells.get(number) else {
                self.extend(tail, segment);
                continue;
            };
            match cell.fill(value) {
                Ok(()) => return,
                Err(back) => value = back,
            }
        }
    }

    /// Moves `tail` on from a full segment, to a new one where there is none.
    #[cold]
    fn extend(&self, tail: Shared<'_, Segment<T>>, full: &Segment<T>) {
        // Acquire: pairs with the Release below.
        let mut next = full.next.load(Ordering::Acquire);
        if next.is_null() {
            let new = Segment::new(full.before.wrapping_add(CELLS));
            // Release: hands the segment to the Acquire in `protect` and above. Acquire: another's.
            match full.next.compare_exchange(next, new, Ordering::Release, Ordering::Acquire) {
                Ok(linked) => next = linked,
                Err(error) => next = error.current,
            }
        }
        pause::point("segment linked");
        self.help(tail, next);
    }

    /// Moves `tail` on, unless somebody has.
    fn help(&self, tail: Shared<'_, Segment<T>>, next: Shared<'_, Segment<T>>) {
        // Release: hands the segment to the Acquire in `protect`. Relaxed: somebody else has moved it.
        let _ = self.tail.compare_exchange(tail, next, Ordering::Release, Ordering::Relaxed);
    }

    /// Takes the oldest value.
    pub fn pop(&self) -> Option<T> {
        loop {
            let left = {
                let guard = self.reclaim.enter();
                let mut shield = guard.shield();
                match self.pop_with(&mut shield) {
                    Popped::Value(value) => return Some(value),
                    Popped::Empty => return None,
                    Popped::Left(segment) => segment,
                }
            };
            // SAFETY: S4: neither `head` nor `tail` names it, and no value is in it.
            unsafe { self.reclaim.retire_unchecked(left) };
        }
    }

    fn pop_with(&self, shield: &mut impl Shield) -> Popped<T> {
        loop {
            let head = shield.protect(&self.head);
            // SAFETY: the shield protects it.
            let segment = unsafe { head.deref() };
            if let Some(number) = segment.pop_number() {
                pause::point("segment pop");
                match segment.cells[number].empty() {
                    Some(value) => return Popped::Value(value),
                    None => continue,
                }
            }
            // SeqCst: between this thread's earlier operations and this look, so that two threads that each push to one queue and find another
            // empty agree on an order. Pairs with itself.
            fence(Ordering::SeqCst);
            // Acquire: as in `pop_number`.
            let pops = segment.pops.load(Ordering::Acquire);
            // Acquire: as in `pop_number`.
            let pushes = segment.pushes.load(Ordering::Acquire);
            if pops < CELLS {
                if pops >= pushes {
                    return Popped::Empty;
                }
                continue;
            }
            // Acquire: pairs with the Release in `extend`.
            let next = segment.next.load(Ordering::Acquire);
            if next.is_null() {
                return Popped::Empty;
            }
            // Acquire: pairs with the Release in `help`; `tail` is at least as far as that.
            if self.tail.load(Ordering::Acquire) == head && !mutant!("S4 lagging tail") {
                self.help(head, next);
            }
            // AcqRel, Release: whoever frees the segment comes after. Acquire: as in `protect`. Relaxed: tried again.
            let moved = self.head.compare_exchange(head, next, Ordering::AcqRel, Ordering::Relaxed);
            if moved.is_ok() {
                // SAFETY: S4.
                return Popped::Left(unsafe { head.into_owned() });
            }
        }
    }

    /// As [`push`](Self::push), for whoever has the queue alone.
    pub fn push_mut(&mut self, value: T) {
        self.push(value);
    }

    /// As [`pop`](Self::pop), for whoever has the queue alone.
    pub fn pop_mut(&mut self) -> Option<T> {
        self.pop()
    }

    /// Adds values at the end, one after the other.
    pub fn push_batch(&self, values: impl IntoIterator<Item = T>) {
        // The values first: the iterator is the caller's, and runs in no read section.
        let values: Vec<T> = values.into_iter().collect();
        let guard = self.reclaim.enter();
        let mut shield = guard.shield();
        values.into_iter().for_each(|value| self.push_with(&mut shield, value));
    }

    /// Takes up to `max` of the oldest values, one after the other, to the end of `out`, and says how many.
    pub fn pop_batch(&self, max: usize, out: &mut Vec<T>) -> usize {
        let before = out.len();
        out.extend((0..max).map_while(|_| self.pop()));
        out.len() - before
    }

    /// Values in the queue, pushes that are under way included. Exact while nobody pushes or pops.
    #[must_use]
    pub fn len(&self) -> usize {
        let guard = self.reclaim.enter();
        let (mut first, mut last) = (guard.shield(), guard.shield());
        loop {
            let head = first.protect(&self.head);
            let tail = last.protect(&self.tail);
            // SAFETY: the shield protects it, and S4.
            let (start, end) = (unsafe { head.deref() }, tail);
            // SAFETY: as above.
            let end = unsafe { end.deref() };
            // Acquire: keeps the loads in this order.
            let pops = start.pops.load(Ordering::Acquire).min(CELLS);
            // Acquire: as above.
            let pushes = end.pushes.load(Ordering::Acquire).min(CELLS);
            // Acquire: `tail` is read again after `pushes`.
            if self.tail.load(Ordering::Acquire) == tail {
                let (from, to) = (start.before.wrapping_add(pops), end.before.wrapping_add(pushes));
                // A head that was left since may be ahead of a segment's end.
                return usize::try_from(to.wrapping_sub(from).cast_signed()).unwrap_or(0);
            }
        }
    }

    /// Whether there was nothing in the queue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `tail` names a segment that can be reached from `head` (S4).
    #[cfg(all(test, not(any(loom, shuttle))))]
    pub(super) fn is_tail_linked(&self) -> bool {
        let tail = self.tail.load(Ordering::Acquire);
        let mut next = self.head.load(Ordering::Acquire);
        while !next.is_null() && next != tail {
            // SAFETY: the test has the queue alone, or all others suspended.
            next = unsafe { next.deref() }.next.load(Ordering::Acquire);
        }
        next == tail
    }
}

/// What came of a look at the first segment.
enum Popped<T> {
    Value(T),
    Empty,
    /// `head` has left this segment, which is to be retired once no section is open.
    Left(Owned<Segment<T>>),
}

impl<T, R: Reclaim> Drop for SegmentQueue<T, R> {
    fn drop(&mut self) {
        /// Frees the segments, also where the drop of a value panics.
        struct Segments<'q, T, R: Reclaim>(&'q mut SegmentQueue<T, R>);

        impl<T, R: Reclaim> Drop for Segments<'_, T, R> {
            fn drop(&mut self) {
                // SAFETY: nobody else uses the queue; `head` and `tail` name the one segment that is left, or it was full and its successor.
                let mut next = unsafe { self.0.head.take() };
                while let Some(mut segment) = next {
                    // SAFETY: as above; the segment before it goes.
                    next = unsafe { segment.next.take() };
                }
            }
        }

        let segments = Segments(self);
        drop_all(|| segments.0.pop());
    }
}

impl<T, R: Reclaim + Default> Default for SegmentQueue<T, R> {
    fn default() -> Self {
        Self::new_in(R::default())
    }
}

impl<T, R: Reclaim> fmt::Debug for SegmentQueue<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SegmentQueue { .. }")
    }
}

impl<T, R: Reclaim> IntoIterator for SegmentQueue<T, R> {
    type Item = T;
    type IntoIter = IntoIter<T, R>;

    fn into_iter(self) -> IntoIter<T, R> {
        IntoIter { queue: self }
    }
}

/// The values of a [`SegmentQueue`], oldest first.
#[derive(Debug)]
pub struct IntoIter<T, R: Reclaim = Rcu> {
    queue: SegmentQueue<T, R>,
}

impl<T, R: Reclaim> Iterator for IntoIter<T, R> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.queue.pop()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.queue.len();
        (left, Some(left))
    }
}
