//! Measures the capability table beside hash maps that could take its place.
//!
//! ```text
//! cargo run --release -- [--threads 1,2] [--group NAME] [--rounds 7] [--windows 10] [--json FILE]
//! ```
//!
//! One run measures every implementation of a group in turn, so a ratio of two figures is of one run; absolute figures are of this
//! machine and this hour. An operation that does not take effect ends the run. Revocations by number of descendants are measured apart, as
//! each can be done once: `--group cascade`.

#![forbid(unsafe_code)]

mod answers;
mod cascade;
mod cases;

use std::process::ExitCode;

use bench_harness::{Apart, Workshop};
use cases::{GATES, GROUPS};

fn main() -> ExitCode {
    answers::compare();
    let (groups, gates) = (&GROUPS, &GATES);
    bench_harness::run(&Workshop {
        name: "bench-capability",
        groups,
        gates,
        apart: Some(Apart { name: cascade::GROUP, run: cascade::run }),
    })
}
