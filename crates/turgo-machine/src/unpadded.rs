//! What stands for [`CachePadded`] in a build with `--cfg turgo_without="alignment"`, which measures what lines of their own are worth. Not for use.

use core::ops::{Deref, DerefMut};

/// A value that lies where it happens to lie.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct CachePadded<T>(T);

impl<T> CachePadded<T> {
    /// The value as it is.
    pub const fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for CachePadded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for CachePadded<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
