//! Timeouts for every wait, by the timer of the runtime that the task is on: with the feature `tokio`, `tokio::Timeout`; with the feature `compio`,
//! `compio::Timeout`. Without these features the crate depends on no runtime.
//!
//! Any other timer does as well: every wait of this crate may be dropped at any time, so whatever gives up a future after a while is a timeout. A wait
//! for a condition variable has the mutex to lock again; there [`Condvar::wait_until`](crate::condvar::Condvar::wait_until) takes a timer.

/// Timeouts on tokio.
#[cfg(feature = "tokio")]
pub mod tokio {
    use core::future::Future;
    use std::time::Duration;

    pub use ::tokio::time::error::Elapsed;

    /// Gives up after a while.
    pub trait Timeout: Future + Sized {
        /// Waits, but not longer than `duration`. What waits is dropped then, and leaves nothing behind.
        ///
        /// ```
        /// use std::time::Duration;
        /// use turgo_sync::Semaphore;
        /// use turgo_sync::timeout::tokio::Timeout;
        ///
        /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        /// # runtime.block_on(async {
        /// let semaphore = Semaphore::new(0);
        /// assert!(semaphore.acquire().timeout(Duration::from_millis(1)).await.is_err());
        /// # });
        /// ```
        ///
        /// # Errors
        ///
        /// If it was not ready by then.
        ///
        /// # Panics
        ///
        /// Outside of a runtime of tokio with its timer.
        fn timeout(
            self,
            duration: Duration,
        ) -> impl Future<Output = Result<Self::Output, Elapsed>> {
            ::tokio::time::timeout(duration, self)
        }
    }

    impl<W: Future> Timeout for W {}
}

/// Timeouts on compio.
#[cfg(feature = "compio")]
pub mod compio {
    use core::future::Future;
    use std::time::Duration;

    pub use ::compio::time::Elapsed;

    /// Gives up after a while.
    pub trait Timeout: Future + Sized {
        /// Waits, but not longer than `duration`. What waits is dropped then, and leaves nothing behind.
        ///
        /// ```
        /// use std::time::Duration;
        /// use turgo_sync::Semaphore;
        /// use turgo_sync::timeout::compio::Timeout;
        ///
        /// # compio::runtime::Runtime::new().unwrap().block_on(async {
        /// let semaphore = Semaphore::new(0);
        /// assert!(semaphore.acquire().timeout(Duration::from_millis(1)).await.is_err());
        /// # });
        /// ```
        ///
        /// # Errors
        ///
        /// If it was not ready by then.
        ///
        /// # Panics
        ///
        /// Outside of a runtime of compio.
        fn timeout(
            self,
            duration: Duration,
        ) -> impl Future<Output = Result<Self::Output, Elapsed>> {
            ::compio::time::timeout(duration, self)
        }
    }

    impl<W: Future> Timeout for W {}
}
