//! Guards that borrow a read-write lock.

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use turgo_machine::mutant;

use crate::access::{Access, Shared};
use crate::fairness::Fairness;
use crate::permits::Permits;

/// Permits of a lock, given back when this is dropped.
pub(super) struct Share<'a, F: Fairness, A: Access> {
    permits: &'a Permits<F, A>,
    count: u32,
}

impl<'a, F: Fairness, A: Access> Share<'a, F, A> {
    /// For who has taken so many.
    #[inline(always)]
    pub(super) fn new(permits: &'a Permits<F, A>, count: u32) -> Self {
        Self { permits, count }
    }

    /// Gives back all but one: W3.
    fn downgrade(&mut self) {
        let others = self.count - 1;
        // Set first: a waker may panic.
        self.count = 1;
        self.permits.give(u64::from(others));
        if mutant!("W3 let go between") {
            self.permits.give(1);
            while self.permits.try_take(1).is_err() {}
        }
    }
}

impl<F: Fairness, A: Access> Drop for Share<'_, F, A> {
    #[inline(always)]
    fn drop(&mut self) {
        self.permits.give(u64::from(self.count));
    }
}

/// A [`RwLock`](super::RwLock) that is read, until this is dropped.
#[must_use = "the lock is given back when this is dropped"]
#[clippy::has_significant_drop]
pub struct RwLockReadGuard<'a, T: ?Sized, F: Fairness, A: Access> {
    share: Share<'a, F, A>,
    /// W2.
    value: *const T,
    borrow: PhantomData<&'a T>,
}

/// A [`RwLock`](super::RwLock) that is written, until this is dropped.
#[must_use = "the lock is given back when this is dropped"]
#[clippy::has_significant_drop]
pub struct RwLockWriteGuard<'a, T: ?Sized, F: Fairness, A: Access> {
    share: Share<'a, F, A>,
    /// W2.
    value: *mut T,
    borrow: PhantomData<&'a mut T>,
}

/// A part of the value of a [`RwLock`](super::RwLock) that is written, until this is dropped.
#[must_use = "the lock is given back when this is dropped"]
#[clippy::has_significant_drop]
pub struct RwLockMappedWriteGuard<'a, T: ?Sized, F: Fairness, A: Access> {
    share: Share<'a, F, A>,
    /// W2.
    value: *mut T,
    borrow: PhantomData<&'a mut T>,
}

// SAFETY: a shared borrow of the value; the permit may be given back on any thread.
unsafe impl<T: ?Sized + Sync, F: Fairness> Send for RwLockReadGuard<'_, T, F, Shared> {}
// SAFETY: sharing it shares the value.
unsafe impl<T: ?Sized + Send + Sync, F: Fairness> Sync for RwLockReadGuard<'_, T, F, Shared> {}
// SAFETY: a mutable borrow of the value, which may become a shared one.
unsafe impl<T: ?Sized + Send + Sync, F: Fairness> Send for RwLockWriteGuard<'_, T, F, Shared> {}
// SAFETY: sharing it shares the value.
unsafe impl<T: ?Sized + Send + Sync, F: Fairness> Sync for RwLockWriteGuard<'_, T, F, Shared> {}
// SAFETY: a mutable borrow of the value.
unsafe impl<T: ?Sized + Send + Sync, F: Fairness> Send
    for RwLockMappedWriteGuard<'_, T, F, Shared>
{
}
// SAFETY: sharing it shares the value.
unsafe impl<T: ?Sized + Send + Sync, F: Fairness> Sync
    for RwLockMappedWriteGuard<'_, T, F, Shared>
{
}

/// A guard of one value stands for it.
macro_rules! as_the_value {
    ($guard:ident) => {
        impl<'a, T: ?Sized, F: Fairness, A: Access> $guard<'a, T, F, A> {
            /// For who has taken the permits.
            #[inline(always)]
            pub(super) fn new(share: Share<'a, F, A>, value: *mut T) -> Self {
                Self { share, value, borrow: PhantomData }
            }
        }

        impl<T: ?Sized, F: Fairness, A: Access> Deref for $guard<'_, T, F, A> {
            type Target = T;

            #[inline(always)]
            fn deref(&self) -> &T {
                // SAFETY: W1 and W2.
                unsafe { &*self.value }
            }
        }

        impl<T: ?Sized + fmt::Debug, F: Fairness, A: Access> fmt::Debug for $guard<'_, T, F, A> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<T: ?Sized + fmt::Display, F: Fairness, A: Access> fmt::Display
            for $guard<'_, T, F, A>
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    };
}

