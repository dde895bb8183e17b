//! The command line of `turgo bench`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Velostream's five benchmark queries, as published, over rows in memory
    #[command(after_help = SCENARIOS_EXAMPLES)]
    Scenarios(Scenarios),
    /// Nexmark queries over bids, each reduced to one row of counts and sums
    #[command(after_help = NEXMARK_EXAMPLES)]
    Nexmark(Nexmark),
    /// The lock-free structures beside the locks they stand for
    #[command(after_help = CORE_EXAMPLES)]
    Core(Core),
}

const SCENARIOS_EXAMPLES: &str = "\
Examples:
  turgo bench scenarios
  turgo bench scenarios 3a 3b --rows 10000000 --workers 1
  turgo bench scenarios --json before.ndjson
  turgo bench scenarios --baseline before.ndjson
  turgo bench scenarios --ablate

Counts and checksums of every answer are compared with ones worked out without the engine before
a rate is printed; a difference ends the benchmark with exit status 1.";

const NEXMARK_EXAMPLES: &str = "\
Examples:
  turgo bench nexmark
  turgo bench nexmark q5 tumble --source generator --rows 10000000
  turgo bench nexmark q0 --source bids.ndjson --workers 1 --json -
  turgo bench nexmark --source bids.csv --in-memory

Answers are compared with ones worked out without the engine before a rate is printed; a
difference ends the benchmark with exit status 1.";

const CORE_EXAMPLES: &str = "\
Examples:
  turgo bench core
  turgo bench core queue map --workers 1
  turgo bench core --json before.ndjson
  turgo bench core --baseline before.ndjson

What the threads take out of each structure is added up and compared with what they put in before
a time is printed; a difference ends the benchmark with exit status 1. The libraries that one would
use instead are measured in the workshop bench/core of the source.";

/// What every benchmark takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Runs of each query; figures are medians
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) runs: u16,

    /// Worker threads [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) workers: Option<u16>,

    /// Write one JSON object per query to this file, `-` for standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Compare with what --json wrote in an earlier run of the same queries, rows and workers
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
}

/// `turgo bench scenarios`.
#[derive(Debug, Args)]
pub(crate) struct Scenarios {
    /// Which [default: all]
    #[arg(value_name = "SCENARIO", value_parser = ["0", "1", "2", "3a", "3b"])]
    pub(crate) scenarios: Vec<String>,

    /// Rows of each scenario
    #[arg(long, value_name = "N", default_value_t = 2_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub(crate) rows: u64,

    /// Instead, put four locks back one by one that the engine does without, and show what each
    /// costs over the rows of 3a and 2, with 2 and 4 workers or with --workers
    #[arg(long, conflicts_with_all = ["scenarios", "json", "baseline"])]
    pub(crate) ablate: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// `turgo bench nexmark`.
#[derive(Debug, Args)]
pub(crate) struct Nexmark {
    /// Which [default: all]
    #[arg(value_enum, value_name = "QUERY")]
    pub(crate) queries: Vec<Query>,

    /// Where the bids come from: `memory` (made before and held as columns), `generator` (made while
    /// the query runs) or a file: .ndjson, .csv, .parquet
    #[arg(long, value_name = "memory|generator|FILE", default_value = "memory")]
    pub(crate) source: String,

    /// Read the file before, and hold it as columns
    #[arg(long)]
    pub(crate) in_memory: bool,

    /// Bids that are made [default: 1000000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub(crate) rows: Option<u64>,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// A query of `turgo bench nexmark`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Query {
    /// Every column of every bid
    Q0,
    /// Prices in another currency
    Q1,
    /// Bids for one auction in 123
    Q2,
    /// The most bids for one auction, in 10 seconds every 2
    Q5,
    /// The highest bid of each 10 seconds
    Q7,
    /// Bids of a bidder in sessions ended by 10 seconds of silence
    Q11,
    /// Bids and their sum by auction and 10 seconds
    Tumble,
    /// Bids and their sum by auction, in 10 seconds every 2
    Hop,
}

/// `turgo bench core`.
#[derive(Debug, Args)]
pub(crate) struct Core {
    /// Which [default: all]
    #[arg(value_enum, value_name = "GROUP")]
    pub(crate) groups: Vec<CoreGroup>,

    /// Operations of each thread
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub(crate) operations: u64,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// Structures that can do the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CoreGroup {
    /// Every thread pushes a number and pops one
    Queue,
    /// Every thread pushes a number and pops one
    Stack,
    /// One thread pushes and pops 64 at a time, the others steal
    Deque,
    /// One thread sends to another
    Ring,
    /// Lookups in 65,536 keys, of which one in 20 comes behind an update
    Map,
    /// Readings of a value, of which one in 1,000 comes behind a replacement
    Cell,
    /// Additions
    Counter,
}

impl CoreGroup {
    /// As the command line names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Stack => "stack",
            Self::Deque => "deque",
            Self::Ring => "ring",
            Self::Map => "map",
            Self::Cell => "cell",
            Self::Counter => "counter",
        }
    }
}
