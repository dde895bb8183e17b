//! Running a task graph: configuration, control from outside, and the report at the end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use turgo_sched::layout::Layout;
use turgo_sched::statistics::WorkerStatistics;
use turgo_sched::trace::Event;

use crate::error::{EngineError, Result};
use crate::graph::TaskGraph;
use crate::operator::RowCounts;
use crate::runtime::build::{Plan, guard};
use crate::runtime::dispenser::Dispenser;
use crate::runtime::sink::Written;
use crate::time::EventTime;

pub use crate::runtime::checkpoint::{Checkpoint, Checkpoints};

/// Most workers a run can have.
pub const WORKERS_MAX: usize = 256;

/// How a graph is run. Results do not depend on any of it.
#[derive(Debug, Clone)]
pub struct Config {
    /// Worker threads, and instances of each parallel stage; 1 to 256.
    pub workers: usize,
    /// Size of a chunk of a source, in bytes.
    pub chunk_bytes: usize,
    /// Most rows in a batch that leaves a source.
    pub batch_rows: usize,
    /// Bytes that wait on one edge between two instances before its producer is parked.
    pub edge_bytes: usize,
    /// How many events each worker keeps for [`SchedulerReport::trace`], the last ones; 0: none, and no trace.
    pub trace_events: usize,
}

impl Default for Config {
    /// One worker for each processor this process may use, 2 MiB chunks, 16 Ki rows, 8 MiB edges, no trace.
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(1, usize::from).min(WORKERS_MAX),
            chunk_bytes: 2 << 20,
            batch_rows: 16 << 10,
            edge_bytes: 8 << 20,
            trace_events: 0,
        }
    }
}

/// Watches and stops a run from another thread; clones share it. One run each.
#[derive(Debug, Clone, Default)]
pub struct Control {
    // LOCK: taken a few times per run, and by whoever asks for progress.
    live: Arc<Mutex<Live>>,
    checkpoints: Checkpoints,
    restore: Option<Arc<Checkpoint>>,
}

#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) stopped: bool,
    pub(crate) scans: Vec<Arc<Dispenser>>,
    pub(crate) written: Vec<Arc<Written>>,
}

/// How far a run is.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Records read.
    pub rows_in: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Bytes in all, where all partitions know their size.
    pub bytes_total: Option<u64>,
    /// Rows written.
    pub rows_out: u64,
    /// The smallest watermark of the partitions that are still read, and the largest of all.
    pub watermarks: Option<(EventTime, EventTime)>,
}

impl Control {
    /// As [`Control::default`], with checkpoints collected in `checkpoints`, and going on from
    /// `restore`.
    pub fn with_checkpoints(checkpoints: Checkpoints, restore: Option<Checkpoint>) -> Self {
        Self { checkpoints, restore: restore.map(Arc::new), ..Self::default() }
    }

    fn live(&self) -> std::sync::MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the run in order: sources are read no further, rows on their way are worked off and
    /// shown, windows that are not complete stay unsaid, and files are not made final, but for those
    /// of dead letters.
    pub fn stop(&self) {
        let mut live = self.live();
        live.stopped = true;
        live.scans.iter().for_each(|scan| scan.stop());
    }

    /// How far the run is.
    pub fn progress(&self) -> Progress {
        let live = self.live();
        let partitions: Vec<PartitionReport> =
            live.scans.iter().flat_map(|scan| scan.partitions()).collect();
        let known = |partition: &&PartitionReport| partition.watermark != EventTime::MIN;
        let lowest =
            partitions.iter().filter(|p| p.active).filter(known).map(|p| p.watermark).min();
        let highest = partitions.iter().filter(known).map(|p| p.watermark).max();
        Progress {
            rows_in: partitions.iter().map(|partition| partition.rows).sum(),
            bytes: partitions.iter().map(|partition| partition.bytes).sum(),
            bytes_total: partitions.iter().map(|partition| partition.bytes_total).sum(),
            rows_out: live.written.iter().map(|written| written.rows()).sum(),
            watermarks: lowest.or(highest).zip(highest),
        }
    }

    pub(crate) fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    pub(crate) fn restore(&self) -> Option<&Checkpoint> {
        self.restore.as_deref()
    }

    /// Makes the parts of a run visible; true: it has been stopped already.
    pub(crate) fn attach(&self, scans: &[Arc<Dispenser>], written: &[Arc<Written>]) -> bool {
        let mut live = self.live();
        live.scans = scans.to_vec();
        live.written = written.to_vec();
        if live.stopped {
            live.scans.iter().for_each(|scan| scan.stop());
        }
        live.stopped
    }
}

