//! Counting semaphores, with the names, signatures and results of `tokio::sync::Semaphore`.
//!
//! Most programs name [`turgo_sync::Semaphore`](crate::Semaphore) for tasks on any thread, or
//! [`turgo_sync::local::Semaphore`](crate::local::Semaphore) for those of one thread. Both are the type of this module.

mod error;
mod permit;
#[cfg(test)]
mod tests;

use alloc::rc::Rc;
use alloc::sync::Arc;
use core::fmt;

use turgo_machine::atomic::Ordering;

use crate::access::{Access, Local, Shared, Word};
#[cfg(feature = "std")]
use crate::block::block_on;
use crate::fairness::{Fairness, Fifo};
use crate::permits::{PERMITS_MAX, Permits};
pub use error::{AcquireError, TryAcquireError};
pub use permit::{OwnedSemaphorePermit, SemaphorePermit};

/// Gives out a number of permits, and lets tasks wait for them.
///
/// With [`Fifo`], the default, permits go out strictly in the order of asking: a task that waits for many is not passed by one that wants
/// few, and [`try_acquire`](Self::try_acquire) fails while anybody waits. With [`Barging`](crate::Barging) running tasks may pass waiting ones a bounded
/// number of times.
///
/// # Progress
///
/// Taking, giving back, queueing and being served never wait for another thread. Dropping a future that is still queued, and polling
/// it with the waker of another task, wait for whoever holds the queue, who handles at most 32 waiters meanwhile. Nothing is
/// allocated.
///
/// # Cancel safety
///
/// A future that is dropped loses its place in the queue and nothing else: permits it was given, or was about to get, go to the next.
///
/// # Wakers
///
/// A task may be woken though its turn has not come; it is then queued as before. Wakers are cloned, woken and dropped while nothing
/// is held, so they may use the same semaphore. If one panics the others are woken all the same, and the panic goes to whoever gave
/// back the permits.
///
/// ```
/// use turgo_sync::Semaphore;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let semaphore = Semaphore::new(2);
/// let one = semaphore.acquire().await.unwrap();
/// let other = semaphore.acquire().await.unwrap();
/// assert!(semaphore.try_acquire().is_err());
/// drop(one);
/// assert_eq!(semaphore.available_permits(), 1);
/// # drop(other);
/// # });
/// ```
pub struct Semaphore<F: Fairness, A: Access> {
    pub(crate) permits: Permits<F, A>,
    /// How many permits there are, given out or not.
    total: A::Word,
}

impl<A: Access> Semaphore<Fifo, A> {
    /// The most permits a semaphore of any order can have: as many as 43 bits count, or a `usize`.
    pub const MAX_PERMITS: usize = if usize::BITS < 64 { usize::MAX } else { PERMITS_MAX as usize };

    /// A semaphore with so many permits that serves in strict order.
    ///
    /// # Panics
    ///
    /// If `permits` is more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
    #[must_use]
    #[track_caller]
    pub fn new(permits: usize) -> Self {
        Self::with_fairness(permits)
    }
}

#[cfg(not(any(loom, shuttle)))]
macro_rules! const_new {
    ($access:ty) => {
        impl Semaphore<Fifo, $access> {
            /// The same as [`new`](Self::new), for statics.
            ///
            /// ```
            /// use turgo_sync::Semaphore;
            ///
            /// static SEMAPHORE: Semaphore = Semaphore::const_new(3);
            /// assert_eq!(SEMAPHORE.available_permits(), 3);
            /// ```
            ///
            /// # Panics
            ///
            /// If `permits` is more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
            #[must_use]
            #[track_caller]
            pub const fn const_new(permits: usize) -> Self {
                Self::const_with_fairness(permits)
            }
        }

        impl<F: Fairness> Semaphore<F, $access> {
            /// The same as [`with_fairness`](Self::with_fairness), for statics.
            ///
            /// # Panics
            ///
            /// If `permits` is more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
            #[must_use]
            #[track_caller]
            pub const fn const_with_fairness(permits: usize) -> Self {
                Self {
                    permits: Permits::<F, $access>::const_new(permits as u64),
                    total: <$access as Access>::Word::new(permits as u64),
                }
            }
        }
    };
}

#[cfg(not(any(loom, shuttle)))]
const_new!(Shared);
#[cfg(not(any(loom, shuttle)))]
const_new!(Local);

