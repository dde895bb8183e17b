//! One writer or many readers, with the names, signatures and results of `tokio::sync::RwLock`.
//!
//! Most programs name [`turgo_sync::RwLock`](crate::RwLock), or [`turgo_sync::local::RwLock`](crate::local::RwLock) for the tasks of one thread. Both
//! are the type of this module.
//!
//! # Invariants
//!
//! - **W1** A reader has one permit and a writer has all of them, from the first use of the value to the last. So a writer is alone, and readers are
//!   only among readers.
//! - **W2** The pointer of a guard is into the value of the lock whose permits it has.
//! - **W3** A writer that becomes a reader keeps a permit throughout, so no writer comes between.

mod guard;
mod owned;
#[cfg(test)]
mod tests;

use alloc::rc::Rc;
use alloc::sync::Arc;
use core::fmt;

use turgo_machine::cell::UnsafeCell;

use crate::access::{Access, Local, Shared};
#[cfg(feature = "std")]
use crate::block::block_on;
use crate::fairness::{Fairness, Fifo};
use crate::mutex::TryLockError;
use crate::permits::Permits;
use guard::Share;
pub use guard::{RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard};
use owned::OwnedShare;
pub use owned::{OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard};

/// How many readers there may be at once, where nothing else was said.
const READERS_MAX: u32 = u32::MAX >> 3;

/// A value that many tasks may read at once, or one may write.
///
/// With [`Fifo`], the default, tasks get the lock strictly in the order of asking: readers that come after a writer wait behind it, so a writer
/// is not starved, and a task that reads must not ask again while a writer may be waiting: it would wait for ever. With
/// [`Barging`](crate::Barging) readers may pass a waiting writer a bounded number of times.
///
/// Progress, cancel safety and what holds for wakers are those of [`Semaphore`](crate::semaphore::Semaphore).
///
/// ```
/// use turgo_sync::RwLock;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let lock = RwLock::new(1);
/// {
///     let (one, other) = (lock.read().await, lock.read().await);
///     assert_eq!(*one + *other, 2);
/// }
/// *lock.write().await += 1;
/// assert_eq!(*lock.read().await, 2);
/// # });
/// ```
pub struct RwLock<T: ?Sized, F: Fairness, A: Access> {
    permits: Permits<F, A>,
    readers_max: u32,
    /// W1.
    value: UnsafeCell<T>,
}

// SAFETY: owning the lock is owning the value.
unsafe impl<T: ?Sized + Send, F: Fairness> Send for RwLock<T, F, Shared> {}
// SAFETY: W1: the value moves between writers and is shared among readers, who come after each other by the permits (Q3).
unsafe impl<T: ?Sized + Send + Sync, F: Fairness> Sync for RwLock<T, F, Shared> {}

impl<T, A: Access> RwLock<T, Fifo, A> {
    /// An unlocked lock that serves in strict order.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self::with_fairness(value)
    }

    /// The same for at most so many readers at once.
    ///
    /// # Panics
    ///
    /// If `max_reads` is more than `u32::MAX >> 3`.
    #[must_use]
    #[track_caller]
    pub fn with_max_readers(value: T, max_reads: u32) -> Self {
        Self::make(value, max_reads)
    }
}

impl<T, F: Fairness, A: Access> RwLock<T, F, A> {
    /// An unlocked lock that serves as `F` says.
    #[must_use]
    pub fn with_fairness(value: T) -> Self {
        Self::make(value, READERS_MAX)
    }

    #[track_caller]
    fn make(value: T, readers_max: u32) -> Self {
        assert!(
            readers_max <= READERS_MAX,
            "a RwLock may not have more than {READERS_MAX} readers"
        );
        let permits = Permits::new(u64::from(readers_max));
        Self { permits, readers_max, value: UnsafeCell::new(value) }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

#[cfg(not(any(loom, shuttle)))]
macro_rules! const_new {
    ($access:ty) => {
        impl<T, F: Fairness> RwLock<T, F, $access> {
            /// The same as [`with_fairness`](Self::with_fairness), for statics.
            #[must_use]
            pub const fn const_new(value: T) -> Self {
                Self {
                    permits: Permits::<F, $access>::const_new(READERS_MAX as u64),
                    readers_max: READERS_MAX,
                    value: UnsafeCell::new(value),
                }
            }
        }
    };
}

#[cfg(not(any(loom, shuttle)))]
const_new!(Shared);
#[cfg(not(any(loom, shuttle)))]
const_new!(Local);

impl<T: ?Sized, F: Fairness, A: Access> RwLock<T, F, A> {
    /// Waits to read.
    ///
    /// Cancel safe: a future that is dropped loses its place in the queue and nothing else.
    #[inline]
    pub async fn read(&self) -> RwLockReadGuard<'_, T, F, A> {
        _ = self.permits.take(1).await;
        RwLockReadGuard::new(Share::new(&self.permits, 1), self.pointer())
    }

    /// Waits to write.
    ///
    /// Cancel safe: a future that is dropped loses its place in the queue and nothing else.
    #[inline]
    pub async fn write(&self) -> RwLockWriteGuard<'_, T, F, A> {
        _ = self.permits.take(u64::from(self.readers_max)).await;
        RwLockWriteGuard::new(Share::new(&self.permits, self.readers_max), self.pointer())
    }

