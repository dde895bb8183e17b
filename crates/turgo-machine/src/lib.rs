//! What is beneath us: the one place that names the atomics of the standard library, the calls of the kernel and clocks.
//!
//! A program that is built with `--cfg loom` or `--cfg shuttle` gets that checker's atomics, cells and threads from here, and so
//! do all crates above: their code is the same in a model as in the product.

#![cfg_attr(not(any(feature = "std", loom, shuttle, mutants)), no_std)]

#[cfg(feature = "std")]
pub mod affinity;
pub mod atomic;
#[cfg(any(feature = "std", loom, shuttle))]
pub mod barrier;
pub mod cell;
#[cfg(feature = "std")]
pub mod clock;
#[cfg(feature = "std")]
pub mod futex;
#[cfg(feature = "std")]
pub mod heap;
#[cfg(all(feature = "std", unix))]
pub mod latency;
pub mod mutant;
#[cfg(all(feature = "std", unix))]
pub mod numa;
pub mod prefetch;
pub mod thread;
#[cfg(feature = "std")]
pub mod topology;
#[cfg(turgo_without = "alignment")]
mod unpadded;

/// Waits longer from one failed attempt to the next: first some `spin_loop` hints, twice as many each time, then the rest of the
/// thread's time slice ([`snooze`](Backoff::snooze)); [`is_completed`](Backoff::is_completed) says when it is time to park instead. crossbeam's, because the
/// numbers in it come from measurements on machines that we do not have.
pub use crossbeam_utils::Backoff;
/// Keeps a value on cache lines of its own: 128 bytes on x86-64 (where lines are fetched in pairs), aarch64 and powerpc64, as much as a
/// line has elsewhere. crossbeam's, which keeps the table of processors.
#[cfg(not(turgo_without = "alignment"))]
pub use crossbeam_utils::CachePadded;
#[cfg(turgo_without = "alignment")]
pub use unpadded::CachePadded;
