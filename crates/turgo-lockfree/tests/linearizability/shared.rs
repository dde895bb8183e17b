//! What threads share without reference counts.

/// A value several threads use and the first of them frees after it has joined the others. Unlike `Arc`, which ThreadSanitizer misreads
/// where the standard library is not built with it.
#[derive(Debug)]
pub(crate) struct Shared<T: 'static>(&'static T);

impl<T: Send + Sync> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Box::leak(Box::new(value)))
    }

    pub(crate) fn share(&self) -> Self {
        Self(self.0)
    }

    /// Frees the value. All who share it must have been joined.
    pub(crate) fn free(self) {
        let value: *const T = self.0;
        // SAFETY: it came from `Box::leak`, all who share it have been joined, and it is freed once.
        drop(unsafe { Box::from_raw(value.cast_mut()) });
    }
}

impl<T> std::ops::Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0
    }
}
