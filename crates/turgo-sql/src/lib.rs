//! From SQL text to a task graph.
//!
//! [`parse`] turns text into [`statement::Statement`]s: it rewrites what sqlparser does not read
//! (watermarks, window calls, EMIT) token by token, so that every error still points at the text
//! the user wrote. The session then plans them with DataFusion and lowers the optimised plan to a
//! `turgo_engine::graph::TaskGraph`.
//!
//! This is the only crate that names DataFusion's planner and optimiser.

#![forbid(unsafe_code)]

pub mod error;
pub mod parse;
pub mod statement;

pub use parse::parse;
