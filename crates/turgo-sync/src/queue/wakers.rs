//! The wakers that a holder collects, to wake them when it has let go of the list.

use core::fmt;
use core::mem::MaybeUninit;
use core::task::Waker;

/// How many wakers are collected before they are woken.
pub(crate) const WAKERS_MAX: usize = 32;

/// A batch of wakers. What is not woken is dropped.
pub(crate) struct Wakers {
    /// Those from `next` on and below `len` are there.
    slots: [MaybeUninit<Waker>; WAKERS_MAX],
    next: usize,
    len: usize,
}

impl Wakers {
    #[inline]
    pub(crate) const fn new() -> Self {
        Self { slots: [const { MaybeUninit::uninit() }; WAKERS_MAX], next: 0, len: 0 }
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
        self.slots[self.len].write(waker);
        self.len += 1;
    }

    #[inline]
    fn pop(&mut self) -> Option<Waker> {
        if self.next == self.len {
            return None;
        }
        self.next += 1;
        // SAFETY: it was there, and is not any more.
        Some(unsafe { self.slots[self.next - 1].assume_init_read() })
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
struct Rest<'a>(&'a mut Wakers);

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        while let Some(waker) = self.0.pop() {
            waker.wake();
        }
    }
}

impl Drop for Wakers {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

impl fmt::Debug for Wakers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wakers").field("len", &self.len).finish()
    }
}
