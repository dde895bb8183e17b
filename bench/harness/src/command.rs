//! The program of a workshop: its command line, and one group after the other.

use std::process::ExitCode;
use std::time::Duration;

use crate::measure::{Case, Plan, measure};
use crate::report::Report;

/// What a workshop has.
#[derive(Debug, Clone, Copy)]
pub struct Workshop {
    /// The name of its program.
    pub name: &'static str,
    pub groups: &'static [Group],
    pub gates: &'static [Gate],
    /// What is measured in a way of its own, behind the groups.
    pub apart: Option<Apart>,
}

/// Something that is measured in a way of its own.
#[derive(Debug, Clone, Copy)]
pub struct Apart {
    pub name: &'static str,
    /// Measures and prints.
    pub run: fn(rounds: usize),
}

/// How many threads a group can be run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    Any,
    /// Half of them do one thing and half another.
    Even,
    /// Each has a structure of its own.
    One,
    Two,
}

impl Threads {
    fn allow(self, threads: usize) -> bool {
        match self {
            Self::Any => true,
            Self::Even => threads.is_multiple_of(2),
            Self::One => threads == 1,
            Self::Two => threads == 2,
        }
    }
}

/// Implementations that do the same work.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    name: &'static str,
    threads: Threads,
    /// Whether threads sleep while they wait.
    sleeps: bool,
    cases: fn() -> Vec<Case>,
}

impl Group {
    #[must_use]
    pub const fn new(name: &'static str, threads: Threads, cases: fn() -> Vec<Case>) -> Self {
        Self { name, threads, sleeps: false, cases }
    }

    /// Its threads sleep while they wait.
    #[must_use]
    pub const fn sleeping(self) -> Self {
        Self { sleeps: true, ..self }
    }
}

/// A bound for one of ours, as a share of a peer's time in the same run.
#[derive(Debug, Clone, Copy)]
pub struct Gate {
    pub(crate) group: &'static str,
    pub(crate) threads: usize,
    pub(crate) ours: &'static str,
    pub(crate) peer: &'static str,
    pub(crate) share_max: f64,
}

impl Gate {
    #[must_use]
    pub const fn new(
        group: &'static str,
        threads: usize,
        ours: &'static str,
        peer: &'static str,
        share_max: f64,
    ) -> Self {
        Self { group, threads, ours, peer, share_max }
    }
}

struct Options {
    threads: Vec<usize>,
    group: Option<String>,
    rounds: usize,
    windows: usize,
    json: Option<String>,
}

/// Does what the command line asks for.
///
/// # Panics
///
/// Where an operation of a case does not take effect.
#[must_use]
pub fn run(workshop: &Workshop) -> ExitCode {
    let failed = |message: String, code: ExitCode| {
        eprintln!("{}: {message}", workshop.name);
        code
    };
    let options = match options(workshop, std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => return failed(message, ExitCode::from(2)),
    };
    let mut report = Report::default();
    let named = |name: &str| options.group.as_deref().is_none_or(|group| name.starts_with(group));
    for group in workshop.groups.iter().filter(|group| named(group.name)) {
        for &threads in options.threads.iter().filter(|threads| group.threads.allow(**threads)) {
            let cases = (group.cases)();
            let figures = measure(&cases, threads, plan(&options, group, threads));
            report.add(group.name, threads, &cases, figures);
        }
    }
    if let Some(apart) = workshop.apart.filter(|apart| named(apart.name)) {
        (apart.run)(options.rounds);
    }
    report.gates(workshop.gates);
    match options.json.map(|path| report.write(&path)).transpose() {
        Ok(_) => ExitCode::SUCCESS,
        Err(message) => failed(message, ExitCode::FAILURE),
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

fn options(
    workshop: &Workshop,
    mut arguments: impl Iterator<Item = String>,
) -> Result<Options, String> {
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
        let names = workshop.groups.iter().map(|group| group.name);
        let names: Vec<_> = names.chain(workshop.apart.map(|apart| apart.name)).collect();
        if !names.iter().any(|name| name.starts_with(group.as_str())) {
            return Err(format!("no group begins with `{group}`: there are {}", names.join(", ")));
        }
    }
    Ok(options)
}
