//! Fuzz targets: functions of any bytes that panic where Turgo is wrong.
//!
//! `fuzz_targets/` hands them to libFuzzer; `tests/corpus.rs` calls them, on stable Rust, with the
//! seeds of `corpus/` and with inputs made of those. A panic of Turgo itself is a finding, too.

#![forbid(unsafe_code)]

// As the tests of turgo-lockfree have them.
#[path = "../../crates/turgo-lockfree/tests/linearizability/bytes.rs"]
mod bytes;
mod csv;
mod decode;
mod json;
#[path = "../../crates/turgo-lockfree/tests/linearizability/judged.rs"]
mod judged;
#[allow(dead_code, reason = "no target uses all of it")]
#[path = "../../crates/turgo-lockfree/tests/linearizability/lincheck.rs"]
mod lincheck;
mod options;
#[path = "../../crates/turgo-connectors/tests/files/reference.rs"]
mod reference;
mod round_trip;
mod shared;
mod sql;
#[allow(dead_code, reason = "as above")]
#[path = "../../crates/turgo-lockfree/tests/linearizability/threads.rs"]
mod threads;

pub use csv::csv;
pub use json::json;
pub use options::options;
pub use round_trip::round_trip;
pub use sql::sql;

/// Any bytes are a history of a lock-free structure that is linearizable. With `--cfg shuttle` they choose where threads are switched.
pub fn histories(data: &[u8]) {
    bytes::hold(data);
}

/// Any bytes are a history that the checker of such histories judges right.
pub fn checker(data: &[u8]) {
    judged::judge(data);
}
