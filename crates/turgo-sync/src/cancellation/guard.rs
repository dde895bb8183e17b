//! Guards that cancel.

use super::CancellationToken;

/// Cancels its token when it is dropped, unless it was [disarmed](Self::disarm).
#[derive(Debug)]
#[must_use = "the token is cancelled when this is dropped"]
pub struct DropGuard {
    /// Nothing once it is disarmed.
    token: Option<CancellationToken>,
}

/// Cancels its token when it is dropped, unless it was [disarmed](Self::disarm).
#[derive(Debug)]
#[must_use = "the token is cancelled when this is dropped"]
pub struct DropGuardRef<'a> {
    /// Nothing once it is disarmed.
    token: Option<&'a CancellationToken>,
}

impl DropGuard {
    pub(super) fn new(token: CancellationToken) -> Self {
        Self { token: Some(token) }
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        self.token.as_ref().expect("only who consumes this takes it")
    }

    /// Does not cancel it, and answers the token.
    #[must_use]
    pub fn disarm(mut self) -> CancellationToken {
        self.token.take().expect("only who consumes this takes it")
    }
}

impl<'a> DropGuardRef<'a> {
    pub(super) fn new(token: &'a CancellationToken) -> Self {
        Self { token: Some(token) }
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        self.token.expect("only who consumes this takes it")
    }

    /// Does not cancel it, and answers the token.
    #[must_use]
    pub fn disarm(mut self) -> &'a CancellationToken {
        self.token.take().expect("only who consumes this takes it")
    }
}

impl Drop for DropGuard {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            token.cancel();
        }
    }
}

impl Drop for DropGuardRef<'_> {
    fn drop(&mut self) {
        if let Some(token) = self.token {
            token.cancel();
        }
    }
}
