//! Timeouts for every wait, by the timer of the runtime that the task is on: with the feature `tokio`, `tokio::Timeout`; with the feature `compio`,
//! `compio::Timeout`. Without these features the crate depends on no runtime.
//!
//! Any other timer does as well: every wait of this crate may be dropped at any time, so whatever gives up a future after a while is a timeout. A wait
//! for a condition variable has the mutex to lock again; there [`Condvar::wait_until`](crate::condvar::Condvar::wait_until) takes a timer. And a value
//! that is being sent would be given up, too: `SendTimeout::send_timeout` of either runtime gives it back.

/// The timeouts of a runtime, whose module `time` is in scope.
#[cfg(any(feature = "tokio", feature = "compio"))]
macro_rules! timeouts {
    ($runtime:literal, $setup:literal, $outside:literal) => {
        use core::future::Future;
        use std::time::Duration;

        use crate::access::Access;
        use crate::mpsc::Sender;
        use crate::mpsc::error::SendTimeoutError;

        /// Gives up after a while.
        pub trait Timeout: Future + Sized {
            /// Waits, but not longer than `duration`. What waits is dropped then, and leaves nothing behind.
            ///
            /// ```
            /// use std::time::Duration;
            /// use turgo_sync::Semaphore;
            #[doc = concat!("use turgo_sync::timeout::", $runtime, "::Timeout;")]
            ///
            #[doc = $setup]
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
            #[doc = $outside]
            fn timeout(
                self,
                duration: Duration,
            ) -> impl Future<Output = Result<Self::Output, Elapsed>> {
                time::timeout(duration, self)
            }
        }

        impl<W: Future> Timeout for W {}

        /// Sends values, but does not wait for room longer than so long: what tokio's senders of bounded channels do by themselves.
        pub trait SendTimeout<T> {
            /// Sends a value as soon as there is room, if that is before `timeout` is over.
            ///
            /// Cancel safe as [`Sender::send`] is: what is dropped has not sent, and the value is gone with it.
            ///
            /// ```
            /// use std::time::Duration;
            /// use turgo_sync::mpsc::{channel, error::SendTimeoutError};
            #[doc = concat!("use turgo_sync::timeout::", $runtime, "::SendTimeout;")]
            ///
            #[doc = $setup]
            /// # runtime.block_on(async {
            /// let (sender, _receiver) = channel(1);
            /// assert_eq!(sender.send_timeout(1, Duration::from_millis(1)).await, Ok(()));
            /// let late = sender.send_timeout(2, Duration::from_millis(1)).await;
            /// assert_eq!(late, Err(SendTimeoutError::Timeout(2)));
            /// # });
            /// ```
            ///
            /// # Errors
            ///
            /// The value, if there was no room by then, or the receiver was closed or dropped, also while it waits.
            ///
            /// # Panics
            ///
            #[doc = $outside]
            fn send_timeout(
                &self,
                value: T,
                timeout: Duration,
            ) -> impl Future<Output = Result<(), SendTimeoutError<T>>>;
        }

        impl<T, A: Access> SendTimeout<T> for Sender<T, A> {
            async fn send_timeout(
                &self,
                value: T,
                timeout: Duration,
            ) -> Result<(), SendTimeoutError<T>> {
                match time::timeout(timeout, self.reserve()).await {
                    Ok(Ok(room)) => {
                        room.send(value);
                        Ok(())
                    }
                    Ok(Err(_)) => Err(SendTimeoutError::Closed(value)),
                    Err(_) => Err(SendTimeoutError::Timeout(value)),
                }
            }
        }
    };
}

/// Timeouts on tokio.
#[cfg(feature = "tokio")]
pub mod tokio {
    use ::tokio::time;
    pub use ::tokio::time::error::Elapsed;

    timeouts!(
        "tokio",
        "# let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();",
        "Outside of a runtime of tokio with its timer."
    );
}

/// Timeouts on compio.
#[cfg(feature = "compio")]
pub mod compio {
    use ::compio::time;
    pub use ::compio::time::Elapsed;

    timeouts!(
        "compio",
        "# let runtime = compio::runtime::Runtime::new().unwrap();",
        "Outside of a runtime of compio."
    );
}
