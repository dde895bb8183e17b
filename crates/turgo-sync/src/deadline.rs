//! Blocking variants that give up after a while. They put the thread to sleep, so they are not for tasks of an executor: there the timer of the
//! executor does it, see [`timeout`](crate::timeout).

use std::time::Duration;

use crate::access::Shared;
use crate::barrier::{Barrier, BarrierWaitResult};
use crate::block::block_on_for;
use crate::event::Event;
use crate::fairness::Fairness;
use crate::latch::{Latch, WaitGroup};
use crate::mutex::{Mutex, MutexGuard, TryLockError};
use crate::notify::Notify;
use crate::once::SetOnce;
use crate::rwlock::{RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard};
use crate::semaphore::{Semaphore, SemaphorePermit, TryAcquireError};

/// Blocking variants that give up after `duration`.
impl<F: Fairness> Semaphore<F, Shared> {
    /// [`blocking_acquire`](Self::blocking_acquire), but not longer than `duration`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use turgo_sync::{Semaphore, TryAcquireError};
    ///
    /// let semaphore = Semaphore::new(0);
    /// let late = semaphore.blocking_acquire_timeout(Duration::from_millis(1));
    /// assert_eq!(late.unwrap_err(), TryAcquireError::NoPermits);
    /// ```
    ///
    /// # Errors
    ///
    /// If there was no permit by then, or the semaphore is closed.
    pub fn blocking_acquire_timeout(
        &self,
        duration: Duration,
    ) -> Result<SemaphorePermit<'_, F, Shared>, TryAcquireError> {
        self.blocking_acquire_many_timeout(1, duration)
    }

    /// [`blocking_acquire_many`](Self::blocking_acquire_many), but not longer than `duration`.
    ///
    /// # Errors
    ///
    /// If there were not so many permits by then, or the semaphore is closed.
    pub fn blocking_acquire_many_timeout(
        &self,
        n: u32,
        duration: Duration,
    ) -> Result<SemaphorePermit<'_, F, Shared>, TryAcquireError> {
        match block_on_for(self.acquire_many(n), duration) {
            Some(taken) => taken.map_err(|_| TryAcquireError::Closed),
            None => Err(TryAcquireError::NoPermits),
        }
    }
}

/// Blocking variants that give up after `duration`.
impl<T: ?Sized, F: Fairness> Mutex<T, F, Shared> {
    /// [`blocking_lock`](Self::blocking_lock), but not longer than `duration`.
    ///
    /// # Errors
    ///
    /// If it was locked until then.
    pub fn blocking_lock_timeout(
        &self,
        duration: Duration,
    ) -> Result<MutexGuard<'_, T, F, Shared>, TryLockError> {
        block_on_for(self.lock(), duration).ok_or(TryLockError::new())
    }
}

/// Blocking variants that give up after `duration`.
impl<T: ?Sized, F: Fairness> RwLock<T, F, Shared> {
    /// [`blocking_read`](Self::blocking_read), but not longer than `duration`.
    ///
    /// # Errors
    ///
    /// If it could not be read until then.
    pub fn blocking_read_timeout(
        &self,
        duration: Duration,
    ) -> Result<RwLockReadGuard<'_, T, F, Shared>, TryLockError> {
        block_on_for(self.read(), duration).ok_or(TryLockError::new())
    }

    /// [`blocking_upgradable_read`](Self::blocking_upgradable_read), but not longer than `duration`.
    ///
    /// # Errors
    ///
    /// If it could not be read so until then.
    pub fn blocking_upgradable_read_timeout(
        &self,
        duration: Duration,
    ) -> Result<RwLockUpgradableReadGuard<'_, T, F, Shared>, TryLockError> {
        block_on_for(self.upgradable_read(), duration).ok_or(TryLockError::new())
    }

    /// [`blocking_write`](Self::blocking_write), but not longer than `duration`.
    ///
    /// # Errors
    ///
    /// If it could not be written until then.
    pub fn blocking_write_timeout(
        &self,
        duration: Duration,
    ) -> Result<RwLockWriteGuard<'_, T, F, Shared>, TryLockError> {
        block_on_for(self.write(), duration).ok_or(TryLockError::new())
    }
}

/// Blocking variants that give up after `duration`.
impl Notify<Shared> {
    /// [`notified`](Self::notified) for a thread, which sleeps meanwhile, but not longer than `duration`. Answers whether it was notified.
    pub fn blocking_notified_timeout(&self, duration: Duration) -> bool {
        block_on_for(self.notified(), duration).is_some()
    }
}

/// Blocking variants that give up after `duration`.
impl Barrier<Shared> {
    /// [`blocking_wait`](Self::blocking_wait), but not longer than `duration`: nothing if not enough had come by then. It has not come then, either.
    pub fn blocking_wait_timeout(&self, duration: Duration) -> Option<BarrierWaitResult> {
        block_on_for(self.wait(), duration)
    }
}

