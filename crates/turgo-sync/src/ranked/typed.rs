//! Locks whose rank is a type.

use core::fmt;
use core::marker::PhantomData;
use core::ptr;

use super::token::{Both, LockAfter, LockedAt, Rank};
use crate::access::Access;
use crate::fairness::Fairness;
use crate::mutex::{Mutex, MutexGuard, TryLockError};
use crate::rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A lock with a rank: it is taken with a [token](LockedAt) that says what is held, and gives another that says that it is held, too.
///
/// Progress, fairness and cancel safety are those of the lock in it; the rank is there for the compiler alone.
pub struct Ranked<L: ?Sized, R> {
    rank: PhantomData<fn() -> R>,
    lock: L,
}

/// A lock that a thread waits for.
#[cfg(feature = "std")]
pub trait BlockingLock {
    /// What is had while it is held.
    type Guard<'a>
    where
        Self: 'a;

    /// Waits for it.
    fn lock(&self) -> Self::Guard<'_>;

    /// Takes it if nobody has it.
    fn try_lock(&self) -> Option<Self::Guard<'_>>;
}

#[cfg(feature = "std")]
impl<T: ?Sized, F: Fairness> BlockingLock for Mutex<T, F, crate::access::Shared> {
    type Guard<'a>
        = MutexGuard<'a, T, F, crate::access::Shared>
    where
        Self: 'a;

    fn lock(&self) -> Self::Guard<'_> {
        self.blocking_lock()
    }

    fn try_lock(&self) -> Option<Self::Guard<'_>> {
        self.try_lock().ok()
    }
}

impl<L, R: Rank> Ranked<L, R> {
    /// Gives a lock a rank.
    pub const fn new(lock: L) -> Self {
        Self { rank: PhantomData, lock }
    }

    /// The lock.
    pub fn into_inner(self) -> L {
        self.lock
    }
}

/// The addresses of two peers, in order.
///
/// # Panics
///
/// If they are one: waiting for it would never end.
fn in_order<L: ?Sized>(first: &L, second: &L) -> bool {
    let (first, second) = (ptr::from_ref(first).addr(), ptr::from_ref(second).addr());
    assert!(first != second, "a lock is no peer of its own");
    first < second
}

impl<T: ?Sized, F: Fairness, A: Access, R: Rank> Ranked<Mutex<T, F, A>, R> {
    /// [`Mutex::lock`]. Cancel safe.
    pub async fn lock<'t, H>(
        &'t self,
        held: &'t mut LockedAt<'_, H>,
    ) -> (MutexGuard<'t, T, F, A>, LockedAt<'t, R>)
    where
        R: LockAfter<H>,
    {
        (self.lock.lock().await, LockedAt::inside(held))
    }

    /// Locks two peers, of one rank, in the order of their addresses. Guards come in the order of the arguments. Cancel safe.
    ///
    /// # Panics
    ///
    /// If both are the same.
    pub async fn lock_two<'t, H>(
        &'t self,
        other: &'t Self,
        held: &'t mut LockedAt<'_, H>,
    ) -> (MutexGuard<'t, T, F, A>, MutexGuard<'t, T, F, A>, LockedAt<'t, R>)
    where
        R: LockAfter<H>,
    {
        let inner = LockedAt::inside(held);
        if in_order(self, other) {
            let first = self.lock.lock().await;
            (first, other.lock.lock().await, inner)
        } else {
            let second = other.lock.lock().await;
            (self.lock.lock().await, second, inner)
        }
    }

    /// [`Mutex::try_lock`], in any order. What is waited for afterwards must come after both.
    ///
    /// # Errors
    ///
    /// If it is locked, or others wait for it.
    #[expect(clippy::type_complexity, reason = "a guard and a token, as everywhere")]
    pub fn try_lock<'t, H>(
        &'t self,
        held: &'t mut LockedAt<'_, H>,
    ) -> Result<(MutexGuard<'t, T, F, A>, LockedAt<'t, Both<H, R>>), TryLockError> {
        Ok((self.lock.try_lock()?, LockedAt::inside(held)))
    }
}

impl<T: ?Sized, F: Fairness, A: Access, R: Rank> Ranked<RwLock<T, F, A>, R> {
    /// [`RwLock::read`]. Cancel safe.
    pub async fn read<'t, H>(
        &'t self,
        held: &'t mut LockedAt<'_, H>,
    ) -> (RwLockReadGuard<'t, T, F, A>, LockedAt<'t, R>)
    where
        R: LockAfter<H>,
    {
        (self.lock.read().await, LockedAt::inside(held))
    }

    /// [`RwLock::write`]. Cancel safe.
    pub async fn write<'t, H>(
        &'t self,
        held: &'t mut LockedAt<'_, H>,
    ) -> (RwLockWriteGuard<'t, T, F, A>, LockedAt<'t, R>)
    where
        R: LockAfter<H>,
    {
        (self.lock.write().await, LockedAt::inside(held))
    }
}

/// For threads, which sleep meanwhile.
#[cfg(feature = "std")]
impl<L: BlockingLock + ?Sized, R: Rank> Ranked<L, R> {
    /// Waits for the lock.
    pub fn blocking_lock<'t, H>(
        &'t self,
        held: &'t mut LockedAt<'_, H>,
    ) -> (L::Guard<'t>, LockedAt<'t, R>)
    where
        R: LockAfter<H>,
    {
        (self.lock.lock(), LockedAt::inside(held))
    }

    /// Waits for two peers, of one rank, in the order of their addresses. Guards come in the order of the arguments.
    ///
    /// # Panics
    ///
    /// If both are the same.
    pub fn blocking_lock_two<'t, H>(
        &'t self,
        other: &'t Self,
        held: &'t mut LockedAt<'_, H>,
    ) -> (L::Guard<'t>, L::Guard<'t>, LockedAt<'t, R>)
    where
        R: LockAfter<H>,
    {
        let inner = LockedAt::inside(held);
        if in_order(self, other) {
            let first = self.lock.lock();
            (first, other.lock.lock(), inner)
        } else {
            let second = other.lock.lock();
            (self.lock.lock(), second, inner)
        }
    }
}

impl<L: ?Sized + fmt::Debug, R: Rank> fmt::Debug for Ranked<L, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranked").field("rank", &R::NAME).field("lock", &&self.lock).finish()
    }
}
