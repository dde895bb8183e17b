//! Queues: first in, first out, for any number of producers and consumers.
//!
//! | type | room | progress |
//! |---|---|---|
//! | [`ArrayQueue`] | bounded | a stalled producer or consumer holds up the others when they come to its slot |

mod array;

pub use array::{ArrayQueue, IntoIter as ArrayIntoIter};
