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
//! - **W4** A reader that becomes a writer gives up its permit, because a writer that waits may have all others already, but only when it has announced
//!   that and is queued for all. A writer that gets all permits meanwhile sees the announcement, gives them back and queues again. So nobody writes
//!   between, and nobody waits for ever.
//! - **W5** One reader at a time may become a writer: it has the slot, from before its permit to after its last use of the value or its becoming a
//!   writer.

mod entry;
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
#[cfg(not(any(loom, shuttle)))]
use crate::permits::Permits;
use entry::{Entry, Held};
use guard::Share;
pub use guard::{
    RwLockMappedWriteGuard, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard,
};
use owned::OwnedShare;
pub use owned::{
    OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockUpgradableReadGuard,
    OwnedRwLockWriteGuard,
};

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
    entry: Entry<F, A>,
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
    /// If `max_reads` is zero, or more than `u32::MAX >> 3`.
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
        assert!(readers_max > 0, "a RwLock may not be created with 0 readers");
        Self { entry: Entry::new(readers_max), value: UnsafeCell::new(value) }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

#[cfg(not(any(loom, shuttle)))]
macro_rules! const_new {
    ($access:ty) => {
        impl<T> RwLock<T, Fifo, $access> {
            /// The same as [`new`](Self::new), for statics.
            #[must_use]
            pub const fn const_new(value: T) -> Self {
                Self::const_make(value, READERS_MAX)
            }

            /// The same as [`with_max_readers`](Self::with_max_readers), for statics.
            ///
            /// # Panics
            ///
            /// If `max_reads` is zero, or more than `u32::MAX >> 3`.
            #[must_use]
            #[track_caller]
            pub const fn const_with_max_readers(value: T, max_reads: u32) -> Self {
                Self::const_make(value, max_reads)
            }
        }

        impl<T, F: Fairness> RwLock<T, F, $access> {
            /// The same as [`with_fairness`](Self::with_fairness), for statics.
            #[must_use]
            pub const fn const_with_fairness(value: T) -> Self {
                Self::const_make(value, READERS_MAX)
            }

            #[track_caller]
            const fn const_make(value: T, max_reads: u32) -> Self {
                assert!(max_reads <= READERS_MAX, "more readers than a RwLock may have");
                assert!(max_reads > 0, "a RwLock may not be created with 0 readers");
                let entry = Entry {
                    permits: Permits::<F, $access>::const_new(max_reads as u64),
                    slot: Permits::<F, $access>::const_new(1),
                    upgrading: <$access as Access>::Word::new(0),
                    readers_max: max_reads,
                };
                Self { entry, value: UnsafeCell::new(value) }
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
        self.entry.read().await;
        RwLockReadGuard::new(Share::new(&self.entry, Held::READER), self.pointer())
    }

    /// Waits to write.
    ///
    /// Cancel safe: a future that is dropped loses its place in the queue and nothing else.
    #[inline]
    pub async fn write(&self) -> RwLockWriteGuard<'_, T, F, A> {
        self.entry.write().await;
        RwLockWriteGuard::new(Share::new(&self.entry, self.entry.writer()), self.pointer())
    }

    /// Waits to read, as the one reader who may become a writer.
    ///
    /// Who may is one at a time, in the order of asking; others may read. Cancel safe: a future that is dropped loses its place in the queue and
    /// nothing else.
    ///
    /// ```
    /// use turgo_sync::{RwLock, RwLockUpgradableReadGuard};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let lock = RwLock::new(1);
    /// let guard = lock.upgradable_read().await;
    /// if *guard == 1 {
    ///     *RwLockUpgradableReadGuard::upgrade(guard).await += 1;
    /// }
    /// assert_eq!(*lock.read().await, 2);
    /// # });
    /// ```
    pub async fn upgradable_read(&self) -> RwLockUpgradableReadGuard<'_, T, F, A> {
        self.entry.upgradable().await;
        RwLockUpgradableReadGuard::new(Share::new(&self.entry, Held::UPGRADABLE), self.pointer())
    }

    /// Reads if nobody writes.
    ///
    /// # Errors
    ///
    /// If somebody writes, there are too many readers, or others wait ([`Fifo`]).
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T, F, A>, TryLockError> {
        self.entry.try_read()?;
        Ok(RwLockReadGuard::new(Share::new(&self.entry, Held::READER), self.pointer()))
    }

    /// Writes if nobody reads or writes.
    ///
    /// # Errors
    ///
    /// If somebody does.
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T, F, A>, TryLockError> {
        self.entry.try_write()?;
        Ok(RwLockWriteGuard::new(Share::new(&self.entry, self.entry.writer()), self.pointer()))
    }

    /// Reads, as the one reader who may become a writer, if nobody writes and nobody else may.
    ///
    /// # Errors
    ///
    /// If somebody writes or may become a writer, there are too many readers, or others wait ([`Fifo`]).
    pub fn try_upgradable_read(
        &self,
    ) -> Result<RwLockUpgradableReadGuard<'_, T, F, A>, TryLockError> {
        self.entry.try_upgradable()?;
        let share = Share::new(&self.entry, Held::UPGRADABLE);
        Ok(RwLockUpgradableReadGuard::new(share, self.pointer()))
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

    /// [`upgradable_read`](Self::upgradable_read) for a thread, which sleeps meanwhile.
    pub fn blocking_upgradable_read(&self) -> RwLockUpgradableReadGuard<'_, T, F, Shared> {
        block_on(self.upgradable_read())
    }
}

