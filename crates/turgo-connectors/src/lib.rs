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
mod datagen;
mod filesystem;
mod format;
pub mod generator;
mod nexmark;
mod option;
mod print;
mod random;
pub mod registry;
mod scenario;
pub mod stdout;
mod synthetic;

pub use registry::connectors;
pub use stdout::{Format, StdoutSink};
