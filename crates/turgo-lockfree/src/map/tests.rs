//! The map against a sequential one, real threads, and loom.

#[cfg(loom)]
mod loom;
#[cfg(not(loom))]
mod suspended;
#[cfg(not(loom))]
mod threads;
#[cfg(not(loom))]
mod unit;

use core::hash::{BuildHasher, Hasher};

/// Hashes a number to itself, so that a test chooses buckets and collisions.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Plain;

impl BuildHasher for Plain {
    type Hasher = PlainHasher;

    fn build_hasher(&self) -> PlainHasher {
        PlainHasher(0)
    }
}

/// The lowest byte of what was hashed last: keys that differ above it collide.
#[derive(Debug)]
pub(super) struct PlainHasher(u64);

impl Hasher for PlainHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first().copied().unwrap_or_default().into();
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
