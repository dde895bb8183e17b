//! A queue between tasks that is bounded in bytes.
//!
//! Any number of senders, one receiver; order is kept per sender. A sender asks for room first and
//! is woken when there is some; a message larger than the bound passes when the ring is below it, so
//! at most one message per sender exceeds the bound. The receiver is a task, or a thread that blocks.
//!
//! - R1. Whoever finds no room, or no message, leaves its waker under the same lock under which it
//!   looked, so no wake can fall between the look and the registration.
//! - R2. A sender that is dropped without the receiver having been told of the end is how a run is
//!   abandoned: when no sender is left the receiver sees [`Received::Abandoned`].

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// What knows its size in memory.
pub(crate) trait Weigh {
    /// Bytes held.
    fn bytes(&self) -> usize;
}

struct Inner<T> {
    queue: VecDeque<(T, usize)>,
    bytes: usize,
    senders: usize,
    receiver_gone: bool,
    waiting_senders: Vec<Waker>,
    waiting_receiver: Option<Waker>,
}

struct Shared<T> {
    // LOCK: taken once per message, that is, per batch; held for a push or a pop.
    inner: Mutex<Inner<T>>,
    // LOCK: only sink threads wait here, for blocks of many rows.
    arrived: Condvar,
    bytes_max: usize,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end that puts messages in.
pub(crate) struct Sender<T>(Arc<Shared<T>>);

/// The end that takes messages out.
pub(crate) struct Receiver<T>(Arc<Shared<T>>);

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
    let shared = Arc::new(Shared {
        inner: Mutex::new(Inner {
            queue: VecDeque::new(),
            bytes: 0,
            senders: 1,
            receiver_gone: false,
            waiting_senders: Vec::new(),
            waiting_receiver: None,
        }),
        arrived: Condvar::new(),
        bytes_max: bytes_max.max(1),
    });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl<T: Weigh> Sender<T> {
    /// Whether there is room for a message; if not, the task of `cx` is woken when there is.
    /// A ring whose receiver is gone has room for everything: the run is ending.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.0.lock();
        if inner.bytes < self.0.bytes_max || inner.receiver_gone {
            return Poll::Ready(());
        }
        let waker = cx.waker();
        if !inner.waiting_senders.iter().any(|waiting| waiting.will_wake(waker)) {
            inner.waiting_senders.push(waker.clone());
        }
        Poll::Pending
    }

    /// Puts a message in, room or not: callers ask [`Sender::poll_ready`] first.
    pub(crate) fn send(&self, message: T) {
        let bytes = message.bytes();
        let mut inner = self.0.lock();
        if inner.receiver_gone {
            return;
        }
        inner.bytes += bytes;
        inner.queue.push_back((message, bytes));
        let waker = inner.waiting_receiver.take();
        drop(inner);
        self.0.arrived.notify_one();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.lock().senders += 1;
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.senders -= 1;
        if inner.senders > 0 {
            return;
        }
        let waker = inner.waiting_receiver.take();
        drop(inner);
        self.0.arrived.notify_one();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Receiver<T> {
    fn pop(&self, inner: &mut MutexGuard<'_, Inner<T>>) -> Option<(Received<T>, Vec<Waker>)> {
        if let Some((message, bytes)) = inner.queue.pop_front() {
            inner.bytes -= bytes;
            let waiting = match inner.bytes < self.0.bytes_max {
                true => std::mem::take(&mut inner.waiting_senders),
                false => Vec::new(),
            };
            return Some((Received::Message(message), waiting));
        }
        (inner.senders == 0).then(|| (Received::Abandoned, Vec::new()))
    }

    /// The next message, for a task.
    pub(crate) fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Received<T>> {
        let mut inner = self.0.lock();
        let Some((received, waiting)) = self.pop(&mut inner) else {
            inner.waiting_receiver = Some(cx.waker().clone());
            return Poll::Pending;
        };
        drop(inner);
        waiting.into_iter().for_each(Waker::wake);
        Poll::Ready(received)
    }

    /// The next message, for a thread: blocks, after calling `idle` once if there is none yet.
    pub(crate) fn recv<E>(&self, idle: impl FnOnce() -> Result<(), E>) -> Result<Received<T>, E> {
        let mut inner = self.0.lock();
        if inner.queue.is_empty() && inner.senders > 0 {
            drop(inner);
            idle()?;
            inner = self.0.lock();
        }
        loop {
            if let Some((received, waiting)) = self.pop(&mut inner) {
                drop(inner);
                waiting.into_iter().for_each(Waker::wake);
                return Ok(received);
            }
            inner = self.0.arrived.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.receiver_gone = true;
        inner.bytes = 0;
        let messages = std::mem::take(&mut inner.queue);
        let waiting = std::mem::take(&mut inner.waiting_senders);
        drop(inner);
        drop(messages);
        waiting.into_iter().for_each(Waker::wake);
    }
}
