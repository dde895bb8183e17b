//! What runs where, and when: work stealing over task graphs on machines with more than one memory node, and a simulator that runs
//! the same decisions on machines one does not have.
//!
//! - [`pool`]: threads that run closures, forks, loops, graphs and long-lived tasks.
//! - [`dag`]: task graphs, and how one is run.
//! - [`task`]: futures and tasks that are run in steps, woken from anywhere.
//! - [`policy`]: every decision of the scheduler as a pure function of the layout of the workers, the time, random numbers and loads.
//! - [`fair`]: whose turn it is, among clients with weights.
//! - [`admission`]: who is let in: rates, capacity, tenants, deadlines.
//! - [`reserve`]: capacity taken for a vector, whole or not at all.
//! - [`layout`]: which worker runs on which processor, complex and node, and how far apart they are.
//! - [`tune`]: knobs that are turned while a pool runs.
//! - [`resources`]: what a task needs and a node has, in eight lanes; [`octonion`]: the algebra behind its products.
//! - [`statistics`] and [`trace`]: what a pool has done.
//! - [`sim`]: machines that are not there.

pub mod admission;
mod arena;
pub mod dag;
pub mod fair;
mod join;
pub mod layout;
pub mod octonion;
mod pause;
pub mod policy;
pub mod pool;
pub mod random;
pub mod reserve;
pub mod resources;
mod run;
mod scope;
pub mod sim;
mod sleep;
pub mod statistics;
pub mod task;
pub mod trace;
pub mod tune;

pub use pool::{Pool, Worker};
pub use scope::Scope;

/// The chapters of the book, whose code runs with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/book/scheduling.md")]
#[doc = include_str!("../../../docs/book/tuning.md")]
struct Book;
