//! The names of the primitives, each a type of its module for one kind of [`Access`](crate::access::Access): those of the crate are for any thread,
//! those of [`local`](crate::local) for one. What is the same in both is listed here once.

/// Names every primitive for an access. The modules that are named, and `Fifo`, must be in scope.
macro_rules! names {
    ($access:ty) => {
        /// Gives out a number of permits, and lets tasks wait for them.
        pub type Semaphore<F = Fifo> = semaphore::Semaphore<F, $access>;
        /// Permits of a [`Semaphore`], which go back when this is dropped.
        pub type SemaphorePermit<'a, F = Fifo> = semaphore::SemaphorePermit<'a, F, $access>;
        /// Permits of a [`Semaphore`] together with a share of it.
        pub type OwnedSemaphorePermit<F = Fifo> = semaphore::OwnedSemaphorePermit<F, $access>;

        /// A value that one task at a time can touch, also across an await.
        pub type Mutex<T, F = Fifo> = mutex::Mutex<T, F, $access>;
        /// A locked [`Mutex`], unlocked when this is dropped.
        pub type MutexGuard<'a, T, F = Fifo> = mutex::MutexGuard<'a, T, F, $access>;
        /// A part of the value of a locked [`Mutex`].
        pub type MappedMutexGuard<'a, T, F = Fifo> = mutex::MappedMutexGuard<'a, T, F, $access>;
        /// A locked [`Mutex`] and a share of it.
        pub type OwnedMutexGuard<T, F = Fifo> = mutex::OwnedMutexGuard<T, F, $access>;
        /// A part of the value of a locked [`Mutex`] and a share of the mutex.
        pub type OwnedMappedMutexGuard<T, U = T, F = Fifo> =
            mutex::OwnedMappedMutexGuard<T, U, F, $access>;

        /// A value that many tasks may read at once, or one may write.
        pub type RwLock<T, F = Fifo> = rwlock::RwLock<T, F, $access>;
        /// A [`RwLock`] that is read, until this is dropped.
        pub type RwLockReadGuard<'a, T, F = Fifo> = rwlock::RwLockReadGuard<'a, T, F, $access>;
        /// A [`RwLock`] that is written, until this is dropped.
        pub type RwLockWriteGuard<'a, T, F = Fifo> = rwlock::RwLockWriteGuard<'a, T, F, $access>;
        /// A [`RwLock`] that is read by the one reader who may become a writer.
        pub type RwLockUpgradableReadGuard<'a, T, F = Fifo> =
            rwlock::RwLockUpgradableReadGuard<'a, T, F, $access>;
        /// The same with a share of the lock.
        pub type OwnedRwLockUpgradableReadGuard<T, F = Fifo> =
            rwlock::OwnedRwLockUpgradableReadGuard<T, F, $access>;
        /// A part of the value of a [`RwLock`] that is written.
        pub type RwLockMappedWriteGuard<'a, T, F = Fifo> =
            rwlock::RwLockMappedWriteGuard<'a, T, F, $access>;
        /// A part of the value of a [`RwLock`] that is read, and a share of the lock.
        pub type OwnedRwLockReadGuard<T, U = T, F = Fifo> =
            rwlock::OwnedRwLockReadGuard<T, U, F, $access>;
        /// A [`RwLock`] that is written, and a share of it.
        pub type OwnedRwLockWriteGuard<T, F = Fifo> = rwlock::OwnedRwLockWriteGuard<T, F, $access>;
        /// A part of the value of a [`RwLock`] that is written, and a share of the lock.
        pub type OwnedRwLockMappedWriteGuard<T, U = T, F = Fifo> =
            rwlock::OwnedRwLockMappedWriteGuard<T, U, F, $access>;

        /// Tells tasks that something happened.
        pub type Notify = notify::Notify<$access>;
        /// Waits for a [`Notify`].
        pub type Notified<'a> = notify::Notified<'a, $access>;
        /// Waits for a [`Notify`] and has a share of it.
        pub type OwnedNotified = notify::OwnedNotified<$access>;

        /// What waits for a [`Notify`], where tokio has it.
        pub mod futures {
            pub use super::{Notified, OwnedNotified};
        }

        /// Lets tasks go on when so many have come.
        pub type Barrier = barrier::Barrier<$access>;
        /// Something that has happened or has not.
        pub type Event = event::Event<$access>;
        /// Lets all go when it was counted down to zero.
        pub type Latch = latch::Latch<$access>;
        /// Waits for work that was added until it is done.
        pub type WaitGroup = latch::WaitGroup<$access>;
        /// Says that work of a [`WaitGroup`] is done when this is dropped.
        pub type WaitGroupGuard<'a> = latch::WaitGroupGuard<'a, $access>;

        /// A value that is made when it is first needed.
        pub type OnceCell<T> = once::OnceCell<T, $access>;
        /// A value that is set once, and tasks that wait for it.
        pub type SetOnce<T> = once::SetOnce<T, $access>;

        /// Lets tasks wait, with a [`Mutex`] unlocked meanwhile.
        pub type Condvar = condvar::Condvar<$access>;
        /// Tasks that wait until they are woken.
        pub type WaiterQueue = waiter_queue::WaiterQueue<$access>;
        /// Waits in a [`WaiterQueue`].
        pub type Waiter<'a, C> = waiter_queue::Waiter<'a, C, $access>;
        /// Keeps the waker of one task.
        pub type AtomicWaker = atomic_waker::AtomicWaker<$access>;
    };
}

pub(crate) use names;
