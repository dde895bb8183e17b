//! Measures the synchronisation crate beside the libraries that could take its place.
//!
//! ```text
//! cargo run --release -- [--threads 1,2] [--group NAME] [--rounds 7] [--windows 10] [--json FILE]
//! ```
//!
//! One run measures every implementation of a group in turn, so a ratio of two figures is of one run; absolute figures are of this
//! machine and this hour. An operation that does not take effect ends the run.

#![forbid(unsafe_code)]

mod cases;
#[path = "../../core/src/measure.rs"]
mod measure;
#[path = "../../core/src/report.rs"]
mod report;
mod work;

use std::process::ExitCode;
use std::time::Duration;

use cases::{GROUPS, Group};
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
            eprintln!("bench-sync: {message}");
            return ExitCode::from(2);
        }
    };
    let mut report = report::Report::default();
    let named = |name: &str| options.group.as_deref().is_none_or(|group| name.starts_with(group));
    for group in GROUPS.iter().filter(|group| named(group.name)) {
        for &threads in options.threads.iter().filter(|threads| group.threads.allow(**threads)) {
            let cases = (group.cases)();
            let figures = measure::measure(&cases, threads, plan(&options, group, threads));
            report.add(group.name, threads, &cases, figures);
        }
    }
    report.gates();
    match options.json.map(|path| report.write(&path)).transpose() {
        Ok(_) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bench-sync: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Windows on several threads that spin are short, so that some lie between two interruptions, and many.
fn plan(options: &Options, group: &Group, threads: usize) -> Plan {
    let Options { rounds, windows, .. } = *options;
    let plan = |windows, window| Plan { rounds, windows, window, sleeps: group.sleeps };
    match threads {
        1 => plan(windows, Duration::from_millis(2)),
        _ if group.sleeps => plan(windows, Duration::from_millis(10)),
        _ => plan(windows * 8, Duration::from_micros(250)),
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
    if let Some(group) = &options.group
        && !GROUPS.iter().any(|one| one.name.starts_with(group.as_str()))
    {
        let names: Vec<_> = GROUPS.iter().map(|group| group.name).collect();
        return Err(format!("no group begins with `{group}`: there are {}", names.join(", ")));
    }
    Ok(options)
}
