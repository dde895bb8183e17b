//! A channel for one value, with the names, signatures and results of `tokio::sync::oneshot`.
//!
//! One allocation holds the value, two wakers and a word. The word also says who is still there, so nothing counts handles: sending to somebody who does
//! not wait is one exchange, and receiving what was sent is none. `turgo_sync::local::oneshot` is the same for the tasks of one thread.
//!
//! # Invariants
//!
//! - **O1** The value is the sender's until *value* is in the word, and the receiver's from then on. *Value* comes only with *answered*, once, and
//!   never after *closed*.
//! - **O2** The last of the two to be *gone* frees the allocation, and nobody looks at it after it is gone itself. The sender is gone when it has
//!   *answered*; the waker that it has to wake then it has read before.
//! - **O3** A side's waker is put in its place, and taken back, by that side alone while the other has not *answered* or *closed*; whoever answers or
//!   closes takes the waker that it finds in the word, and nobody else does. Each waker of the receiver's has a number in the word: so what the sender
//!   read is that waker, and its own, if the exchange that answers is from the word that it read before.
//! - **O4** Who waits has been seen by who answers or closes, or sees the answer: both exchange the same word.
//! - **O5** No waker is called, cloned or dropped, and no value dropped, where that could find the channel half done.
//!
//! # Progress
//!
//! Lock-free throughout: nobody waits for the other side but as a task.
//!
//! ```
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let (sender, receiver) = turgo_sync::oneshot::channel();
//! tokio::spawn(async move { sender.send(3) });
//! assert_eq!(receiver.await, Ok(3));
//! # });
//! ```

pub mod error;
mod place;
mod state;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use core::fmt;
use core::future::{Future, poll_fn};
use core::mem::{self, MaybeUninit};
use core::pin::Pin;
use core::ptr::{self, NonNull};
use core::task::{Context, Poll};

use turgo_machine::atomic::Ordering;
use turgo_machine::cell::UnsafeCell;
use turgo_machine::mutant;

use crate::access::{Access, Shared, Word};
use error::{RecvError, TryRecvError};
use place::Place;
use state::State;

/// Sends the value, which is never a matter of waiting. Dropped without having sent, it tells the receiver so.
pub struct Sender<T, A: Access = Shared> {
    channel: Channel<T, A>,
}

/// Waits for the value.
///
/// It is a future; it can be polled by reference, so a wait can be given up and begun again. See [`close`](Self::close) for how to give up for good
/// without losing a value that is on its way.
///
/// # Panics
///
/// If it is polled after it was ready.
#[must_use = "futures do nothing unless polled"]
pub struct Receiver<T, A: Access = Shared> {
    /// Nothing once the answer was taken.
    channel: Option<Channel<T, A>>,
}

/// What both sides have.
struct Inner<T, A: Access> {
    word: A::Word,
    /// O1.
    value: UnsafeCell<MaybeUninit<T>>,
    /// O3.
    receiver: Place<A>,
    /// O3.
    sender: Place<A>,
}

/// A side's pointer to the allocation (O2).
struct Channel<T, A: Access>(NonNull<Inner<T, A>>);

// SAFETY: O1: the value moves from one side to the other, and is shared with nobody.
unsafe impl<T: Send> Send for Sender<T> {}
// SAFETY: through a shared reference it is only asked whether it is closed.
unsafe impl<T: Send> Sync for Sender<T> {}
// SAFETY: O1: the value moves from one side to the other, and is shared with nobody.
unsafe impl<T: Send> Send for Receiver<T> {}
// SAFETY: through a shared reference it is only asked whether a value is there.
unsafe impl<T: Send> Sync for Receiver<T> {}
impl<T, A: Access> Unpin for Receiver<T, A> {}

/// A channel for one value.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    channel_in()
}

pub(crate) fn channel_in<T, A: Access>() -> (Sender<T, A>, Receiver<T, A>) {
    let inner = Box::new(Inner {
        word: A::Word::new(State::NEW.0),
        value: UnsafeCell::new(MaybeUninit::uninit()),
        receiver: Place::new(),
        sender: Place::new(),
    });
    let inner = NonNull::from(Box::leak(inner));
    (Sender { channel: Channel(inner) }, Receiver { channel: Some(Channel(inner)) })
}

impl<T, A: Access> Channel<T, A> {
    #[inline(always)]
    fn inner(&self) -> &Inner<T, A> {
        // SAFETY: O2, this side is not gone.
        unsafe { self.0.as_ref() }
    }

