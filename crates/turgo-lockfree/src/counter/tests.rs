//! Counters under threads that come and go.

#[cfg(loom)]
mod loom;
#[cfg(not(any(loom, shuttle)))]
mod unit;
