//! The interface between work and whatever runs it.

use std::task::Context;

use crate::error::Result;

/// A piece of work that is run again and again, by one thread at a time.
///
/// A task that returns [`Step::Park`] has registered the waker of `cx` with everything that could
/// give it work; it is not run again before that waker is called.
pub(crate) trait Task: Send {
    /// Works until there is nothing to do or the budget is used up.
    fn run(&mut self, cx: &mut Context<'_>, budget: Budget) -> Result<Step>;
}

/// How much a task may do before it gives its thread to another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// Messages taken from the input.
    pub(crate) messages: usize,
}

/// Why a task stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The budget is used up; there is more to do.
    Again,
    /// Nothing to do until woken.
    Park,
    /// Nothing to do ever again.
    Done,
}
