//! The primitives for tasks on any thread.

use crate::access::Shared;
use crate::fairness::Fifo;
use crate::{
    atomic_waker, barrier, condvar, event, latch, mutex, notify, once, rwlock, semaphore,
    waiter_queue,
};

/// Gives out a number of permits, and lets tasks wait for them.
pub type Semaphore<F = Fifo> = semaphore::Semaphore<F, Shared>;
/// Permits of a [`Semaphore`], which go back when this is dropped.
pub type SemaphorePermit<'a, F = Fifo> = semaphore::SemaphorePermit<'a, F, Shared>;
/// Permits of a [`Semaphore`] together with a share of it.
pub type OwnedSemaphorePermit<F = Fifo> = semaphore::OwnedSemaphorePermit<F, Shared>;

/// A value that one task at a time can touch, also across an await.
pub type Mutex<T, F = Fifo> = mutex::Mutex<T, F, Shared>;
/// A locked [`Mutex`], unlocked when this is dropped.
pub type MutexGuard<'a, T, F = Fifo> = mutex::MutexGuard<'a, T, F, Shared>;
/// A part of the value of a locked [`Mutex`].
pub type MappedMutexGuard<'a, T, F = Fifo> = mutex::MappedMutexGuard<'a, T, F, Shared>;
/// A locked [`Mutex`] and a share of it.
pub type OwnedMutexGuard<T, F = Fifo> = mutex::OwnedMutexGuard<T, F, Shared>;
/// A part of the value of a locked [`Mutex`] and a share of the mutex.
pub type OwnedMappedMutexGuard<T, U = T, F = Fifo> = mutex::OwnedMappedMutexGuard<T, U, F, Shared>;

/// A value that many tasks may read at once, or one may write.
pub type RwLock<T, F = Fifo> = rwlock::RwLock<T, F, Shared>;
/// A [`RwLock`] that is read, until this is dropped.
pub type RwLockReadGuard<'a, T, F = Fifo> = rwlock::RwLockReadGuard<'a, T, F, Shared>;
/// A [`RwLock`] that is written, until this is dropped.
pub type RwLockWriteGuard<'a, T, F = Fifo> = rwlock::RwLockWriteGuard<'a, T, F, Shared>;
/// A [`RwLock`] that is read by the one reader who may become a writer.
pub type RwLockUpgradableReadGuard<'a, T, F = Fifo> =
    rwlock::RwLockUpgradableReadGuard<'a, T, F, Shared>;
/// The same with a share of the lock.
pub type OwnedRwLockUpgradableReadGuard<T, F = Fifo> =
    rwlock::OwnedRwLockUpgradableReadGuard<T, F, Shared>;
/// A part of the value of a [`RwLock`] that is written.
pub type RwLockMappedWriteGuard<'a, T, F = Fifo> = rwlock::RwLockMappedWriteGuard<'a, T, F, Shared>;
/// A part of the value of a [`RwLock`] that is read, and a share of the lock.
pub type OwnedRwLockReadGuard<T, U = T, F = Fifo> = rwlock::OwnedRwLockReadGuard<T, U, F, Shared>;
/// A [`RwLock`] that is written, and a share of it.
pub type OwnedRwLockWriteGuard<T, F = Fifo> = rwlock::OwnedRwLockWriteGuard<T, F, Shared>;
/// A part of the value of a [`RwLock`] that is written, and a share of the lock.
pub type OwnedRwLockMappedWriteGuard<T, U = T, F = Fifo> =
    rwlock::OwnedRwLockMappedWriteGuard<T, U, F, Shared>;

/// Tells tasks that something happened.
pub type Notify = notify::Notify<Shared>;
/// Waits for a [`Notify`].
pub type Notified<'a> = notify::Notified<'a, Shared>;
/// Waits for a [`Notify`] and has a share of it.
pub type OwnedNotified = notify::OwnedNotified<Shared>;

/// Lets tasks go on when so many have come.
pub type Barrier = barrier::Barrier<Shared>;
/// Something that has happened or has not.
pub type Event = event::Event<Shared>;
/// Lets all go when it was counted down to zero.
pub type Latch = latch::Latch<Shared>;
/// Waits for work that was added until it is done.
pub type WaitGroup = latch::WaitGroup<Shared>;
/// Says that work of a [`WaitGroup`] is done when this is dropped.
pub type WaitGroupGuard<'a> = latch::WaitGroupGuard<'a, Shared>;

/// A value that is made when it is first needed.
pub type OnceCell<T> = once::OnceCell<T, Shared>;
/// A value that is set once, and tasks that wait for it.
pub type SetOnce<T> = once::SetOnce<T, Shared>;

/// Lets tasks wait, with a [`Mutex`] unlocked meanwhile.
pub type Condvar = condvar::Condvar<Shared>;
/// Tasks that wait until they are woken.
pub type WaiterQueue = waiter_queue::WaiterQueue<Shared>;
/// Waits in a [`WaiterQueue`].
pub type Waiter<'a, C> = waiter_queue::Waiter<'a, C, Shared>;
/// Keeps the waker of one task.
pub type AtomicWaker = atomic_waker::AtomicWaker<Shared>;
