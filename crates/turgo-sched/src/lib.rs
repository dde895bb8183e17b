//! What runs where, and when: work stealing over task graphs on machines with more than one memory node, and a simulator that runs
//! the same decisions on machines one does not have.
//!
//! - [`pool`]: threads that run closures, forks, loops, graphs and long-lived tasks.
//! - [`policy`]: every decision of the scheduler as a pure function of the layout of the workers, the time, random numbers and loads.
//! - [`layout`]: which worker runs on which processor, complex and node, and how far apart they are.
//! - [`resources`]: what a task needs and a node has, in eight lanes.
//! - [`task`]: futures and tasks that are run in steps, woken from anywhere.
//! - [`statistics`] and [`trace`]: what a pool has done.

mod arena;
mod join;
pub mod layout;
pub mod policy;
pub mod pool;
pub mod random;
pub mod resources;
mod run;
mod scope;
mod sleep;
pub mod statistics;
pub mod task;
pub mod trace;

pub use pool::{Pool, Worker};
pub use scope::Scope;
