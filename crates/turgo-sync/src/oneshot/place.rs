//! A place for a waker, which one side fills and the other takes.

use core::mem::MaybeUninit;
use core::ptr;
use core::task::Waker;

use turgo_machine::cell::UnsafeCell;

/// A place for a waker. Whether one is there is in the state of the channel.
pub(super) struct Place(UnsafeCell<MaybeUninit<Waker>>);

impl Place {
    pub(super) fn new() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// Uses the place, as who frees it does.
    #[cfg(loom)]
    pub(super) fn touch(&self) {
        self.0.with_mut(|_| {});
    }

    /// # Safety
    ///
    /// O3: the place is the caller's, and empty.
    pub(super) unsafe fn put(&self, waker: Waker) {
        // SAFETY: the caller's promise.
        self.0.with_mut(|place| unsafe { place.write(MaybeUninit::new(waker)) });
    }

    /// # Safety
    ///
    /// O3: there is a waker, and taking it is up to the caller.
    pub(super) unsafe fn take(&self) -> Waker {
        // Read only: its owner may be comparing it.
        // SAFETY: the caller's promise.
        let waker = self.0.with(|place| unsafe { ptr::read(place) });
        // SAFETY: the caller's promise.
        unsafe { waker.assume_init() }
    }

    /// Whether the waker that was put here, and may have been taken since, wakes the same task.
    ///
    /// # Safety
    ///
    /// O3: the caller has put it here.
    pub(super) unsafe fn wakes(&self, waker: &Waker) -> bool {
        // Two pointers are compared; what they point to may be gone.
        // SAFETY: the caller's promise.
        self.0.with(|place| unsafe { (*place.cast::<Waker>()).will_wake(waker) })
    }
}
