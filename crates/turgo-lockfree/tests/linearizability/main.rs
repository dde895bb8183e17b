//! Linearizability: the checker, the histories it must refuse and accept, and the histories of our structures.

#![cfg(not(loom))]
#![allow(dead_code, reason = "the checker serves several targets; none uses all of it")]

mod deques;
mod lincheck;
mod maps;
mod queues;
mod threads;

#[cfg(not(shuttle))]
mod planted;
#[cfg(not(shuttle))]
mod random;
