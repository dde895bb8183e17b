//! The primitives for tasks of one thread: the same source over cells instead of atomics, neither `Send` nor `Sync`.
//!
//! Owned permits and guards own a share of an [`Rc`](alloc::rc::Rc).

use crate::access::Local;
use crate::fairness::Fifo;
pub use crate::semaphore::{AcquireError, TryAcquireError};
use crate::{
    atomic_waker, barrier, condvar, event, latch, mutex, notify, once, rwlock, semaphore,
    waiter_queue,
};

/// Gives out a number of permits, and lets tasks wait for them.
pub type Semaphore<F = Fifo> = semaphore::Semaphore<F, Local>;
/// Permits of a [`Semaphore`], which go back when this is dropped.
pub type SemaphorePermit<'a, F = Fifo> = semaphore::SemaphorePermit<'a, F, Local>;
/// Permits of a [`Semaphore`] together with a share of it.
pub type OwnedSemaphorePermit<F = Fifo> = semaphore::OwnedSemaphorePermit<F, Local>;

/// A value that one task at a time can touch, also across an await.
pub type Mutex<T, F = Fifo> = mutex::Mutex<T, F, Local>;
/// A locked [`Mutex`], unlocked when this is dropped.
pub type MutexGuard<'a, T, F = Fifo> = mutex::MutexGuard<'a, T, F, Local>;
/// A part of the value of a locked [`Mutex`].
pub type MappedMutexGuard<'a, T, F = Fifo> = mutex::MappedMutexGuard<'a, T, F, Local>;
/// A locked [`Mutex`] and a share of it.
pub type OwnedMutexGuard<T, F = Fifo> = mutex::OwnedMutexGuard<T, F, Local>;
/// A part of the value of a locked [`Mutex`] and a share of the mutex.
pub type OwnedMappedMutexGuard<T, U = T, F = Fifo> = mutex::OwnedMappedMutexGuard<T, U, F, Local>;

/// A value that many tasks may read at once, or one may write.
pub type RwLock<T, F = Fifo> = rwlock::RwLock<T, F, Local>;
/// A [`RwLock`] that is read, until this is dropped.
pub type RwLockReadGuard<'a, T, F = Fifo> = rwlock::RwLockReadGuard<'a, T, F, Local>;
/// A [`RwLock`] that is written, until this is dropped.
pub type RwLockWriteGuard<'a, T, F = Fifo> = rwlock::RwLockWriteGuard<'a, T, F, Local>;
/// A [`RwLock`] that is read by the one reader who may become a writer.
pub type RwLockUpgradableReadGuard<'a, T, F = Fifo> =
    rwlock::RwLockUpgradableReadGuard<'a, T, F, Local>;
/// The same with a share of the lock.
pub type OwnedRwLockUpgradableReadGuard<T, F = Fifo> =
    rwlock::OwnedRwLockUpgradableReadGuard<T, F, Local>;
/// A part of the value of a [`RwLock`] that is written.
pub type RwLockMappedWriteGuard<'a, T, F = Fifo> = rwlock::RwLockMappedWriteGuard<'a, T, F, Local>;
/// A part of the value of a [`RwLock`] that is read, and a share of the lock.
pub type OwnedRwLockReadGuard<T, U = T, F = Fifo> = rwlock::OwnedRwLockReadGuard<T, U, F, Local>;
/// A [`RwLock`] that is written, and a share of it.
pub type OwnedRwLockWriteGuard<T, F = Fifo> = rwlock::OwnedRwLockWriteGuard<T, F, Local>;
/// A part of the value of a [`RwLock`] that is written, and a share of the lock.
pub type OwnedRwLockMappedWriteGuard<T, U = T, F = Fifo> =
    rwlock::OwnedRwLockMappedWriteGuard<T, U, F, Local>;

/// Tells tasks that something happened.
pub type Notify = notify::Notify<Local>;
/// Waits for a [`Notify`].
pub type Notified<'a> = notify::Notified<'a, Local>;
/// Waits for a [`Notify`] and has a share of it.
pub type OwnedNotified = notify::OwnedNotified<Local>;

/// Channels for one value, for the tasks of one thread: [`oneshot`](crate::oneshot) without atomics.
pub mod oneshot {
    use crate::access::Local;
    pub use crate::oneshot::error;

    /// Sends the value.
    pub type Sender<T> = crate::oneshot::Sender<T, Local>;
    /// Waits for the value.
    pub type Receiver<T> = crate::oneshot::Receiver<T, Local>;

