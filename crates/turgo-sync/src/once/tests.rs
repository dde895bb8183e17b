//! Tests of cells that are set once.

#![cfg(not(shuttle))]

#[cfg(loom)]
mod loom;
#[cfg(not(loom))]
mod unit;
