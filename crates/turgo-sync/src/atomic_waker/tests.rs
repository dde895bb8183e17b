//! Tests of the slot for one waiter.

#[cfg(loom)]
mod loom;
#[cfg(not(any(loom, shuttle)))]
mod unit;
