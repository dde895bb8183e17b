//! What the workshops share that measure our crates beside the libraries that could take their place.
//!
//! A workshop says what is compared, in groups, and what a group must show, in gates; [`run`] is its program.

#![forbid(unsafe_code)]

mod command;
mod measure;
mod report;
mod work;

pub use command::{Apart, Gate, Group, Threads, Workshop, run};
pub use measure::{Case, Work};
pub use work::{Random, shared, two_sided};
