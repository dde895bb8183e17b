//! Tests of counting down.

#![cfg(not(shuttle))]

#[cfg(loom)]
mod loom;
#[cfg(not(loom))]
mod unit;
