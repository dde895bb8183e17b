//! Linearizability: the checker, the histories it must refuse and accept, and the histories of our structures.

#![cfg(not(loom))]
#![allow(dead_code, reason = "the checker serves several targets; none uses all of it")]

mod bytes;
mod cells;
mod deques;
mod judged;
mod lincheck;
mod made;
mod maps;
mod queues;
mod shared;
mod threads;

#[cfg(not(shuttle))]
mod planted;
#[cfg(not(shuttle))]
mod random;
