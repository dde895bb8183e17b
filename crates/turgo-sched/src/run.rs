//! A run of a graph, as the pool sees it: numbered nodes that are run when somebody says that they are ready.
//!
//! The pool knows nothing of edges. Whoever implements [`Runnable`] counts what a node waits for, and when a node has run pushes those that became ready
//! ([`Worker::push_all`]), but for one, which it runs next, without a queue. After [`INLINE_MAX`] of these it answers the next one, which is queued then.
//!
//! # Protocol
//!
//! 1. [`Pool::reserve`](crate::pool::Pool) gives numbers `base..base + nodes`, in a row; more can be reserved while the run goes on, for
//!    nodes that are added to it. Index `first + i` has number `base + i`.
//! 2. Each number is pushed at most once, after all that the node comes after; a call of `run` may put the node off, and then it is pushed once more when what it
//!    needs is free. The pool runs it exactly once, on some worker, and never two of the same number at a time. A number may also stand for nodes that are in
//!    no queue: such a one may be pushed again by whoever ran it last, so it is in one queue at most, and what each of them did happens before the next one runs it.
//! 3. The call that ends the run answers [`Ran::Finished`], when every node has run or will never be pushed. All other calls of `run` have made their last
//!    access to the run by then: usually a decrement of the number of nodes that are outstanding, with Release in each and Acquire in the last.
//! 4. The pool then calls [`finished`](Runnable::finished), which gives all numbers back ([`Worker::release`]) and tells whoever waits. It holds the
//!    run by an `Arc` of its own, so the run may be dropped by whoever was told.
//!
//! # Invariants
//!
//! - **R1** A number that was pushed is run exactly once, or put off before anything of it was run.
//! - **R2** What happened before a number was pushed happens before its node runs.

use std::sync::Arc;

use crate::pool::Worker;

/// Nodes that run one after the other, each made ready by the one before, before the queues get their turn.
pub(crate) const INLINE_MAX: u32 = 64;

/// What came of running a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ran {
    /// This node of the same run became ready, was not pushed, and is to be.
    Next(u32),
    /// Nothing that the caller should know.
    Nothing,
    /// This was the last node.
    Finished,
}

/// A run of a graph. See the [module](self) for who does what when.
pub(crate) trait Runnable: Send + Sync {
    /// Runs the node of this index, and up to [`INLINE_MAX`] that are ready in consequence. Panics of users' code are caught by the implementation: one that escapes ends the process.
    fn run(&self, index: u32, worker: &Worker) -> Ran;

    /// The number of the node of this index.
    fn number(&self, index: u32) -> u32;

    /// All nodes have run: gives the numbers back and tells whoever waits.
    fn finished(self: Arc<Self>, worker: &Worker);
}
