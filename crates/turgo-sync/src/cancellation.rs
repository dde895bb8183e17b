//! Tokens that tell tasks to stop, in a tree: who cancels one cancels all below it. Names, signatures and results are those of
//! `tokio_util::sync::CancellationToken`.
//!
//! Asking and waiting look at the token alone. The trees' shape is behind one lock for each tree, which is held while a child is made, while the last
//! handle of a token is dropped, and while a token is cancelled for the first time: for as long as it takes to walk the tokens below it.
//!
//! # Invariants
//!
//! - **T1** A token that has handles and is not cancelled is in its tree, below its parent, or below the nearest token above that had handles when
//!   those between lost theirs. One that is cancelled, or has no handles, is in no tree. So nothing is left of what was dropped, however long the chain.
//! - **T2** Who cancels takes out the token and all below it in one hold of the tree, and says so in each of them before it lets go. So a child
//!   made meanwhile is found, or sees that its parent is cancelled.
//! - **T3** A token says that it is cancelled before its waiters are told, and a wait that has begun looks again. So none is missed.
//! - **T4** Waiters are told when the tree is not held, and all of them even if a waker panics.

mod guard;
#[cfg(test)]
mod tests;
pub mod token;
mod tree;
mod wait;

use crate::access::Shared;
pub use guard::{DropGuard, DropGuardRef};
pub use wait::{WaitForCancellationFuture, WaitForCancellationFutureOwned};

/// Tells tasks to stop. Clones are the same token; [children](token::CancellationToken::child_token) are cancelled with their parent, and not the other
/// way round.
pub type CancellationToken = token::CancellationToken<Shared>;
