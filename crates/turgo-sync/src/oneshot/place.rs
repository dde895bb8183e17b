//! A place for a waker, which one side fills and the other takes.

use core::ptr;
use core::task::{RawWakerVTable, Waker};

use turgo_machine::atomic::Ordering;
#[cfg(loom)]
use turgo_machine::cell::UnsafeCell;

use crate::access::{Access, Link};

/// A place for a waker. Whether one is there is in the state of the channel.
///
/// Both halves of a waker can be read while its owner replaces it; what was read is a waker if the word shows that it was not replaced.
pub(super) struct Place<A: Access> {
    data: A::Link<()>,
    table: A::Link<RawWakerVTable>,
    /// Whether the place is there still, which a checker does not see of atomics.
    #[cfg(loom)]
    there: UnsafeCell<()>,
}

/// What was read: the halves of a waker, or of two.
pub(super) struct Halves {
    data: *const (),
    table: *const RawWakerVTable,
}

impl<A: Access> Place<A> {
    pub(super) fn new() -> Self {
        Self {
            data: A::Link::null(),
            table: A::Link::null(),
            #[cfg(loom)]
            there: UnsafeCell::new(()),
        }
    }

    /// Uses the place, as who frees it does.
    #[cfg(loom)]
    pub(super) fn touch(&self) {
        self.there.with_mut(|_| {});
    }

    /// # Safety
    ///
    /// O3: the place is the caller's, and empty.
    pub(super) unsafe fn put(&self, waker: Waker) {
        // Relaxed, both: published with the word.
        self.data.store(waker.data().cast_mut(), Ordering::Relaxed);
        self.table.store(ptr::from_ref(waker.vtable()).cast_mut(), Ordering::Relaxed);
        core::mem::forget(waker);
    }

    /// What is there at this moment.
    #[inline(always)]
    pub(super) fn halves(&self) -> Halves {
        #[cfg(loom)]
        self.there.with(|_| {});
        // Relaxed, both: O3, judged by the word.
        Halves {
            data: self.data.load(Ordering::Relaxed),
            table: self.table.load(Ordering::Relaxed),
        }
    }

    /// # Safety
    ///
    /// O3: there is a waker, and taking it is up to the caller.
    pub(super) unsafe fn take(&self) -> Waker {
        // SAFETY: the caller's promise.
        unsafe { self.halves().into_waker() }
    }

    /// Whether the waker that was put here, and may have been taken since, wakes the same task.
    ///
    /// # Safety
    ///
    /// O3: the caller has put it here.
    pub(super) unsafe fn wakes(&self, waker: &Waker) -> bool {
        // Two pointers are compared; what they point to may be gone.
        let here = self.halves();
        here.data == waker.data() && ptr::eq(here.table, waker.vtable())
    }
}

impl Halves {
    /// # Safety
    ///
    /// O3: they are of one waker, and it is the caller's.
    #[inline(always)]
    pub(super) unsafe fn into_waker(self) -> Waker {
        // SAFETY: the caller's promise: it was put there by `put`.
        let table = unsafe { &*self.table };
        // SAFETY: the same.
        unsafe { Waker::new(self.data, table) }
    }
}
