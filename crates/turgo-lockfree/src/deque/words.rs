//! The slots of a deque: items as machine words, each read and written atomically.
//!
//! A thief reads an item before it knows whether it may have it, perhaps while the owner overwrites it. Atomic words make that a race
//! without undefined behaviour; a torn item is never looked at. The words are pointers, so that pointers inside an item keep what they point
//! to (their provenance).
//!
//! # Invariants
//!
//! - **W1** Slot `index & mask` is `STRIDE` words from `(index & mask) * STRIDE`; the number of slots is a power of two.
//! - **W2** A word of an item is read as a number only after `freeze`, so that padding is no longer undefined.
//! - **W3** What `read` returns is an item only if one `write` at that index wrote all of its words and no later one any: the caller finds out by a
//!   compare-and-swap of the top.

use alloc::boxed::Box;
use core::marker::PhantomData;
use core::mem::{ManuallyDrop, MaybeUninit, size_of};
use core::{ptr, slice};

use turgo_machine::atomic::{AtomicPtr, Ordering};
use turgo_machine::mutant;

const WORD: usize = size_of::<*mut ()>();

/// A buffer, and the smaller ones it replaced.
pub(super) struct Words<T> {
    words: Box<[AtomicPtr<()>]>,
    slots: u32,
    /// Thieves may still read from it; freed with the deque.
    pub(super) previous: *mut Words<T>,
    items: PhantomData<T>,
}

/// Where the slots of a buffer are. The owner keeps it at hand, which spares every operation a step from buffer to slots.
pub(super) struct View<T> {
    first: *const AtomicPtr<()>,
    mask: u32,
    items: PhantomData<T>,
}

impl<T> Clone for View<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for View<T> {}

impl<T> Words<T> {
    /// # Panics
    ///
    /// Where the buffer is larger than memory.
    pub(super) fn new(slots: u32, previous: *mut Self) -> *mut Self {
        assert!(slots.is_power_of_two(), "W1");
        let words = (slots as usize).checked_mul(View::<T>::STRIDE);
        let words = 0..words.expect("a deque larger than memory");
        let words = words.map(|_| AtomicPtr::new(ptr::null_mut())).collect();
        Box::into_raw(Box::new(Self { words, slots, previous, items: PhantomData }))
    }

    /// The slots, for as long as the buffer lives.
    #[inline(always)]
    pub(super) fn view(&self) -> View<T> {
        View { first: self.words.as_ptr(), mask: self.slots - 1, items: PhantomData }
    }
}

impl<T> View<T> {
    const STRIDE: usize = size_of::<T>().div_ceil(WORD);

    #[inline(always)]
    pub(super) fn slots(&self) -> u32 {
        self.mask + 1
    }

    #[inline(always)]
    fn slot(&self, index: u32) -> &[AtomicPtr<()>] {
        let stride = if mutant!("W1 slots overlap") { 1 } else { Self::STRIDE };
        let start = (index & self.mask) as usize * stride;
        // SAFETY: W1, the buffer has `(mask + 1) * STRIDE` words.
        let first = unsafe { self.first.add(start) };
        // SAFETY: as above, and D7: no buffer is freed before the deque.
        unsafe { slice::from_raw_parts(first, Self::STRIDE) }
    }

    #[inline(always)]
    pub(super) fn write(&self, index: u32, value: T) {
        let value = ManuallyDrop::new(value);
        let bytes = (&raw const value).cast::<u8>();
        for (number, word) in self.slot(index).iter().enumerate() {
            let length = (size_of::<T>() - number * WORD).min(WORD);
            let mut held = MaybeUninit::<*mut ()>::zeroed();
            // SAFETY: `number` words lie before this one inside the value.
            let from = unsafe { bytes.add(number * WORD) };
            // SAFETY: `length` bytes of the value are left at `from`, and a word holds as many. The copy keeps what is undefined undefined.
            unsafe { ptr::copy_nonoverlapping(from, held.as_mut_ptr().cast(), length) };
            // Relaxed: the store of `bottom` that follows publishes it.
            word.store(freeze(held), Ordering::Relaxed);
        }
    }

    /// The words at an index: an item only as W3 says.
    #[inline(always)]
    pub(super) fn read(&self, index: u32) -> MaybeUninit<T> {
        let mut value = MaybeUninit::<T>::uninit();
        let bytes = value.as_mut_ptr().cast::<u8>();
        for (number, word) in self.slot(index).iter().enumerate() {
            let length = (size_of::<T>() - number * WORD).min(WORD);
            // Relaxed: the load of `bottom` or `top` that came before orders it; W3.
            let held = word.load(Ordering::Relaxed);
            // SAFETY: `number` words lie before this one inside the value.
            let to = unsafe { bytes.add(number * WORD) };
            // SAFETY: `length` bytes of the value are left at `to`, and the word holds as many.
            unsafe { ptr::copy_nonoverlapping((&raw const held).cast(), to, length) };
        }
        value
    }

    /// Copies the words at an index to an index of another buffer.
    pub(super) fn copy(&self, index: u32, to: Self, at: u32) {
        for (from, to) in self.slot(index).iter().zip(to.slot(at)) {
            // Relaxed: as in `read` and `write`.
            to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// Exchanges the words at two indices. Only for indices nobody else reads.
    pub(super) fn swap(&self, one: u32, other: u32) {
        for (one, other) in self.slot(one).iter().zip(self.slot(other)) {
            // Relaxed: nobody else reads them yet.
            let held = one.load(Ordering::Relaxed);
            // Relaxed: as above.
            one.store(other.load(Ordering::Relaxed), Ordering::Relaxed);
            // Relaxed: as above.
            other.store(held, Ordering::Relaxed);
        }
    }
}

/// The word with every bit defined, those of padding as they happen to be (W2).
#[inline(always)]
fn freeze(word: MaybeUninit<*mut ()>) -> *mut () {
    #[cfg(not(any(loom, shuttle, miri)))]
    {
        let frozen: *mut ();
        // SAFETY: the text is empty, so what is in the register comes out of it. An operand may be undefined, and the compiler must take what
        // comes out for a value; bits that were defined are unchanged, and so is what a pointer points to.
        unsafe {
            core::arch::asm!(
                "/* {0} */",
                inout(reg) word => frozen,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        frozen
    }
    #[cfg(any(loom, shuttle, miri))]
    // SAFETY: models only use items without padding.
    unsafe {
        word.assume_init()
    }
}

/// Frees a buffer and those it replaced.
///
/// # Safety
///
/// `newest` came from [`Words::new`], as did all it names, none is used by anyone any more, and this happens once.
pub(super) unsafe fn free_all<T>(newest: *mut Words<T>) {
    let mut next = newest;
    while !next.is_null() {
        // SAFETY: the caller says so.
        let words = unsafe { Box::from_raw(next) };
        next = words.previous;
    }
}
