//! A queue of waiters and nothing else: what other primitives can be made of.
//!
//! Most programs name [`turgo_sync::WaiterQueue`](crate::WaiterQueue), or [`turgo_sync::local::WaiterQueue`](crate::local::WaiterQueue) for the tasks
//! of one thread. Both are the type of this module. The names are those of compio-sync.
//!
//! # Invariants
//!
//! - **V1** The condition is looked at again after the waiter was queued. Together with K2: who makes it true and wakes afterwards is not missed.

#[cfg(test)]
mod tests;

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use turgo_machine::mutant;

use crate::access::Access;
use crate::crowd::{Crowd, Wait};

/// Tasks that wait until they are woken, in the order of coming.
///
/// A wake that meets nobody is lost, so what is waited for must be kept elsewhere: who changes it does so before it wakes, and who waits says
/// [what it waits for](Self::add_waiter_if).
///
/// # Progress
///
/// Waking and beginning to wait never wait for another thread. Dropping a future that is queued, and polling it with the waker of another task, wait for
/// whoever holds the queue, who handles at most 32 waiters meanwhile. Nothing is allocated: the waiter is in its future.
///
/// # Cancel safety
///
/// A future that is dropped leaves the queue. A [`wake_one`](Self::wake_one) that it was given goes to the next.
///
/// # Spurious wakeups
///
/// A future is ready only when it was woken, or its condition was true. That the condition is true when it is ready is not said: others may have been
/// quicker, so look again. Polls without a wake change nothing.
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use turgo_sync::WaiterQueue;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// static OPEN: AtomicBool = AtomicBool::new(false);
/// static QUEUE: WaiterQueue = WaiterQueue::const_new();
///
/// let waits = tokio::spawn(async {
///     while !OPEN.load(Ordering::Relaxed) {
///         QUEUE.add_waiter_if(|| OPEN.load(Ordering::Relaxed)).await;
///     }
/// });
/// OPEN.store(true, Ordering::Relaxed);
/// QUEUE.wake_all();
/// waits.await.unwrap();
/// # });
/// ```
pub struct WaiterQueue<A: Access> {
    pub(super) crowd: Crowd<A>,
}

/// Waits to be woken. Made by [`WaiterQueue::add_waiter_if`].
#[must_use = "futures do nothing unless polled"]
pub struct Waiter<'a, C: Fn() -> bool, A: Access> {
    queue: &'a WaiterQueue<A>,
    condition: C,
    wait: Wait<A>,
}

impl<A: Access> WaiterQueue<A> {
    /// Nobody waits.
    #[must_use]
    pub fn new() -> Self {
        Self { crowd: Crowd::new() }
    }

    /// Waits to be woken, unless `condition` is true already: the name is to be read as "if it is not".
    ///
    /// The condition is looked at before the waiter is queued and once more afterwards, so a wake that follows a change is not missed even if the
    /// accesses of the condition itself are `Relaxed`. It is called while nothing is held, and may panic. A place in the queue is taken at the first poll,
    /// or by [`Waiter::enable`]; [`wake_all`](Self::wake_all) counts from this call on. Cancel safe: see [the type](Self#cancel-safety).
    #[inline]
    pub fn add_waiter_if<C: Fn() -> bool>(&self, condition: C) -> Waiter<'_, C, A> {
        Waiter { queue: self, condition, wait: self.crowd.wait() }
    }

    /// Wakes the one who waits longest, if somebody waits.
    ///
    /// What was done before this call is visible to the one who is woken, and to every later wait.
    #[inline]
    pub fn wake_one(&self) {
        self.crowd.wake_one();
    }

    /// Wakes all whose wait has begun.
    #[inline]
    pub fn wake_all(&self) {
        self.crowd.wake_all();
    }

    /// How many wait at this moment: exact where nobody comes or goes meanwhile, up to 2^23.
    #[must_use]
    pub fn waiter_count(&self) -> usize {
        self.crowd.count()
    }
}

impl<C: Fn() -> bool, A: Access> Waiter<'_, C, A> {
    /// Takes a place in the queue, and says whether there is nothing to wait for.
    pub fn enable(self: Pin<&mut Self>) -> bool {
        self.as_ref().get_ref().look(None).is_ready()
    }

    fn look(&self, context: Option<&Context<'_>>) -> Poll<()> {
        if !self.wait.is_queued() {
            if (self.condition)() {
                return Poll::Ready(());
            }
            // SAFETY: it was not queued, is only polled when pinned, and `drop` ends the wait.
            unsafe { self.wait.begin(&self.queue.crowd, context) };
            // V1.
            if !mutant!("V1 not looked at again") && (self.condition)() {
                self.wait.end(&self.queue.crowd);
                return Poll::Ready(());
            }
        }
        self.wait.look(&self.queue.crowd, context)
    }
}

impl<C: Fn() -> bool, A: Access> Future for Waiter<'_, C, A> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // Shared from here on: holders have pointers to the node, too.
        self.as_ref().get_ref().look(Some(context))
    }
}

impl<C: Fn() -> bool, A: Access> Drop for Waiter<'_, C, A> {
    fn drop(&mut self) {
        self.wait.end(&self.queue.crowd);
    }
}

#[cfg(not(any(loom, shuttle)))]
macro_rules! const_new {
    ($access:ty) => {
        impl WaiterQueue<$access> {
            /// The same as [`new`](Self::new), for statics.
            #[must_use]
            pub const fn const_new() -> Self {
                Self { crowd: Crowd::<$access>::const_new() }
            }
        }
    };
}

#[cfg(not(any(loom, shuttle)))]
const_new!(crate::access::Shared);
#[cfg(not(any(loom, shuttle)))]
const_new!(crate::access::Local);

impl<A: Access> Default for WaiterQueue<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Access> fmt::Debug for WaiterQueue<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaiterQueue").field("waiter_count", &self.waiter_count()).finish()
    }
}

impl<C: Fn() -> bool, A: Access> fmt::Debug for Waiter<'_, C, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter").field("queue", self.queue).finish_non_exhaustive()
    }
}
