//! A place for one waker, of the one task that waits, which any thread may wake.
//!
//! # Invariants
//!
//! - **N1** The waker is touched by who has made [`REGISTERING`] or [`WAKING`] out of a word without both, until he clears it.
//! - **N2** Who wakes changes the word, and so does who registers: whichever comes second in the word's order comes after all that the first did
//!   before. So either the waker is found, or what was done before the wake is seen by who registered and looks again.
//! - **N3** A wake that meets a registration is made up for by who registers.
//! - **N4** A waker is cloned before the place is taken, and woken and dropped after it was let go.
//!
//! The protocol is that of futures' `AtomicWaker`; that nothing is done where the waker is there already is from tokio's.

use core::cell::Cell;
use core::mem;
use core::task::{RawWakerVTable, Waker};

use turgo_machine::atomic::Ordering;
use turgo_machine::cell::UnsafeCell;
use turgo_machine::mutant;

use crate::access::{Access, Shared, Word};
use crate::patience::Patience;

/// A waker's data and functions: enough to see that another wakes the same task.
type Identity = (*const (), *const RawWakerVTable);

fn identity(waker: &Waker) -> Identity {
    (waker.data(), waker.vtable())
}

/// A waker is there.
const SET: u64 = 1;
/// The task puts one there.
const REGISTERING: u64 = 1 << 1;
/// Somebody takes it away.
const WAKING: u64 = 1 << 2;

/// A place for a waker. One task at a time registers.
pub(crate) struct Single<A: Access> {
    word: A::Word,
    /// N1.
    waker: UnsafeCell<Option<Waker>>,
    /// Which waker was given: of the task alone that registers.
    given: Cell<Option<Identity>>,
}

// SAFETY: N1, and a waker may go to another thread.
unsafe impl Send for Single<Shared> {}
// SAFETY: N1; `given` is touched in `register` alone, which one task at a time calls.
unsafe impl Sync for Single<Shared> {}

impl<A: Access> Single<A> {
    pub(crate) fn new() -> Self {
        Self { word: A::Word::new(0), waker: UnsafeCell::new(None), given: Cell::new(None) }
    }

    /// Puts a waker there. What was done before any wake that does not find it is visible afterwards. Never waits.
    ///
    /// # Safety
    ///
    /// Nobody else calls this meanwhile.
    pub(crate) unsafe fn register(&self, waker: &Waker) {
        // Acquire: comes after the Release of who took a waker away.
        let mut now = self.word.load(Ordering::Acquire);
        if now == SET && self.given.get() == Some(identity(waker)) {
            return;
        }
        // N4.
        let waker = waker.clone();
        self.given.set(Some(identity(&waker)));
        loop {
            if now & WAKING != 0 {
                // Whoever takes the old one away is about to be done.
                Patience::new().wait();
                // N3: as if it had come between.
                waker.wake();
                return;
            }
            // Acquire: comes after who woke before (N2). Release: for the order of all changes. Relaxed: tried again.
            match self.word.compare_exchange_weak(
                now,
                REGISTERING,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => break,
                Err(found) => now = found,
            }
        }
        // SAFETY: N1.
        let old = self.waker.with_mut(|place| unsafe { (*place).replace(waker) });
        loop {
            // Release: hands the waker to the Acquire in `take`. Acquire: comes after who woke meanwhile (N2).
            let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
            match self.word.compare_exchange_weak(REGISTERING, SET, success, failure) {
                Ok(_) => break,
                Err(REGISTERING) => {}
                Err(_) => {
                    // SAFETY: N1.
                    let waker = self.waker.with_mut(|place| unsafe { mem::take(&mut *place) });
                    // Release: lets go of the place. Acquire: comes after who woke (N2).
                    self.word.swap(0, Ordering::AcqRel);
                    if !mutant!("N3 a wake that meets a registration is lost") {
                        waker.into_iter().for_each(Waker::wake);
                    }
                    break;
                }
            }
        }
        drop(old);
    }

    /// Wakes the task, if one has registered. Never waits.
    pub(crate) fn wake(&self) {
        if let Some(waker) = self.take() {
            waker.wake();
        }
    }

    /// Takes the waker away, which counts as a wake.
    #[inline]
    pub(crate) fn take(&self) -> Option<Waker> {
        if mutant!("N2 only looked at") && self.word.load(Ordering::Acquire) == 0 {
            return None;
        }
        // Release: what was done before is seen by who registers later (N2). Acquire: comes after the Release that put it there.
        if self.word.fetch_or(WAKING, Ordering::AcqRel) & (REGISTERING | WAKING) != 0 {
            return None;
        }
        // SAFETY: N1.
        let waker = self.waker.with_mut(|place| unsafe { mem::take(&mut *place) });
        // Release: lets go of the place.
        self.word.fetch_and(!(WAKING | SET), Ordering::Release);
        waker
    }
}
