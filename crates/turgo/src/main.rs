//! The `turgo` command: reads the command line and hands over. Holds nothing worth testing without
//! it.

#![forbid(unsafe_code)]

mod args;
mod interrupt;
mod progress;
mod report;
mod script;
mod stats;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    let ended = match args.command {
        Command::Run(run) => script::run(&run),
        Command::Explain(explain) => script::explain(&explain),
        Command::Completions(completions) => script::completions(completions.shell),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.code())
        }
    }
}
