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
mod tree;
mod wait;

use alloc::sync::Arc;
use core::fmt;
use core::future::{Future, poll_fn};
use core::hash::{Hash, Hasher};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::pin::pin;
use core::task::Poll;

pub use guard::{DropGuard, DropGuardRef};
use tree::Token;
pub use wait::{WaitForCancellationFuture, WaitForCancellationFutureOwned};

/// Tells tasks to stop. Clones are the same token; [children](Self::child_token) are cancelled with their parent, and not the other way round.
///
/// # Progress
///
/// [`is_cancelled`](Self::is_cancelled) is wait-free: one load. Making a child, cancelling, and dropping the last handle of a token take the tree's lock;
/// a thread that finds it taken spins shortly, then sleeps. Cancelling takes time in the number of tokens below; nothing is allocated for it.
///
/// ```
/// use turgo_sync::CancellationToken;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let server = CancellationToken::new();
/// let request = server.child_token();
/// let task = tokio::spawn({
///     let request = request.clone();
///     async move { request.cancelled().await }
/// });
/// server.cancel();
/// task.await.unwrap();
/// assert!(request.is_cancelled());
/// # });
/// ```
pub struct CancellationToken {
    token: Arc<Token>,
}

// T4: no code of a user runs while the tree is held.
impl UnwindSafe for CancellationToken {}
impl RefUnwindSafe for CancellationToken {}

impl CancellationToken {
    /// A token that is not cancelled, with a tree of its own.
    #[must_use]
    pub fn new() -> Self {
        Self { token: Token::new_root() }
    }

    /// A token that is cancelled when this one is; it is cancelled already if this one is.
    #[must_use]
    pub fn child_token(&self) -> Self {
        Self { token: self.token.new_child() }
    }

    /// Cancels this token and all below it, and wakes all who wait for any of them. Nothing happens the second time.
    pub fn cancel(&self) {
        self.token.cancel();
    }

    /// Whether this token was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Waits until this token is cancelled.
    ///
    /// Cancel safe: a wait that is given up leaves nothing. A spurious wake is possible; the wait goes on then.
    pub fn cancelled(&self) -> WaitForCancellationFuture<'_> {
        WaitForCancellationFuture::new(self)
    }

    /// [`cancelled`](Self::cancelled) for a future that owns the token.
    pub fn cancelled_owned(self) -> WaitForCancellationFutureOwned {
        WaitForCancellationFutureOwned::new(self)
    }

    /// A guard that cancels the token when it is dropped.
    #[must_use = "the token is cancelled when this is dropped"]
    pub fn drop_guard(self) -> DropGuard {
        DropGuard::new(self)
    }

    /// [`drop_guard`](Self::drop_guard) with a reference.
    #[must_use = "the token is cancelled when this is dropped"]
    pub fn drop_guard_ref(&self) -> DropGuardRef<'_> {
        DropGuardRef::new(self)
    }

    /// Runs a future until it is ready or the token is cancelled, whichever comes first; nothing in the second case, in which the future is dropped where
    /// it stands. If both have come the future's answer is the answer, but for a token that was cancelled before: then the future does not run.
    ///
    /// Cancel safe if the future is.
    pub async fn run_until_cancelled<F>(&self, fut: F) -> Option<F::Output>
    where
        F: Future,
    {
        if self.is_cancelled() {
            return None;
        }
        let mut cancelled = pin!(self.cancelled());
        let mut future = pin!(fut);
        poll_fn(|context| {
            if let Poll::Ready(answer) = future.as_mut().poll(context) {
                return Poll::Ready(Some(answer));
            }
            cancelled.as_mut().poll(context).map(|()| None)
        })
        .await
    }

    /// [`run_until_cancelled`](Self::run_until_cancelled) for a future that owns the token.
    ///
    /// Cancel safe if the future is.
    pub async fn run_until_cancelled_owned<F>(self, fut: F) -> Option<F::Output>
    where
        F: Future,
    {
        self.run_until_cancelled(fut).await
    }
}

impl Default for CancellationToken {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for CancellationToken {
    fn clone(&self) -> Self {
        self.token.add_handle();
        Self { token: self.token.clone() }
    }
}

impl Drop for CancellationToken {
    fn drop(&mut self) {
        self.token.remove_handle();
    }
}

impl PartialEq for CancellationToken {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.token, &other.token)
    }
}

impl Eq for CancellationToken {}

impl Hash for CancellationToken {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.token).hash(state);
    }
}

impl fmt::Debug for CancellationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancellationToken").field("is_cancelled", &self.is_cancelled()).finish()
    }
}
