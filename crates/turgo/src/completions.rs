//! `turgo completions`: what a shell needs to complete commands and options.

use clap::CommandFactory;
use turgo_engine::EngineError;

use crate::args::Args;
use crate::output::print;
use crate::report::Failure;

/// Prints the completions for `shell`.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "turgo", &mut script);
    match print(&String::from_utf8_lossy(&script)) {
        Err(EngineError::Closed) => Ok(()),
        printed => Ok(printed?),
    }
}
