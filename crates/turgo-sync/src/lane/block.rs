//! Blocks of places for values.

use alloc::boxed::Box;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};

use turgo_machine::atomic::Ordering;
use turgo_machine::cell::UnsafeCell;
use turgo_machine::mutant;

use crate::access::{Access, Link, Word};
use crate::patience::Patience;

/// How many numbers a block has: one for each place, and one for the time in which the next block is put in place.
pub(super) const LAP: u64 = if cfg!(any(loom, shuttle)) { 4 } else { 32 };

/// How many places a block has.
pub(super) const PLACES: u64 = LAP - 1;

/// Nothing was written to the place.
const EMPTY: u64 = 0;
/// Nothing was written, and the receiver wants to be woken when it is.
const AWAITED: u64 = 1;
/// A value is there, or was.
const FULL: u64 = 2;

/// A place for a value.
pub(super) struct Place<T, A: Access> {
    state: A::Word,
    /// L2.
    value: UnsafeCell<MaybeUninit<T>>,
}

/// A block of places.
pub(super) struct Block<T, A: Access> {
    /// Nothing until somebody has the last place.
    next: A::Link<Self>,
    /// How many places were left by their receivers, where there are several.
    left: A::Word,
    places: [Place<T, A>; PLACES as usize],
}

impl<T, A: Access> Block<T, A> {
    /// A block of empty places. It is made where it stays: it may be too large for a stack.
    pub(super) fn new() -> Box<Self> {
        let mut block = Box::<Self>::new_uninit();
        let here = block.as_mut_ptr();
        // SAFETY: a field of memory that is ours.
        let next = unsafe { &raw mut (*here).next };
        // SAFETY: as above.
        unsafe { next.write(A::Link::null()) };
        // SAFETY: as above.
        let left = unsafe { &raw mut (*here).left };
        // SAFETY: as above.
        unsafe { left.write(A::Word::new(0)) };
        // SAFETY: as above.
        let places = unsafe { &raw mut (*here).places }.cast::<Place<T, A>>();
        for index in 0..PLACES as usize {
            // SAFETY: one of the places of memory that is ours.
            unsafe { Place::make(places.wrapping_add(index)) };
        }
        // SAFETY: all fields were written but values, which need not be.
        unsafe { block.assume_init() }
    }

    #[inline(always)]
    pub(super) fn place(&self, number: u64) -> &Place<T, A> {
        &self.places[(number % LAP) as usize]
    }

    /// The block behind this one, or nothing.
    #[inline]
    pub(super) fn next(&self) -> Option<NonNull<Self>> {
        // Acquire: what the block is, from the Release in `set_next`.
        NonNull::new(self.next.load(Ordering::Acquire))
    }

    /// The block behind this one, whose last place somebody has (L3).
    #[cold]
    pub(super) fn wait_for_next(&self) -> NonNull<Self> {
        let patience = Patience::new();
        loop {
            if let Some(next) = self.next() {
                return next;
            }
            patience.wait();
        }
    }

    /// The block behind this one is there.
    pub(super) fn set_next(&self, next: NonNull<Self>) {
        // Release: hands the block to the Acquire in `next`.
        self.next.store(next.as_ptr(), Ordering::Release);
    }

    /// One of the receivers leaves its place for good. Answers whether it is the last.
    pub(super) fn leave(&self) -> bool {
        // Release: the value was taken before. Acquire: comes after all others have left.
        self.left.fetch_add(1, Ordering::AcqRel) == PLACES - 1
    }
}

impl<T, A: Access> Place<T, A> {
    /// Makes an empty place.
    ///
    /// # Safety
    ///
    /// There is memory for one, which is the caller's.
    unsafe fn make(here: *mut Self) {
        // SAFETY: a field of what the caller promised.
        let state = unsafe { &raw mut (*here).state };
        // SAFETY: as above.
        unsafe { state.write(A::Word::new(EMPTY)) };
        // loom keeps an account of each cell; without it there is nothing to write.
        #[cfg(loom)]
        {
            // SAFETY: as above.
            let value = unsafe { &raw mut (*here).value };
            // SAFETY: as above.
            unsafe { value.write(UnsafeCell::new(MaybeUninit::uninit())) };
        }
    }

    /// Puts a value here. Answers whether the receiver wants to be woken.
    ///
    /// # Safety
    ///
    /// L1 and L2: the caller has the place's number and has not filled it.
    #[inline(always)]
    pub(super) unsafe fn fill(&self, value: T) -> bool {
        if mutant!("L2 full before it is written") {
            let awaited = self.state.swap(FULL, Ordering::AcqRel) == AWAITED;
            // SAFETY: none, and that is the mistake.
            self.value.with_mut(|place| unsafe { place.write(MaybeUninit::new(value)) });
            return awaited;
        }
        // SAFETY: L2, nobody else looks before the state says so.
        self.value.with_mut(|place| unsafe { place.write(MaybeUninit::new(value)) });
        if mutant!("L5 filled without a look") {
            self.state.store(FULL, Ordering::Release);
            return false;
        }
        // Release: hands the value to the Acquire in `is_full`. Acquire: comes after the receiver registered (L5).
        self.state.swap(FULL, Ordering::AcqRel) == AWAITED
    }

    /// Whether a value is here.
    #[inline(always)]
    pub(super) fn is_full(&self) -> bool {
        // Acquire: the value that Release in `fill` put here.
        self.state.load(Ordering::Acquire) == FULL
    }

    /// Waits for a sender between its number and its value.
    #[inline]
    pub(super) fn wait_until_full(&self) {
        let patience = Patience::new();
        while !self.is_full() {
            patience.wait();
        }
    }

    /// The receiver wants to be woken when a value comes. Answers whether there is none yet.
    pub(super) fn wait_for(&self) -> bool {
        loop {
            // Acquire: the value that Release in `fill` put here.
            match self.state.load(Ordering::Acquire) {
                FULL => return false,
                AWAITED => return true,
                _ => {
                    // Release: what was registered is seen by the sender (L5). Relaxed: looked at again.
                    let order = (Ordering::Release, Ordering::Relaxed);
                    if self.state.compare_exchange_weak(EMPTY, AWAITED, order.0, order.1).is_ok() {
                        return true;
                    }
                }
            }
        }
    }

    /// Takes the value.
    ///
    /// # Safety
    ///
    /// L1 and L2: the place is full, and the caller has its number and has not taken the value.
    #[inline(always)]
    pub(super) unsafe fn take(&self) -> T {
        // SAFETY: L2, nobody writes to it.
        let value = self.value.with(|place| unsafe { ptr::read(place) });
        // SAFETY: L2, there is one, and nobody else takes it.
        unsafe { value.assume_init() }
    }
}
