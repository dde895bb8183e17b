//! Guards that own a share of their read-write lock.

use core::fmt;
use core::ops::{Deref, DerefMut};

use super::RwLock;
use crate::access::{Access, Shared};
use crate::fairness::Fairness;

/// A share of a lock and permits of it, which are given back when this is dropped.
pub(super) struct OwnedShare<T: ?Sized, F: Fairness, A: Access> {
    lock: A::Handle<RwLock<T, F, A>>,
    count: u32,
}

impl<T: ?Sized, F: Fairness, A: Access> OwnedShare<T, F, A> {
    /// For who has taken so many.
    pub(super) fn new(lock: A::Handle<RwLock<T, F, A>>, count: u32) -> Self {
        Self { lock, count }
    }

    /// Gives back all but one: W3.
    fn downgrade(&mut self) {
        let others = self.count - 1;
        // Set first: a waker may panic.
        self.count = 1;
        self.lock.permits.give(u64::from(others));
    }
}

impl<T: ?Sized, F: Fairness, A: Access> Drop for OwnedShare<T, F, A> {
    fn drop(&mut self) {
        self.lock.permits.give(u64::from(self.count));
    }
}

/// A part `U` of the value `T` of a [`RwLock`] that is read, and a share of the lock.
#[must_use = "the lock is given back when this is dropped"]
#[clippy::has_significant_drop]
pub struct OwnedRwLockReadGuard<T: ?Sized, U: ?Sized, F: Fairness, A: Access> {
    share: OwnedShare<T, F, A>,
    /// W2.
    value: *const U,
}

/// A [`RwLock`] that is written, and a share of it.
#[must_use = "the lock is given back when this is dropped"]
#[clippy::has_significant_drop]
pub struct OwnedRwLockWriteGuard<T: ?Sized, F: Fairness, A: Access> {
    share: OwnedShare<T, F, A>,
    /// W2.
    value: *mut T,
}

/// A part `U` of the value `T` of a [`RwLock`] that is written, and a share of the lock.
#[must_use = "the lock is given back when this is dropped"]
#[clippy::has_significant_drop]
pub struct OwnedRwLockMappedWriteGuard<T: ?Sized, U: ?Sized, F: Fairness, A: Access> {
    share: OwnedShare<T, F, A>,
    /// W2.
    value: *mut U,
}

/// A guard stands for the value, or for a part of it.
macro_rules! as_the_value {
    ($guard:ident, [$($generic:ident),*], $value:ident) => {
        // SAFETY: a borrow of the value and a share of its lock; the permits may be given back on any thread.
        unsafe impl<$($generic: ?Sized + Send + Sync,)* F: Fairness> Send
            for $guard<$($generic,)* F, Shared> {}
        // SAFETY: sharing it shares the value.
        unsafe impl<$($generic: ?Sized + Send + Sync,)* F: Fairness> Sync
            for $guard<$($generic,)* F, Shared> {}

        impl<$($generic: ?Sized,)* F: Fairness, A: Access> $guard<$($generic,)* F, A> {
            /// For who has taken the permits.
            pub(super) fn new(share: OwnedShare<T, F, A>, value: *mut $value) -> Self {
                Self { share, value }
            }

            /// The lock.
            pub fn rwlock(this: &Self) -> &A::Handle<RwLock<T, F, A>> {
                &this.share.lock
            }
        }

        impl<$($generic: ?Sized,)* F: Fairness, A: Access> Deref for $guard<$($generic,)* F, A> {
            type Target = $value;

            fn deref(&self) -> &$value {
                // SAFETY: W1 and W2.
                unsafe { &*self.value }
            }
        }

        impl<$($generic: ?Sized,)* F: Fairness, A: Access> fmt::Debug for $guard<$($generic,)* F, A>
        where
            $value: fmt::Debug,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<$($generic: ?Sized,)* F: Fairness, A: Access> fmt::Display
            for $guard<$($generic,)* F, A>
        where
            $value: fmt::Display,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    };
}

as_the_value!(OwnedRwLockReadGuard, [T, U], U);
as_the_value!(OwnedRwLockWriteGuard, [T], T);
as_the_value!(OwnedRwLockMappedWriteGuard, [T, U], U);

