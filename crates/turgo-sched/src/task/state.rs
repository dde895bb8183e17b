//! A task's state in one word, and its transitions.

use turgo_machine::atomic::{AtomicU32, Ordering};
use turgo_machine::mutant;

use super::TaskState;

const NEW: u32 = 0;
const READY: u32 = 1;
const RUNNING: u32 = 2;
const BLOCKED: u32 = 3;
const COMPLETED: u32 = 4;
const FAILED: u32 = 5;
const CANCELLED: u32 = 6;
const PHASE: u32 = 7;
/// It was woken while it ran.
const WOKEN: u32 = 8;
/// It shall be cancelled instead of run.
const ABORTED: u32 = 16;

/// A value of the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Word(u32);

impl Word {
    fn phase(self) -> u32 {
        self.0 & PHASE
    }

    fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }

    /// The same flags in another phase.
    fn to(self, phase: u32) -> Self {
        Self(self.0 & !PHASE | phase)
    }

    fn with(self, flag: u32) -> Self {
        Self(self.0 | flag)
    }

    fn without(self, flag: u32) -> Self {
        Self(self.0 & !flag)
    }
}

/// What has to be done after a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Then {
    /// Queue it: it has become READY by this transition (T3).
    Queue,
    Nothing,
}

/// What whoever took a number does with the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Begin {
    Run,
    Cancel,
}

/// How a task ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Completed,
    Failed,
    Cancelled,
}

/// The word. All transitions are lock-free.
#[derive(Debug)]
pub(super) struct State(AtomicU32);

impl State {
    /// NEW.
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(NEW))
    }

    /// Changes the word by a function of it; nothing changes where that is `None`.
    fn change<T>(&self, mut next: impl FnMut(Word) -> (Option<Word>, T)) -> T {
        // Acquire: where nothing changes, what led to the word is seen all the same.
        let mut now = Word(self.0.load(Ordering::Acquire));
        loop {
            let (word, answer) = next(now);
            let Some(word) = word else { return answer };
            // AcqRel: hands the work on from who ran it to who runs it next (T1). Acquire: as above.
            let order = (Ordering::AcqRel, Ordering::Acquire);
            match self.0.compare_exchange_weak(now.0, word.0, order.0, order.1) {
                Ok(_) => return answer,
                Err(other) => now = Word(other),
            }
        }
    }

    /// NEW to READY.
    pub(super) fn transition_to_ready(&self) -> Then {
        self.change(|word| (Some(word.to(READY)), Then::Queue))
    }

    /// A wake: BLOCKED to READY; RUNNING remembers it (T2).
    pub(super) fn transition_to_woken(&self) -> Then {
        self.change(|word| match word.phase() {
            BLOCKED => (Some(word.to(READY)), Then::Queue),
            RUNNING if mutant!("T2 a wake while running is lost") => (None, Then::Nothing),
            RUNNING if mutant!("T3 queued while it runs") => (Some(word.to(READY)), Then::Queue),
            RUNNING => (Some(word.with(WOKEN)), Then::Nothing),
            READY if mutant!("T2 a wake of a ready task only looks") => (None, Then::Nothing),
            // Nothing changes, but the step that comes has to see what led to this wake.
            READY => (Some(word), Then::Nothing),
            _ => (None, Then::Nothing),
        })
    }

    /// READY to RUNNING, by whoever took the number.
    pub(super) fn transition_to_running(&self) -> Begin {
        self.change(|word| {
            debug_assert!(word.phase() == READY, "T3");
            let begin = if word.has(ABORTED) { Begin::Cancel } else { Begin::Run };
            (Some(word.to(RUNNING).without(WOKEN)), begin)
        })
    }

    /// RUNNING to READY: it has more to do.
    pub(super) fn transition_to_again(&self) -> Then {
        self.change(|word| (Some(word.to(READY)), Then::Queue))
    }

    /// RUNNING to BLOCKED, or to READY if it was woken or aborted meanwhile.
    pub(super) fn transition_to_blocked(&self) -> Then {
        self.change(|word| {
            if word.has(WOKEN) || word.has(ABORTED) {
                (Some(word.to(READY)), Then::Queue)
            } else {
                (Some(word.to(BLOCKED)), Then::Nothing)
            }
        })
    }

    /// RUNNING to one of the last three (T5).
    pub(super) fn transition_to_ended(&self, end: End) {
        let phase = match end {
            End::Completed => COMPLETED,
            End::Failed => FAILED,
            End::Cancelled => CANCELLED,
        };
        self.change(|word| (Some(word.to(phase)), ()));
    }

    /// It shall be cancelled: BLOCKED becomes READY for that.
    pub(super) fn transition_to_aborted(&self) -> Then {
        self.change(|word| match word.phase() {
            BLOCKED => (Some(word.to(READY).with(ABORTED)), Then::Queue),
            NEW | READY | RUNNING => (Some(word.with(ABORTED)), Then::Nothing),
            _ => (None, Then::Nothing),
        })
    }

    /// READY or BLOCKED to RUNNING, by whoever ends the pool, when no worker is left; false where it has ended.
    pub(super) fn transition_to_dissolved(&self) -> bool {
        self.change(|word| match word.phase() {
            COMPLETED | FAILED | CANCELLED => (None, false),
            _ => (Some(word.to(RUNNING)), true),
        })
    }

    pub(super) fn get(&self) -> TaskState {
        // Acquire: comes after the outcome that was written before it ended (T5).
        match self.0.load(Ordering::Acquire) & PHASE {
            NEW => TaskState::New,
            READY => TaskState::Ready,
            RUNNING => TaskState::Running,
            BLOCKED => TaskState::Blocked,
            COMPLETED => TaskState::Completed,
            FAILED => TaskState::Failed,
            _ => TaskState::Cancelled,
        }
    }

    /// Whether there is an outcome.
    pub(super) fn is_ended(&self) -> bool {
        matches!(self.get(), TaskState::Completed | TaskState::Failed | TaskState::Cancelled)
    }
}
