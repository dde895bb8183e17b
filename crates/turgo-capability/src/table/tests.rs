//! The table on one thread, and a model of admitted work.

#[cfg(loom)]
mod models;
#[cfg(not(any(loom, shuttle)))]
mod unit;