/// Runs `graph` to the end of its inputs, or until `control` stops it. Blocks.
///
/// # Errors
/// The first failure of any part; sinks are then not committed, but dead letters are kept. A reader of the results who goes
/// away is no failure: see [`Report::closed`].
pub fn run(graph: &TaskGraph, config: &Config, control: &Control) -> Result<Report> {
    if config.workers == 0 || config.workers > WORKERS_MAX {
        let message = format!("{} workers: 1 to {WORKERS_MAX} can be asked for", config.workers);
        return Err(EngineError::Unsupported(message));
    }
    #[expect(clippy::disallowed_methods, reason = "wall time of the report, not event time")]
    let start = Instant::now();
    let plan = guard(|| Plan::new(graph, config, control))?;
    let mut report = plan.run()?;
    report.wall = start.elapsed();
    Ok(report)
}

/// What a run did.
///
/// For every run that ends by itself
/// `rows_in == counts.used + counts.late + counts.rejected + counts.filtered`.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What became of the rows of all sources.
    pub counts: RowCounts,
    /// One entry per scan of the graph.
    pub sources: Vec<SourceReport>,
    /// One entry per sink.
    pub sinks: Vec<SinkReport>,
    /// One entry per place that dead letters were written to.
    pub letters: Vec<LettersReport>,
    /// What the workers did.
    pub scheduler: SchedulerReport,
    /// From start to end.
    pub wall: Duration,
    /// Whether it was stopped from outside before its inputs ended.
    pub interrupted: bool,
    /// Whether it ended because the reader of the results went away.
    pub closed: bool,
}

impl Report {
    /// Records read from all sources.
    pub fn rows_in(&self) -> u64 {
        self.sources.iter().map(|source| source.rows_in).sum()
    }

    /// Rows written to all sinks.
    pub fn rows_out(&self) -> u64 {
        self.sinks.iter().map(|sink| sink.rows).sum()
    }

    /// No row may be lost without a count, in any run, on any machine: this is cheap and always on.
    pub(crate) fn check(&self) -> Result<()> {
        let RowCounts { used, late, rejected, filtered, .. } = self.counts;
        if self.interrupted || self.closed || self.rows_in() == used + late + rejected + filtered {
            return Ok(());
        }
        Err(EngineError::internal(format!(
            "{} rows were read, but {used} used + {late} late + {rejected} rejected + {filtered} \
             filtered were accounted for",
            self.rows_in()
        )))
    }
}

/// How the instances of a run were run.
#[derive(Debug, Clone, Default)]
pub struct SchedulerReport {
    /// By worker. A task is a turn of an instance.
    pub workers: Vec<WorkerStatistics>,
    /// Sleeping workers that were woken, each by a system call.
    pub wakeups: u64,
    /// What happened when, if that was [asked for](Config::trace_events).
    pub trace: Option<Trace>,
}

/// What the workers of a run did when.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Worker by worker, the oldest first.
    pub events: Vec<Event>,
    /// Where the workers are.
    pub layout: Layout,
    /// What the tasks of events are called.
    pub names: BTreeMap<u32, String>,
}

/// What a run read from one table.
#[derive(Debug, Clone, Default)]
pub struct SourceReport {
    /// The table.
    pub table: String,
    /// Records read, understood or not.
    pub rows_in: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Its partitions.
    pub partitions: Vec<PartitionReport>,
}

/// What a run read from one partition.
#[derive(Debug, Clone, Default)]
pub struct PartitionReport {
    /// Its name.
    pub name: String,
    /// Not read to its end yet.
    pub active: bool,
    /// Size in bytes where it is known.
    pub bytes_total: Option<u64>,
    /// Bytes read.
    pub bytes: u64,
    /// Records read, understood or not.
    pub rows: u64,
    /// Batches decoded.
    pub batches: u64,
    /// Its watermark: [`crate::time::WATERMARK_NONE`] where there is none.
    pub watermark: EventTime,
}

/// The dead letters a run wrote to one place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LettersReport {
    /// Where to.
    pub name: String,
    /// Those of bad rows.
    pub bad: u64,
    /// Those of late rows.
    pub late: u64,
}

/// What a run wrote.
#[derive(Debug, Clone, Default)]
pub struct SinkReport {
    /// Where to.
    pub name: String,
    /// Rows written.
    pub rows: u64,
}
