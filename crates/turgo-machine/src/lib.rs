//! What is beneath us: the one place that names the atomics of the standard library, the calls of the kernel and clocks.
//!
//! A program that is built with `--cfg loom` or `--cfg shuttle` gets that checker's atomics, cells and threads from here, and so
//! do all crates above: their code is the same in a model as in the product.

#![cfg_attr(not(any(feature = "std", loom, shuttle, mutants)), no_std)]

#[cfg(all(feature = "std", not(any(loom, shuttle))))]
pub mod affinity;
pub mod atomic;
#[cfg(any(feature = "std", loom, shuttle))]
pub mod barrier;
pub mod cell;
#[cfg(feature = "std")]
pub mod clock;
#[cfg(all(feature = "std", not(any(loom, shuttle))))]
pub mod latency;
pub mod mutant;
#[cfg(all(feature = "std", not(any(loom, shuttle))))]
pub mod numa;
#[cfg(any(feature = "std", loom, shuttle))]
pub mod thread;
#[cfg(feature = "std")]
pub mod topology;

pub use crossbeam_utils::{Backoff, CachePadded};
