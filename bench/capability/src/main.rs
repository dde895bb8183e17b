//! Measures the capability table beside hash maps that could take its place.
//!
//! ```text
//! cargo run --release -- [--threads 1,2] [--group NAME] [--rounds 7] [--windows 10] [--json FILE]
//! ```
//!
//! One run measures every implementation of a group in turn, so a ratio of two figures is of one run; absolute figures are of this
//! machine and this hour. An operation that does not take effect ends the run. Revocations by number of descendants are measured apart, as
//! each can be done once: `--group cascade`.

#![forbid(unsafe_code)]

mod cascade;
mod cases;
#[path = "../../core/src/measure.rs"]
mod measure;
#[path = "../../core/src/report.rs"]
mod report;
#[expect(dead_code, reason = "two-sided work is for queues")]
#[path = "../../core/src/work.rs"]
mod work;

use std::process::ExitCode;
use std::time::Duration;

use cases::GROUPS;
use measure::Plan;

struct Options {
    threads: Vec<usize>,
    group: Option<String>,
    rounds: usize,
    windows: usize,
    json: Option<String>,
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("bench-capability: {message}");
            return ExitCode::from(2);
        }
    };
    let mut report = report::Report::default();
    let named = |name: &str| options.group.as_deref().is_none_or(|group| name.starts_with(group));
    for group in GROUPS.iter().filter(|group| named(group.name)) {
        for &threads in options.threads.iter().filter(|threads| group.threads.allow(**threads)) {
            let cases = (group.cases)();
            let figures = measure::measure(&cases, threads, plan(&options, threads));
            report.add(group.name, threads, &cases, figures);
        }
    }
    if named(cascade::GROUP) {
        cascade::run(options.rounds);
    }
    report.gates();
    match options.json.map(|path| report.write(&path)).transpose() {
        Ok(_) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bench-capability: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Windows on several threads are short, so that some lie between two interruptions, and many.
fn plan(options: &Options, threads: usize) -> Plan {
    let Options { rounds, windows, .. } = *options;
    match threads {
        1 => Plan { rounds, windows, window: Duration::from_millis(2) },
        _ => Plan { rounds, windows: windows * 8, window: Duration::from_micros(250) },
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options =
        Options { threads: vec![1, 2], group: None, rounds: 7, windows: 10, json: None };
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} takes a value"))?;
        let number = |text: &str| match text.parse() {
            Ok(0) | Err(_) => Err(format!("{name}: `{text}` is not a number from 1")),
            Ok(number) => Ok(number),
        };
        match name.as_str() {
            "--threads" => {
                options.threads = value.split(',').map(number).collect::<Result<_, _>>()?
            }
            "--group" => options.group = Some(value),
            "--rounds" => options.rounds = number(&value)?,
            "--windows" => options.windows = number(&value)?,
            "--json" => options.json = Some(value),
            _ => return Err(format!("unknown option {name}: see the head of src/main.rs")),
        }
    }
    if let Some(group) = &options.group {
        let mut names: Vec<_> = GROUPS.iter().map(|group| group.name).collect();
        names.push(cascade::GROUP);
        if !names.iter().any(|name| name.starts_with(group.as_str())) {
            return Err(format!("no group begins with `{group}`: there are {}", names.join(", ")));
        }
    }
    Ok(options)
}
