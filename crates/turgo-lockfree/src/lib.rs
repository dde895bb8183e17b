//! Sharing memory without locks, and knowing when it can be freed.

#![cfg_attr(not(any(feature = "std", loom, shuttle, mutants)), no_std)]

extern crate alloc;

pub mod counter;
pub mod deque;
mod drain;
mod fence;
pub mod hazard;
#[cfg(feature = "std")]
pub mod map;
mod patience;
mod pause;
pub mod queue;
pub mod rcu;
mod rcu_cell;
pub mod reclaim;
mod registry;
pub mod ring;
pub mod stack;

pub use rcu_cell::{RcuCell, Replaced};
pub use reclaim::{Atomic, Owned, Reclaim, Shared};

/// The code of the book's chapter is compiled and run with the tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/book/lockfree.md")]
struct Tutorial;
