//! Hazard pointers alone.

#[cfg(loom)]
mod loom;
