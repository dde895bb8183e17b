//! Running a task graph: configuration, control from outside, and the report at the end.

use std::time::Duration;

use crate::operator::RowCounts;
use crate::time::EventTime;

/// How a graph is run. Results do not depend on any of it.
#[derive(Debug, Clone)]
pub struct Config {
    /// Worker threads, and instances of each parallel stage; at least 1.
    pub workers: usize,
    /// Size of a chunk of a source, in bytes.
    pub chunk_bytes: usize,
    /// Most rows in a batch that leaves a source.
    pub batch_rows: usize,
    /// Bytes that wait on one edge between two instances before its producer is parked.
    pub edge_bytes: usize,
}

impl Default for Config {
    /// One worker for each processor this process may use, 4 MiB chunks, 16 Ki rows, 8 MiB edges.
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            chunk_bytes: 4 << 20,
            batch_rows: 16 << 10,
            edge_bytes: 8 << 20,
        }
    }
}

/// What a run did. The sums hold for every run that ends by itself:
/// `rows_in == used + late + rejected + filtered`, for each source.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// One entry per scan of the graph.
    pub sources: Vec<SourceReport>,
    /// One entry per sink.
    pub sinks: Vec<SinkReport>,
    /// From start to end.
    pub wall: Duration,
    /// Whether it was stopped from outside before its inputs ended.
    pub interrupted: bool,
    /// Whether it ended because the reader of the results went away.
    pub closed: bool,
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
    /// What became of the rows.
    pub counts: RowCounts,
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

/// What a run wrote.
#[derive(Debug, Clone, Default)]
pub struct SinkReport {
    /// Where to.
    pub name: String,
    /// Rows written.
    pub rows: u64,
}
