//! The interface between work and whatever runs it.

use std::task::Context;

pub(crate) use turgo_sched::task::{Budget, Step};

use crate::error::Result;

/// A piece of work that is run again and again, by one thread at a time.
///
/// A task that returns [`Step::Park`] has registered the waker of `cx` with everything that could
/// give it work; it is not run again before that waker is called.
pub(crate) trait Task: Send {
    /// Works until there is nothing to do or the budget is spent.
    fn run(&mut self, cx: &mut Context<'_>, budget: Budget<'_>) -> Result<Step>;
}
