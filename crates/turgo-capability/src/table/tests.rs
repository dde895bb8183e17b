//! The table on one thread, with threads that are suspended in the middle of an operation, and a model of admitted work.

#[cfg(loom)]
mod models;
#[cfg(not(any(loom, shuttle)))]
mod suspended;
#[cfg(not(any(loom, shuttle)))]
mod unit;
