//! RCU alone.

#[cfg(loom)]
mod loom;
