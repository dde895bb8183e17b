//! An end of the queue: the number whose turn it is, and which segments it is in. Invariants: [the module above](super).

use alloc::boxed::Box;
use core::ptr;

use turgo_machine::atomic::{AtomicPtr, AtomicU64, Ordering};
use turgo_machine::mutant;

use super::cell::Cell;

/// Cells of a segment.
pub(super) const CELLS: u64 = if cfg!(any(loom, shuttle)) { 2 } else { 64 };

/// Where ends begin (S5).
pub(super) const START: u64 = CELLS - 1;

pub(super) struct Segment<T> {
    /// The segment of the numbers after this one's; null until somebody links it.
    pub(super) next: AtomicPtr<Segment<T>>,
    /// The next segment that waits for its last users, or null.
    pub(super) below: AtomicPtr<Segment<T>>,
    pub(super) cells: [Cell<T>; CELLS as usize],
}

impl<T> Segment<T> {
    pub(super) fn new() -> *mut Self {
        // In place: a segment of large values may be larger than a stack.
        let mut new = Box::<Self>::new_uninit();
        let segment = new.as_mut_ptr();
        // SAFETY: the field lies in the allocation, which is ours.
        let next = unsafe { &raw mut (*segment).next };
        // SAFETY: as above.
        unsafe { next.write(AtomicPtr::new(ptr::null_mut())) };
        // SAFETY: as above.
        let below = unsafe { &raw mut (*segment).below };
        // SAFETY: as above.
        unsafe { below.write(AtomicPtr::new(ptr::null_mut())) };
        // SAFETY: as above.
        let first = unsafe { &raw mut (*segment).cells }.cast::<Cell<T>>();
        for place in 0..CELLS as usize {
            // SAFETY: the array has as many cells.
            let cell = unsafe { first.add(place) };
            // SAFETY: it lies in the allocation, which is ours.
            unsafe { cell.write(Cell::new()) };
        }
        // SAFETY: all fields were written.
        Box::into_raw(unsafe { new.assume_init() })
    }

    /// Makes it a new segment.
    pub(super) fn reset(&mut self) {
        self.next = AtomicPtr::new(ptr::null_mut());
        self.below = AtomicPtr::new(ptr::null_mut());
        self.cells.iter_mut().for_each(Cell::reset);
    }

    /// Whether nobody uses a cell of it any more (S4).
    pub(super) fn is_left(&self) -> bool {
        self.cells.iter().all(Cell::is_left) || mutant!("S4 freed while in use")
    }
}

/// Numbers of one segment that the caller has for itself.
pub(super) struct Claim<T> {
    pub(super) segment: *mut Segment<T>,
    pub(super) first: usize,
    pub(super) count: usize,
}

impl<T> Claim<T> {
    /// A cell, by its place in the claim.
    ///
    /// # Safety
    ///
    /// The caller has not been through with that cell yet: it is its cell that keeps the segment (S4).
    #[inline(always)]
    pub(super) unsafe fn cell(&self, place: usize) -> &Cell<T> {
        debug_assert!(place < self.count, "a cell of another claim");
        // SAFETY: S4, a segment is freed only after each of its cells was left.
        let segment = unsafe { &*self.segment };
        // The remainder is the index itself, and spares the fast path a check that could fail.
        &segment.cells[(self.first + place) % CELLS as usize]
    }

    /// Whether the segment's last cell is among them.
    #[inline(always)]
    pub(super) fn is_last(&self) -> bool {
        self.first + self.count == CELLS as usize
    }
}

pub(super) struct End<T> {
    /// Whose turn it is. It only grows, and does not come round: at one in a nanosecond that takes 580 years.
    number: AtomicU64,
    /// S5: the segment of `number` is named at its own number's parity, the other is the one before or after it.
    named: [AtomicPtr<Segment<T>>; 2],
}

impl<T> End<T> {
    crate::fence::maybe_const! {
        pub(super) fn new() -> Self {
            let none = [AtomicPtr::new(ptr::null_mut()), AtomicPtr::new(ptr::null_mut())];
            Self { number: AtomicU64::new(START), named: none }
        }
    }

    /// Enters the first segment, unless it has; gives the one that is named in its place, which is a later one where the end has moved on.
    pub(super) fn begin(&self, first: *mut Segment<T>) -> *mut Segment<T> {
        let name = self.name(START / CELLS + 1);
        // Release: hands the segment to the Acquire in `claim` and `segment`. Acquire: another's, which is handed on.
        let order = (Ordering::Release, Ordering::Acquire);
        let named = name.compare_exchange(ptr::null_mut(), first, order.0, order.1);
        // AcqRel: as in `claim`. Relaxed: somebody else has moved it.
        let order = (Ordering::AcqRel, Ordering::Relaxed);
        let _ = self.number.compare_exchange(START, START + 1, order.0, order.1);
        named.map_or_else(|other| other, |_| first)
    }

    #[inline(always)]
    pub(super) fn number(&self) -> u64 {
        // Acquire: pairs with the Release in `claim`.
        self.number.load(Ordering::Acquire)
    }

    #[inline(always)]
    fn name(&self, segment: u64) -> &AtomicPtr<Segment<T>> {
        &self.named[(segment % 2) as usize]
    }

    /// Takes `count` numbers from `number` on, all of one segment, unless somebody else did.
    #[inline(always)]
    pub(super) fn claim(&self, number: u64, count: u64) -> Option<Claim<T>> {
        // Acquire: pairs with the Release in `lead_on`. S5: it is the right one if `number` is still the end's below.
        let segment = self.name(number / CELLS).load(Ordering::Acquire);
        if mutant!("S1 number taken twice") {
            // Release: as below.
            self.number.store(number + count, Ordering::Release);
            return Some(Claim {
                segment,
                first: (number % CELLS) as usize,
                count: count as usize,
            });
        }
        // AcqRel: an operation that sees another's effect takes a later number than that one's. Relaxed: tried again.
        let order = (Ordering::AcqRel, Ordering::Relaxed);
        self.number.compare_exchange(number, number + count, order.0, order.1).ok()?;
        Some(Claim { segment, first: (number % CELLS) as usize, count: count as usize })
    }

    /// The segment of `number`, unless the end has moved on. For visitors: it is not freed during the visit (S6).
    pub(super) fn segment(&self, number: u64) -> Option<*mut Segment<T>> {
        // Acquire: pairs with the Release in `lead_on`.
        let segment = self.name(number / CELLS).load(Ordering::Acquire);
        (self.number() == number).then_some(segment)
    }

    /// Names the segment after that of `number`, unless somebody has. For visitors.
    pub(super) fn lead_on(&self, number: u64, next: *mut Segment<T>) {
        let name = self.name(number / CELLS + 1);
        loop {
            // Acquire: keeps the next load after it.
            let found = name.load(Ordering::Acquire);
            let is_past = self.number() != number && !mutant!("S5 named by a latecomer");
            if ptr::eq(found, next) || is_past {
                return;
            }
            // Release: hands the segment to the Acquire in `claim` and `segment`. Relaxed: tried again.
            if name.compare_exchange(found, next, Ordering::Release, Ordering::Relaxed).is_ok() {
                return;
            }
        }
    }

    /// Whether a visitor could find that segment here.
    pub(super) fn names(&self, segment: *mut Segment<T>) -> bool {
        // Acquire: what comes next, S6, does not move up.
        self.named.iter().any(|name| ptr::eq(name.load(Ordering::Acquire), segment))
    }
}
