//! The wakers that a holder collects, to wake them when it has let go of the list.

use core::fmt;
use core::mem::MaybeUninit;
use core::task::Waker;

/// How many wakers are collected before they are woken.
pub(crate) const WAKERS_MAX: usize = 32;

/// The memory of a batch. Apart from the batch, and so never initialised: that cost more than the exchanges around it.
pub(super) type Slots = MaybeUninit<[Waker; WAKERS_MAX]>;

/// A batch of wakers. What is not woken is dropped.
pub(crate) struct Wakers<'a> {
    /// Those from `next` on and below `len` are there.
    slots: &'a mut Slots,
    next: usize,
    len: usize,
}

impl<'a> Wakers<'a> {
    #[inline]
    pub(super) fn new(slots: &'a mut Slots) -> Self {
        Self { slots, next: 0, len: 0 }
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.len == WAKERS_MAX
    }

    /// Adds one.
    ///
    /// # Panics
    ///
    /// If there is no place: ask [`is_full`](Self::is_full) first.
    pub(crate) fn push(&mut self, waker: Waker) {
        assert!(self.len < WAKERS_MAX, "the caller asks first");
        // SAFETY: the place is in the array, and nothing is there.
        unsafe { self.slot(self.len).write(waker) };
        self.len += 1;
    }

    /// A place; whoever uses it sees to it that it is one.
    #[inline]
    fn slot(&mut self, index: usize) -> *mut Waker {
        self.slots.as_mut_ptr().cast::<Waker>().wrapping_add(index)
    }

    #[inline]
    fn pop(&mut self) -> Option<Waker> {
        if self.next == self.len {
            return None;
        }
        self.next += 1;
        // SAFETY: it was there, and is not any more.
        Some(unsafe { self.slot(self.next - 1).read() })
    }

    /// Wakes all in the order they came. If one panics, the others are woken while that panic goes on.
    pub(crate) fn wake_all(&mut self) {
        let rest = Rest(self);
        while let Some(waker) = rest.0.pop() {
            waker.wake();
        }
        core::mem::forget(rest);
    }
}

/// Wakes what is left when a waker panics.
struct Rest<'a, 'b>(&'a mut Wakers<'b>);

impl Drop for Rest<'_, '_> {
    fn drop(&mut self) {
        while let Some(waker) = self.0.pop() {
            waker.wake();
        }
    }
}

impl Drop for Wakers<'_> {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

impl fmt::Debug for Wakers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wakers").field("len", &self.len).finish()
    }
}
