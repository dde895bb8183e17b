//! A queue between tasks that is bounded in bytes.
//!
//! Any number of senders, one receiver; order is kept per sender. A sender asks for room first and
//! is woken when there is some; a message larger than the bound passes when the ring is below it, so
//! at most one message per sender exceeds the bound. The receiver is a task, or a thread that blocks.
//!
//! Messages travel in a channel of `turgo-sync`, without a lock; bytes are counted beside it. A lock is
//! taken only where a sender finds no room.
//!
//! - R1. Who waits for room looks once more after it has left its waker, and the receiver looks for
//!   wakers after it has made room. So no wake can fall between the look and the registration.
//! - R2. A sender that is dropped without the receiver having been told of the end is how a run is
//!   abandoned: when no sender is left the receiver sees [`Received::Abandoned`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use turgo_machine::atomic::{AtomicUsize, Ordering, fence};
use turgo_sync::mpsc::error::TryRecvError;
use turgo_sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What knows its size in memory.
pub(crate) trait Weigh {
    /// Bytes held.
    fn bytes(&self) -> usize;
}

/// How full a ring is, and who waits for room.
struct Room {
    bytes: AtomicUsize,
    bytes_max: usize,
    /// How many wakers there are; written under the lock.
    waiting: AtomicUsize,
    // LOCK: taken by a sender that finds no room, and by the receiver that makes some while somebody waits.
    wakers: Mutex<Vec<Waker>>,
}

impl Room {
    fn wakers(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_some(&self) -> bool {
        // Relaxed: a bound, not an order; who waits looks again behind a fence.
        self.bytes.load(Ordering::Relaxed) < self.bytes_max
    }

    /// There is room now: wakes who waits for it.
    fn tell(&self) {
        // SeqCst: pairs with the one in `poll_ready` (R1): the sender sees the room, or is seen here.
        fence(Ordering::SeqCst);
        // Relaxed: the fence above.
        if self.waiting.load(Ordering::Relaxed) == 0 {
            return;
        }
        let wakers = {
            let mut wakers = self.wakers();
            // Relaxed: under the lock.
            self.waiting.store(0, Ordering::Relaxed);
            std::mem::take(&mut *wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// The end that puts messages in.
pub(crate) struct Sender<T> {
    messages: UnboundedSender<(T, usize)>,
    room: Arc<Room>,
}

/// The end that takes messages out.
pub(crate) struct Receiver<T> {
    messages: UnboundedReceiver<(T, usize)>,
    room: Arc<Room>,
}

/// What a receiver gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received<T> {
    /// A message.
    Message(T),
    /// All senders are gone and all messages have been received.
    Abandoned,
}

/// A ring that holds about `bytes_max` bytes.
pub(crate) fn ring<T: Weigh>(bytes_max: usize) -> (Sender<T>, Receiver<T>) {
    let room = Arc::new(Room {
        bytes: AtomicUsize::new(0),
        bytes_max: bytes_max.max(1),
        waiting: AtomicUsize::new(0),
        // LOCK: see the field.
        wakers: Mutex::default(),
    });
    let (sender, receiver) = unbounded_channel();
    (Sender { messages: sender, room: Arc::clone(&room) }, Receiver { messages: receiver, room })
}

impl<T: Weigh> Sender<T> {
    /// Whether there is room for a message; if not, the task of `cx` is woken when there is.
    /// A ring whose receiver is gone has room for everything: the run is ending.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let is_ready = || self.room.is_some() || self.messages.is_closed();
        if is_ready() {
            return Poll::Ready(());
        }
        let mut wakers = self.room.wakers();
        if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            wakers.push(cx.waker().clone());
        }
        // Relaxed: under the lock, and behind the fence.
        self.room.waiting.store(wakers.len(), Ordering::Relaxed);
        // SeqCst: pairs with the one in `tell` (R1).
        fence(Ordering::SeqCst);
        if is_ready() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Puts a message in, room or not: callers ask [`Sender::poll_ready`] first.
    pub(crate) fn send(&self, message: T) {
        let bytes = message.bytes();
        // Relaxed: as in `is_some`. Before the message, so that what is taken out was counted.
        self.room.bytes.fetch_add(bytes, Ordering::Relaxed);
        // Refused where the receiver is gone: then nobody waits for it.
        let _ = self.messages.send((message, bytes));
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { messages: self.messages.clone(), room: Arc::clone(&self.room) }
    }
}

impl<T> Receiver<T> {
    /// What was received; makes room.
    fn take(&self, received: Option<(T, usize)>) -> Received<T> {
        let Some((message, bytes)) = received else { return Received::Abandoned };
        // Relaxed: as in `is_some`, and behind the fence in `tell`.
        let before = self.room.bytes.fetch_sub(bytes, Ordering::Relaxed);
        if before - bytes < self.room.bytes_max {
            self.room.tell();
        }
        Received::Message(message)
    }

    /// The next message, for a task.
    pub(crate) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Received<T>> {
        self.messages.poll_recv(cx).map(|received| self.take(received))
    }

    /// The next message, for a thread: blocks, after calling `idle` once if there is none yet.
    pub(crate) fn recv<E>(
        &mut self,
        idle: impl FnOnce() -> Result<(), E>,
    ) -> Result<Received<T>, E> {
        let received = match self.messages.try_recv() {
            Ok(received) => Some(received),
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => {
                idle()?;
                self.messages.blocking_recv()
            }
        };
        Ok(self.take(received))
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.messages.close();
        self.room.tell();
    }
}
