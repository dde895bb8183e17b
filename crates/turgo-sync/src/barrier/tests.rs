//! Tests of barriers.

#[cfg(loom)]
mod loom;
#[cfg(not(any(loom, shuttle)))]
mod unit;
