//! `--stats`: what each query of a run did, as JSON.

use std::fs;
use std::io::Write;
use std::path::Path;

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use turgo_engine::EngineError;
use turgo_engine::run::{PartitionReport, Report, SourceReport};
use turgo_engine::time::WATERMARK_NONE;
use turgo_sched::statistics::WorkerStatistics;

use crate::report::Failure;

/// The report of one query.
pub(crate) fn query(statement: &str, report: &Report) -> Value {
    json!({
        "statement": statement,
        "rows_in": report.rows_in(),
        "used": report.counts.used,
        "late": report.counts.late,
        "late_partial": report.counts.late_partial,
        "rejected": report.counts.rejected,
        "filtered": report.counts.filtered,
        "unsaid_groups": report.counts.unsaid,
        "rows_out": report.rows_out(),
        "interrupted": report.interrupted,
        "wall_seconds": report.wall.as_secs_f64(),
        "sources": report.sources.iter().map(source).collect::<Vec<_>>(),
        "sinks": report.sinks.iter()
            .map(|sink| json!({"name": sink.name, "rows": sink.rows}))
            .collect::<Vec<_>>(),
        "dead_letters": report.letters.iter()
            .map(|letters| json!({"name": letters.name, "bad": letters.bad, "late": letters.late}))
            .collect::<Vec<_>>(),
        "scheduler": {
            "workers": report.scheduler.workers.iter().map(worker).collect::<Vec<_>>(),
            "wakeups": report.scheduler.wakeups,
        },
    })
}

/// A turn is a stretch in which a worker runs one instance.
fn worker(worker: &WorkerStatistics) -> Value {
    json!({
        "turns": worker.tasks,
        "stolen": worker.steals_local + worker.steals_remote,
        "sleeps": worker.parks,
    })
}

/// The entry of a query that failed: what it had read is not known.
pub(crate) fn failed(statement: &str, error: &EngineError) -> Value {
    json!({"statement": statement, "error": error.to_string(), "code": error.code()})
}

fn source(source: &SourceReport) -> Value {
    json!({
        "table": source.table,
        "rows_in": source.rows_in,
        "bytes_in": source.bytes_in,
        "partitions": source.partitions.iter().map(partition).collect::<Vec<_>>(),
    })
}

fn partition(partition: &PartitionReport) -> Value {
    let known = partition.watermark != WATERMARK_NONE;
    json!({
        "name": partition.name,
        "active": partition.active,
        "rows": partition.rows,
        "bytes": partition.bytes,
        "batches": partition.batches,
        // Microseconds since 1970 UTC; null where there is none.
        "watermark_us": known.then_some(partition.watermark),
    })
}

/// The file of `--stats`, open from the start of a run to its end.
#[derive(Debug)]
pub(crate) struct StatsFile<'a> {
    path: &'a Path,
    file: fs::File,
}

impl<'a> StatsFile<'a> {
    /// Makes the file at `path`, empty.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn create(path: &'a Path) -> Result<Self, Failure> {
        let file = fs::File::create(path).map_err(|error| Failure::cannot_write(path, &error))?;
        Ok(Self { path, file })
    }

    /// Writes the queries of a run, with what the whole process used.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(mut self, queries: &[Value]) -> Result<(), Failure> {
        let stats = json!({
            "queries": queries,
            "cpu_seconds": cpu_seconds(),
            "peak_memory_bytes": peak_memory_bytes(),
        });
        writeln!(self.file, "{stats:#}").map_err(|error| Failure::cannot_write(self.path, &error))
    }
}

/// User and system time of this process, of all its threads.
pub(crate) fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Peak resident memory of this process, where the system tells.
pub(crate) fn peak_memory_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}