    #[inline(always)]
    fn try_wait(&self, permits: u32) -> Result<(), TryLockError> {
        self.permits.try_take(u64::from(permits)).map_err(|_| TryLockError::new())
    }

    /// Reads if nobody writes.
    ///
    /// # Errors
    ///
    /// If somebody writes, there are too many readers, or others wait ([`Fifo`]).
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T, F, A>, TryLockError> {
        self.try_wait(1)?;
        Ok(RwLockReadGuard::new(Share::new(&self.permits, 1), self.pointer()))
    }

    /// Writes if nobody reads or writes.
    ///
    /// # Errors
    ///
    /// If somebody does.
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T, F, A>, TryLockError> {
        self.try_wait(self.readers_max)?;
        Ok(RwLockWriteGuard::new(Share::new(&self.permits, self.readers_max), self.pointer()))
    }

    /// The value; nobody else can have it.
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: the lock is borrowed mutably.
        self.value.with_mut(|value| unsafe { &mut *value })
    }

    /// Where the value is.
    #[inline(always)]
    fn pointer(&self) -> *mut T {
        self.value.with(|value| value.cast_mut())
    }
}

/// Blocking variants. They put the thread to sleep, so they are not for tasks of an executor.
#[cfg(feature = "std")]
impl<T: ?Sized, F: Fairness> RwLock<T, F, Shared> {
    /// [`read`](Self::read) for a thread, which sleeps meanwhile.
    pub fn blocking_read(&self) -> RwLockReadGuard<'_, T, F, Shared> {
        block_on(self.read())
    }

    /// [`write`](Self::write) for a thread, which sleeps meanwhile.
    pub fn blocking_write(&self) -> RwLockWriteGuard<'_, T, F, Shared> {
        block_on(self.write())
    }
}

macro_rules! owned {
    ($access:ty, $handle:ident) => {
        impl<T: ?Sized, F: Fairness> RwLock<T, F, $access> {
            /// [`read`](Self::read) for a guard that owns a share of the lock.
            pub async fn read_owned(self: $handle<Self>) -> OwnedRwLockReadGuard<T, T, F, $access> {
                _ = self.permits.take(1).await;
                let value = self.pointer();
                OwnedRwLockReadGuard::new(OwnedShare::new(self, 1), value)
            }

            /// [`write`](Self::write) for a guard that owns a share of the lock.
            pub async fn write_owned(self: $handle<Self>) -> OwnedRwLockWriteGuard<T, F, $access> {
                _ = self.permits.take(u64::from(self.readers_max)).await;
                let (value, all) = (self.pointer(), self.readers_max);
                OwnedRwLockWriteGuard::new(OwnedShare::new(self, all), value)
            }

            /// [`try_read`](Self::try_read) for a guard that owns a share of the lock.
            ///
            /// # Errors
            ///
            /// As there.
            pub fn try_read_owned(
                self: $handle<Self>,
            ) -> Result<OwnedRwLockReadGuard<T, T, F, $access>, TryLockError> {
                self.try_wait(1)?;
                let value = self.pointer();
                Ok(OwnedRwLockReadGuard::new(OwnedShare::new(self, 1), value))
            }

            /// [`try_write`](Self::try_write) for a guard that owns a share of the lock.
            ///
            /// # Errors
            ///
            /// As there.
            pub fn try_write_owned(
                self: $handle<Self>,
            ) -> Result<OwnedRwLockWriteGuard<T, F, $access>, TryLockError> {
                self.try_wait(self.readers_max)?;
                let (value, all) = (self.pointer(), self.readers_max);
                Ok(OwnedRwLockWriteGuard::new(OwnedShare::new(self, all), value))
            }
        }
    };
}

owned!(Shared, Arc);
owned!(Local, Rc);

impl<T: Default, A: Access> Default for RwLock<T, Fifo, A> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T, A: Access> From<T> for RwLock<T, Fifo, A> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug, F: Fairness, A: Access> fmt::Debug for RwLock<T, F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lock = f.debug_struct("RwLock");
        match self.try_read() {
            Ok(guard) => lock.field("data", &&*guard),
            Err(_) => lock.field("data", &format_args!("<locked>")),
        };
        lock.finish()
    }
}
