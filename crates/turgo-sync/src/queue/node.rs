//! A waiter: a node that lives in the future that waits, and what becomes of it.

use core::cell::Cell;
use core::marker::PhantomPinned;
use core::ptr::NonNull;
use core::task::{RawWakerVTable, Waker};

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
    /// The node was never queued.
    New,
    /// The node was queued. What became of it is its [`Stage`].
    Queued,
    /// The wait is over.
    Done,
}

/// A waker's data and functions: enough to see that another wakes the same task.
pub(crate) type Identity = (*const (), *const RawWakerVTable);

pub(crate) fn identity(waker: &Waker) -> Identity {
    (waker.data(), waker.vtable())
}

/// A waiter. It stays where it is from its first queueing until it is dropped.
pub(crate) struct Node<A: Access> {
    stage: A::Word,
    /// Q1.
    part: UnsafeCell<Part<A>>,
    /// Which waker was given; the owner's alone, so it can be compared while a holder takes the waker.
    given: Cell<Option<Identity>>,
    /// The owner's alone.
    phase: Cell<Phase>,
    _pinned: PhantomPinned,
}

/// What a node has for the holder.
pub(crate) struct Part<A: Access> {
    pub(super) previous: Option<NonNull<Node<A>>>,
    /// The one behind in the list, or the one that was put into the inbox before.
    pub(super) next: Option<NonNull<Node<A>>>,
    pub(crate) waker: Option<Waker>,
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
            part: UnsafeCell::new(Part {
                previous: None,
                next: None,
                waker: None,
                need,
                first: false,
            }),
            given: Cell::new(None),
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

    /// The owner queues it again.
    pub(crate) fn reset(&self) {
        // Relaxed: it is published with the node.
        self.stage.store(Stage::Waiting as u64, Ordering::Relaxed);
    }

    /// Whether the task of `waker` is the one that was given.
    pub(crate) fn wakes(&self, waker: &Waker) -> bool {
        self.given.get() == Some(identity(waker))
    }

    /// Keeps in mind which waker is given, and passes it on.
    pub(crate) fn give(&self, waker: Option<Waker>) -> Option<Waker> {
        self.given.set(waker.as_ref().map(identity));
        waker
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
