//! Queues: first in, first out, for any number of producers and consumers.
//!
//! | type | room | progress |
//! |---|---|---|
//! | [`ArrayQueue`] | bounded | a stalled producer or consumer holds up the others when they come to its slot |
//! | [`MsQueue`] | unbounded, one allocation per item | lock-free |
//! | [`SegmentQueue`] | unbounded, one allocation per 64 items at most | lock-free |

mod array;
mod michael_scott;
mod segment;

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

pub use array::{ArrayQueue, IntoIter as ArrayIntoIter};
pub use michael_scott::MsQueue;
pub use segment::{IntoIter as SegmentIntoIter, SegmentQueue};