    /// A channel for one value.
    pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
        crate::oneshot::channel_in()
    }
}

/// Channels from many senders to one receiver, for the tasks of one thread: [`mpsc`](crate::mpsc) without atomics.
pub mod mpsc {
    use crate::access::Local;
    pub use crate::mpsc::error;

    /// Sends values, of which so many may be on their way.
    pub type Sender<T> = crate::mpsc::Sender<T, Local>;
    /// A sender that does not keep its channel open.
    pub type WeakSender<T> = crate::mpsc::WeakSender<T, Local>;
    /// Receives the values.
    pub type Receiver<T> = crate::mpsc::Receiver<T, Local>;
    /// Room for a value.
    pub type Permit<'a, T> = crate::mpsc::Permit<'a, T, Local>;
    /// Room for some values.
    pub type PermitIterator<'a, T> = crate::mpsc::PermitIterator<'a, T, Local>;
    /// Room for a value, together with the sender.
    pub type OwnedPermit<T> = crate::mpsc::OwnedPermit<T, Local>;
    /// Sends values, of which any number may be on their way.
    pub type UnboundedSender<T> = crate::mpsc::UnboundedSender<T, Local>;
    /// A sender that does not keep its channel open.
    pub type WeakUnboundedSender<T> = crate::mpsc::WeakUnboundedSender<T, Local>;
    /// Receives the values.
    pub type UnboundedReceiver<T> = crate::mpsc::UnboundedReceiver<T, Local>;

    /// A channel in which at most `buffer` values are on their way or reserved for.
    ///
    /// # Panics
    ///
    /// If `buffer` is zero, or more than [`Semaphore::MAX_PERMITS`](crate::Semaphore::MAX_PERMITS).
    #[track_caller]
    pub fn channel<T>(buffer: usize) -> (Sender<T>, Receiver<T>) {
        crate::mpsc::channel_in(buffer)
    }

    /// A channel in which any number of values may be on their way.
    pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
        crate::mpsc::unbounded_channel_in()
    }
}

/// Channels from many senders to many receivers, for the tasks of one thread: [`mpmc`](crate::mpmc) without atomics.
pub mod mpmc {
    use crate::access::Local;
    pub use crate::mpsc::error;

    pub use super::mpsc::{
        OwnedPermit, Permit, PermitIterator, Sender, UnboundedSender, WeakSender,
        WeakUnboundedSender,
    };

    /// Receives values; each is received by one of those who share the channel.
    pub type Receiver<T> = crate::mpmc::Receiver<T, Local>;
    /// Receives values of a channel without a limit.
    pub type UnboundedReceiver<T> = crate::mpmc::UnboundedReceiver<T, Local>;

    /// A channel in which at most `buffer` values are on their way or reserved for.
    ///
    /// # Panics
    ///
    /// If `buffer` is zero, or more than [`Semaphore::MAX_PERMITS`](crate::Semaphore::MAX_PERMITS).
    #[track_caller]
    pub fn channel<T>(buffer: usize) -> (Sender<T>, Receiver<T>) {
        crate::mpsc::shared::channel_in(buffer)
    }

    /// A channel in which any number of values may be on their way.
    pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
        crate::mpsc::shared::unbounded_channel_in()
    }
}
/// Lets tasks go on when so many have come.
pub type Barrier = barrier::Barrier<Local>;
/// Something that has happened or has not.
pub type Event = event::Event<Local>;
/// Lets all go when it was counted down to zero.
pub type Latch = latch::Latch<Local>;
/// Waits for work that was added until it is done.
pub type WaitGroup = latch::WaitGroup<Local>;
/// Says that work of a [`WaitGroup`] is done when this is dropped.
pub type WaitGroupGuard<'a> = latch::WaitGroupGuard<'a, Local>;

/// A value that is made when it is first needed.
pub type OnceCell<T> = once::OnceCell<T, Local>;
/// A value that is set once, and tasks that wait for it.
pub type SetOnce<T> = once::SetOnce<T, Local>;

/// Lets tasks wait, with a [`Mutex`] unlocked meanwhile.
pub type Condvar = condvar::Condvar<Local>;
/// Tasks that wait until they are woken.
pub type WaiterQueue = waiter_queue::WaiterQueue<Local>;
/// Waits in a [`WaiterQueue`].
pub type Waiter<'a, C> = waiter_queue::Waiter<'a, C, Local>;
/// Keeps the waker of one task.
pub type AtomicWaker = atomic_waker::AtomicWaker<Local>;
