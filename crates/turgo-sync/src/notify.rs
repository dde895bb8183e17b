//! Telling tasks that something happened, with the names, signatures and results of `tokio::sync::Notify`.
//!
//! Most programs name [`turgo_sync::Notify`](crate::Notify), or [`turgo_sync::local::Notify`](crate::local::Notify) for the tasks of one thread. Both are
//! the type of this module.

#[cfg(test)]
mod tests;

use alloc::rc::Rc;
use alloc::sync::Arc;
use core::fmt;
use core::future::Future;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::access::{Access, Local, Shared};
use crate::signals::{Signals, Wait};

/// Tells one task, or all, that something happened. It holds at most one notification and no value.
///
/// [`notify_one`](Self::notify_one) is kept for the next to come if nobody waits; two that meet nobody are one.
/// [`notify_waiters`](Self::notify_waiters) is for those whose [`notified`](Self::notified) was called before, and is not kept.
///
/// # Progress
///
/// Notifying, with [`notify_one`](Self::notify_one) or [`notify_waiters`](Self::notify_waiters), and beginning to wait never wait for another thread.
/// [`notify_last`](Self::notify_last), dropping a future that is queued, and polling it with the waker of another task wait for whoever holds the queue,
/// who handles at most 32 waiters meanwhile. Nothing is allocated.
///
/// # Cancel safety
///
/// A [`Notified`] that is dropped loses its place in the queue. A notification for one that it was given goes to the next.
///
/// ```
/// use std::sync::Arc;
/// use turgo_sync::Notify;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let notify = Arc::new(Notify::new());
/// let waits = tokio::spawn({
///     let notify = notify.clone();
///     async move { notify.notified().await }
/// });
/// notify.notify_one();
/// waits.await.unwrap();
/// # });
/// ```
pub struct Notify<A: Access> {
    pub(super) signals: Signals<A>,
}

/// Waits for a [`Notify`]. Made by [`Notify::notified`].
#[must_use = "futures do nothing unless polled"]
pub struct Notified<'a, A: Access> {
    notify: &'a Notify<A>,
    wait: Wait<A>,
}

/// Waits for a [`Notify`] and has a share of it. Made by `Notify::notified_owned`.
#[must_use = "futures do nothing unless polled"]
pub struct OwnedNotified<A: Access> {
    notify: A::Handle<Notify<A>>,
    wait: Wait<A>,
}

impl<A: Access> Notify<A> {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new() -> Self {
        Self { signals: Signals::new() }
    }

    /// Waits to be notified.
    ///
    /// A place in the queue is taken at the first poll, or by [`Notified::enable`]; [`notify_waiters`](Self::notify_waiters) counts from this call
    /// on. Cancel safe: see [the type](Self#cancel-safety).
    #[inline]
    pub fn notified(&self) -> Notified<'_, A> {
        Notified { notify: self, wait: self.signals.wait() }
    }

    /// Notifies the one who waits longest. If nobody waits, the next to come is notified at once.
    ///
    /// What was done before this call is visible to the one who is notified.
    #[inline]
    pub fn notify_one(&self) {
        self.signals.notify_one();
    }

    /// Notifies the one who came last. If nobody waits, the next to come is notified at once.
    pub fn notify_last(&self) {
        self.signals.notify_last();
    }

    /// Notifies all whose wait has begun, and nobody else.
    pub fn notify_waiters(&self) {
        self.signals.notify_all();
    }
}

macro_rules! owned {
    ($access:ty, $handle:ident) => {
        impl Notify<$access> {
            /// The same as [`new`](Self::new), for statics.
            #[cfg(not(any(loom, shuttle)))]
            #[must_use]
            pub const fn const_new() -> Self {
                Self { signals: Signals::<$access>::const_new() }
            }

            /// [`notified`](Self::notified) for a future that owns a share of this.
            pub fn notified_owned(self: $handle<Self>) -> OwnedNotified<$access> {
                OwnedNotified { wait: self.signals.wait(), notify: self }
            }
        }
    };
}

owned!(Shared, Arc);
owned!(Local, Rc);

macro_rules! waits {
    ($future:ident, [$($life:lifetime)?]) => {
        impl<$($life,)? A: Access> $future<$($life,)? A> {
            /// Takes a place in the queue, and says whether the notification has come already.
            ///
            /// After `false`, a notification for one can be the next poll's, as if this had been polled.
            pub fn enable(self: Pin<&mut Self>) -> bool {
                self.as_ref().get_ref().look(None).is_ready()
            }

            #[inline]
            fn look(&self, context: Option<&mut Context<'_>>) -> Poll<()> {
                // SAFETY: only called when pinned, and `drop` ends the wait.
                unsafe { self.wait.poll(&self.notify.signals, context) }
            }
        }

        impl<$($life,)? A: Access> Future for $future<$($life,)? A> {
            type Output = ();

            #[inline]
            fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
                self.as_ref().get_ref().look(Some(context))
            }
        }

        impl<$($life,)? A: Access> Drop for $future<$($life,)? A> {
            #[inline]
            fn drop(&mut self) {
                self.wait.end(&self.notify.signals);
            }
        }

        impl<$($life,)? A: Access> fmt::Debug for $future<$($life,)? A> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($future)).field("notify", &*self.notify).finish()
            }
        }
    };
}

waits!(Notified, ['a]);
waits!(OwnedNotified, []);

// After a panic it says no more and no less than before.
impl<A: Access> UnwindSafe for Notify<A> {}
impl<A: Access> RefUnwindSafe for Notify<A> {}

impl<A: Access> Default for Notify<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Access> fmt::Debug for Notify<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notify").finish_non_exhaustive()
    }
}
