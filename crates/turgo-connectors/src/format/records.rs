//! From chunks to rows: the loop that every format of records shares.
//!
//! - R1. A record is delimited without looking at its values, so a bad one never hides another.
//! - R2. Rows, rejects and their places depend on the bytes alone, not on how they were cut into
//!   chunks or on `rows_max`.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute;
use arrow::datatypes::{Schema, SchemaRef};
use turgo_engine::io::{Chunk, ChunkData, Decode, Decoded, Position, Rejected};
use turgo_engine::{EngineError, Result};

use super::column::Slot;

/// What a format of records knows.
pub(crate) trait ReadRecords: Send {
    /// Looks at a new chunk; its first record starts at the returned offset. What stands before it
    /// is repeated in every chunk and does not count for positions.
    ///
    /// # Errors
    /// Where the chunk as a whole makes no sense.
    fn begin(&mut self, bytes: &[u8]) -> Result<usize>;

    /// The end of the record at `from`, after its line end; `None` where it has no line end.
    fn end(&self, bytes: &[u8], from: usize) -> Option<usize>;

    /// Whether a record (without line end) is a blank line, which is not a row.
    fn is_blank(&self, record: &[u8]) -> bool;

    /// Reads a record into [`ReadRecords::slots`]. Where it fails, some slots may have taken a value
    /// and others not.
    ///
    /// # Errors
    /// Why the record is rejected.
    fn read(&mut self, record: &str) -> Result<(), String>;

    /// The projected columns.
    fn slots(&mut self) -> &mut [Slot];
}

/// The columns `projection` of `schema` as decoders produce them: all nullable.
pub(crate) fn projected(schema: &Schema, projection: &[usize]) -> SchemaRef {
    let field = |index: &usize| schema.field(*index).clone().with_nullable(true);
    Arc::new(Schema::new(projection.iter().map(field).collect::<Vec<_>>()))
}

/// Decodes chunks of records.
pub(crate) struct RecordDecoder<R> {
    records: R,
    schema: SchemaRef,
    bytes: Vec<u8>,
    /// Position of byte 0 of `bytes`, were it not repeated; wrapping.
    origin: Position,
    /// Offset of the first record.
    first: usize,
    /// Offset of the next record.
    next: usize,
}

impl<R: ReadRecords> RecordDecoder<R> {
    /// A decoder of columns `schema`, the projected one.
    pub(crate) fn new(records: R, schema: SchemaRef) -> Self {
        Self { records, schema, bytes: Vec::new(), origin: 0, first: 0, next: 0 }
    }

    fn finish(&mut self, kept: Vec<bool>) -> Result<RecordBatch> {
        let rows = kept.iter().filter(|kept| **kept).count();
        let mask = (rows < kept.len()).then(|| BooleanArray::from(kept));
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for (slot, field) in self.records.slots().iter_mut().zip(self.schema.fields()) {
            let mut column = slot.finish();
            if let Some(mask) = &mask {
                column = compute::filter(&column, mask)?;
            }
            if column.data_type() != field.data_type() {
                // Nested columns are nullable inside until the bad rows are gone.
                column = compute::cast(&column, field.data_type())?;
            }
            columns.push(column);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

impl<R: ReadRecords> Decode for RecordDecoder<R> {
    fn begin(&mut self, chunk: Chunk) {
        self.bytes = match chunk.data {
            ChunkData::Bytes(bytes) => bytes,
            ChunkData::Rows(_) | ChunkData::Range { .. } => Vec::new(),
        };
        self.origin = chunk.start;
        self.first = usize::MAX;
        self.next = 0;
    }

    fn next(&mut self, rows_max: usize) -> Result<Option<Decoded>> {
        if self.first == usize::MAX {
            self.first = self.records.begin(&self.bytes)?;
            self.next = self.first;
        }
        if self.next >= self.bytes.len() {
            return Ok(None);
        }
        let mut decoded = Rows::default();
        while decoded.starts.len() < rows_max.max(1) && self.next < self.bytes.len() {
            let start = self.next;
            self.next = self.records.end(&self.bytes, start).unwrap_or(self.bytes.len());
            let record = without_line_end(&self.bytes[start..self.next]);
            if self.records.is_blank(record) {
                continue;
            }
            let offset = start - self.first;
            match read(&mut self.records, record) {
                Ok(()) => {
                    decoded.starts.push(
                        u32::try_from(offset)
                            .map_err(|_| EngineError::internal("a chunk of more than 4 GiB"))?,
                    );
                    decoded.kept.push(true);
                }
                Err(reason) => {
                    decoded.reject(&mut self.records);
                    let at = self.origin + offset as u64;
                    decoded.rejected.push(Rejected { at, reason, raw: record.to_vec() });
                }
            }
        }
        let rows = self.finish(decoded.kept)?;
        Ok(Some(Decoded { rows, starts: decoded.starts, rejected: decoded.rejected }))
    }
}

/// Rows of one call, with those still to be dropped.
#[derive(Default)]
struct Rows {
    starts: Vec<u32>,
    rejected: Vec<Rejected>,
    /// For each row in the slots, whether it stays.
    kept: Vec<bool>,
}

impl Rows {
    /// Completes a row that was left half-read, and marks it to be dropped.
    fn reject(&mut self, records: &mut impl ReadRecords) {
        let rows = self.kept.len();
        let slots = records.slots();
        if slots.iter().any(|slot| slot.len() > rows) {
            for slot in slots.iter_mut().filter(|slot| slot.len() == rows) {
                slot.pad();
            }
            self.kept.push(false);
        }
        debug_assert!(records.slots().iter().all(|slot| slot.len() == self.kept.len()));
    }
}

fn read(records: &mut impl ReadRecords, record: &[u8]) -> Result<(), String> {
    match std::str::from_utf8(record) {
        Ok(text) => records.read(text),
        Err(error) => {
            Err(format!("invalid UTF-8 at byte {} of the record", error.valid_up_to() + 1))
        }
    }
}

fn without_line_end(record: &[u8]) -> &[u8] {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    record.strip_suffix(b"\r").unwrap_or(record)
}
