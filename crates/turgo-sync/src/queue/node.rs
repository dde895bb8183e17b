//! A waiter: a node that lives in the future that waits, and what becomes of it.

use core::cell::Cell;
use core::marker::PhantomPinned;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::task::Waker;

use turgo_machine::atomic::Ordering;
use turgo_machine::cell::UnsafeCell;

use crate::access::{Access, Word};

/// What became of a waiter. It leaves [`Waiting`](Self::Waiting) once per time that it is queued, and only a holder makes it leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It is in the list or in the inbox.
    Waiting,
    /// It has what it waited for.
    Granted,
    /// It may try to take what it waits for.
    Notified,
    /// It waits no more: the primitive is closed, or let all waiters go.
    Released,
}

impl Stage {
    const fn from_word(word: u64) -> Self {
        match word {
            0 => Self::Waiting,
            1 => Self::Granted,
            2 => Self::Notified,
            _ => Self::Released,
        }
    }
}

/// How far a wait is; known to its owner alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The node was never queued, or not again.
    New,
    /// The same, and it has a waker.
    Armed,
    /// The node was queued. What became of it is its [`Stage`].
    Queued,
    /// The wait is over.
    Done,
}

/// A waiter. It stays where it is from its first queueing until it is dropped.
pub(crate) struct Node<A: Access> {
    stage: A::Word,
    /// Q1.
    part: UnsafeCell<Part<A>>,
    /// Written by the owner, before the node is queued or with the list held. A holder who takes it moves it out and leaves the bits, so that the
    /// owner can see meanwhile whether another waker wakes the same task.
    waker: UnsafeCell<MaybeUninit<Option<Waker>>>,
    /// The owner's alone.
    phase: Cell<Phase>,
    _pinned: PhantomPinned,
}

/// What a node has for the holder.
pub(crate) struct Part<A: Access> {
    pub(super) previous: Option<NonNull<Node<A>>>,
    /// The one behind in the list, or the one that was put into the inbox before.
    pub(super) next: Option<NonNull<Node<A>>>,
    /// A number of the discipline's: what is still missing, or since when it waits.
    pub(crate) need: u64,
    /// Whether it goes to the front, because it has been there.
    pub(crate) first: bool,
}

impl<A: Access> Node<A> {
    #[inline(always)]
    pub(crate) fn new(need: u64) -> Self {
        Self {
            stage: A::Word::new(Stage::Waiting as u64),
            part: UnsafeCell::new(Part { previous: None, next: None, need, first: false }),
            waker: UnsafeCell::new(MaybeUninit::uninit()),
            phase: Cell::new(Phase::New),
            _pinned: PhantomPinned,
        }
    }

    /// What became of it.
    #[inline(always)]
    pub(crate) fn stage(&self) -> Stage {
        // Acquire: what came before the Release in `finish` is visible to the owner.
        Stage::from_word(self.stage.load(Ordering::Acquire))
    }

    /// How far the wait is.
    #[inline(always)]
    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// The wait goes on, or is over.
    #[inline(always)]
    pub(crate) fn set_phase(&self, phase: Phase) {
        self.phase.set(phase);
    }

    /// The wait is over, and the node in no queue.
    pub(crate) fn end(&self) {
        if self.phase.replace(Phase::Done) == Phase::Armed {
            // SAFETY: it has a waker, and is in no queue.
            drop(unsafe { self.take_waker() });
        }
    }

    /// Gives a node that is in no queue a waker, or none, and makes it one that waits. One that it has is forgotten: it was taken.
    pub(crate) fn arm(&self, waker: Option<Waker>) {
        // SAFETY: nobody else knows the node.
        self.waker.with_mut(|place| unsafe { place.cast::<Option<Waker>>().write(waker) });
        // Relaxed: it is published with the node.
        self.stage.store(Stage::Waiting as u64, Ordering::Relaxed);
        self.phase.set(Phase::Armed);
    }

    /// Gives a queued node another waker and answers the one it had.
    ///
    /// # Safety
    ///
    /// The caller is the owner and holds the list, and the node waits.
    pub(super) unsafe fn rearm(&self, waker: Waker) -> Option<Waker> {
        // SAFETY: the caller's promise: no holder takes it, and it has one.
        self.waker.with_mut(|place| unsafe { place.cast::<Option<Waker>>().replace(Some(waker)) })
    }

    /// Moves the waker out.
    ///
    /// # Safety
    ///
    /// The node has one or none that was not taken since [`arm`](Self::arm), and the caller holds the list, or owns a node that is not in it.
    #[inline(always)]
    pub(super) unsafe fn take_waker(&self) -> Option<Waker> {
        // SAFETY: the caller's promise.
        self.waker.with(|place| unsafe { place.cast::<Option<Waker>>().read() })
    }

    /// Whether the task of `waker` is the one that was given. For the owner of a node that was queued.
    pub(crate) fn wakes(&self, waker: &Waker) -> bool {
        // SAFETY: it was armed; only the owner writes it. What was moved out is compared by its bits.
        let given = self.waker.with(|place| unsafe { &*place.cast::<Option<Waker>>() });
        given.as_ref().is_some_and(|given| given.will_wake(waker))
    }

    /// Calls `f` with what the node has for the holder.
    ///
    /// # Safety
    ///
    /// Q1: the caller holds the list, or owns a node that is not in it.
    #[inline(always)]
    pub(crate) unsafe fn part<R>(&self, f: impl FnOnce(&mut Part<A>) -> R) -> R {
        // SAFETY: Q1, nobody else looks at it.
        self.part.with_mut(|part| f(unsafe { &mut *part }))
    }

    /// Says what became of it. The node is its owner's from here on, and may be gone.
    pub(super) fn finish(&self, stage: Stage) {
        let order = if turgo_machine::mutant!("Q3 Relaxed stage") {
            Ordering::Relaxed
        } else {
            Ordering::Release
        };
        // Release: whatever led to this comes before the Acquire in `stage`.
        self.stage.store(stage as u64, order);
    }
}

impl<A: Access> Drop for Node<A> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.phase.get() == Phase::Armed {
            self.end();
        }
    }
}

/// Calls `f` with what a node has for the holder.
///
/// # Safety
///
/// The node exists, and the caller holds its list or owns it outside of one (Q1).
#[inline(always)]
pub(super) unsafe fn part<A: Access, R>(
    node: NonNull<Node<A>>,
    f: impl FnOnce(&mut Part<A>) -> R,
) -> R {
    // SAFETY: the caller's promise.
    let node = unsafe { node.as_ref() };
    // SAFETY: the caller's promise.
    unsafe { node.part(f) }
}
