//! Outside systems: connectors, formats, and generators.
//!
//! A connector implements the engine's [`turgo_engine::io`] traits for one kind of outside system;
//! [`connectors`] finds it by the name in `'connector' = '...'`. How rows are written as bytes is
//! the business of `format`, which knows nothing of files.
//!
//! Connectors cannot see operators or plans, and nothing in here parses SQL.

// Lifted in `format::bytes`.
#![deny(unsafe_code)]

mod blackhole;
mod filesystem;
mod format;
pub mod generator;
mod option;
mod print;
pub mod registry;
pub mod stdout;

pub use registry::connectors;
pub use stdout::{Format, StdoutSink};
