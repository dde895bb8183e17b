//! `turgo bench`: rates that are printed only beside answers that are right.
//!
//! - M1. The expected answer is worked out by plain loops that share nothing with the engine but the
//!   rows. An answer that differs ends the benchmark with status 1, before any rate is shown.
//! - M2. What is timed is the run of a task graph, from source to sink; planning, making rows that are
//!   held in memory and checking are not.
//! - M3. A figure is a median of several runs, and carries their spread.

mod ablation;
mod answer;
pub(crate) mod args;
mod baseline;
mod core;
mod held;
mod nexmark;
mod record;
mod runner;
mod scenarios;
mod tally;

use crate::bench::args::{Bench, Common};
use crate::bench::baseline::Baseline;
use crate::bench::record::{JsonOutput, Record};
use crate::interrupt::Interrupt;
use crate::report::{Failure, say};

/// Runs the benchmark.
pub(crate) fn run(bench: &Bench) -> Result<(), Failure> {
    if cfg!(debug_assertions) {
        say("note: this is a debug build: its answers count, its rates mean nothing");
    }
    let interrupt = Interrupt::listen()?;
    match bench {
        Bench::Scenarios(args) => scenarios::run(args, &interrupt),
        Bench::Nexmark(args) => nexmark::run(args, &interrupt),
        Bench::Core(args) => core::run(args, &interrupt),
    }
}

/// What a benchmark is about to measure, for a comparison with an earlier run.
struct Subject {
    query: &'static str,
    source: String,
    rows: u64,
}

/// Measures `subjects` in order and shows them: `table` lays them out for people.
fn measure(
    common: &Common,
    subjects: &[Subject],
    mut one: impl FnMut(usize) -> Result<Record, Failure>,
    table: impl Fn(&[Record]) -> String,
) -> Result<(), Failure> {
    let baseline = common.baseline.as_deref().map(Baseline::read).transpose()?;
    if let Some(baseline) = &baseline {
        baseline.admits(common, subjects)?;
    }
    let json = common.json.as_deref().map(JsonOutput::open).transpose()?;
    let records: Vec<Record> = (0..subjects.len()).map(&mut one).collect::<Result<_, Failure>>()?;
    let mut shown = table(&records);
    if let Some(baseline) = &baseline {
        shown = format!("{shown}\n{}", baseline.compare(&records));
    }
    match &json {
        // Standard output then belongs to the records.
        Some(JsonOutput::Stdout) => say(shown.trim_end()),
        _ => record::print(&shown)?,
    }
    json.map_or(Ok(()), |json| json.write(&records))
}
