//! Guards of a mutex: borrowed or owned, of the whole value or of a part.

use core::fmt;
use core::marker::PhantomData;
use core::mem;
use core::ops::{Deref, DerefMut};

use super::Mutex;
use crate::access::{Access, Shared};
use crate::fairness::Fairness;
use crate::permits::Permits;

/// A locked [`Mutex`], unlocked when this is dropped.
#[must_use = "the mutex is unlocked when this is dropped"]
#[clippy::has_significant_drop]
pub struct MutexGuard<'a, T: ?Sized, F: Fairness, A: Access> {
    lock: &'a Mutex<T, F, A>,
    /// As if it had the value: `Sync` only if the value is.
    value: PhantomData<*mut T>,
}

/// A part of the value of a locked [`Mutex`], which is unlocked when this is dropped.
#[must_use = "the mutex is unlocked when this is dropped"]
#[clippy::has_significant_drop]
pub struct MappedMutexGuard<'a, T: ?Sized, F: Fairness, A: Access> {
    permit: Permit<'a, F, A>,
    /// X2.
    value: *mut T,
    borrow: PhantomData<&'a mut T>,
}

/// A locked [`Mutex`] and a share of it, unlocked when this is dropped.
#[must_use = "the mutex is unlocked when this is dropped"]
#[clippy::has_significant_drop]
pub struct OwnedMutexGuard<T: ?Sized, F: Fairness, A: Access> {
    lock: OwnedLock<T, F, A>,
    /// As if it had the value: `Sync` only if the value is.
    value: PhantomData<*mut T>,
}

/// A part `U` of the value `T` of a locked [`Mutex`], and a share of the mutex, which is unlocked when this is dropped.
#[must_use = "the mutex is unlocked when this is dropped"]
#[clippy::has_significant_drop]
pub struct OwnedMappedMutexGuard<T: ?Sized, U: ?Sized, F: Fairness, A: Access> {
    lock: OwnedLock<T, F, A>,
    /// X2.
    value: *mut U,
}

/// The permit of a mutex.
struct Permit<'a, F: Fairness, A: Access>(&'a Permits<F, A>);

impl<F: Fairness, A: Access> Drop for Permit<'_, F, A> {
    fn drop(&mut self) {
        self.0.give_single();
    }
}

/// A share of a mutex and its permit.
struct OwnedLock<T: ?Sized, F: Fairness, A: Access>(A::Handle<Mutex<T, F, A>>);

impl<T: ?Sized, F: Fairness, A: Access> Drop for OwnedLock<T, F, A> {
    fn drop(&mut self) {
        self.0.permits.give_single();
    }
}

/// A guard stands for the value.
macro_rules! as_the_value {
    ($guard:ident, [$($life:lifetime)?], [$($generic:ident),*], $value:ident) => {
        // SAFETY: X1: it is a mutable borrow of the value; the permit may be given back on any thread.
        unsafe impl<$($life,)? $($generic: ?Sized + Send,)* F: Fairness> Send
            for $guard<$($life,)? $($generic,)* F, Shared> {}
        // SAFETY: X1: sharing it shares the value.
        unsafe impl<$($life,)? $($generic: ?Sized + Send + Sync,)* F: Fairness> Sync
            for $guard<$($life,)? $($generic,)* F, Shared> {}

        impl<$($life,)? $($generic: ?Sized,)* F: Fairness, A: Access> Deref
            for $guard<$($life,)? $($generic,)* F, A>
        {
            type Target = $value;

            #[inline(always)]
            fn deref(&self) -> &$value {
                // SAFETY: X1 and X2.
                unsafe { &*self.pointer() }
            }
        }

        impl<$($life,)? $($generic: ?Sized,)* F: Fairness, A: Access> DerefMut
            for $guard<$($life,)? $($generic,)* F, A>
        {
            #[inline(always)]
            fn deref_mut(&mut self) -> &mut $value {
                // SAFETY: X1 and X2.
                unsafe { &mut *self.pointer() }
            }
        }

        impl<$($life,)? $($generic: ?Sized,)* F: Fairness, A: Access> fmt::Debug
            for $guard<$($life,)? $($generic,)* F, A>
        where
            $value: fmt::Debug,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<$($life,)? $($generic: ?Sized,)* F: Fairness, A: Access> fmt::Display
            for $guard<$($life,)? $($generic,)* F, A>
        where
            $value: fmt::Display,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    };
}

