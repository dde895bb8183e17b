//! A linearizability checker: histories recorded from real or modelled threads, and the sequential types they must agree with.
//!
//! A history is linearizable if each operation can be given one instant between its call and its return so that, in the order of
//! these instants, a sequential object gives every result that was seen (Herlihy and Wing 1990). [`check`](check::check) searches
//! for such an order. Other targets take this tree in with `#[path]`.

#[path = "lincheck/check.rs"]
pub(crate) mod check;
#[path = "lincheck/history.rs"]
pub(crate) mod history;
#[path = "lincheck/spec.rs"]
pub(crate) mod spec;
#[path = "lincheck/takes.rs"]
pub(crate) mod takes;

#[allow(unused_imports, reason = "not every target needs all")]
pub(crate) use check::{Rejected, check, check_partitions};
#[allow(unused_imports, reason = "not every target needs all")]
pub(crate) use history::{Clock, History, Operation, Recorder};
#[allow(unused_imports, reason = "not every target needs all")]
pub(crate) use spec::Spec;
