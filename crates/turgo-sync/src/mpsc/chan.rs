//! What all kinds of channel with a lane have in common.

use alloc::vec::Vec;
use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::pin::pin;
use core::task::{Context, Poll};

use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;

use super::error::TryRecvError;
use super::room::Room;
use crate::access::{Access, Word};
use crate::atomic_waker::AtomicWaker;
use crate::lane::Lane;
use crate::notify::Notify;
use crate::patience::Patience;

/// A channel. `R` is what limits it.
pub(super) struct Chan<T, R, A: Access> {
    lane: Lane<T, A>,
    pub(super) room: R,
    /// Whether receivers share it.
    shared: bool,
    /// A sole receiver's waker.
    receiver: AtomicWaker<A>,
    /// For receivers among others who wait for values or the end.
    arrivals: Notify<A>,
    /// For those who wait until the receiver accepts nothing any more.
    closed: Notify<A>,
    senders: A::Word,
    weak_senders: A::Word,
    receivers: A::Word,
}

// C4: no code of a user runs in the middle of an operation.
impl<T, R, A: Access> UnwindSafe for Chan<T, R, A> {}
impl<T, R, A: Access> RefUnwindSafe for Chan<T, R, A> {}

impl<T, R: Room, A: Access> Chan<T, R, A> {
    /// A channel with one sender and one receiver, who is the only one unless they `share` it.
    pub(super) fn new(room: R, shared: bool) -> Self {
        Self {
            lane: Lane::new(),
            room,
            shared,
            receiver: AtomicWaker::new(),
            arrivals: Notify::new(),
            closed: Notify::new(),
            senders: A::Word::new(1),
            weak_senders: A::Word::new(0),
            receivers: A::Word::new(1),
        }
    }

    /// Sends a value for which there is room (C1).
    ///
    /// # Errors
    ///
    /// The value, if an unbounded channel was closed.
    #[inline]
    pub(super) fn push(&self, value: T) -> Result<(), T> {
        let awaited = self.lane.push(value)?;
        if self.shared {
            self.arrivals.notify_one();
        } else if awaited {
            self.receiver.wake();
        }
        Ok(())
    }

    /// No more values come, or so it may be: whoever receives looks again.
    #[cold]
    fn tell_of_end(&self) {
        if self.shared {
            self.arrivals.notify_waiters();
        } else {
            self.receiver.wake();
        }
    }

    /// Room that was reserved is not used. The receiver of a closed channel may be waiting for just that.
    pub(super) fn give_back(&self, count: usize) {
        self.room.give(count);
        self.tell_if_over();
    }

    /// After room was given back: wakes the receiver of a closed channel that is idle now.
    pub(super) fn tell_if_over(&self) {
        if self.room.is_closed(&self.lane)
            && self.room.is_idle(&self.lane)
            && !mutant!("C3 given back and nobody told")
        {
            self.tell_of_end();
        }
    }

    pub(super) fn strong_count(&self) -> usize {
        // Acquire: comes after the last use of those who are gone.
        self.senders.load(Ordering::Acquire) as usize
    }

    pub(super) fn weak_count(&self) -> usize {
        // Relaxed: a number.
        self.weak_senders.load(Ordering::Relaxed) as usize
    }

    pub(super) fn add_sender(&self) {
        // Relaxed: the caller is a sender, so there is one.
        self.senders.fetch_add(1, Ordering::Relaxed);
    }

    /// A sender more, if there is one.
    pub(super) fn revive_sender(&self) -> bool {
        let mut now = self.senders.load(Ordering::Relaxed);
        while now > 0 {
            // Relaxed: only a number; that it is not zero is all that matters.
            let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
            match self.senders.compare_exchange_weak(now, now + 1, success, failure) {
                Ok(_) => return true,
                Err(found) => now = found,
            }
        }
        false
    }

    pub(super) fn remove_sender(&self) {
        // AcqRel, Release: what it sent is seen by who finds no senders (C2). Acquire: the last comes after the others.
        if self.senders.fetch_sub(1, Ordering::AcqRel) == 1 && !mutant!("C2 the last leaves unseen")
        {
            self.tell_of_end();
        }
    }

