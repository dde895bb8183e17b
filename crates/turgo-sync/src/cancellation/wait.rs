//! Waiting for a token to be cancelled.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use turgo_machine::mutant;

use super::token::CancellationToken;
use crate::access::{Access, Shared};
use crate::signals::Wait;

/// Waits until a token is cancelled. Made by [`CancellationToken::cancelled`].
#[must_use = "futures do nothing unless polled"]
pub struct WaitForCancellationFuture<'a, A: Access = Shared> {
    token: &'a CancellationToken<A>,
    wait: Wait<A>,
}

/// Waits until its token is cancelled. Made by [`CancellationToken::cancelled_owned`].
#[must_use = "futures do nothing unless polled"]
pub struct WaitForCancellationFutureOwned<A: Access = Shared> {
    token: CancellationToken<A>,
    wait: Wait<A>,
}

impl<'a, A: Access> WaitForCancellationFuture<'a, A> {
    pub(super) fn new(token: &'a CancellationToken<A>) -> Self {
        Self { token, wait: token.token.waiters.wait() }
    }
}

impl<A: Access> WaitForCancellationFutureOwned<A> {
    pub(super) fn new(token: CancellationToken<A>) -> Self {
        Self { wait: token.token.waiters.wait(), token }
    }
}

macro_rules! waits {
    ($future:ident, [$($life:lifetime)?]) => {
        impl<$($life,)? A: Access> Future for $future<$($life,)? A> {
            type Output = ();

            fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
                // Shared from here on: holders have pointers to the node, too.
                let this = self.as_ref().get_ref();
                let token = &this.token.token;
                // T3: the wait began before this look.
                if token.is_cancelled() && !mutant!("T3 a wait does not look") {
                    return Poll::Ready(());
                }
                // Waiters are told once, when it is cancelled, and never one by one.
                // SAFETY: we are pinned, and `drop` ends the wait.
                unsafe { this.wait.poll(&token.waiters, Some(context)) }
            }
        }

        impl<$($life,)? A: Access> Drop for $future<$($life,)? A> {
            fn drop(&mut self) {
                self.wait.end(&self.token.token.waiters);
            }
        }

        impl<$($life,)? A: Access> fmt::Debug for $future<$($life,)? A> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($future)).field("token", &self.token).finish()
            }
        }
    };
}

waits!(WaitForCancellationFuture, ['a]);
waits!(WaitForCancellationFutureOwned, []);