macro_rules! owned {
    ($access:ty, $handle:ident) => {
        impl<T: ?Sized, F: Fairness> RwLock<T, F, $access> {
            /// [`read`](Self::read) for a guard that owns a share of the lock.
            pub async fn read_owned(self: $handle<Self>) -> OwnedRwLockReadGuard<T, T, F, $access> {
                self.entry.read().await;
                let value = self.pointer();
                OwnedRwLockReadGuard::new(OwnedShare::new(self, Held::READER), value)
            }

            /// [`write`](Self::write) for a guard that owns a share of the lock.
            pub async fn write_owned(self: $handle<Self>) -> OwnedRwLockWriteGuard<T, F, $access> {
                self.entry.write().await;
                let (value, held) = (self.pointer(), self.entry.writer());
                OwnedRwLockWriteGuard::new(OwnedShare::new(self, held), value)
            }

            /// [`upgradable_read`](Self::upgradable_read) for a guard that owns a share of the lock.
            pub async fn upgradable_read_owned(
                self: $handle<Self>,
            ) -> OwnedRwLockUpgradableReadGuard<T, F, $access> {
                self.entry.upgradable().await;
                let value = self.pointer();
                OwnedRwLockUpgradableReadGuard::new(OwnedShare::new(self, Held::UPGRADABLE), value)
            }

            /// [`try_read`](Self::try_read) for a guard that owns a share of the lock.
            ///
            /// # Errors
            ///
            /// As there.
            pub fn try_read_owned(
                self: $handle<Self>,
            ) -> Result<OwnedRwLockReadGuard<T, T, F, $access>, TryLockError> {
                self.entry.try_read()?;
                let value = self.pointer();
                Ok(OwnedRwLockReadGuard::new(OwnedShare::new(self, Held::READER), value))
            }

            /// [`try_write`](Self::try_write) for a guard that owns a share of the lock.
            ///
            /// # Errors
            ///
            /// As there.
            pub fn try_write_owned(
                self: $handle<Self>,
            ) -> Result<OwnedRwLockWriteGuard<T, F, $access>, TryLockError> {
                self.entry.try_write()?;
                let (value, held) = (self.pointer(), self.entry.writer());
                Ok(OwnedRwLockWriteGuard::new(OwnedShare::new(self, held), value))
            }

            /// [`try_upgradable_read`](Self::try_upgradable_read) for a guard that owns a share of the lock.
            ///
            /// # Errors
            ///
            /// As there.
            pub fn try_upgradable_read_owned(
                self: $handle<Self>,
            ) -> Result<OwnedRwLockUpgradableReadGuard<T, F, $access>, TryLockError> {
                self.entry.try_upgradable()?;
                let (value, share) = (self.pointer(), OwnedShare::new(self, Held::UPGRADABLE));
                Ok(OwnedRwLockUpgradableReadGuard::new(share, value))
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
