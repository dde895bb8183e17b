//! Guards that own a share of their read-write lock.

use core::fmt;
use core::ops::{Deref, DerefMut};

use super::RwLock;
use super::entry::{Entry, Held};
use crate::access::{Access, Shared};
use crate::fairness::Fairness;

/// A share of a lock, and what is held of it, which is given back when this is dropped.
pub(super) struct OwnedShare<T: ?Sized, F: Fairness, A: Access> {
    lock: A::Handle<RwLock<T, F, A>>,
    held: Held,
}

impl<T: ?Sized, F: Fairness, A: Access> OwnedShare<T, F, A> {
    /// For who has taken it.
    pub(super) fn new(lock: A::Handle<RwLock<T, F, A>>, held: Held) -> Self {
        Self { lock, held }
    }

    /// The lock and what is held of it.
    fn parts(&mut self) -> (&Entry<F, A>, &mut Held) {
        (&self.lock.entry, &mut self.held)
    }
}

impl<T: ?Sized, F: Fairness, A: Access> Drop for OwnedShare<T, F, A> {
    fn drop(&mut self) {
        self.lock.entry.leave(self.held);
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

/// A [`RwLock`] that is read, by the one reader who may become a writer, and a share of it.
#[must_use = "the lock is given back when this is dropped"]
#[clippy::has_significant_drop]
pub struct OwnedRwLockUpgradableReadGuard<T: ?Sized, F: Fairness, A: Access> {
    share: OwnedShare<T, F, A>,
    /// W2.
    value: *mut T,
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
as_the_value!(OwnedRwLockUpgradableReadGuard, [T], T);
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

impl<T: ?Sized, F: Fairness, A: Access> OwnedRwLockUpgradableReadGuard<T, F, A> {
    /// Reads like others from now on: somebody else may become the writer. To be called as `OwnedRwLockUpgradableReadGuard::downgrade(...)`.
    pub fn downgrade(mut this: Self) -> OwnedRwLockReadGuard<T, T, F, A> {
        let (entry, held) = this.share.parts();
        entry.leave_slot(held);
        OwnedRwLockReadGuard::new(this.share, this.value)
    }

    /// Writes, if nobody else reads. To be called as `OwnedRwLockUpgradableReadGuard::try_upgrade(...)`.
    ///
    /// # Errors
    ///
    /// This guard, if somebody else reads, or others wait ([`Fifo`](crate::Fifo)).
    pub fn try_upgrade(mut this: Self) -> Result<OwnedRwLockWriteGuard<T, F, A>, Self> {
        let (entry, held) = this.share.parts();
        match entry.try_upgrade(held) {
            Ok(()) => Ok(OwnedRwLockWriteGuard::new(this.share, this.value)),
            Err(_) => Err(this),
        }
    }

    /// Waits until nobody else reads, and writes. Nobody writes in between. To be called as `OwnedRwLockUpgradableReadGuard::upgrade(...)`.
    ///
    /// A writer that waits already queues again, behind this; readers who came between the two read first. A future that is dropped gives the
    /// lock back.
    pub async fn upgrade(mut this: Self) -> OwnedRwLockWriteGuard<T, F, A> {
        let (entry, held) = this.share.parts();
        entry.upgrade(held).await;
        OwnedRwLockWriteGuard::new(this.share, this.value)
    }
}

impl<T: ?Sized, F: Fairness, A: Access> OwnedRwLockWriteGuard<T, F, A> {
    fn downgrade_share(&mut self) {
        let (entry, held) = self.share.parts();
        entry.downgrade(held);
    }

    /// Reads from now on, lets others read, and may become a writer again; no writer comes between. To be called as
    /// `OwnedRwLockWriteGuard::try_downgrade_to_upgradable(...)`.
    ///
    /// # Errors
    ///
    /// This guard, if somebody waits to be the reader who may become a writer.
    pub fn try_downgrade_to_upgradable(
        mut this: Self,
    ) -> Result<OwnedRwLockUpgradableReadGuard<T, F, A>, Self> {
        let (entry, held) = this.share.parts();
        match entry.try_downgrade_to_upgradable(held) {
            Ok(()) => Ok(OwnedRwLockUpgradableReadGuard::new(this.share, this.value)),
            Err(_) => Err(this),
        }
    }

    /// Reads from now on, and lets others read; no writer comes between.
    pub fn downgrade(mut self) -> OwnedRwLockReadGuard<T, T, F, A> {
        self.downgrade_share();
        OwnedRwLockReadGuard { share: self.share, value: self.value }
    }

    /// [`downgrade`](Self::downgrade) to a part of the value. To be called as `OwnedRwLockWriteGuard::downgrade_map(...)`.
    pub fn downgrade_map<U: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&T) -> &U,
    ) -> OwnedRwLockReadGuard<T, U, F, A> {
        let value: *const U = f(&this);
        this.downgrade_share();
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
        this.downgrade_share();
        Ok(OwnedRwLockReadGuard { share: this.share, value })
    }

    /// A mapped guard of the whole value. To be called as `OwnedRwLockWriteGuard::into_mapped(...)`.
    pub fn into_mapped(this: Self) -> OwnedRwLockMappedWriteGuard<T, T, F, A> {
        OwnedRwLockMappedWriteGuard::new(this.share, this.value)
    }
}
