//! Tables without an outside: every row is made when it is read.
//!
//! - S1. A value depends on the table's options, its column and the number of its row, and on
//!   nothing else: not on which other columns are read, not on the size of chunks and batches, not
//!   on the worker that makes it, not on where reading started. A position is the number of a row.
//! - S2. A chunk is a range of row numbers. Values are made by decoders, hence on all workers, and
//!   only for the columns that are read.
//! - S3. With a rate, a chunk is handed out when its last row is due, so no row is ever early.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use turgo_engine::io::{
    Chunk, ChunkData, Decode, Decoded, OptionError, Partition, Position, ReadChunks, Source,
    TableSpec,
};
use turgo_engine::{EngineError, Result};

use crate::format::records::projected;
use crate::option;

pub(crate) mod columns;
mod pace;

use pace::Pace;

/// Most rows of a table. It keeps every computation on row numbers far from the ends of `u64`; at a
/// billion rows a second they last for eleven days.
pub(crate) const ROWS_MAX: u64 = 1_000_000_000_000_000;

/// Most rows per second that can be asked for.
const RATE_MAX: u64 = 1_000_000_000;

/// Most rows of a chunk and bytes of a batch, whatever a reader asks for.
const CHUNK_ROWS_MAX: usize = 1 << 24;
const BATCH_BYTES_MAX: usize = 16 << 20;

/// Makes a column of some rows.
pub(crate) type Make = Box<dyn Fn(Range<u64>) -> ArrayRef + Send + Sync>;

/// What a table of made rows is.
pub(crate) struct Synthetic {
    /// What it is called: `nexmark bid`.
    pub(crate) name: String,
    /// The declared columns.
    pub(crate) schema: SchemaRef,
    /// One for each of them.
    pub(crate) columns: Vec<Make>,
    /// How many rows it has; `None`: it never ends.
    pub(crate) rows: Option<u64>,
    /// How many rows may be read in a second; `None`: as many as can be made.
    pub(crate) rate: Option<f64>,
    /// Bytes a row is taken to have.
    pub(crate) row_bytes: usize,
}

impl Synthetic {
    /// The table as a source.
    pub(crate) fn source(self) -> Arc<dyn Source> {
        assert_eq!(self.columns.len(), self.schema.fields().len(), "every column can be made");
        Arc::new(SyntheticSource(Arc::new(self)))
    }
}

impl fmt::Debug for Synthetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Synthetic").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Reads a count of rows, where it is given.
pub(crate) fn rows(table: &TableSpec, key: &str) -> Result<Option<u64>, OptionError> {
    option::number(table, key, 0, ROWS_MAX)
}

/// Reads a number per second, where it is given.
pub(crate) fn rate(table: &TableSpec, key: &str) -> Result<Option<u64>, OptionError> {
    option::number(table, key, 1, RATE_MAX)
}

#[derive(Debug)]
struct SyntheticSource(Arc<Synthetic>);

impl Source for SyntheticSource {
    fn describe(&self) -> String {
        let Synthetic { name, rows, rate, .. } = &*self.0;
        let rows = rows.map_or(String::from("endless"), |rows| format!("{rows} rows"));
        let rate = rate.map_or(String::new(), |rate| format!(", {rate} a second"));
        format!("{name} ({rows}{rate})")
    }

    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.0.schema)
    }

    fn bounded(&self) -> bool {
        self.0.rows.is_some()
    }

    fn partitions(&self) -> Result<Vec<Partition>> {
        let bytes = self.0.rows.map(|rows| rows.saturating_mul(self.0.row_bytes as u64));
        Ok(vec![Partition { name: self.0.name.clone(), bytes }])
    }

    fn open(&self, _partition: usize, from: Position) -> Result<Box<dyn ReadChunks>> {
        let pace = self.0.rate.map(|rate| Pace::new(rate, from));
        Ok(Box::new(Reader { table: Arc::clone(&self.0), next: from, pace }))
    }

    fn decoder(&self, projection: &[usize]) -> Result<Box<dyn Decode>> {
        Ok(Box::new(Decoder {
            table: Arc::clone(&self.0),
            schema: projected(&self.0.schema, projection),
            projection: projection.to_vec(),
            start: 0,
            left: 0..0,
        }))
    }

    fn place(&self, _partition: usize, position: Position) -> String {
        format!("{}, row {}", self.0.name, position + 1)
    }
}

struct Reader {
    table: Arc<Synthetic>,
    next: Position,
    pace: Option<Pace>,
}

impl ReadChunks for Reader {
    fn next(&mut self, bytes_target: usize) -> Result<Option<Chunk>> {
        let start = self.next;
        let mut rows = (bytes_target / self.table.row_bytes).clamp(1, CHUNK_ROWS_MAX) as u64;
        if let Some(pace) = &self.pace {
            rows = rows.min(pace.rows_max());
        }
        let end = self.table.rows.unwrap_or(ROWS_MAX).min(start.saturating_add(rows));
        if start >= end {
            return Ok(None);
        }
        if let Some(pace) = &self.pace {
            pace.wait(end);
        }
        self.next = end;
        let bytes = (end - start) as usize * self.table.row_bytes;
        Ok(Some(Chunk { start, end, data: ChunkData::Range { bytes } }))
    }
}

struct Decoder {
    table: Arc<Synthetic>,
    schema: SchemaRef,
    projection: Vec<usize>,
    start: Position,
    /// The rows of the chunk that are not made yet.
    left: Range<u64>,
}

impl Decode for Decoder {
    fn begin(&mut self, chunk: Chunk) {
        self.start = chunk.start;
        self.left = chunk.start..chunk.end;
    }

    fn next(&mut self, rows_max: usize) -> Result<Option<Decoded>> {
        let rows = rows_max.min(BATCH_BYTES_MAX / self.table.row_bytes).max(1) as u64;
        let range = self.left.start..self.left.end.min(self.left.start + rows);
        if range.is_empty() {
            return Ok(None);
        }
        self.left.start = range.end;
        let make = |column: &usize| self.table.columns[*column](range.clone());
        let columns: Vec<ArrayRef> = self.projection.iter().map(make).collect();
        let count = (range.end - range.start) as usize;
        let first = u32::try_from(range.start - self.start)
            .map_err(|_| EngineError::internal("a chunk has more than 2^32 rows"))?;
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        let starts = (first..).take(count).collect();
        Ok(Some(Decoded { rows, starts, rejected: Vec::new() }))
    }
}

#[cfg(test)]
pub(crate) mod tests;
