//! `--baseline`: this run beside an earlier one.
//!
//! Two medians always differ a little. A change is marked only where all runs of one side are on one
//! side of all runs of the other: what lies within the spread of either says nothing.

use std::path::Path;

use serde_json::Value;

use crate::bench::Subject;
use crate::bench::args::Common;
use crate::bench::record::{Record, columns, extremes, median, spread};
use crate::bench::runner::workers;
use crate::report::Failure;

/// The records of an earlier run.
#[derive(Debug)]
pub(super) struct Baseline {
    name: String,
    records: Vec<Earlier>,
}

/// A query of an earlier run.
#[derive(Debug)]
struct Earlier {
    query: String,
    source: String,
    rows: u64,
    workers: u64,
    debug: bool,
    version: String,
    walls: Vec<f64>,
    cpus: Vec<f64>,
}

impl Baseline {
    /// Reads what `--json` wrote.
    ///
    /// # Errors
    /// When it cannot be read, or is something else.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
        let record = |(line, text): (usize, &str)| {
            let value = serde_json::from_str(text).ok();
            value.as_ref().and_then(Earlier::of).ok_or_else(|| {
                Failure::usage(format!(
                    "{name}, line {}: this is no record of `turgo bench --json`",
                    line + 1
                ))
            })
        };
        let records = text.lines().enumerate().map(record).collect::<Result<_, _>>()?;
        Ok(Self { name, records })
    }

    /// Whether this run measures the same.
    ///
    /// # Errors
    /// The first thing that differs.
    pub(super) fn admits(&self, common: &Common, subjects: &[Subject]) -> Result<(), Failure> {
        let refuse = |why: String| {
            let name = &self.name;
            Err(Failure::usage(format!("{name} cannot be compared with this run: {why}")))
        };
        let names = |mut names: Vec<&str>| {
            names.sort_unstable();
            names.join(", ")
        };
        let there = names(self.records.iter().map(|r| r.query.as_str()).collect());
        let here = names(subjects.iter().map(|subject| subject.query).collect());
        if there != here {
            return refuse(format!("it has {there}; this run has {here}"));
        }
        let workers = workers(common) as u64;
        for subject in subjects {
            let query = subject.query;
            let Some(earlier) = self.of(query) else { continue };
            if earlier.source != subject.source {
                return refuse(format!("its {query} reads {}", earlier.source));
            }
            if earlier.rows != subject.rows {
                return refuse(format!(
                    "its {query} has {} rows, not {}",
                    earlier.rows, subject.rows
                ));
            }
            if earlier.workers != workers {
                return refuse(format!("it ran with {} workers, not {workers}", earlier.workers));
            }
            if earlier.debug != cfg!(debug_assertions) {
                return refuse("one of both is a debug build".into());
            }
        }
        Ok(())
    }

    fn of(&self, query: &str) -> Option<&Earlier> {
        self.records.iter().find(|record| record.query == query)
    }

    /// Both runs side by side.
    pub(super) fn compare(&self, records: &[Record]) -> String {
        let rows: Vec<Vec<String>> = records
            .iter()
            .filter_map(|record| Some((record, self.of(record.query)?)))
            .flat_map(|(record, earlier)| {
                [
                    row(record.query, "CPU", &earlier.cpus, &record.samples.cpus),
                    row(record.query, "wall", &earlier.walls, &record.samples.walls),
                ]
            })
            .collect();
        let mut versions: Vec<&str> = self.records.iter().map(|r| r.version.as_str()).collect();
        versions.dedup();
        format!(
            "Against {} (version {}); spread: from the fastest to the slowest run\n{}",
            self.name,
            versions.join(", "),
            columns(
                &["query", "", "before s", "spread", "now s", "spread", "ratio", "change"],
                &rows
            )
        )
    }
}

fn row(query: &str, what: &str, before: &[f64], now: &[f64]) -> Vec<String> {
    let percent = |values: &[f64]| format!("{:.0} %", spread(values));
    vec![
        query.to_owned(),
        what.to_owned(),
        format!("{:.4}", median(before)),
        percent(before),
        format!("{:.4}", median(now)),
        percent(now),
        format!("{:.2}", median(now) / median(before)),
        change(before, now).to_owned(),
    ]
}

/// What the runs say beyond their spread.
fn change(before: &[f64], now: &[f64]) -> &'static str {
    let ((before_low, before_high), (low, high)) = (extremes(before), extremes(now));
    match () {
        () if high < before_low => "faster",
        () if low > before_high => "SLOWER",
        () => "within the spread",
    }
}

impl Earlier {
    fn of(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key)?.as_str().map(str::to_owned);
        let number = |key: &str| value.get(key)?.as_u64();
        let seconds = |key: &str| {
            let values = value.get(key)?.as_array()?.iter().map(Value::as_f64);
            values.collect::<Option<Vec<f64>>>().filter(|values| !values.is_empty())
        };
        Some(Self {
            query: text("query")?,
            source: text("source")?,
            rows: number("rows")?,
            workers: number("workers")?,
            debug: value.get("debug")?.as_bool()?,
            version: text("version")?,
            walls: seconds("walls")?,
            cpus: seconds("cpus")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_beyond_the_spread_are_marked() {
        assert_eq!(change(&[1.0, 1.2], &[0.8, 0.9]), "faster");
        assert_eq!(change(&[1.0, 1.2], &[1.3, 1.4]), "SLOWER");
        assert_eq!(change(&[1.0, 1.2], &[0.8, 1.0]), "within the spread");
        assert_eq!(change(&[1.0, 1.2], &[1.1, 2.0]), "within the spread");
    }
}
