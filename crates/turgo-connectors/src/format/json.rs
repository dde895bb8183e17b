//! NDJSON: one JSON object (RFC 8259) per line.
//!
//! Reading: a missing key is NULL, of a repeated key the last one counts. The whole line must be valid
//! JSON in UTF-8, nested at most 128 deep; of a member that is no column, or a column that the query
//! does not use, nothing more is asked. Writing: every column in order, NULL as `null`.

pub(crate) mod infer;
mod nested;
mod path;
mod plain;
pub(crate) mod read;
mod scan;
mod separators;
pub(crate) mod write;

/// What is done with the rest of a record behind the last member that a query reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// It must be JSON.
    Check,
    /// It is not looked at, but that it ends like an object.
    Skip,
}