as_the_value!(RwLockReadGuard);
as_the_value!(RwLockWriteGuard);
as_the_value!(RwLockMappedWriteGuard);

/// A guard of a writer.
macro_rules! of_a_writer {
    ($guard:ident) => {
        impl<T: ?Sized, F: Fairness, A: Access> DerefMut for $guard<'_, T, F, A> {
            #[inline(always)]
            fn deref_mut(&mut self) -> &mut T {
                // SAFETY: W1 and W2.
                unsafe { &mut *self.value }
            }
        }

        impl<'a, T: ?Sized, F: Fairness, A: Access> $guard<'a, T, F, A> {
            /// A guard of a part of the value. To be called with the type's name before it. The lock is given back if `f` panics.
            pub fn map<U: ?Sized>(
                mut this: Self,
                f: impl FnOnce(&mut T) -> &mut U,
            ) -> RwLockMappedWriteGuard<'a, U, F, A> {
                let value: *mut U = f(&mut this);
                RwLockMappedWriteGuard::new(this.share, value)
            }

            /// A guard of a part of the value, if there is one. To be called with the type's name before it.
            ///
            /// # Errors
            ///
            /// This guard, if `f` finds nothing.
            pub fn try_map<U: ?Sized>(
                mut this: Self,
                f: impl FnOnce(&mut T) -> Option<&mut U>,
            ) -> Result<RwLockMappedWriteGuard<'a, U, F, A>, Self> {
                match f(&mut this).map(|value| &raw mut *value) {
                    Some(value) => Ok(RwLockMappedWriteGuard::new(this.share, value)),
                    None => Err(this),
                }
            }
        }
    };
}

of_a_writer!(RwLockWriteGuard);
of_a_writer!(RwLockMappedWriteGuard);

impl<'a, T: ?Sized, F: Fairness, A: Access> RwLockReadGuard<'a, T, F, A> {
    /// A guard of a part of the value. To be called as `RwLockReadGuard::map(...)`. The lock is given back if `f` panics.
    pub fn map<U: ?Sized>(this: Self, f: impl FnOnce(&T) -> &U) -> RwLockReadGuard<'a, U, F, A> {
        let value: *const U = f(&this);
        RwLockReadGuard { share: this.share, value, borrow: PhantomData }
    }

    /// A guard of a part of the value, if there is one. To be called as `RwLockReadGuard::try_map(...)`.
    ///
    /// # Errors
    ///
    /// This guard, if `f` finds nothing.
    pub fn try_map<U: ?Sized>(
        this: Self,
        f: impl FnOnce(&T) -> Option<&U>,
    ) -> Result<RwLockReadGuard<'a, U, F, A>, Self> {
        match f(&this).map(|value| &raw const *value) {
            Some(value) => Ok(RwLockReadGuard { share: this.share, value, borrow: PhantomData }),
            None => Err(this),
        }
    }
}

impl<'a, T: ?Sized, F: Fairness, A: Access> RwLockWriteGuard<'a, T, F, A> {
    /// Reads from now on, and lets others read; no writer comes between.
    pub fn downgrade(mut self) -> RwLockReadGuard<'a, T, F, A> {
        self.share.downgrade();
        RwLockReadGuard::new(self.share, self.value)
    }

    /// [`downgrade`](Self::downgrade) to a part of the value. To be called as `RwLockWriteGuard::downgrade_map(...)`.
    pub fn downgrade_map<U: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&T) -> &U,
    ) -> RwLockReadGuard<'a, U, F, A> {
        let value: *const U = f(&this);
        this.share.downgrade();
        RwLockReadGuard { share: this.share, value, borrow: PhantomData }
    }

    /// [`downgrade`](Self::downgrade) to a part of the value, if there is one. To be called as `RwLockWriteGuard::try_downgrade_map(...)`.
    ///
    /// # Errors
    ///
    /// This guard, if `f` finds nothing.
    pub fn try_downgrade_map<U: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&T) -> Option<&U>,
    ) -> Result<RwLockReadGuard<'a, U, F, A>, Self> {
        let Some(value) = f(&this).map(|value| &raw const *value) else { return Err(this) };
        this.share.downgrade();
        Ok(RwLockReadGuard { share: this.share, value, borrow: PhantomData })
    }

    /// A mapped guard of the whole value. To be called as `RwLockWriteGuard::into_mapped(...)`.
    pub fn into_mapped(this: Self) -> RwLockMappedWriteGuard<'a, T, F, A> {
        RwLockMappedWriteGuard::new(this.share, this.value)
    }
}
