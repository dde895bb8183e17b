//! From SQL text to a task graph.
//!
//! [`parse()`] turns text into [`statement::Statement`]s: it rewrites what sqlparser does not read
//! (watermarks, window calls, EMIT) token by token, so that every error still points at the text
//! the user wrote. The [`Session`] then plans them with DataFusion and lowers the optimised plan to
//! a `turgo_engine::graph::TaskGraph`.
//!
//! This is the only crate that names DataFusion's planner and optimiser.

#![forbid(unsafe_code)]

mod catalog;
mod diagnose;
pub mod error;
mod exact;
mod explain;
mod functions;
mod inventory;
mod lazy;
mod lower;
mod names;
mod offer;
mod optimize;
pub mod parse;
mod plan;
mod session;
pub mod settings;
mod show;
mod stack;
pub mod statement;

pub use error::{Result, SqlError};
pub use explain::ExplainFormat;
pub use inventory::Declared;
pub use parse::parse;
pub use session::{Outcome, Planned, Session};