/// A guard of a writer.
macro_rules! of_a_writer {
    ($guard:ident, [$($generic:ident),*], $value:ident) => {
        impl<$($generic: ?Sized,)* F: Fairness, A: Access> DerefMut for $guard<$($generic,)* F, A> {
            fn deref_mut(&mut self) -> &mut $value {
                // SAFETY: W1 and W2.
                unsafe { &mut *self.value }
            }
        }

        impl<$($generic: ?Sized,)* F: Fairness, A: Access> $guard<$($generic,)* F, A> {
            /// A guard of a part of the value. To be called with the type's name before it. The lock is given back if `f` panics.
            pub fn map<V: ?Sized>(
                mut this: Self,
                f: impl FnOnce(&mut $value) -> &mut V,
            ) -> OwnedRwLockMappedWriteGuard<T, V, F, A> {
                let value: *mut V = f(&mut this);
                OwnedRwLockMappedWriteGuard::new(this.share, value)
            }

            /// A guard of a part of the value, if there is one. To be called with the type's name before it.
            ///
            /// # Errors
            ///
            /// This guard, if `f` finds nothing.
            pub fn try_map<V: ?Sized>(
                mut this: Self,
                f: impl FnOnce(&mut $value) -> Option<&mut V>,
            ) -> Result<OwnedRwLockMappedWriteGuard<T, V, F, A>, Self> {
                match f(&mut this).map(|value| &raw mut *value) {
                    Some(value) => Ok(OwnedRwLockMappedWriteGuard::new(this.share, value)),
                    None => Err(this),
                }
            }
        }
    };
}

of_a_writer!(OwnedRwLockWriteGuard, [T], T);
of_a_writer!(OwnedRwLockMappedWriteGuard, [T, U], U);

impl<T: ?Sized, U: ?Sized, F: Fairness, A: Access> OwnedRwLockReadGuard<T, U, F, A> {
    /// A guard of a part of the value. To be called as `OwnedRwLockReadGuard::map(...)`. The lock is given back if `f` panics.
    pub fn map<V: ?Sized>(
        this: Self,
        f: impl FnOnce(&U) -> &V,
    ) -> OwnedRwLockReadGuard<T, V, F, A> {
        let value: *const V = f(&this);
        OwnedRwLockReadGuard { share: this.share, value }
    }

    /// A guard of a part of the value, if there is one. To be called as `OwnedRwLockReadGuard::try_map(...)`.
    ///
    /// # Errors
    ///
    /// This guard, if `f` finds nothing.
    pub fn try_map<V: ?Sized>(
        this: Self,
        f: impl FnOnce(&U) -> Option<&V>,
    ) -> Result<OwnedRwLockReadGuard<T, V, F, A>, Self> {
        match f(&this).map(|value| &raw const *value) {
            Some(value) => Ok(OwnedRwLockReadGuard { share: this.share, value }),
            None => Err(this),
        }
    }
}

impl<T: ?Sized, F: Fairness, A: Access> OwnedRwLockWriteGuard<T, F, A> {
    /// Reads from now on, and lets others read; no writer comes between.
    pub fn downgrade(mut self) -> OwnedRwLockReadGuard<T, T, F, A> {
        self.share.downgrade();
        OwnedRwLockReadGuard { share: self.share, value: self.value }
    }

    /// [`downgrade`](Self::downgrade) to a part of the value. To be called as `OwnedRwLockWriteGuard::downgrade_map(...)`.
    pub fn downgrade_map<U: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&T) -> &U,
    ) -> OwnedRwLockReadGuard<T, U, F, A> {
        let value: *const U = f(&this);
        this.share.downgrade();
        OwnedRwLockReadGuard { share: this.share, value }
    }

    /// [`downgrade`](Self::downgrade) to a part of the value, if there is one. To be called as
    /// `OwnedRwLockWriteGuard::try_downgrade_map(...)`.
    ///
    /// # Errors
    ///
    /// This guard, if `f` finds nothing.
    pub fn try_downgrade_map<U: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&T) -> Option<&U>,
    ) -> Result<OwnedRwLockReadGuard<T, U, F, A>, Self> {
        let Some(value) = f(&this).map(|value| &raw const *value) else { return Err(this) };
        this.share.downgrade();
        Ok(OwnedRwLockReadGuard { share: this.share, value })
    }

    /// A mapped guard of the whole value. To be called as `OwnedRwLockWriteGuard::into_mapped(...)`.
    pub fn into_mapped(this: Self) -> OwnedRwLockMappedWriteGuard<T, T, F, A> {
        OwnedRwLockMappedWriteGuard::new(this.share, this.value)
    }
}
