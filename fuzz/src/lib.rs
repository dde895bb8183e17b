//! Fuzz targets: functions of any bytes that panic where Turgo is wrong.
//!
//! `fuzz_targets/` hands them to libFuzzer; `tests/corpus.rs` calls them, on stable Rust, with the
//! seeds of `corpus/` and with inputs made of those. A panic of Turgo itself is a finding, too.

#![forbid(unsafe_code)]

mod csv;
mod decode;
mod json;
mod options;
#[path = "../../crates/turgo-connectors/tests/files/reference.rs"]
mod reference;
mod round_trip;
mod sql;

pub use csv::csv;
pub use json::json;
pub use options::options;
pub use round_trip::round_trip;
pub use sql::sql;
