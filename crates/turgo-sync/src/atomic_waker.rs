//! A slot for one waiter, in the shape of `futures::task::AtomicWaker`.
//!
//! Most programs name [`turgo_sync::AtomicWaker`](crate::AtomicWaker), or [`turgo_sync::local::AtomicWaker`](crate::local::AtomicWaker) for the tasks of
//! one thread. Both are the type of this module.
//!
//! # Invariants
//!
//! - **A1** The slot is touched by who took the word from idle, until he puts it back.
//! - **A2** Who wakes while the slot is being registered to leaves that in the word; who registers finds it when he lets go, and wakes the waker he put
//!   there.
//! - **A3** Every wake and every registration exchanges the word. So of a wake and a registration one comes after the other: the wake takes the waker,
//!   or what was done before the wake is seen by who looks after he registered.
//! - **A4** No waker is cloned, woken or dropped while the slot is held.
//!
//! The algorithm is that of `AtomicWaker` in futures (Carl Lerche), but for A4.

#[cfg(test)]
mod tests;

use core::fmt;
use core::task::Waker;

use turgo_machine::atomic::Ordering;
use turgo_machine::cell::UnsafeCell;
use turgo_machine::mutant;

use crate::access::{Access, Shared, Word};
use crate::patience::Patience;

/// Nobody touches the slot.
const IDLE: u64 = 0;
/// Somebody registers.
const REGISTERING: u64 = 1;
/// Somebody wakes, or has come to wake while somebody registers.
const WAKING: u64 = 2;

/// Keeps the waker of the one task that waits for something.
///
/// The task registers and then looks whether what it waits for has happened; whoever makes it happen wakes afterwards. Then the task sees it or is
/// woken. Registering replaces the waker that was there. Registering from two places at once is safe, but one of them is woken at once instead.
///
/// # Progress
///
/// Wait-free but for the exchange that takes the slot, which is lock-free. Nobody waits for another; who registers while somebody wakes pauses shortly.
///
/// # Spurious wakeups
///
/// A task that registers while somebody wakes may be woken though it has already seen what it was woken for.
///
/// ```
/// use std::future::poll_fn;
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use std::task::Poll;
/// use turgo_sync::AtomicWaker;
///
/// static WAKER: AtomicWaker = AtomicWaker::const_new();
/// static DONE: AtomicBool = AtomicBool::new(false);
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// tokio::spawn(async {
///     DONE.store(true, Ordering::Relaxed);
///     WAKER.wake();
/// });
/// poll_fn(|context| {
///     WAKER.register(context.waker());
///     if DONE.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
/// })
/// .await;
/// # });
/// ```
pub struct AtomicWaker<A: Access> {
    word: A::Word,
    /// A1.
    slot: UnsafeCell<Option<Waker>>,
}

// SAFETY: A1: who holds the slot comes after who held it before, and wakers are `Send` and `Sync`.
unsafe impl Sync for AtomicWaker<Shared> {}

impl<A: Access> AtomicWaker<A> {
    /// Nobody waits.
    #[must_use]
    pub fn new() -> Self {
        Self { word: A::Word::new(IDLE), slot: UnsafeCell::new(None) }
    }

    /// Keeps a waker, in place of what was there.
    ///
    /// What was done before a [`wake`](Self::wake) or [`take`](Self::take) that came before this is visible afterwards.
    pub fn register(&self, waker: &Waker) {
        // The same one, as it is with most tasks that are polled again?
        match self.hold(|slot| slot.as_ref().is_some_and(|kept| kept.will_wake(waker))) {
            Some(true) => return,
            Some(false) => {}
            None => return wake_at_once(waker),
        }
        if mutant!("A4 cloned while the slot is held") {
            self.hold(|slot| *slot = Some(waker.clone()));
            return;
        }
        // A4: cloned before, and what it replaces is dropped after the slot is held.
        let mut other = Some(waker.clone());
        if self.hold(|slot| core::mem::swap(slot, &mut other)).is_none() {
            wake_at_once(waker);
        }
    }

    /// Takes the slot, calls `f` with it and lets go; then wakes, if somebody came to wake meanwhile. Nothing if somebody else has the slot.
    fn hold<R>(&self, f: impl FnOnce(&mut Option<Waker>) -> R) -> Option<R> {
        let order = if mutant!("A1 Relaxed") { Ordering::Relaxed } else { Ordering::Acquire };
        loop {
            // Acquire: comes after who let go of the slot before (A1), or woke before (A3). Acquire: if somebody is about to wake, the caller, who wakes
            // himself instead, sees what was done before.
            match self.word.compare_exchange_weak(IDLE, REGISTERING, order, Ordering::Acquire) {
                Ok(_) => break,
                Err(IDLE) => {}
                Err(_) => return None,
            }
        }
        // SAFETY: A1.
        let answer = self.slot.with_mut(|slot| f(unsafe { &mut *slot }));
        // AcqRel, Release: who takes the slot next comes after this. Acquire: if somebody came to wake, what he did before is seen.
        let found = self.word.fetch_and(!REGISTERING, Ordering::AcqRel);
        if found & WAKING != 0 {
            let waker = self.take_out();
            if let Some(waker) = waker
                && !mutant!("A2 a wake meanwhile is forgotten")
            {
                waker.wake();
            }
        }
        Some(answer)
    }

    /// For who has WAKING in the word alone: empties the slot and lets go.
    fn take_out(&self) -> Option<Waker> {
        // SAFETY: A1.
        let waker = self.slot.with_mut(|slot| unsafe { &mut *slot }.take());
        // Release: who takes the slot next comes after this.
        self.word.fetch_and(!WAKING, Ordering::Release);
        waker
    }

    /// Takes the waker out, if there is one and nobody else is about to wake it.
    pub fn take(&self) -> Option<Waker> {
        let order = if mutant!("A3 Relaxed wake") { Ordering::Relaxed } else { Ordering::AcqRel };
        // AcqRel, Acquire: comes after who had the slot before. Release: what was done before is seen by who registers, in `hold`.
        match self.word.fetch_or(WAKING, order) {
            IDLE => self.take_out(),
            // A2, or somebody else wakes it.
            _ => None,
        }
    }

    /// Wakes the waker that was registered last, if there is one, and takes it out. What was done before this is visible to the task.
    pub fn wake(&self) {
        if let Some(waker) = self.take() {
            waker.wake();
        }
    }
}

/// Somebody else has the slot, to wake: it is as if this task had registered before. He is about to be done, and is given the time, so that the task
/// does not find him there again and again.
#[cold]
fn wake_at_once(waker: &Waker) {
    Patience::new().wait();
    waker.wake_by_ref();
}

#[cfg(not(any(loom, shuttle)))]
macro_rules! const_new {
    ($access:ty) => {
        impl AtomicWaker<$access> {
            /// The same as [`new`](Self::new), for statics.
            #[must_use]
            pub const fn const_new() -> Self {
                Self { word: <$access as Access>::Word::new(IDLE), slot: UnsafeCell::new(None) }
            }
        }
    };
}

#[cfg(not(any(loom, shuttle)))]
const_new!(crate::access::Shared);
#[cfg(not(any(loom, shuttle)))]
const_new!(crate::access::Local);

impl<A: Access> Default for AtomicWaker<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Access> fmt::Debug for AtomicWaker<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtomicWaker").finish_non_exhaustive()
    }
}
