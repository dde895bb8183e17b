//! The token, over who may touch it: [`cancellation`](super) names that of any thread, [`local`](crate::local) that of one. The module above numbers the
//! invariants.

use core::fmt;
use core::future::{Future, poll_fn};
use core::hash::{Hash, Hasher};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::pin::pin;
use core::ptr;
use core::task::Poll;

use super::tree::Token;
use super::{DropGuard, DropGuardRef, WaitForCancellationFuture, WaitForCancellationFutureOwned};
use crate::access::Access;

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
pub struct CancellationToken<A: Access> {
    pub(super) token: A::Handle<Token<A>>,
}

// T4: no code of a user runs while the tree is held.
impl<A: Access> UnwindSafe for CancellationToken<A> {}
impl<A: Access> RefUnwindSafe for CancellationToken<A> {}

impl<A: Access> CancellationToken<A> {
    /// A token that is not cancelled, with a tree of its own.
    #[must_use]
    pub fn new() -> Self {
        Self { token: Token::<A>::new_root() }
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
    pub fn cancelled(&self) -> WaitForCancellationFuture<'_, A> {
        WaitForCancellationFuture::new(self)
    }

    /// [`cancelled`](Self::cancelled) for a future that owns the token.
    pub fn cancelled_owned(self) -> WaitForCancellationFutureOwned<A> {
        WaitForCancellationFutureOwned::new(self)
    }

    /// A guard that cancels the token when it is dropped.
    #[must_use = "the token is cancelled when this is dropped"]
    pub fn drop_guard(self) -> DropGuard<A> {
        DropGuard::new(self)
    }

    /// [`drop_guard`](Self::drop_guard) with a reference.
    #[must_use = "the token is cancelled when this is dropped"]
    pub fn drop_guard_ref(&self) -> DropGuardRef<'_, A> {
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

impl<A: Access> Default for CancellationToken<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Access> Clone for CancellationToken<A> {
    fn clone(&self) -> Self {
        self.token.add_handle();
        Self { token: self.token.clone() }
    }
}

impl<A: Access> Drop for CancellationToken<A> {
    fn drop(&mut self) {
        self.token.remove_handle();
    }
}

impl<A: Access> PartialEq for CancellationToken<A> {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(&*self.token, &*other.token)
    }
}

impl<A: Access> Eq for CancellationToken<A> {}

impl<A: Access> Hash for CancellationToken<A> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        ptr::from_ref(&*self.token).hash(state);
    }
}

impl<A: Access> fmt::Debug for CancellationToken<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancellationToken").field("is_cancelled", &self.is_cancelled()).finish()
    }
}
