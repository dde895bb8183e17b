//! The command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use turgo_connectors::Format;

use crate::bench::args::Bench;
use crate::sim::args::Sim;

/// Streaming SQL over files on one machine: continuous queries, windows over event time, every row
/// accounted for.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run statements until their inputs end, or Ctrl-C
    #[command(after_help = RUN_EXAMPLES)]
    Run(Run),
    /// Open a shell: history, completion, results as they come
    #[command(after_help = SQL_EXAMPLES)]
    Sql(Sql),
    /// Show how queries would run: logical plan, stages, and how rows travel between them
    Explain(Explain),
    /// Measure known queries, after checking their answers
    #[command(subcommand)]
    Bench(Bench),
    /// Show the machine as Turgo sees it: nodes, processors, caches, distances, limits
    #[command(after_help = TOPOLOGY_EXAMPLES)]
    Topology(Topology),
    /// Run task graphs on machines that are not there, under every policy of the scheduler
    #[command(subcommand)]
    Sim(Sim),
    /// Print completions for a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(Completions),
}

const TOPOLOGY_EXAMPLES: &str = "\
Examples:
  turgo topology
  turgo topology --json
  turgo topology --simulate 4x16,ring
  turgo topology --simulate dual:8,llc=4,memory=64GiB

A machine that is made up is NODESxCORES or NODESxCORESxTHREADS, or uma, dual or quad, and options
behind commas: mesh or ring, distances=10-21/21-10, llc=CORES, memory=SIZE.
Exit status: 0 done, 1 a file of the kernel cannot be understood, 2 wrong usage.";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  turgo completions bash > ~/.local/share/bash-completion/completions/turgo
  turgo completions zsh > \"${fpath[1]}/_turgo\"
  turgo completions fish > ~/.config/fish/completions/turgo.fish";

const RUN_EXAMPLES: &str = "\
Examples:
  turgo run query.sql
  turgo run tables.sql query.sql --workers 4 --stats stats.json
  turgo run tables.sql -c \"SELECT count(*) FROM bid\" --format csv

Results go to standard output, everything else to standard error.
Exit status: 0 done, 1 an error in a query or its data, 2 wrong usage, 130 interrupted.";

const SQL_EXAMPLES: &str = "\
Examples:
  turgo sql
  turgo sql tables.sql --format csv
  echo \"SELECT 1 AS one;\" | turgo sql

A statement ends with a semicolon and may take several lines. \\? lists the commands of the shell,
such as \\d for tables and views; Tab completes, Ctrl-R searches what was typed before, Ctrl-C stops
the query that runs, Ctrl-D leaves.

Where standard input is no terminal, its statements are run one after another without prompts, and
the first failure ends the shell; exit status as for `turgo run`.";

#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = true)]
pub(crate) struct Scripts {
    /// Files of SQL statements, run in order as one script
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Statements, run after the files
    #[arg(short = 'c', long = "command", value_name = "SQL", allow_hyphen_values = true)]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) scripts: Scripts,

    /// Worker threads [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) workers: Option<u16>,

    /// How the rows of a bare SELECT are written
    #[arg(short, long, value_enum, default_value_t = RowFormat::Table)]
    pub(crate) format: RowFormat,

    /// Show rows, bytes, rate and watermark on standard error while a query runs
    #[arg(long, value_enum, default_value_t = ShowProgress::Auto, value_name = "WHEN")]
    pub(crate) progress: ShowProgress,

    /// Write what was read, used, late, rejected, filtered and written as JSON to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) stats: Option<PathBuf>,

    /// Write which worker ran which part of the query when to this file, for ui.perfetto.dev; a second
    /// query of the run goes to FILE with `.2` before its extension
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Sql {
    /// Files of SQL statements, run before the first prompt
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Worker threads [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) workers: Option<u16>,

    /// How the rows of a bare SELECT are written
    #[arg(short, long, value_enum, default_value_t = RowFormat::Table)]
    pub(crate) format: RowFormat,

    /// Neither read nor write the history of statements, $XDG_STATE_HOME/turgo/history or
    /// ~/.local/state/turgo/history
    #[arg(long)]
    pub(crate) no_history: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) scripts: Scripts,

    /// How the plan is written
    #[arg(short, long, value_enum, default_value_t = PlanFormat::Text)]
    pub(crate) format: PlanFormat,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Topology {
    /// Show a machine that is made up
    #[arg(long, value_name = "SPEC")]
    pub(crate) simulate: Option<String>,

    /// One JSON object, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowFormat {
    /// Aligned columns for people
    Table,
    /// Comma-separated values with a header line
    Csv,
    /// One JSON array of objects
    Json,
    /// One JSON object per line
    Ndjson,
}

impl From<RowFormat> for Format {
    fn from(format: RowFormat) -> Self {
        match format {
            RowFormat::Table => Self::Table,
            RowFormat::Csv => Self::Csv,
            RowFormat::Json => Self::Json,
            RowFormat::Ndjson => Self::Ndjson,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// The task graph alone, for Graphviz
    Dot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShowProgress {
    /// When standard error is a terminal and the query takes a while
    Auto,
    /// Always, one line a second where it is no terminal
    Always,
    /// Never
    Never,
}
