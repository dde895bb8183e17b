//! Tests of the queue of waiters.

#[cfg(loom)]
mod loom;
#[cfg(all(shuttle, not(loom)))]
mod shuttle;
#[cfg(not(any(loom, shuttle)))]
mod unit;
