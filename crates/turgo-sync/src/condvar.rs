//! A condition variable for the crate's mutexes, in the shape of `std::sync::Condvar`.
//!
//! Most programs name [`turgo_sync::Condvar`](crate::Condvar), or [`turgo_sync::local::Condvar`](crate::local::Condvar) for the tasks of one thread.
//! Both are the type of this module.
//!
//! # Invariants
//!
//! - **D1** Who waits is queued before the mutex is unlocked. So who changes the condition under the mutex and notifies afterwards meets him.
//! - **D2** A notification for one that was given to a wait which is dropped before it has the mutex again goes to the next.

#[cfg(test)]
mod tests;

use core::fmt;
use core::future::{Future, poll_fn};
use core::mem;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
#[cfg(all(feature = "std", not(any(loom, shuttle))))]
use std::time::Duration;

use turgo_machine::mutant;

use crate::access::Access;
#[cfg(feature = "std")]
use crate::access::Shared;
#[cfg(feature = "std")]
use crate::block::block_on;
#[cfg(all(feature = "std", not(any(loom, shuttle))))]
use crate::block::block_on_for;
use crate::crowd::{Crowd, Wait};
use crate::fairness::Fairness;
use crate::mutex::MutexGuard;

/// Lets tasks wait, with a [`Mutex`](crate::mutex::Mutex) unlocked meanwhile, until somebody says that what it protects has changed.
///
/// A notification that meets nobody is lost. One condition variable may be used with several mutexes.
///
/// # Progress
///
/// Notifying never waits for another thread; waiting does so for the mutex. Nothing is allocated.
///
/// # Cancel safety
///
/// A wait that is dropped leaves the queue and the mutex unlocked. A [`notify_one`](Self::notify_one) that it was given goes to the next.
///
/// # Spurious wakeups
///
/// There are none, but others may have been quicker: use [`wait_while`](Self::wait_while), or look again.
///
/// ```
/// use std::sync::Arc;
/// use turgo_sync::{Condvar, Mutex};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let pair = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
/// tokio::spawn({
///     let pair = pair.clone();
///     async move {
///         pair.0.lock().await.push(7);
///         pair.1.notify_one();
///     }
/// });
/// let guard = pair.0.lock().await;
/// let mut guard = pair.1.wait_while(guard, |items| items.is_empty()).await;
/// assert_eq!(guard.pop(), Some(7));
/// # });
/// ```
pub struct Condvar<A: Access> {
    crowd: Crowd<A>,
}

/// Whether a wait ended because its time was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether the time was over.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl<A: Access> Condvar<A> {
    /// Nobody waits.
    #[must_use]
    pub fn new() -> Self {
        Self { crowd: Crowd::new() }
    }

    /// Notifies the one who waits longest, if somebody waits.
    pub fn notify_one(&self) {
        self.crowd.wake_one();
    }

    /// Notifies all who wait.
    pub fn notify_all(&self) {
        self.crowd.wake_all();
    }

    /// Unlocks the mutex, waits to be notified, and locks it again. It unlocks at the first poll; until then the future keeps the guard.
    ///
    /// Cancel safe: see [the type](Self#cancel-safety).
    pub async fn wait<'a, T: ?Sized, F: Fairness>(
        &self,
        guard: MutexGuard<'a, T, F, A>,
    ) -> MutexGuard<'a, T, F, A> {
        let mutex = MutexGuard::mutex(&guard);
        let notified = {
            let mut seat = pin!(Seat::new(self));
            unlock(seat.as_ref(), guard);
            seat.as_mut().await;
            seat.told()
        };
        let guard = mutex.lock().await;
        mem::forget(notified);
        guard
    }

    /// [Waits](Self::wait) as long as `condition` is true. It is called with the mutex locked.
    pub async fn wait_while<'a, T: ?Sized, F: Fairness>(
        &self,
        mut guard: MutexGuard<'a, T, F, A>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T, F, A> {
        while condition(&mut guard) {
            guard = self.wait(guard).await;
        }
        guard
    }

    /// [Waits](Self::wait), but not longer than `timer`, a future of whatever runtime there is. The answer says whether the timer was first.
    pub async fn wait_until<'a, T: ?Sized, F: Fairness>(
        &self,
        guard: MutexGuard<'a, T, F, A>,
        timer: impl Future<Output = ()>,
    ) -> (MutexGuard<'a, T, F, A>, WaitTimeoutResult) {
        let mut timer = pin!(timer);
        self.wait_or(guard, timer.as_mut()).await
    }

    /// [Waits](Self::wait_until) as long as `condition` is true, but not longer than `timer`. The answer says whether the condition still was when the
    /// timer ended.
    pub async fn wait_while_until<'a, T: ?Sized, F: Fairness>(
        &self,
        mut guard: MutexGuard<'a, T, F, A>,
        mut condition: impl FnMut(&mut T) -> bool,
        timer: impl Future<Output = ()>,
    ) -> (MutexGuard<'a, T, F, A>, WaitTimeoutResult) {
        let mut timer = pin!(timer);
        let mut result = WaitTimeoutResult(false);
        while condition(&mut guard) {
            if result.timed_out() {
                return (guard, result);
            }
            (guard, result) = self.wait_or(guard, timer.as_mut()).await;
        }
        (guard, WaitTimeoutResult(false))
    }

    async fn wait_or<'a, T: ?Sized, F: Fairness>(
        &self,
        guard: MutexGuard<'a, T, F, A>,
        mut timer: Pin<&mut impl Future<Output = ()>>,
    ) -> (MutexGuard<'a, T, F, A>, WaitTimeoutResult) {
        let mutex = MutexGuard::mutex(&guard);
        let (notified, late) = {
            let mut seat = pin!(Seat::new(self));
            unlock(seat.as_ref(), guard);
            let late = poll_fn(|context| match seat.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(false),
                Poll::Pending => timer.as_mut().poll(context).map(|()| true),
            })
            .await;
            (seat.told(), late)
        };
        let guard = mutex.lock().await;
        mem::forget(notified);
        (guard, WaitTimeoutResult(late))
    }
}

