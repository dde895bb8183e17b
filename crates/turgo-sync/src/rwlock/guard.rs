//! Guards that borrow a read-write lock.

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use super::entry::{Entry, Held};
use crate::access::{Access, Shared};
use crate::fairness::Fairness;

/// Permits of a lock, and its slot if that was taken, given back when this is dropped.
pub(super) struct Share<'a, F: Fairness, A: Access> {
    entry: &'a Entry<F, A>,
    held: Held,
}

impl<'a, F: Fairness, A: Access> Share<'a, F, A> {
    /// For who has taken it.
    #[inline(always)]
    pub(super) fn new(entry: &'a Entry<F, A>, held: Held) -> Self {
        Self { entry, held }
    }

    /// The lock and what is held of it.
    #[inline(always)]
    pub(super) fn parts(&mut self) -> (&'a Entry<F, A>, &mut Held) {
        (self.entry, &mut self.held)
    }
}

impl<F: Fairness, A: Access> Drop for Share<'_, F, A> {
    #[inline(always)]
    fn drop(&mut self) {
        self.entry.leave(self.held);
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

/// A [`RwLock`](super::RwLock) that is read, by the one reader who may become a writer, until this is dropped. The names are those of async-lock.
#[must_use = "the lock is given back when this is dropped"]
#[clippy::has_significant_drop]
pub struct RwLockUpgradableReadGuard<'a, T: ?Sized, F: Fairness, A: Access> {
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

// SAFETY: a shared borrow of the value, which may become a mutable one.
unsafe impl<T: ?Sized + Send + Sync, F: Fairness> Send
    for RwLockUpgradableReadGuard<'_, T, F, Shared>
{
}
// SAFETY: sharing it shares the value.
unsafe impl<T: ?Sized + Send + Sync, F: Fairness> Sync
    for RwLockUpgradableReadGuard<'_, T, F, Shared>
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
as_the_value!(RwLockUpgradableReadGuard);

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

impl<'a, T: ?Sized, F: Fairness, A: Access> RwLockUpgradableReadGuard<'a, T, F, A> {
    /// Reads like others from now on: somebody else may become the writer. To be called as `RwLockUpgradableReadGuard::downgrade(...)`.
    pub fn downgrade(mut this: Self) -> RwLockReadGuard<'a, T, F, A> {
        let (entry, held) = this.share.parts();
        entry.leave_slot(held);
        RwLockReadGuard::new(this.share, this.value)
    }

    /// Writes, if nobody else reads. To be called as `RwLockUpgradableReadGuard::try_upgrade(...)`.
    ///
    /// # Errors
    ///
    /// This guard, if somebody else reads, or others wait ([`Fifo`](crate::Fifo)).
    pub fn try_upgrade(mut this: Self) -> Result<RwLockWriteGuard<'a, T, F, A>, Self> {
        let (entry, held) = this.share.parts();
        match entry.try_upgrade(held) {
            Ok(()) => Ok(RwLockWriteGuard::new(this.share, this.value)),
            Err(_) => Err(this),
        }
    }

    /// Waits until nobody else reads, and writes. Nobody writes in between. To be called as `RwLockUpgradableReadGuard::upgrade(...)`.
    ///
    /// A writer that waits already queues again, behind this; readers who came between the two read first. A future that is dropped gives the
    /// lock back.
    pub async fn upgrade(mut this: Self) -> RwLockWriteGuard<'a, T, F, A> {
        let (entry, held) = this.share.parts();
        entry.upgrade(held).await;
        RwLockWriteGuard::new(this.share, this.value)
    }
}

impl<'a, T: ?Sized, F: Fairness, A: Access> RwLockWriteGuard<'a, T, F, A> {
    fn downgrade_share(&mut self) {
        let (entry, held) = self.share.parts();
        entry.downgrade(held);
    }

    /// Reads from now on, lets others read, and may become a writer again; no writer comes between. To be called as
    /// `RwLockWriteGuard::try_downgrade_to_upgradable(...)`.
    ///
    /// # Errors
    ///
    /// This guard, if somebody waits to be the reader who may become a writer.
    pub fn try_downgrade_to_upgradable(
        mut this: Self,
    ) -> Result<RwLockUpgradableReadGuard<'a, T, F, A>, Self> {
        let (entry, held) = this.share.parts();
        match entry.try_downgrade_to_upgradable(held) {
            Ok(()) => Ok(RwLockUpgradableReadGuard::new(this.share, this.value)),
            Err(_) => Err(this),
        }
    }

    /// Reads from now on, and lets others read; no writer comes between.
    pub fn downgrade(mut self) -> RwLockReadGuard<'a, T, F, A> {
        self.downgrade_share();
        RwLockReadGuard::new(self.share, self.value)
    }

    /// [`downgrade`](Self::downgrade) to a part of the value. To be called as `RwLockWriteGuard::downgrade_map(...)`.
    pub fn downgrade_map<U: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&T) -> &U,
    ) -> RwLockReadGuard<'a, U, F, A> {
        let value: *const U = f(&this);
        this.downgrade_share();
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
        this.downgrade_share();
        Ok(RwLockReadGuard { share: this.share, value, borrow: PhantomData })
    }

    /// A mapped guard of the whole value. To be called as `RwLockWriteGuard::into_mapped(...)`.
    pub fn into_mapped(this: Self) -> RwLockMappedWriteGuard<'a, T, F, A> {
        RwLockMappedWriteGuard::new(this.share, this.value)
    }
}
