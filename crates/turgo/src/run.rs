//! `turgo run`: scripts from their first statement to their last, or to the first failure.

use turgo_sql::statement::Statement;

use crate::args::Run;
use crate::interrupt::Interrupt;
use crate::report::Failure;
use crate::runner::{Options, Runner};
use crate::script::{Script, scripts};
use crate::stats::StatsFile;
use crate::trace::TraceFiles;

/// Runs the command.
pub(crate) fn run(args: &Run) -> Result<(), Failure> {
    let scripts = scripts(&args.scripts)?;
    // Made before anything runs: to hear after an hour that it cannot be written would be late.
    let stats = args.stats.as_deref().map(StatsFile::create).transpose()?;
    let trace = args.trace.as_deref().map(TraceFiles::create).transpose()?;
    let interrupt = Interrupt::listen()?;
    let options =
        Options { workers: args.workers, format: args.format.into(), progress: args.progress };
    let mut runner = Runner::new(options, interrupt.clone());
    runner.trace = trace;
    let ended = all(&mut runner, &interrupt, &scripts);
    let written = stats.map_or(Ok(()), |stats| stats.write(&runner.queries));
    ended.and(written)
}

fn all(runner: &mut Runner, interrupt: &Interrupt, scripts: &[Script]) -> Result<(), Failure> {
    // All are parsed before the first statement runs: a typing error in the last line should not
    // show after an hour.
    let parsed = scripts.iter().map(|script| Ok((script, script.parse()?)));
    let parsed: Vec<(&Script, Vec<Statement>)> = parsed.collect::<Result<_, Failure>>()?;
    for (script, statements) in &parsed {
        for statement in statements {
            if interrupt.asked() {
                return Err(Failure::interrupted());
            }
            runner.statement(script, statement)?;
        }
    }
    Ok(())
}
