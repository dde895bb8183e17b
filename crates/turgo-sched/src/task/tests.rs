//! Tasks that live long.

#[cfg(not(any(loom, shuttle)))]
mod unit;

#[cfg(loom)]
mod models;
