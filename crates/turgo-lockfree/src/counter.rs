//! Counting without contention: counters and histograms of which every thread owns a part, an average that decays, and a word of metadata.
//!
//! A shared atomic counter costs a locked instruction per event, and several times that once two threads use it. Here each thread adds to a
//! slot of its own with a plain load and a plain store, and whoever wants the sum walks over the slots.
//!
//! # Invariants
//!
//! - **C1** A thread has a number that no other living thread has. Slot `n` is written only by the thread with number `n`.
//! - **C2** A number is given back with Release and taken with Acquire, so the next thread goes on from the last value of each slot: what an ended
//!   thread counted stays in its slots and is counted on. Slots live as long as their counter.
//! - **C3** A slot only grows, so sums do: a sum that happens after another is no smaller. It need not be the value the counter had at any one
//!   instant: it is not linearizable.
//! - **C4** A thread without a number (there are 1024; or its thread-local values are gone already) adds to a shared slot, atomically.

mod average;
mod histogram;
mod metadata;
#[cfg(any(all(test, loom), all(feature = "std", not(any(loom, shuttle)))))]
mod numbers;
mod owned;
mod thread_number;

#[cfg(test)]
mod tests;

pub use average::Average;
pub use histogram::{Histogram, HistogramSnapshot};
pub use metadata::{Metadata, MetadataSnapshot, Released};
pub use owned::Counter;
