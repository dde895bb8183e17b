//! Who may touch a primitive: any thread, through atomics, or one thread, through cells.
//!
//! Everything else in this crate is written once over [`Access`]. With [`Local`] a compare-and-swap is a comparison and a store, and
//! the lock bit of a queue is never found set: nothing that runs under it is anybody else's code.

use alloc::rc::Rc;
use alloc::sync::Arc;
use core::cell::Cell;
use core::ops::Deref;
use core::ptr;

use turgo_machine::atomic::{AtomicPtr, AtomicU64, Ordering};

/// A word that holds a packed state.
pub trait Word: Sized {
    /// A word with a value.
    fn new(value: u64) -> Self;
    /// Reads it.
    fn load(&self, order: Ordering) -> u64;
    /// Writes it.
    fn store(&self, value: u64, order: Ordering);
    /// Replaces `current` by `next`. May fail without a reason.
    ///
    /// # Errors
    ///
    /// The value that is there instead.
    fn compare_exchange_weak(
        &self,
        current: u64,
        next: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64>;
    /// Sets bits and returns what was there.
    fn fetch_or(&self, bits: u64, order: Ordering) -> u64;
    /// Keeps only these bits and returns what was there.
    fn fetch_and(&self, bits: u64, order: Ordering) -> u64;
    /// Adds and returns what was there.
    fn fetch_add(&self, more: u64, order: Ordering) -> u64;
    /// Subtracts and returns what was there.
    fn fetch_sub(&self, less: u64, order: Ordering) -> u64;
    /// Writes it and returns what was there.
    fn swap(&self, value: u64, order: Ordering) -> u64;
}

/// A place for a pointer.
pub trait Link<T>: Sized {
    /// A place with no pointer.
    fn null() -> Self;
    /// Puts `next(old)` there, again if somebody else was quicker; `next` may be called several times.
    fn replace_with(&self, next: impl FnMut(*mut T) -> *mut T, order: Ordering);
    /// Takes the pointer away.
    fn take(&self, order: Ordering) -> *mut T;
    /// Reads it.
    fn load(&self, order: Ordering) -> *mut T;
    /// Writes it.
    fn store(&self, pointer: *mut T, order: Ordering);
}

/// Who may touch a primitive. [`Shared`] and [`Local`] are all there are.
pub trait Access: sealed::Sealed + 'static {
    /// Whether what one finds held can be held by another thread, which lets go of it while one waits.
    const HAS_OTHERS: bool;
    /// A packed state.
    type Word: Word;
    /// A place for a pointer.
    type Link<T>: Link<T>;
    /// A counted pointer, for guards and permits that own a share of their primitive.
    type Handle<T: ?Sized>: Deref<Target = T> + Clone;
    /// The first handle of a value.
    fn handle<T>(value: T) -> Self::Handle<T>;
}

/// Any number of threads.
#[derive(Debug)]
pub struct Shared;

/// One thread: what is made with it is neither `Send` nor `Sync`.
#[derive(Debug)]
pub struct Local;

mod sealed {
    #[expect(unnameable_types, reason = "nobody else implements it")]
    pub trait Sealed {}
    impl Sealed for super::Shared {}
    impl Sealed for super::Local {}
}

impl Access for Shared {
    const HAS_OTHERS: bool = true;
    type Word = AtomicU64;
    type Link<T> = AtomicPtr<T>;
    type Handle<T: ?Sized> = Arc<T>;

    fn handle<T>(value: T) -> Arc<T> {
        Arc::new(value)
    }
}

impl Access for Local {
    const HAS_OTHERS: bool = false;
    type Word = Cell<u64>;
    type Link<T> = Cell<*mut T>;
    type Handle<T: ?Sized> = Rc<T>;

    fn handle<T>(value: T) -> Rc<T> {
        Rc::new(value)
    }
}

impl Word for AtomicU64 {
    #[inline(always)]
    fn new(value: u64) -> Self {
        Self::new(value)
    }

    #[inline(always)]
    fn load(&self, order: Ordering) -> u64 {
        self.load(order)
    }