    /// # Safety
    ///
    /// O2: both sides are gone, and the value and all wakers were taken.
    unsafe fn free(self) {
        // Freeing is a use of all there is, which a checker does not see.
        #[cfg(loom)]
        {
            self.inner().value.with_mut(|_| {});
            self.inner().receiver.touch();
            self.inner().sender.touch();
        }
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl<T, A: Access> Inner<T, A> {
    #[inline(always)]
    fn state(&self) -> State {
        // Acquire: the value or the waker that came with it.
        State(self.word.load(Ordering::Acquire))
    }

    #[inline(always)]
    fn exchange(&self, state: State, next: State) -> bool {
        // AcqRel, Release: the value or the waker that comes with it. Acquire: what the other side left. Relaxed: tried again.
        self.word
            .compare_exchange_weak(state.0, next.0, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// # Safety
    ///
    /// O1: there is a value, and it is the caller's.
    unsafe fn take_value(&self) -> T {
        // SAFETY: the caller's promise.
        let value = self.value.with(|value| unsafe { ptr::read(value) });
        // SAFETY: the caller's promise.
        unsafe { value.assume_init() }
    }

    /// No value is accepted from here on; wakes who waits for that.
    fn close(&self) {
        // AcqRel, Acquire: the waker that Release in `poll_closed` put there. Release: what came before is seen by who finds it closed.
        let before = State(self.word.fetch_or(State::CLOSE, Ordering::AcqRel));
        if before.sender_waits() && !before.is_closed() {
            // SAFETY: O3, we have closed it.
            let waker = unsafe { self.sender.take() };
            if !before.is_answered() {
                waker.wake();
            }
        }
    }

    /// Whether the receiver has an answer; if not, its waker is there.
    fn poll_answer(&self, context: &Context<'_>) -> Poll<State> {
        let mut waker = None;
        loop {
            let state = self.state();
            if state.is_answered() || state.is_closed() {
                return Poll::Ready(state);
            }
            if state.receiver_waits() {
                // SAFETY: O3, we have put it there.
                if unsafe { self.receiver.wakes(context.waker()) } {
                    return Poll::Pending;
                }
                if mutant!("O3 replaced while it may be taken") {
                    // SAFETY: none, and that is the mistake.
                    unsafe { self.receiver.put(context.waker().clone()) };
                    return Poll::Pending;
                }
                if self.exchange(state, state.transition_to_receiver_looks()) {
                    // SAFETY: O3, it is ours again. O5: nothing is half done.
                    drop(unsafe { self.receiver.take() });
                }
                continue;
            }
            // O5: cloned while nothing is half done.
            let ours = waker.take().unwrap_or_else(|| context.waker().clone());
            // SAFETY: O3, the word says that it is empty, and only we fill it.
            unsafe { self.receiver.put(ours) };
            if mutant!("O4 waiting without a look") {
                self.word.fetch_or(state.transition_to_receiver_waits().0, Ordering::AcqRel);
                return Poll::Pending;
            }
            if self.exchange(state, state.transition_to_receiver_waits()) {
                return Poll::Pending;
            }
            // SAFETY: O3, nobody knows of it.
            waker = Some(unsafe { self.receiver.take() });
        }
    }
}

impl<T, A: Access> Sender<T, A> {
    /// Sends the value.
    ///
    /// `Ok` does not mean that it will be received: the receiver may be dropped later.
    ///
    /// # Errors
    ///
    /// The value, if the receiver was closed or dropped before.
    pub fn send(self, t: T) -> Result<(), T> {
        let channel = Channel(self.channel.0);
        mem::forget(self);
        answer(channel, Some(t)).map_or(Ok(()), Err)
    }

    /// Waits until the receiver is closed or dropped.
    ///
    /// Cancel safe: a wait that is given up leaves at most a needless wake.
    pub async fn closed(&mut self) {
        poll_fn(|context| self.poll_closed(context)).await;
    }

    /// Whether the receiver was closed or dropped.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.channel.inner().state().is_closed()
    }

    /// [`closed`](Self::closed) for a future of one's own. The task of the last poll is woken.
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let inner = self.channel.inner();
        let mut waker = None;
        loop {
            let state = inner.state();
            if state.is_closed() {
                return Poll::Ready(());
            }
            if state.sender_waits() {
                // SAFETY: O3, we have put it there.
                if unsafe { inner.sender.wakes(cx.waker()) } {
                    return Poll::Pending;
                }
                if inner.exchange(state, state.transition_to_sender_waits(false)) {
                    // SAFETY: O3, it is ours again. O5: nothing is half done.
                    drop(unsafe { inner.sender.take() });
                }
                continue;
            }
            // O5: cloned while nothing is half done.
            let ours = waker.take().unwrap_or_else(|| cx.waker().clone());
            // SAFETY: O3, the word says that it is empty, and only we fill it.
            unsafe { inner.sender.put(ours) };
            if inner.exchange(state, state.transition_to_sender_waits(true)) {
                return Poll::Pending;
            }
            // SAFETY: O3, nobody knows of it.
            waker = Some(unsafe { inner.sender.take() });
        }
    }
}

/// The sender answers, with a value or without, and is gone. A value that is not accepted comes back.
#[inline]
fn answer<T, A: Access>(channel: Channel<T, A>, value: Option<T>) -> Option<T> {
    let inner = channel.inner();
    let mut sends = value.is_some();
    if let Some(value) = value {
        // SAFETY: O1, it is ours.
        inner.value.with_mut(|place| unsafe { place.write(MaybeUninit::new(value)) });
    }
    let mut refused = None;
    let (state, halves) = loop {
        let state = inner.state();
        if sends && state.is_closed() && !mutant!("O1 sent after it was closed") {
            // SAFETY: O1, it is ours still.
            refused = Some(unsafe { inner.take_value() });
            sends = false;
        }
        let halves = state.receiver_waits().then(|| inner.receiver.halves());
        if inner.exchange(state, state.transition_to_answered(sends)) {
            break (state, halves);
        }
    };
    if state.is_receiver_gone() {
        // SAFETY: O2, O3: the receiver took all there was.
        unsafe { channel.free() };
    } else if let Some(mut halves) = halves {
        if mutant!("O2 gone before the waker is read") {
            halves = inner.receiver.halves();
        }
        // SAFETY: O3, the word was the same before they were read and when we answered.
        unsafe { halves.into_waker() }.wake();
    }
    refused
}

impl<T, A: Access> Drop for Sender<T, A> {
    fn drop(&mut self) {
        answer::<T, A>(Channel(self.channel.0), None);
    }
}

impl<T, A: Access> Receiver<T, A> {
    /// Accepts no value from here on. One that was sent before can be received still.
    ///
    /// To give up without losing a value: close, then [`try_recv`](Self::try_recv).
    pub fn close(&mut self) {
        if let Some(channel) = &self.channel {
            channel.inner().close();
        }
    }

    /// Whether the answer was taken, so that this must not be polled again.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.channel.is_none()
    }

    /// Whether there is no value to be received at this moment.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.channel.as_ref().is_some_and(|channel| channel.inner().state().has_value())
    }

