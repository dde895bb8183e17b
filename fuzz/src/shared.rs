//! What threads share: in the tests of turgo-lockfree without reference counts, for ThreadSanitizer's sake; here with them.

use std::sync::Arc;

/// A value that several threads use.
#[derive(Debug)]
pub(crate) struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(value))
    }

    pub(crate) fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// Frees the value with the last who shares it.
    pub(crate) fn free(self) {}
}

impl<T> std::ops::Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
