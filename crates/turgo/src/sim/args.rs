//! The command line of `turgo sim`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Sim {
    /// Run one graph under one policy
    #[command(after_help = RUN_EXAMPLES)]
    Run(Run),
    /// Go along a run of threads that was written to a file, on this machine or another
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(Replay),
    /// Run the same graphs under every policy
    #[command(after_help = ABLATION_EXAMPLES)]
    Ablation(Sweep),
    /// Show what is meant to be reached, and what is
    Targets(Targets),
    /// Measure what things cost on this machine, and how well a simulation predicts it
    Calibrate,
}

const RUN_EXAMPLES: &str = "\
Examples:
  turgo sim run --machine 4x16,ring --graph random:100000/4 --policy hierarchical --seed 7
  turgo sim run --machine 8x128 --graph stream:200000/8x128 --trace trace.json

Machines are those of `turgo topology --simulate`. Graphs are a kind and a size: random, tree, bag,
wavefront, stream, rounds, arrivals, tenants, pair; behind a slash the nodes they are partitioned
for, with processors of each (4x16). Traces open in ui.perfetto.dev.";

const REPLAY_EXAMPLES: &str = "\
Examples:
  turgo sim replay run.txt
  turgo sim replay run.txt --machine 1x2 --trace trace.json

A program writes such a file with RecordedRun::write, from the report of a graph that ran in a
pool built with record(true). Each task is run by the worker that ran it, and each worker runs its
tasks in the order in which it did; how long things take is what the machine and the costs in the
file say.";

const ABLATION_EXAMPLES: &str = "\
Examples:
  turgo sim ablation
  turgo sim ablation --machines '1x16;4x16,ring' --graphs 'random:50000/N;tree:60000' --json

It goes through five machines with eight graphs each, which takes minutes, and then through the targets.
In the sizes of graphs, /N stands for the nodes and processors of each machine.";

/// What a run and a replay both take.
#[derive(Debug, ClapArgs)]
pub(crate) struct Common {
    /// Use costs measured on this machine
    #[arg(long)]
    pub(crate) calibrate: bool,

    /// Write what happens to this file, for a browser
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Run {
    /// The machine
    #[arg(long, value_name = "SPEC", default_value = "4x16,ring")]
    pub(crate) machine: String,

    /// The graph
    #[arg(long, value_name = "KIND:SIZE", default_value = "random:100000/4")]
    pub(crate) graph: String,

    /// The policy: a name of the table that `turgo sim ablation` prints, or how victims are chosen
    #[arg(long, value_name = "NAME", default_value = "hierarchical")]
    pub(crate) policy: String,

    /// Workers [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) workers: Option<u16>,

    /// Where random numbers begin
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,

    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Replay {
    /// The recording
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// The machine [default: with as many nodes, as far apart, as the one it was recorded on]
    #[arg(long, value_name = "SPEC")]
    pub(crate) machine: Option<String>,

    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Sweep {
    /// Machines, separated by semicolons
    #[arg(long, value_name = "SPECS", value_delimiter = ';')]
    pub(crate) machines: Vec<String>,

    /// Graphs, separated by semicolons
    #[arg(long, value_name = "GRAPHS", value_delimiter = ';')]
    pub(crate) graphs: Vec<String>,

    /// Where random numbers begin
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,

    /// Threads that run it, which changes nothing in what comes out [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Targets {
    /// Where random numbers begin
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,

    /// Use costs measured on this machine
    #[arg(long)]
    pub(crate) calibrate: bool,
}
