//! Apache Parquet: columns in row groups, with a footer that tells what they are.
//!
//! The footer is read before any row ([`file`]). It says how the columns of a file become those of a
//! table ([`fit`]), which columns a table without a declaration has ([`infer`]), and between which
//! values those of a row group lie ([`statistics`]). A row group's columns are then read as bytes
//! ([`ranges`]) and decoded elsewhere ([`read`]).
//!
//! - P1. Nothing in a file is believed before it is checked: a damaged one is an error that names it,
//!   whatever the library makes of it.

pub(crate) mod file;
mod fit;
pub(crate) mod infer;
pub(crate) mod ranges;
pub(crate) mod read;
mod statistics;
pub(crate) mod write;

use std::panic::{AssertUnwindSafe, catch_unwind};

use turgo_engine::{EngineError, Result};

/// The result of `read`, which reads what may be damaged. The library has assertions in places that
/// only a damaged file reaches: those are errors as well (P1).
fn guard<T>(
    name: &str,
    read: impl FnOnce() -> Result<T, parquet::errors::ParquetError>,
) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(refused(name, &error.to_string())),
        Err(_) => Err(damaged(name, "its parts contradict each other")),
    }
}

/// What the library says of file `name`.
fn refused(name: &str, said: &str) -> EngineError {
    const LAYERS: [&str; 4] = ["Parquet error: ", "EOF: ", "Arrow: ", "External: "];
    let mut said = said;
    while let Some(inner) = LAYERS.iter().find_map(|layer| said.strip_prefix(layer)) {
        said = inner;
    }
    match said.to_ascii_lowercase().contains("encrypt") {
        true => encrypted(name),
        false => damaged(name, said),
    }
}

fn damaged(name: &str, what: &str) -> EngineError {
    let action = format!("cannot read {name}");
    EngineError::external(action, format!("{what}; the file is damaged: write or fetch it again"))
}

fn encrypted(name: &str) -> EngineError {
    let what = "it is encrypted, which is not read; write it again without encryption";
    EngineError::external(format!("cannot read {name}"), what)
}
