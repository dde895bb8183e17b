//! Measures the lock-free crates beside the libraries that could take their place.
//!
//! ```text
//! cargo run --release -- [--threads 1,2] [--group NAME] [--rounds 7] [--windows 10] [--json FILE]
//! ```
//!
//! One run measures every implementation of a group in turn, so a ratio of two figures is of one run; absolute figures are of this
//! machine and this hour. An operation that does not take effect ends the run.

mod baselines;
mod cases;

use std::process::ExitCode;

use bench_harness::Workshop;
use cases::{GATES, GROUPS};

fn main() -> ExitCode {
    let (groups, gates) = (&GROUPS, &GATES);
    bench_harness::run(&Workshop { name: "bench-core", groups, gates, apart: None })
}
