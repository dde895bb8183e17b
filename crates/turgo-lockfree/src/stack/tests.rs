//! Threads suspended in the middle of an operation on a stack, and loom.

#[cfg(loom)]
mod loom;
#[cfg(not(any(loom, shuttle)))]
mod suspended;