impl<F: Fairness, A: Access> Semaphore<F, A> {
    /// A semaphore with so many permits that serves as `F` says.
    ///
    /// ```
    /// use turgo_sync::{Barging, Semaphore};
    ///
    /// let semaphore = Semaphore::<Barging>::with_fairness(10);
    /// # assert_eq!(semaphore.available_permits(), 10);
    /// ```
    ///
    /// # Panics
    ///
    /// If `permits` is more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
    #[must_use]
    #[track_caller]
    pub fn with_fairness(permits: usize) -> Self {
        Self { permits: Permits::new(permits as u64), total: A::Word::new(permits as u64) }
    }

    /// How many permits can be had at this moment.
    #[must_use]
    pub fn available_permits(&self) -> usize {
        self.permits.available() as usize
    }

    /// How many permits there are, given out or not.
    #[must_use]
    pub fn max_permits(&self) -> usize {
        // Relaxed: a number that may be old when it is read.
        self.total.load(Ordering::Relaxed) as usize
    }

    /// How many permits are given out, or set aside for those who wait.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.max_permits().saturating_sub(self.available_permits())
    }

    /// Adds permits, to those who wait first.
    ///
    /// # Panics
    ///
    /// If there would be more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS) to be had. Nothing is added then.
    #[track_caller]
    pub fn add_permits(&self, n: usize) {
        self.permits.give(n as u64);
        self.count(|total| total.saturating_add(n as u64));
    }

    /// Takes away up to `n` of the permits that can be had at this moment, and says how many.
    pub fn forget_permits(&self, n: usize) -> usize {
        let fewer = self.permits.forget(n as u64);
        self.count(|total| total.saturating_sub(fewer));
        fewer as usize
    }

    /// The same as [`forget_permits`](Self::forget_permits), by its name in compio-sync.
    pub fn reduce_permits(&self, n: usize) -> usize {
        self.forget_permits(n)
    }

    /// Waits for a permit.
    ///
    /// Cancel safe: see [the type](Self#cancel-safety).
    ///
    /// # Errors
    ///
    /// If the semaphore is closed, or is closed meanwhile.
    #[inline]
    pub fn acquire(&self) -> impl Future<Output = Result<SemaphorePermit<'_, F, A>, AcquireError>> {
        self.permits.take(1).then(|taken| match taken {
            Ok(()) => Ok(SemaphorePermit { semaphore: self, permits: 1 }),
            Err(_) => Err(AcquireError(())),
        })
    }

    /// Waits for `n` permits, which come together.
    ///
    /// Under [`Fifo`] those behind wait until this is served, though there may be enough for them. Cancel safe: see
    /// [the type](Self#cancel-safety).
    ///
    /// # Errors
    ///
    /// If the semaphore is closed, or is closed meanwhile.
    #[inline]
    pub fn acquire_many(
        &self,
        n: u32,
    ) -> impl Future<Output = Result<SemaphorePermit<'_, F, A>, AcquireError>> {
        self.permits.take(u64::from(n)).then(move |taken| match taken {
            Ok(()) => Ok(SemaphorePermit { semaphore: self, permits: n as usize }),
            Err(_) => Err(AcquireError(())),
        })
    }

    /// Takes a permit if one can be had at once.
    ///
    /// # Errors
    ///
    /// If there is none, others wait for it ([`Fifo`]), or the semaphore is closed.
    #[inline]
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_, F, A>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Takes `n` permits if they can be had at once.
    ///
    /// # Errors
    ///
    /// If there are fewer, others wait for them ([`Fifo`]), or the semaphore is closed.
    #[inline]
    pub fn try_acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_, F, A>, TryAcquireError> {
        self.permits.try_take(u64::from(n))?;
        Ok(SemaphorePermit { semaphore: self, permits: n as usize })
    }

    /// Gives out no more permits, and tells all who wait. Permits that are out stay out until they are dropped.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let semaphore = turgo_sync::Semaphore::new(1);
    /// semaphore.close();
    /// assert!(semaphore.acquire().await.is_err());
    /// # });
    /// ```
    pub fn close(&self) {
        self.permits.close();
    }

    /// Whether it was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.permits.is_closed()
    }

    /// So many permits never come back.
    fn forgotten(&self, permits: usize) {
        self.count(|total| total.saturating_sub(permits as u64));
    }

    fn count(&self, change: impl Fn(u64) -> u64) {
        loop {
            // Relaxed, here and below: a number that orders nothing.
            let now = self.total.load(Ordering::Relaxed);
            let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
            if self.total.compare_exchange_weak(now, change(now), success, failure).is_ok() {
                return;
            }
        }
    }
}

