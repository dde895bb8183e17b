//! Mutual exclusion for tasks, with the names, signatures and results of `tokio::sync::Mutex`.
//!
//! Most programs name [`turgo_sync::Mutex`](crate::Mutex), or [`turgo_sync::local::Mutex`](crate::local::Mutex) for the tasks of one thread. Both are
//! the type of this module.
//!
//! # Invariants
//!
//! - **X1** A guard, mapped or not, stands for the one permit. Only who has it touches the value, and gives it back after the last use.
//! - **X2** A mapped guard's pointer is into the value of the mutex whose permit it holds.

mod guard;
#[cfg(test)]
mod tests;

use alloc::rc::Rc;
use alloc::sync::Arc;
use core::error::Error;
use core::fmt;

use turgo_machine::cell::UnsafeCell;

use crate::access::{Access, Local, Shared};
#[cfg(feature = "std")]
use crate::block::block_on;
use crate::fairness::{Fairness, Fifo};
use crate::permits::Permits;
pub use guard::{MappedMutexGuard, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard};

/// A value that one task at a time can touch, also across an await.
///
/// With [`Fifo`], the default, tasks get the lock strictly in the order of asking. With [`Barging`](crate::Barging) running tasks may pass
/// waiting ones a bounded number of times: much faster where tasks on several threads contend. A task that panics leaves the mutex
/// unlocked and not poisoned.
///
/// Progress, cancel safety and what holds for wakers are those of [`Semaphore`](crate::semaphore::Semaphore), of which this is one with a
/// single permit.
///
/// ```
/// use turgo_sync::Mutex;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let mutex = Mutex::new(1);
/// *mutex.lock().await += 1;
/// assert_eq!(*mutex.lock().await, 2);
/// # });
/// ```
pub struct Mutex<T: ?Sized, F: Fairness, A: Access> {
    pub(super) permits: Permits<F, A>,
    /// X1.
    value: UnsafeCell<T>,
}

// SAFETY: owning the mutex is owning the value.
unsafe impl<T: ?Sized + Send, F: Fairness> Send for Mutex<T, F, Shared> {}
// SAFETY: X1: the value moves from one holder to the next, who comes after it (P1 to P4, Q3), and is never shared but through guards.
unsafe impl<T: ?Sized + Send, F: Fairness> Sync for Mutex<T, F, Shared> {}

/// The lock cannot be had at once.
#[derive(Debug)]
pub struct TryLockError(());

impl TryLockError {
    pub(crate) const fn new() -> Self {
        Self(())
    }
}

impl fmt::Display for TryLockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("operation would block")
    }
}

impl Error for TryLockError {}

impl<T, A: Access> Mutex<T, Fifo, A> {
    /// An unlocked mutex that serves in strict order.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self::with_fairness(value)
    }
}

#[cfg(not(any(loom, shuttle)))]
macro_rules! const_new {
    ($access:ty) => {
        impl<T> Mutex<T, Fifo, $access> {
            /// The same as [`new`](Self::new), for statics.
            ///
            /// ```
            /// static MUTEX: turgo_sync::Mutex<u8> = turgo_sync::Mutex::const_new(1);
            /// assert_eq!(*MUTEX.try_lock().unwrap(), 1);
            /// ```
            #[must_use]
            pub const fn const_new(value: T) -> Self {
                Self::const_with_fairness(value)
            }
        }

        impl<T, F: Fairness> Mutex<T, F, $access> {
            /// The same as [`with_fairness`](Self::with_fairness), for statics.
            #[must_use]
            pub const fn const_with_fairness(value: T) -> Self {
                Self { permits: Permits::<F, $access>::const_new(1), value: UnsafeCell::new(value) }
            }
        }
    };
}

#[cfg(not(any(loom, shuttle)))]
const_new!(Shared);
#[cfg(not(any(loom, shuttle)))]
const_new!(Local);

impl<T, F: Fairness, A: Access> Mutex<T, F, A> {
    /// An unlocked mutex that serves as `F` says.
    #[must_use]
    pub fn with_fairness(value: T) -> Self {
        Self { permits: Permits::new(1), value: UnsafeCell::new(value) }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized, F: Fairness, A: Access> Mutex<T, F, A> {
    /// Waits for the lock.
    ///
    /// Cancel safe: a future that is dropped loses its place in the queue and nothing else.
    #[inline]
    pub fn lock(&self) -> impl Future<Output = MutexGuard<'_, T, F, A>> {
        // Nobody closes it.
        self.permits.take_single().then(|_| MutexGuard::new(self))
    }

    /// Locks if nobody else does.
    ///
    /// # Errors
    ///
    /// If it is locked, or others wait for it ([`Fifo`]).
    #[inline]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T, F, A>, TryLockError> {
        self.permits.try_take_single().map_err(|_| TryLockError::new())?;
        Ok(MutexGuard::new(self))
    }

    /// The value; nobody else can have it.
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: the mutex is borrowed mutably.
        self.value.with_mut(|value| unsafe { &mut *value })
    }

    /// Where the value is.
    #[inline(always)]
    fn pointer(&self) -> *mut T {
        self.value.with_mut(|value| value)
    }
}

/// Blocking variants. They put the thread to sleep, so they are not for tasks of an executor.
#[cfg(feature = "std")]
impl<T: ?Sized, F: Fairness> Mutex<T, F, Shared> {
    /// [`lock`](Self::lock) for a thread, which sleeps meanwhile.
    pub fn blocking_lock(&self) -> MutexGuard<'_, T, F, Shared> {
        block_on(self.lock())
    }

    /// [`lock_owned`](Self::lock_owned) for a thread, which sleeps meanwhile.
    pub fn blocking_lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T, F, Shared> {
        block_on(self.lock_owned())
    }
}

macro_rules! owned {
    ($access:ty, $handle:ident) => {
        impl<T: ?Sized, F: Fairness> Mutex<T, F, $access> {
            /// [`lock`](Self::lock) for a guard that owns a share of the mutex.
            pub async fn lock_owned(self: $handle<Self>) -> OwnedMutexGuard<T, F, $access> {
                _ = self.permits.take_single().await;
                OwnedMutexGuard::new(self)
            }

            /// [`try_lock`](Self::try_lock) for a guard that owns a share of the mutex.
            ///
            /// # Errors
            ///
            /// As there.
            pub fn try_lock_owned(
                self: $handle<Self>,
            ) -> Result<OwnedMutexGuard<T, F, $access>, TryLockError> {
                self.permits.try_take_single().map_err(|_| TryLockError::new())?;
                Ok(OwnedMutexGuard::new(self))
            }
        }
    };
}

owned!(Shared, Arc);
owned!(Local, Rc);

impl<T: Default, A: Access> Default for Mutex<T, Fifo, A> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T, A: Access> From<T> for Mutex<T, Fifo, A> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug, F: Fairness, A: Access> fmt::Debug for Mutex<T, F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut mutex = f.debug_struct("Mutex");
        match self.try_lock() {
            Ok(guard) => mutex.field("data", &&*guard),
            Err(_) => mutex.field("data", &format_args!("<locked>")),
        };
        mutex.finish()
    }
}