/// Takes a place in the queue and unlocks the mutex: D1.
fn unlock<T: ?Sized, F: Fairness, A: Access>(
    seat: Pin<&Seat<'_, A>>,
    guard: MutexGuard<'_, T, F, A>,
) {
    if mutant!("D1 unlocked before it is queued") {
        drop(guard);
        seat.take();
    } else {
        seat.take();
        drop(guard);
    }
}

/// A place in the queue.
struct Seat<'a, A: Access> {
    crowd: &'a Crowd<A>,
    wait: Wait<A>,
}

impl<'a, A: Access> Seat<'a, A> {
    fn new(condvar: &'a Condvar<A>) -> Self {
        Self { crowd: &condvar.crowd, wait: condvar.crowd.wait() }
    }

    fn take(self: Pin<&Self>) {
        // SAFETY: called once, by `unlock`, on what is pinned; `drop` ends the wait.
        unsafe { self.wait.begin(self.crowd, None) };
    }

    /// What passes the notification on when it is dropped, if this was notified alone.
    fn told(&self) -> Option<Told<'a, A>> {
        self.wait.was_told_alone().then_some(Told(self.crowd))
    }
}

impl<A: Access> Future for Seat<'_, A> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.wait.look(self.crowd, Some(context))
    }
}

impl<A: Access> Drop for Seat<'_, A> {
    fn drop(&mut self) {
        self.wait.end(self.crowd);
    }
}

/// A notification for one, which goes to the next when this is dropped: D2.
struct Told<'a, A: Access>(&'a Crowd<A>);

impl<A: Access> Drop for Told<'_, A> {
    fn drop(&mut self) {
        if !mutant!("D2 what one was told is lost") {
            self.0.wake_one();
        }
    }
}

/// Blocking variants. They put the thread to sleep, so they are not for tasks of an executor.
#[cfg(feature = "std")]
impl Condvar<Shared> {
    /// [`wait`](Self::wait) for a thread, which sleeps meanwhile.
    pub fn blocking_wait<'a, T: ?Sized, F: Fairness>(
        &self,
        guard: MutexGuard<'a, T, F, Shared>,
    ) -> MutexGuard<'a, T, F, Shared> {
        block_on(self.wait(guard))
    }

    /// [`wait_while`](Self::wait_while) for a thread, which sleeps meanwhile.
    pub fn blocking_wait_while<'a, T: ?Sized, F: Fairness>(
        &self,
        guard: MutexGuard<'a, T, F, Shared>,
        condition: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T, F, Shared> {
        block_on(self.wait_while(guard, condition))
    }

    /// [`blocking_wait`](Self::blocking_wait), but not longer than `duration`, and as long as it takes to lock the mutex again.
    #[cfg(not(any(loom, shuttle)))]
    pub fn blocking_wait_timeout<'a, T: ?Sized, F: Fairness>(
        &self,
        guard: MutexGuard<'a, T, F, Shared>,
        duration: Duration,
    ) -> (MutexGuard<'a, T, F, Shared>, WaitTimeoutResult) {
        let mutex = MutexGuard::mutex(&guard);
        let (notified, in_time) = {
            let mut seat = pin!(Seat::new(self));
            unlock(seat.as_ref(), guard);
            let in_time = block_on_for(seat.as_mut(), duration).is_some();
            (seat.told(), in_time)
        };
        let guard = mutex.blocking_lock();
        mem::forget(notified);
        (guard, WaitTimeoutResult(!in_time))
    }

    /// [`blocking_wait_while`](Self::blocking_wait_while), but not longer than `duration`, and as long as it takes to lock the mutex again. The
    /// answer says whether the condition still was when the time was over.
    #[cfg(not(any(loom, shuttle)))]
    pub fn blocking_wait_timeout_while<'a, T: ?Sized, F: Fairness>(
        &self,
        mut guard: MutexGuard<'a, T, F, Shared>,
        duration: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> (MutexGuard<'a, T, F, Shared>, WaitTimeoutResult) {
        let clock = turgo_machine::clock::Clock::real();
        while condition(&mut guard) {
            let spent = Duration::from_nanos(clock.now_ns());
            let Some(left) = duration.checked_sub(spent).filter(|left| !left.is_zero()) else {
                return (guard, WaitTimeoutResult(true));
            };
            (guard, _) = self.blocking_wait_timeout(guard, left);
        }
        (guard, WaitTimeoutResult(false))
    }
}

#[cfg(not(any(loom, shuttle)))]
macro_rules! const_new {
    ($access:ty) => {
        impl Condvar<$access> {
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

impl<A: Access> Default for Condvar<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Access> fmt::Debug for Condvar<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").field("waiter_count", &self.crowd.count()).finish()
    }
}
