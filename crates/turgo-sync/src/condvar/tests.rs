//! Tests of condition variables.

#![cfg(not(shuttle))]

#[cfg(loom)]
mod loom;
#[cfg(not(loom))]
mod unit;
