//! Fuzz targets: functions of any bytes that panic where Turgo is wrong.
//!
//! `fuzz_targets/` hands them to libFuzzer; `tests/corpus.rs` calls them, on stable Rust, with the
//! seeds of `corpus/` and with inputs made of those. A panic of Turgo itself is a finding, too.

#![forbid(unsafe_code)]

// As the tests of turgo-lockfree have them.
#[path = "../../crates/turgo-lockfree/tests/linearizability/bytes.rs"]
mod bytes;
#[cfg(feature = "streams")]
mod csv;
#[cfg(feature = "streams")]
mod decode;
#[cfg(feature = "streams")]
mod json;
#[path = "../../crates/turgo-lockfree/tests/linearizability/judged.rs"]
mod judged;
#[allow(dead_code, reason = "no target uses all of it")]
#[path = "../../crates/turgo-lockfree/tests/linearizability/lincheck.rs"]
mod lincheck;
#[cfg(feature = "streams")]
mod options;
#[cfg(feature = "streams")]
#[path = "../../crates/turgo-connectors/tests/files/reference.rs"]
mod reference;
#[cfg(feature = "streams")]
mod round_trip;
mod shared;
#[cfg(feature = "sql")]
mod sql;
#[allow(dead_code, reason = "as above")]
#[path = "../../crates/turgo-lockfree/tests/linearizability/threads.rs"]
mod threads;

#[cfg(feature = "streams")]
pub use csv::csv;
#[cfg(feature = "streams")]
pub use json::json;
#[cfg(feature = "streams")]
pub use options::options;
#[cfg(feature = "streams")]
pub use round_trip::round_trip;
#[cfg(feature = "sql")]
pub use sql::sql;

/// Any bytes are a history of a lock-free structure that is linearizable. With `--cfg shuttle` they choose where threads are switched.
pub fn histories(data: &[u8]) {
    bytes::hold(data);
}

/// Any bytes are a history that the checker of such histories judges right.
pub fn checker(data: &[u8]) {
    judged::judge(data);
}