as_the_value!(MutexGuard, ['a], [T], T);
as_the_value!(MappedMutexGuard, ['a], [T], T);
as_the_value!(OwnedMutexGuard, [], [T], T);
as_the_value!(OwnedMappedMutexGuard, [], [T, U], U);

impl<'a, T: ?Sized, F: Fairness, A: Access> MutexGuard<'a, T, F, A> {
    /// For who has taken the permit.
    #[inline(always)]
    pub(super) fn new(lock: &'a Mutex<T, F, A>) -> Self {
        Self { lock, value: PhantomData }
    }

    #[inline(always)]
    fn pointer(&self) -> *mut T {
        self.lock.pointer()
    }

    fn into_permit(self) -> Permit<'a, F, A> {
        let permit = Permit(&self.lock.permits);
        mem::forget(self);
        permit
    }

    /// A guard of a part of the value. To be called as `MutexGuard::map(...)`. The mutex is unlocked if `f` panics.
    pub fn map<U: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&mut T) -> &mut U,
    ) -> MappedMutexGuard<'a, U, F, A> {
        let value: *mut U = f(&mut this);
        MappedMutexGuard { permit: this.into_permit(), value, borrow: PhantomData }
    }

    /// A guard of a part of the value, if there is one. To be called as `MutexGuard::try_map(...)`.
    ///
    /// # Errors
    ///
    /// This guard, if `f` finds nothing.
    pub fn try_map<U: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<MappedMutexGuard<'a, U, F, A>, Self> {
        match f(&mut this).map(|value| &raw mut *value) {
            Some(value) => {
                Ok(MappedMutexGuard { permit: this.into_permit(), value, borrow: PhantomData })
            }
            None => Err(this),
        }
    }

    /// The mutex.
    pub fn mutex(this: &Self) -> &'a Mutex<T, F, A> {
        this.lock
    }
}

impl<T: ?Sized, F: Fairness, A: Access> Drop for MutexGuard<'_, T, F, A> {
    #[inline(always)]
    fn drop(&mut self) {
        self.lock.permits.give_single();
    }
}

impl<'a, T: ?Sized, F: Fairness, A: Access> MappedMutexGuard<'a, T, F, A> {
    #[inline(always)]
    fn pointer(&self) -> *mut T {
        self.value
    }

    /// A guard of a part of the part. To be called as `MappedMutexGuard::map(...)`.
    pub fn map<U: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&mut T) -> &mut U,
    ) -> MappedMutexGuard<'a, U, F, A> {
        let value: *mut U = f(&mut this);
        MappedMutexGuard { permit: this.permit, value, borrow: PhantomData }
    }

    /// A guard of a part of the part, if there is one. To be called as `MappedMutexGuard::try_map(...)`.
    ///
    /// # Errors
    ///
    /// This guard, if `f` finds nothing.
    pub fn try_map<U: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<MappedMutexGuard<'a, U, F, A>, Self> {
        match f(&mut this).map(|value| &raw mut *value) {
            Some(value) => Ok(MappedMutexGuard { permit: this.permit, value, borrow: PhantomData }),
            None => Err(this),
        }
    }
}

impl<T: ?Sized, F: Fairness, A: Access> OwnedMutexGuard<T, F, A> {
    /// For who has taken the permit.
    pub(super) fn new(lock: A::Handle<Mutex<T, F, A>>) -> Self {
        Self { lock: OwnedLock(lock), value: PhantomData }
    }

    #[inline(always)]
    fn pointer(&self) -> *mut T {
        self.lock.0.pointer()
    }

    /// A guard of a part of the value. To be called as `OwnedMutexGuard::map(...)`. The mutex is unlocked if `f` panics.
    pub fn map<U: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&mut T) -> &mut U,
    ) -> OwnedMappedMutexGuard<T, U, F, A> {
        let value: *mut U = f(&mut this);
        OwnedMappedMutexGuard { lock: this.lock, value }
    }

    /// A guard of a part of the value, if there is one. To be called as `OwnedMutexGuard::try_map(...)`.
    ///
    /// # Errors
    ///
    /// This guard, if `f` finds nothing.
    pub fn try_map<U: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<OwnedMappedMutexGuard<T, U, F, A>, Self> {
        match f(&mut this).map(|value| &raw mut *value) {
            Some(value) => Ok(OwnedMappedMutexGuard { lock: this.lock, value }),
            None => Err(this),
        }
    }

    /// The mutex.
    pub fn mutex(this: &Self) -> &A::Handle<Mutex<T, F, A>> {
        &this.lock.0
    }
}

impl<T: ?Sized, U: ?Sized, F: Fairness, A: Access> OwnedMappedMutexGuard<T, U, F, A> {
    #[inline(always)]
    fn pointer(&self) -> *mut U {
        self.value
    }

    /// A guard of a part of the part. To be called as `OwnedMappedMutexGuard::map(...)`.
    pub fn map<S: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&mut U) -> &mut S,
    ) -> OwnedMappedMutexGuard<T, S, F, A> {
        let value: *mut S = f(&mut this);
        OwnedMappedMutexGuard { lock: this.lock, value }
    }

    /// A guard of a part of the part, if there is one. To be called as `OwnedMappedMutexGuard::try_map(...)`.
    ///
    /// # Errors
    ///
    /// This guard, if `f` finds nothing.
    pub fn try_map<S: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&mut U) -> Option<&mut S>,
    ) -> Result<OwnedMappedMutexGuard<T, S, F, A>, Self> {
        match f(&mut this).map(|value| &raw mut *value) {
            Some(value) => Ok(OwnedMappedMutexGuard { lock: this.lock, value }),
            None => Err(this),
        }
    }
}
