//! What runs where, and when: work stealing over task graphs on machines with more than one memory node, and a simulator that runs
//! the same decisions on machines one does not have.
//!
//! - [`policy`]: every decision of the scheduler as a pure function of the layout of the workers, the time, random numbers and loads.
//! - [`fair`]: whose turn it is, among clients with weights.
//! - [`admission`]: who is let in: rates, capacity, tenants, deadlines.
//! - [`reserve`]: capacity taken for a vector, whole or not at all.
//! - [`layout`]: which worker runs on which processor, complex and node, and how far apart they are.
//! - [`tune`]: knobs that are turned while a pool runs.
//! - [`resources`]: what a task needs and a node has, in eight lanes; [`octonion`]: the algebra behind its products.

pub mod admission;
pub mod fair;
pub mod layout;
pub mod octonion;
pub mod policy;
pub mod random;
pub mod reserve;
pub mod resources;
pub mod tune;