/// Blocking variants. They put the thread to sleep, so they are not for tasks of an executor.
#[cfg(feature = "std")]
impl<F: Fairness> Semaphore<F, Shared> {
    /// [`acquire`](Self::acquire) for a thread, which sleeps meanwhile.
    ///
    /// # Errors
    ///
    /// If the semaphore is closed, or is closed meanwhile.
    pub fn blocking_acquire(&self) -> Result<SemaphorePermit<'_, F, Shared>, AcquireError> {
        self.blocking_acquire_many(1)
    }

    /// [`acquire_many`](Self::acquire_many) for a thread, which sleeps meanwhile.
    ///
    /// # Errors
    ///
    /// If the semaphore is closed, or is closed meanwhile.
    pub fn blocking_acquire_many(
        &self,
        n: u32,
    ) -> Result<SemaphorePermit<'_, F, Shared>, AcquireError> {
        block_on(self.acquire_many(n))
    }

    /// [`acquire_owned`](Self::acquire_owned) for a thread, which sleeps meanwhile.
    ///
    /// # Errors
    ///
    /// If the semaphore is closed, or is closed meanwhile.
    pub fn blocking_acquire_owned(
        self: Arc<Self>,
    ) -> Result<OwnedSemaphorePermit<F, Shared>, AcquireError> {
        self.blocking_acquire_many_owned(1)
    }

    /// [`acquire_many_owned`](Self::acquire_many_owned) for a thread, which sleeps meanwhile.
    ///
    /// # Errors
    ///
    /// If the semaphore is closed, or is closed meanwhile.
    pub fn blocking_acquire_many_owned(
        self: Arc<Self>,
        n: u32,
    ) -> Result<OwnedSemaphorePermit<F, Shared>, AcquireError> {
        block_on(self.acquire_many_owned(n))
    }
}

macro_rules! owned {
    ($access:ty, $handle:ident) => {
        impl<F: Fairness> Semaphore<F, $access> {
            /// [`acquire`](Self::acquire) for a permit that owns a share of the semaphore.
            ///
            /// # Errors
            ///
            /// If the semaphore is closed, or is closed meanwhile.
            pub async fn acquire_owned(
                self: $handle<Self>,
            ) -> Result<OwnedSemaphorePermit<F, $access>, AcquireError> {
                self.acquire_many_owned(1).await
            }

            /// [`acquire_many`](Self::acquire_many) for permits that own a share of the semaphore.
            ///
            /// # Errors
            ///
            /// If the semaphore is closed, or is closed meanwhile.
            pub async fn acquire_many_owned(
                self: $handle<Self>,
                n: u32,
            ) -> Result<OwnedSemaphorePermit<F, $access>, AcquireError> {
                self.permits.take(u64::from(n)).await.map_err(|_| AcquireError(()))?;
                Ok(OwnedSemaphorePermit { semaphore: self, permits: n as usize })
            }

            /// [`try_acquire`](Self::try_acquire) for a permit that owns a share of the semaphore.
            ///
            /// # Errors
            ///
            /// As there.
            pub fn try_acquire_owned(
                self: $handle<Self>,
            ) -> Result<OwnedSemaphorePermit<F, $access>, TryAcquireError> {
                self.try_acquire_many_owned(1)
            }

            /// [`try_acquire_many`](Self::try_acquire_many) for permits that own a share of the semaphore.
            ///
            /// # Errors
            ///
            /// As there.
            pub fn try_acquire_many_owned(
                self: $handle<Self>,
                n: u32,
            ) -> Result<OwnedSemaphorePermit<F, $access>, TryAcquireError> {
                self.permits.try_take(u64::from(n))?;
                Ok(OwnedSemaphorePermit { semaphore: self, permits: n as usize })
            }
        }
    };
}

owned!(Shared, Arc);
owned!(Local, Rc);

impl<F: Fairness, A: Access> fmt::Debug for Semaphore<F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore").field("permits", &self.permits).finish()
    }
}