    #[inline(always)]
    fn store(&self, value: u64, order: Ordering) {
        self.store(value, order);
    }

    #[inline(always)]
    fn compare_exchange_weak(
        &self,
        current: u64,
        next: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        self.compare_exchange_weak(current, next, success, failure)
    }

    #[inline(always)]
    fn fetch_or(&self, bits: u64, order: Ordering) -> u64 {
        self.fetch_or(bits, order)
    }

    #[inline(always)]
    fn fetch_and(&self, bits: u64, order: Ordering) -> u64 {
        self.fetch_and(bits, order)
    }

    #[inline(always)]
    fn fetch_add(&self, more: u64, order: Ordering) -> u64 {
        self.fetch_add(more, order)
    }

    #[inline(always)]
    fn fetch_sub(&self, less: u64, order: Ordering) -> u64 {
        self.fetch_sub(less, order)
    }

    #[inline(always)]
    fn swap(&self, value: u64, order: Ordering) -> u64 {
        self.swap(value, order)
    }
}

impl Word for Cell<u64> {
    #[inline(always)]
    fn new(value: u64) -> Self {
        Self::new(value)
    }

    #[inline(always)]
    fn load(&self, _order: Ordering) -> u64 {
        self.get()
    }

    #[inline(always)]
    fn store(&self, value: u64, _order: Ordering) {
        self.set(value);
    }

    #[inline(always)]
    fn compare_exchange_weak(
        &self,
        current: u64,
        next: u64,
        _success: Ordering,
        _failure: Ordering,
    ) -> Result<u64, u64> {
        let found = self.get();
        if found == current {
            self.set(next);
            Ok(found)
        } else {
            Err(found)
        }
    }

    #[inline(always)]
    fn fetch_or(&self, bits: u64, _order: Ordering) -> u64 {
        self.replace(self.get() | bits)
    }

    #[inline(always)]
    fn fetch_and(&self, bits: u64, _order: Ordering) -> u64 {
        self.replace(self.get() & bits)
    }

    #[inline(always)]
    fn fetch_add(&self, more: u64, _order: Ordering) -> u64 {
        self.replace(self.get().wrapping_add(more))
    }

    #[inline(always)]
    fn fetch_sub(&self, less: u64, _order: Ordering) -> u64 {
        self.replace(self.get().wrapping_sub(less))
    }

    #[inline(always)]
    fn swap(&self, value: u64, _order: Ordering) -> u64 {
        self.replace(value)
    }
}

impl<T> Link<T> for AtomicPtr<T> {
    fn null() -> Self {
        Self::new(ptr::null_mut())
    }

    fn replace_with(&self, mut next: impl FnMut(*mut T) -> *mut T, order: Ordering) {
        // Relaxed: only compared and linked; whoever takes the pointers away orders their use.
        let mut old = self.load(Ordering::Relaxed);
        // Relaxed: tried again.
        while let Err(found) = self.compare_exchange_weak(old, next(old), order, Ordering::Relaxed)
        {
            old = found;
        }
    }

    fn take(&self, order: Ordering) -> *mut T {
        self.swap(ptr::null_mut(), order)
    }

    #[inline(always)]
    fn load(&self, order: Ordering) -> *mut T {
        self.load(order)
    }

    #[inline(always)]
    fn store(&self, pointer: *mut T, order: Ordering) {
        self.store(pointer, order);
    }
}

impl<T> Link<T> for Cell<*mut T> {
    fn null() -> Self {
        Self::new(ptr::null_mut())
    }

    fn replace_with(&self, mut next: impl FnMut(*mut T) -> *mut T, _order: Ordering) {
        self.set(next(self.get()));
    }

    fn take(&self, _order: Ordering) -> *mut T {
        self.replace(ptr::null_mut())
    }

    #[inline(always)]
    fn load(&self, _order: Ordering) -> *mut T {
        self.get()
    }

    #[inline(always)]
    fn store(&self, pointer: *mut T, _order: Ordering) {
        self.set(pointer);
    }
}
