//! Who is let in: how often, how much, for whom, and until when.
//!
//! - [`Gate`]: two stages, a rate and then capacity. What capacity refuses is given back to the rate.
//! - [`Tenants`]: whose turn it is for capacity that all want, by dominant-resource fairness.
//! - [`Deadlines`]: what a node promises to have done in time, and what it has to refuse so that it can.
//! - [`RetryBudget`]: how many of those who were refused may try again.
//!
//! # Invariants
//!
//! - **A1** Within any time `t` no more than `burst + t / interval` tokens are let through.
//! - **A2** What capacity refuses costs no rate, as far as its tokens have not come back by themselves already.
//! - **A3** Whoever is let in has the smallest dominant share over its weight of those whose demand fits: nobody is ahead of another by more than a task of its own.
//! - **A4** A set of tasks is admitted by a processor only if their utilisation is at most 1, and by several that share a queue only if it leaves room beside the largest; then earliest-deadline-first meets all their deadlines.
//! - **A5** The utilisation of what is admitted is that of the worst cost that was measured, if that is more than what was said.
//! - **A6** Retries are at most the given part of the first attempts, and a reserve.

mod deadline;
mod drf;
mod gate;
mod line;
mod retry;

pub use deadline::{Admitted, Deadlines, Overload, Periodic, rate_monotonic_bound};
pub use drf::{Tenant, Tenants};
pub use gate::{Gate, Rate, Turned};
pub use retry::RetryBudget;

pub(crate) use line::Line;

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

#[cfg(all(test, loom))]
mod models;
