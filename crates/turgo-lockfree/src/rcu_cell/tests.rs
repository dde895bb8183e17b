//! A cell among threads that stop in the middle, and loom.

#[cfg(loom)]
mod loom;
#[cfg(not(any(loom, shuttle)))]
mod suspended;
