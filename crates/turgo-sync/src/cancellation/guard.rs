//! Guards that cancel.

use super::token::CancellationToken;
use crate::access::{Access, Shared};

/// Cancels its token when it is dropped, unless it was [disarmed](Self::disarm).
#[derive(Debug)]
#[must_use = "the token is cancelled when this is dropped"]
pub struct DropGuard<A: Access = Shared> {
    /// Nothing once it is disarmed.
    token: Option<CancellationToken<A>>,
}

/// Cancels its token when it is dropped, unless it was [disarmed](Self::disarm).
#[derive(Debug)]
#[must_use = "the token is cancelled when this is dropped"]
pub struct DropGuardRef<'a, A: Access = Shared> {
    /// Nothing once it is disarmed.
    token: Option<&'a CancellationToken<A>>,
}

impl<A: Access> DropGuard<A> {
    pub(super) fn new(token: CancellationToken<A>) -> Self {
        Self { token: Some(token) }
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &CancellationToken<A> {
        self.token.as_ref().expect("only who consumes this takes it")
    }

    /// Does not cancel it, and answers the token.
    #[must_use]
    pub fn disarm(mut self) -> CancellationToken<A> {
        self.token.take().expect("only who consumes this takes it")
    }
}

impl<'a, A: Access> DropGuardRef<'a, A> {
    pub(super) fn new(token: &'a CancellationToken<A>) -> Self {
        Self { token: Some(token) }
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &CancellationToken<A> {
        self.token.expect("only who consumes this takes it")
    }

    /// Does not cancel it, and answers the token.
    #[must_use]
    pub fn disarm(mut self) -> &'a CancellationToken<A> {
        self.token.take().expect("only who consumes this takes it")
    }
}

impl<A: Access> Drop for DropGuard<A> {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            token.cancel();
        }
    }
}

impl<A: Access> Drop for DropGuardRef<'_, A> {
    fn drop(&mut self) {
        if let Some(token) = self.token {
            token.cancel();
        }
    }
}
