//! What is known of a query when it has been measured: a row of the table, a line of JSON.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use turgo_engine::EngineError;

use crate::bench::answer::Answer;
use crate::report::Failure;

/// What the runs of one query took, in seconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Samples {
    pub(super) walls: Vec<f64>,
    pub(super) cpus: Vec<f64>,
    /// Peak resident memory from the first run on, where the system tells.
    pub(super) peak: Option<u64>,
}

/// The middle of `values`, of an even number the mean of the two middle ones.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// The distance of the extremes, in hundredths of the median.
pub(super) fn spread(values: &[f64]) -> f64 {
    let (low, high) = extremes(values);
    100.0 * (high - low) / median(values)
}

/// The smallest and the largest value.
pub(super) fn extremes(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    (low, values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// A query that was measured and whose answer is right.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) query: &'static str,
    /// Where its rows came from.
    pub(super) source: String,
    /// Rows read.
    pub(super) rows: u64,
    pub(super) workers: usize,
    pub(super) answer: Answer,
    /// Seconds it took to make or read the rows that were held in memory.
    pub(super) load: f64,
    pub(super) samples: Samples,
}

impl Record {
    /// Rows read in a second of processor time.
    pub(super) fn rate(&self) -> f64 {
        self.rows as f64 / median(&self.samples.cpus)
    }

    fn json(&self) -> Value {
        let row: Vec<Value> = self.answer.sums.iter().map(|sum| sum.json()).collect();
        json!({
            "query": self.query,
            "source": self.source,
            "rows": self.rows,
            "workers": self.workers,
            "rows_out": self.answer.rows,
            "row": row,
            "load": self.load,
            "wall": median(&self.samples.walls),
            "cpu": median(&self.samples.cpus),
            "walls": self.samples.walls,
            "cpus": self.samples.cpus,
            "peak": self.samples.peak,
            "version": env!("CARGO_PKG_VERSION"),
            "debug": cfg!(debug_assertions),
        })
    }
}

/// Where `--json` writes.
#[derive(Debug)]
pub(super) enum JsonOutput {
    Stdout,
    File(PathBuf, std::fs::File),
}

impl JsonOutput {
    /// Opens `path`, `-` for standard output. What the file holds stays until there are records.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
        Ok(Self::File(path.into(), file.map_err(|error| Failure::cannot_write(path, &error))?))
    }

    /// Writes a line for each record.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(super) fn write(self, records: &[Record]) -> Result<(), Failure> {
        let text: String = records.iter().map(|record| format!("{}\n", record.json())).collect();
        match self {
            Self::Stdout => print(&text),
            Self::File(path, mut file) => file
                .set_len(0)
                .and_then(|()| file.write_all(text.as_bytes()))
                .map_err(|error| Failure::cannot_write(&path, &error)),
        }
    }
}

/// Writes to standard output; a reader who went away has seen enough.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    match crate::output::print(text) {
        Err(EngineError::Closed) => Ok(()),
        printed => Ok(printed?),
    }
}

/// Lays out `rows` under `heads`, the first column to the left, the others to the right.
pub(super) fn columns(heads: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([heads[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let cells = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") }
        });
        format!("{}\n", cells.collect::<String>().trim_end())
    };
    let body = rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
    line(heads.to_vec()) + &body.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 100.0]), 3.0);
        assert_eq!(median(&[4.0, 1.0, 100.0, 2.0]), 3.0);
        assert_eq!(spread(&[2.0, 1.0, 4.0]), 150.0);
    }
}
