//! The `turgo` command: reads the command line and hands over. Holds nothing worth testing without
//! it.

#![forbid(unsafe_code)]

mod args;
mod bench;
mod completions;
mod explain;
mod interrupt;
mod output;
mod progress;
mod report;
mod run;
mod runner;
mod screen;
mod script;
mod shell;
mod sim;
mod stats;
mod topology;
mod trace;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

/// Freed memory that stays with the process: some columns of a batch for each thread.
const KEPT_BYTES: usize = 16 << 20;

fn main() -> ExitCode {
    // Where the allocator cannot be told, it is only slower.
    let _ = turgo_machine::heap::keep_freed(KEPT_BYTES);
    // While there is one thread: later it takes the kernel some 10 ms, and a small query less.
    let _ = turgo_machine::barrier::mode();
    let args = Args::parse();
    let ended = match args.command {
        Command::Run(run) => run::run(&run),
        Command::Sql(sql) => shell::sql(&sql),
        Command::Explain(explain) => explain::explain(&explain),
        Command::Bench(bench) => bench::run(&bench),
        Command::Topology(topology) => topology::topology(&topology),
        Command::Sim(sim) => sim::sim(&sim),
        Command::Completions(completions) => completions::completions(completions.shell),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.code())
        }
    }
}
