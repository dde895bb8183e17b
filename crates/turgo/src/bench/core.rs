//! `turgo bench core`: the lock-free structures beside the locks they stand for.
//!
//! A short version of the workshop in `bench/core`, which has the libraries as peers, one window
//! after the other, and the gates; this one needs nothing but the program. Every thread does the
//! same number of operations; what they took out is added up and compared before a time is shown.

mod cases;
mod locked;

use crate::bench::args::Core;
use crate::bench::record::{Record, Samples, columns, median, spread};
use crate::bench::runner::{timed, workers};
use crate::bench::{Subject, measure};
use crate::interrupt::Interrupt;
use crate::report::{Failure, say};
use crate::stats::cpu_seconds;
use cases::{CASES, Case};

/// `turgo bench core`.
pub(super) fn run(args: &Core, interrupt: &Interrupt) -> Result<(), Failure> {
    let asked = |case: &&Case| args.groups.is_empty() || args.groups.contains(&case.group);
    let cases: Vec<&Case> = CASES.iter().filter(asked).collect();
    let (threads, operations) = (workers(&args.common), args.operations);
    let rows = |case: &Case| case.threads(threads) as u64 * operations;
    let subject = |case: &&Case| Subject {
        query: case.name,
        source: case.group.name().to_owned(),
        rows: rows(case),
    };
    let subjects: Vec<Subject> = cases.iter().map(subject).collect();
    let one = |at: usize| {
        let case = cases[at];
        let right = case.answer(threads, operations);
        let mut samples = Samples::default();
        for run in 1..=args.common.runs {
            if interrupt.asked() {
                return Err(Failure::interrupted());
            }
            say(format_args!("{}: run {run} of {}", case.name, args.common.runs));
            let cpu = cpu_seconds();
            let (found, wall) = timed(|| case.run(threads, operations));
            samples.cpus.push(cpu_seconds() - cpu);
            samples.walls.push(wall);
            let found = found.map_err(|why| Failure::new(format!("{}: {why}", case.name)))?;
            if let Some(difference) = right.difference(&found) {
                let message = format!("the answer of {} is wrong: {difference}", case.name);
                return Err(Failure::new(message));
            }
        }
        let source = case.group.name().to_owned();
        let rows = rows(case);
        let answer = right;
        Ok(Record { query: case.name, source, rows, workers: threads, answer, load: 0.0, samples })
    };
    measure(&args.common, &subjects, one, |records| table(records, threads))
}

/// The table people read.
fn table(records: &[Record], threads: usize) -> String {
    let heads = ["structure", "group", "answer", "wall ns", "CPU ns", "spread", "of the lock's"];
    let lock = |group: &str| {
        let lock = records.iter().rfind(|record| record.source == group);
        lock.map_or(f64::NAN, |record| median(&record.samples.walls))
    };
    let row = |record: &Record| {
        let (wall, cpu) = (median(&record.samples.walls), median(&record.samples.cpus));
        let each = |seconds: f64| format!("{:.1}", 1e9 * seconds / record.rows as f64);
        vec![
            record.query.to_owned(),
            record.source.clone(),
            "right".to_owned(),
            each(wall),
            each(cpu),
            format!("{:.0} %", spread(&record.samples.walls)),
            format!("{:.2}", wall / lock(&record.source)),
        ]
    };
    format!(
        "{}\nFor each operation, over all threads; medians of {} runs with {threads} threads (a ring has two). \
         spread: of wall time, from the fastest to the slowest run; of the lock's: wall time as a share of \
         the last row of the group.\n",
        columns(&heads, &records.iter().map(row).collect::<Vec<_>>()),
        records.first().map_or(0, |record| record.samples.walls.len()),
    )
}