    pub(super) fn add_weak_sender(&self) {
        // Relaxed, here and below: a number.
        self.weak_senders.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn remove_weak_sender(&self) {
        self.weak_senders.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether the receiver accepts nothing any more.
    pub(super) fn is_closed(&self) -> bool {
        self.room.is_closed(&self.lane)
    }

    /// The same, or no sender is left.
    pub(super) fn is_closed_or_left(&self) -> bool {
        self.is_closed() || self.strong_count() == 0
    }

    pub(super) async fn closed(&self) {
        // Begun before it is looked at.
        let notified = self.closed.notified();
        if !self.is_closed() {
            notified.await;
        }
    }

    pub(super) fn close(&self) {
        if !self.is_closed() {
            self.room.close(&self.lane);
            self.closed.notify_waiters();
            if self.shared {
                self.arrivals.notify_waiters();
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lane.len()
    }

    /// Whether no value can come any more, but those that a look shows that comes after this (C2, C3).
    fn is_over(&self) -> bool {
        if self.strong_count() == 0 {
            return true;
        }
        self.room.is_closed(&self.lane) && self.room.is_idle(&self.lane)
    }

    /// # Safety
    ///
    /// The caller is the receiver, or one of those who share the channel.
    #[inline]
    unsafe fn pop(&self) -> Option<T> {
        if self.shared {
            return self.pop_shared();
        }
        // SAFETY: the caller's promise.
        let value = unsafe { self.lane.pop_sole() };
        if value.is_some() {
            self.room.give(1);
        }
        value
    }

    fn pop_shared(&self) -> Option<T> {
        let value = self.lane.pop_shared()?;
        self.room.give(1);
        // M2: another may be waiting for just this.
        if !mutant!("M2 the last value tells nobody") {
            self.tell_if_over();
        }
        Some(value)
    }

    /// Waits for the next value, or nothing when no more can come, for a receiver who shares the channel.
    pub(super) async fn recv_shared(&self) -> Option<T> {
        loop {
            if let Some(value) = self.pop_shared() {
                return Some(value);
            }
            let mut wait = pin!(self.arrivals.notified());
            if !mutant!("M1 not queued before the last look") {
                wait.as_mut().enable();
            }
            // M1: what comes from here on is told.
            if let Some(value) = self.pop_shared() {
                return Some(value);
            }
            if self.is_over() {
                return self.pop_shared();
            }
            wait.await;
        }
    }

    pub(super) fn add_receiver(&self) {
        // Relaxed: the caller is one, so there is one.
        self.receivers.fetch_add(1, Ordering::Relaxed);
    }

    /// How many receivers share the channel.
    pub(super) fn receiver_count(&self) -> usize {
        // Relaxed: a number.
        self.receivers.load(Ordering::Relaxed) as usize
    }

    /// # Safety
    ///
    /// The caller is the receiver.
    pub(super) unsafe fn poll_recv(&self, context: &Context<'_>) -> Poll<Option<T>> {
        // SAFETY: the caller's promise.
        let mut value = unsafe { self.pop() };
        // SAFETY: the caller's promise.
        if value.is_none() && unsafe { self.wait(context) } {
            return Poll::Pending;
        }
        if value.is_none() {
            // SAFETY: the caller's promise.
            value = unsafe { self.pop() };
        }
        Poll::Ready(value)
    }

    /// Answers whether the receiver has to wait; then it is woken. If not, the next look shows the next value or the end.
    ///
    /// # Safety
    ///
    /// The caller is the receiver.
    unsafe fn wait(&self, context: &Context<'_>) -> bool {
        self.receiver.register(context.waker());
        // SAFETY: the caller's promise.
        let waits = unsafe { self.lane.wait_for_next() };
        waits && !self.is_over()
    }

    /// # Safety
    ///
    /// The caller is the receiver.
    pub(super) unsafe fn poll_recv_many(
        &self,
        context: &Context<'_>,
        buffer: &mut Vec<T>,
        limit: usize,
    ) -> Poll<usize> {
        if limit == 0 {
            return Poll::Ready(0);
        }
        // SAFETY: the caller's promise.
        let mut count = unsafe { self.pop_many(buffer, limit) };
        // SAFETY: the caller's promise.
        if count == 0 && unsafe { self.wait(context) } {
            return Poll::Pending;
        }
        if count == 0 {
            // SAFETY: the caller's promise.
            count = unsafe { self.pop_many(buffer, limit) };
        }
        Poll::Ready(count)
    }

    /// # Safety
    ///
    /// The caller is the receiver.
    unsafe fn pop_many(&self, buffer: &mut Vec<T>, limit: usize) -> usize {
        let mut count = 0;
        while count < limit {
            // SAFETY: the caller's promise.
            let Some(value) = (unsafe { self.lane.pop_sole() }) else { break };
            buffer.push(value);
            count += 1;
        }
        self.room.give(count);
        count
    }

    /// # Safety
    ///
    /// The caller is the receiver, or one of those who share the channel.
    pub(super) unsafe fn try_recv(&self) -> Result<T, TryRecvError> {
        let patience = Patience::new();
        loop {
            let over = self.is_over();
            // SAFETY: the caller's promise.
            if let Some(value) = unsafe { self.pop() } {
                return Ok(value);
            }
            if over {
                return Err(TryRecvError::Disconnected);
            }
            if self.len() > 0 {
                // A sender is between its number and its value.
                patience.wait();
            } else if !self.is_over() {
                return Err(TryRecvError::Empty);
            }
            // Else another took the last value, and the last sender left, after the first look: the next one finds the end.
        }
    }

    /// A receiver is gone: the last drops what was not received, also where that panics.
    ///
    /// # Safety
    ///
    /// The caller is the receiver, or one of those who share the channel.
    pub(super) unsafe fn remove_receiver(&self) {
        // AcqRel: the last comes after all others.
        if self.receivers.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        self.close();
        drop(self.receiver.take());
        if mutant!("C4 a panic leaves the others") {
            // SAFETY: the caller's promise.
            while let Some(value) = unsafe { self.pop() } {
                drop(value);
            }
            return;
        }
        let rest = Rest(self);
        // SAFETY: the caller's promise.
        while let Some(value) = unsafe { rest.0.pop() } {
            drop(value);
        }
    }
}

/// The last handle's drop comes after all others' because they are counted by an `Arc`, which a checker does not see.
#[cfg(loom)]
impl<T, R, A: Access> Drop for Chan<T, R, A> {
    fn drop(&mut self) {
        // AcqRel, both: pair with those in `remove_sender` and `remove_receiver`.
        self.senders.fetch_add(0, Ordering::AcqRel);
        self.receivers.fetch_add(0, Ordering::AcqRel);
    }
}

/// Drops what was not received when the drop of a value panics.
struct Rest<'a, T, R: Room, A: Access>(&'a Chan<T, R, A>);

impl<T, R: Room, A: Access> Drop for Rest<'_, T, R, A> {
    fn drop(&mut self) {
        // SAFETY: made by the receiver.
        while let Some(value) = unsafe { self.0.pop() } {
            drop(value);
        }
    }
}

impl<T, R: Room + fmt::Debug, A: Access> fmt::Debug for Chan<T, R, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chan").field("lane", &self.lane).field("room", &self.room).finish()
    }
}