/// Blocking variants that give up after `duration`.
impl Event<Shared> {
    /// [`blocking_wait`](Self::blocking_wait), but not longer than `duration`. Answers whether it happened.
    pub fn blocking_wait_timeout(&self, duration: Duration) -> bool {
        block_on_for(self.wait(), duration).is_some()
    }
}

/// Blocking variants that give up after `duration`.
impl Latch<Shared> {
    /// [`blocking_wait`](Self::blocking_wait), but not longer than `duration`. Answers whether all had come.
    pub fn blocking_wait_timeout(&self, duration: Duration) -> bool {
        block_on_for(self.wait(), duration).is_some()
    }
}

/// Blocking variants that give up after `duration`.
impl WaitGroup<Shared> {
    /// [`blocking_wait`](Self::blocking_wait), but not longer than `duration`. Answers whether there was no work.
    pub fn blocking_wait_timeout(&self, duration: Duration) -> bool {
        block_on_for(self.wait(), duration).is_some()
    }
}

/// Blocking variants that give up after `duration`.
impl<T> SetOnce<T, Shared> {
    /// [`blocking_wait`](Self::blocking_wait), but not longer than `duration`: nothing if there was no value by then.
    pub fn blocking_wait_timeout(&self, duration: Duration) -> Option<&T> {
        block_on_for(self.wait(), duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::probe::poll_idle;

    const BRIEF: Duration = Duration::from_millis(2);
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn threads_give_up_and_leave_nothing() {
        let semaphore = crate::Semaphore::new(1);
        let held = semaphore.blocking_acquire_timeout(LONG).unwrap();
        let late = semaphore.blocking_acquire_timeout(BRIEF);
        assert_eq!(late.unwrap_err(), TryAcquireError::NoPermits);
        drop(held);
        semaphore.close();
        let closed = semaphore.blocking_acquire_timeout(LONG);
        assert_eq!(closed.unwrap_err(), TryAcquireError::Closed);
        let mutex = crate::Mutex::new(1);
        let held = mutex.blocking_lock_timeout(LONG).unwrap();
        assert!(mutex.blocking_lock_timeout(BRIEF).is_err());
        drop(held);
        assert!(mutex.try_lock().is_ok());
        let lock = crate::RwLock::new(1);
        let held = lock.blocking_write_timeout(LONG).unwrap();
        assert!(lock.blocking_read_timeout(BRIEF).is_err());
        assert!(lock.blocking_upgradable_read_timeout(BRIEF).is_err());
        assert!(lock.blocking_write_timeout(BRIEF).is_err());
        drop(held);
        assert!(lock.blocking_read_timeout(LONG).is_ok());
        assert!(lock.blocking_upgradable_read_timeout(LONG).is_ok());
        assert!(lock.try_write().is_ok());
    }

    #[test]
    fn threads_do_not_wait_for_what_does_not_happen() {
        let notify = crate::Notify::new();
        assert!(!notify.blocking_notified_timeout(BRIEF));
        notify.notify_one();
        assert!(notify.blocking_notified_timeout(LONG));
        let barrier = crate::Barrier::new(2);
        assert!(barrier.blocking_wait_timeout(BRIEF).is_none());
        let mut other = Box::pin(barrier.wait());
        assert!(poll_idle(&mut other).is_pending(), "who gave up has not come");
        assert!(barrier.blocking_wait_timeout(LONG).is_some_and(|result| result.is_leader()));
        let event = crate::Event::new();
        assert!(!event.blocking_wait_timeout(BRIEF));
        event.set();
        assert!(event.blocking_wait_timeout(LONG));
        let latch = crate::Latch::new(1);
        assert!(!latch.blocking_wait_timeout(BRIEF));
        latch.count_down();
        assert!(latch.blocking_wait_timeout(LONG));
        let group = crate::WaitGroup::new();
        assert!(group.blocking_wait_timeout(LONG));
        group.add(1);
        assert!(!group.blocking_wait_timeout(BRIEF));
        let cell = crate::SetOnce::new();
        assert!(cell.blocking_wait_timeout(BRIEF).is_none());
        cell.set(1).unwrap();
        assert_eq!(cell.blocking_wait_timeout(LONG), Some(&1));
    }

    /// A future that blocks while it is polled by somebody who blocks does not swallow the other's wake.
    #[test]
    fn who_blocks_while_he_is_waited_for_keeps_the_wake() {
        use crate::block::block_on;

        let (outer, inner) = (crate::Notify::new(), crate::Notify::new());
        let mut wait = Box::pin(outer.notified());
        let mut first = true;
        block_on(std::future::poll_fn(|context| {
            let answer = wait.as_mut().poll(context);
            if std::mem::take(&mut first) {
                // Wakes the outer one, and makes the inner one look for its own wake.
                outer.notify_one();
                assert!(!inner.blocking_notified_timeout(BRIEF));
            }
            answer
        }));
    }
}
