//! NDJSON: one JSON object (RFC 8259) per line.
//!
//! Reading: a missing key is NULL, of a repeated key the last one counts, other keys are ignored
//! though they must be valid JSON. Writing: every column in order, NULL as `null`.

pub(crate) mod read;
pub(crate) mod scan;
pub(crate) mod write;
