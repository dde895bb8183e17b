//! What a stream means: event time, operators, keyed state, and the tasks that run them.
//!
//! The engine takes a [`graph::TaskGraph`], which is plain data, and runs it to the end of its
//! bounded inputs or until it is told to stop. It knows no SQL text, no file format and no outside
//! system: sources and sinks reach it through the traits of [`io`]. It starts no async runtime.
//!
//! A row's way: a source thread reads a [`io::Chunk`]; an instance of the first stage decodes it,
//! works out the watermark each row arrived under ([`time`]), and passes it through its
//! [`operator`]s; an exchange hands rows or partial states to the instance that owns their key; the
//! last stage encodes results for the sink thread. Exactly four [`message::Message`]s cross an edge.

#![forbid(unsafe_code)]

pub mod error;
pub mod graph;
pub mod io;
pub mod letter;
pub mod memory;
pub mod message;
pub mod need;
pub mod operator;
pub mod run;
mod runtime;
pub mod state;
pub mod time;
pub mod types;
pub mod window;

pub use error::{EngineError, Result};
