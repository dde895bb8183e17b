//! Measures the synchronisation crate beside the libraries that could take its place.
//!
//! ```text
//! cargo run --release -- [--threads 1,2] [--group NAME] [--rounds 7] [--windows 10] [--json FILE]
//! ```
//!
//! One run measures every implementation of a group in turn, so a ratio of two figures is of one run; absolute figures are of this
//! machine and this hour. An operation that does not take effect ends the run.

#![forbid(unsafe_code)]

mod cases;
mod waits;

use std::process::ExitCode;

use bench_harness::{Apart, Workshop};
use cases::{GATES, GROUPS};

fn main() -> ExitCode {
    let (groups, gates) = (&GROUPS, &GATES);
    let apart = Some(Apart { name: "waits", run: waits::run });
    bench_harness::run(&Workshop { name: "bench-sync", groups, gates, apart })
}
