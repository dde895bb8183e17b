//! Waiting for a token to be cancelled.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use turgo_machine::mutant;

use super::CancellationToken;
use crate::access::Shared;
use crate::signals::Wait;

/// Waits until a token is cancelled. Made by [`CancellationToken::cancelled`].
#[must_use = "futures do nothing unless polled"]
pub struct WaitForCancellationFuture<'a> {
    token: &'a CancellationToken,
    wait: Wait<Shared>,
}

/// Waits until its token is cancelled. Made by [`CancellationToken::cancelled_owned`].
#[must_use = "futures do nothing unless polled"]
pub struct WaitForCancellationFutureOwned {
    token: CancellationToken,
    wait: Wait<Shared>,
}

impl<'a> WaitForCancellationFuture<'a> {
    pub(super) fn new(token: &'a CancellationToken) -> Self {
        Self { token, wait: token.token.waiters.wait() }
    }
}

impl WaitForCancellationFutureOwned {
    pub(super) fn new(token: CancellationToken) -> Self {
        Self { wait: token.token.waiters.wait(), token }
    }
}

macro_rules! waits {
    ($future:ident, [$($life:lifetime)?]) => {
        impl Future for $future<$($life)?> {
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

        impl Drop for $future<$($life)?> {
            fn drop(&mut self) {
                self.wait.end(&self.token.token.waiters);
            }
        }

        impl fmt::Debug for $future<$($life)?> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($future)).field("token", &self.token).finish()
            }
        }
    };
}

waits!(WaitForCancellationFuture, ['_]);
waits!(WaitForCancellationFutureOwned, []);
