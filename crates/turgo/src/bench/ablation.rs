//! `turgo bench scenarios --ablate`: what each lock costs that the engine does not take.
//!
//! Velostream's plan for its second version names four places where rows meet a lock. Each is put back
//! by itself into a small copy of the engine's shape (one thread hands out batches, workers aggregate,
//! states are merged at the end), over the rows of scenario 3a, where every row is a group of its own, and
//! of scenario 2, where all rows fall into 200 groups. Keys are numbered beforehand, which is fair to all
//! and makes the locks weigh more than beside a whole query. The copy is ours as it is: its rings take one
//! lock per batch, so that is the baseline and not a strategy.

mod groups;
mod strategy;

use crate::bench::answer::Answer;
use crate::bench::args::Common;
use crate::bench::record::{columns, median, print, spread};
use crate::bench::runner::timed;
use crate::interrupt::Interrupt;
use crate::report::{Failure, say};
use crate::stats::cpu_seconds;
use groups::{Data, Row};
use strategy::{STRATEGIES, Strategy};

/// Measures every strategy with every number of workers, after checking its answers.
pub(super) fn run(rows: u64, common: &Common, interrupt: &Interrupt) -> Result<(), Failure> {
    let workers = match common.workers {
        Some(workers) => vec![usize::from(workers)],
        None => vec![2, 4],
    };
    let mut lines = Vec::new();
    for data in [Data::Windows, Data::Groups] {
        let batches = data.batches(rows);
        let right = data.answer(rows);
        for workers in &workers {
            let mut ours = None;
            for strategy in &STRATEGIES {
                if interrupt.asked() {
                    return Err(Failure::interrupted());
                }
                let name =
                    format!("scenario {}, {workers} workers, {}", data.name(), strategy.name);
                say(format_args!("{name}: {} runs", common.runs));
                let (walls, cpus) = samples(strategy, &batches, *workers, common.runs, &right)
                    .map_err(|why| Failure::new(format!("{name}: {why}")))?;
                let (wall, cpu) = (median(&walls), median(&cpus));
                let (our_wall, our_cpu) = *ours.get_or_insert((wall, cpu));
                lines.push(vec![
                    strategy.name.to_owned(),
                    data.name().to_owned(),
                    workers.to_string(),
                    format!("{wall:.4}"),
                    format!("{:.0} %", spread(&walls)),
                    format!("{:.2}", wall / our_wall),
                    format!("{cpu:.4}"),
                    format!("{:.2}", cpu / our_cpu),
                ]);
            }
        }
    }
    let heads = ["strategy", "scenario", "workers", "wall s", "spread", "ratio", "CPU s", "ratio"];
    let what = STRATEGIES.iter().map(|s| format!("  {:<20} {}\n", s.name, s.what));
    print(&format!(
        "{}\n{}\n{rows} rows, medians of {} runs; every answer was right. ratio: to `ours`.\n",
        columns(&heads, &lines),
        what.collect::<String>().trim_end_matches('\n'),
        common.runs,
    ))
}

/// Wall and processor seconds of each run; the answer of each is checked.
fn samples(
    strategy: &Strategy,
    batches: &[Vec<Row>],
    workers: usize,
    runs: u16,
    right: &Answer,
) -> Result<(Vec<f64>, Vec<f64>), String> {
    let rows: u64 = batches.iter().map(|batch| batch.len() as u64).sum();
    let (mut walls, mut cpus) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let cpu = cpu_seconds();
        let (ran, wall) = timed(|| strategy.run(batches, workers));
        cpus.push(cpu_seconds() - cpu);
        walls.push(wall);
        let (groups, counted) = ran.map_err(|error| format!("cannot start a thread: {error}"))?;
        if let Some(difference) = right.difference(&groups.answer()) {
            return Err(format!("the answer is wrong: {difference}"));
        }
        if counted != rows {
            return Err(format!(
                "the answer is wrong: {counted} rows were counted, {rows} are right"
            ));
        }
    }
    Ok((walls, cpus))
}
