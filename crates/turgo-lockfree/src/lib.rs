//! Sharing memory without locks, and knowing when it can be freed.

#![cfg_attr(not(any(feature = "std", loom, shuttle, mutants)), no_std)]

extern crate alloc;

mod drain;
pub mod queue;
pub mod ring;