    /// The value, if it is there.
    ///
    /// # Errors
    ///
    /// If it is not there yet, or never will be.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let Some(channel) = &self.channel else { return Err(TryRecvError::Closed) };
        let state = channel.inner().state();
        if !state.is_answered() && !state.is_closed() {
            return Err(TryRecvError::Empty);
        }
        self.take_answer(state).ok_or(TryRecvError::Closed)
    }

    /// What was answered. The receiver is gone then.
    fn take_answer(&mut self, state: State) -> Option<T> {
        let channel = self.channel.take()?;
        let value = if state.has_value() {
            // SAFETY: O1, it was sent, and we have not taken it.
            Some(unsafe { channel.inner().take_value() })
        } else {
            None
        };
        leave(channel);
        value
    }
}

/// The receiver is gone. The channel is answered or closed, and the value was taken if there was one.
fn leave<T, A: Access>(channel: Channel<T, A>) {
    let inner = channel.inner();
    loop {
        let state = inner.state();
        if state.is_answered() {
            let mut waker = None;
            if state.sender_waits() && !state.is_closed() {
                // SAFETY: O3, nobody else can close it.
                waker = Some(unsafe { inner.sender.take() });
            }
            // SAFETY: O2, O3: all was taken.
            unsafe { channel.free() };
            // O5.
            drop(waker);
            return;
        }
        if state.sender_waits() && !state.is_closed() {
            inner.close();
        } else if state.receiver_waits() {
            if inner.exchange(state, state.transition_to_receiver_looks()) {
                // SAFETY: O3, it is ours again. O5: nothing is half done.
                drop(unsafe { inner.receiver.take() });
            }
        } else if inner.exchange(state, state.transition_to_receiver_gone()) {
            return;
        }
    }
}

impl<T, A: Access> Drop for Receiver<T, A> {
    fn drop(&mut self) {
        let Some(channel) = &self.channel else { return };
        // Closed first: what has not been sent by then comes back to the sender.
        if !channel.inner().state().is_answered() {
            channel.inner().close();
        }
        let state = channel.inner().state();
        if mutant!("O5 dropped before the channel is left") && state.has_value() {
            // SAFETY: O1, it is ours.
            drop(unsafe { channel.inner().take_value() });
            mem::forget(self.take_answer(state));
            return;
        }
        // O5: dropped when the channel is not ours any more.
        drop(self.take_answer(state));
    }
}

impl<T, A: Access> Future for Receiver<T, A> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let channel = self.channel.as_ref().expect("called after complete");
        match channel.inner().poll_answer(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(state) => Poll::Ready(self.take_answer(state).ok_or(RecvError(()))),
        }
    }
}

#[cfg(feature = "std")]
impl<T> Receiver<T> {
    /// Waits with a thread, which sleeps meanwhile.
    ///
    /// # Errors
    ///
    /// If the sender was dropped without having sent.
    pub fn blocking_recv(self) -> Result<T, RecvError> {
        crate::block::block_on(self)
    }
}

impl<T, A: Access> fmt::Debug for Sender<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("state", &self.channel.inner().state()).finish()
    }
}

impl<T, A: Access> fmt::Debug for Receiver<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.channel.as_ref().map(|channel| channel.inner().state());
        f.debug_struct("Receiver").field("state", &state).finish()
    }
}
