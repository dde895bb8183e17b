//! The primitives for tasks of one thread: the same source over cells instead of atomics, neither `Send` nor `Sync`.
//!
//! Owned permits and guards own a share of an [`Rc`](alloc::rc::Rc).

pub use cancellation::CancellationToken;

use crate::access::Local;
use crate::fairness::Fifo;
use crate::names::names;
pub use crate::semaphore::{AcquireError, TryAcquireError};
use crate::{
    atomic_waker, barrier, condvar, event, latch, mutex, notify, once, rwlock, semaphore,
    waiter_queue,
};

names!(Local);

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

/// A value that many watch, for the tasks of one thread: [`watch`](crate::watch) without atomics.
///
/// Nobody else could let go of the value. So sending while a [`Ref`](watch::Ref) is held panics, and so does looking at the value from within a closure
/// that changes it.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let (sender, mut receiver) = turgo_sync::local::watch::channel("first");
/// sender.send("second").unwrap();
/// receiver.changed().await.unwrap();
/// assert_eq!(*receiver.borrow_and_update(), "second");
/// # });
/// ```
pub mod watch {
    use crate::access::Local;
    pub use crate::watch::error;
    use crate::watch::sides;

    /// Sends values. The last one to be dropped closes the channel.
    pub type Sender<T> = sides::Sender<T, Local>;
    /// Sees the latest value.
    pub type Receiver<T> = sides::Receiver<T, Local>;
    /// The value, which cannot change until this is dropped.
    pub type Ref<'a, T> = sides::Ref<'a, T, Local>;

    /// A value, one who sends and one who watches. The value counts as seen.
    pub fn channel<T>(init: T) -> (Sender<T>, Receiver<T>) {
        crate::watch::channel_in(init)
    }
}

/// Channels in which every receiver gets every value, for the tasks of one thread: [`broadcast`](crate::broadcast) without atomics.
///
/// A value is held while it is cloned, and nobody else could let go of it. So a clone that itself sends or receives panics if it comes to that value's
/// place, and one that drops a receiver who has not had that value aborts.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let (sender, mut one) = turgo_sync::local::broadcast::channel(16);
/// let mut other = sender.subscribe();
/// sender.send("value").unwrap();
/// assert_eq!(one.recv().await, Ok("value"));
/// assert_eq!(other.recv().await, Ok("value"));
/// # });
/// ```
pub mod broadcast {
    use crate::access::Local;
    pub use crate::broadcast::error;
    use crate::broadcast::sides;

    /// Sends values to all receivers. The last one to be dropped closes the channel.
    pub type Sender<T> = sides::Sender<T, Local>;
    /// A sender that does not keep its channel open.
    pub type WeakSender<T> = sides::WeakSender<T, Local>;
    /// Receives all values that are sent after it was made.
    pub type Receiver<T> = sides::Receiver<T, Local>;

    /// A channel that keeps at least `capacity` values for receivers that lag: as many as the next power of two.
    ///
    /// # Panics
    ///
    /// If `capacity` is zero or more than `usize::MAX / 2`.
    #[track_caller]
    pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
        crate::broadcast::channel_in(capacity)
    }
}

/// Tokens that tell tasks to stop, for the tasks of one thread: [`cancellation`](crate::cancellation) without atomics.
///
/// ```
/// use turgo_sync::local::CancellationToken;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(tokio::task::LocalSet::new().run_until(async {
/// let server = CancellationToken::new();
/// let request = server.child_token();
/// let task = tokio::task::spawn_local({
///     let request = request.clone();
///     async move { request.cancelled().await }
/// });
/// server.cancel();
/// task.await.unwrap();
/// assert!(request.is_cancelled());
/// # }));
/// ```
pub mod cancellation {
    use crate::access::Local;

    /// Tells tasks to stop. Clones are the same token; its children are cancelled with it, and not the other way round.
    pub type CancellationToken = crate::cancellation::token::CancellationToken<Local>;
    /// Cancels its token when it is dropped, unless it was disarmed.
    pub type DropGuard = crate::cancellation::DropGuard<Local>;
    /// Cancels its token when it is dropped, unless it was disarmed.
    pub type DropGuardRef<'a> = crate::cancellation::DropGuardRef<'a, Local>;
    /// Waits until a token is cancelled.
    pub type WaitForCancellationFuture<'a> =
        crate::cancellation::WaitForCancellationFuture<'a, Local>;
    /// Waits until its token is cancelled.
    pub type WaitForCancellationFutureOwned =
        crate::cancellation::WaitForCancellationFutureOwned<Local>;
}
