//! From chunks to rows: the loop that every format of records shares.
//!
//! A format may read an ordinary record in one go ([`ReadRecords::read_at`]). Where it does not, the
//! record is delimited first, looked at as text and then read ([`ReadRecords::read`]); only this way
//! rejects. What a record left in the columns before it was given up or rejected is cut off.
//!
//! - R1. A record is delimited without looking at its values, so a bad one never hides another.
//! - R2. Rows, rejects and their places depend on the bytes alone, not on how they were cut into
//!   chunks or on `rows_max`.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
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

    /// Reads the record at `from` as row `row` if nothing in it is out of the ordinary, and returns
    /// its end; otherwise `None`, and the caller cuts off what the slots have taken. It accepts only
    /// what [`ReadRecords::read`] would accept, and with the same values.
    fn read_at(&mut self, bytes: &[u8], from: usize, row: usize) -> Option<usize> {
        let _ = (bytes, from, row);
        None
    }

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
    /// The rows of the last batch: likely those of the next.
    rows_last: usize,
}

impl<R: ReadRecords> RecordDecoder<R> {
    /// A decoder of columns `schema`, the projected one.
    pub(crate) fn new(records: R, schema: SchemaRef) -> Self {
        Self { records, schema, bytes: Vec::new(), origin: 0, first: 0, next: 0, rows_last: 0 }
    }

    fn finish(&mut self, rows: usize) -> Result<RecordBatch> {
        let columns = self.records.slots().iter_mut().map(Slot::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }

    /// Reads the next record in order.
    fn read(&mut self) -> Read {
        let start = self.next;
        self.next = self.records.end(&self.bytes, start).unwrap_or(self.bytes.len());
        let record = without_line_end(&self.bytes[start..self.next]);
        if self.records.is_blank(record) {
            return Read::Blank;
        }
        let read = match std::str::from_utf8(record) {
            Ok(text) => self.records.read(text),
            Err(error) => {
                Err(format!("invalid UTF-8 at byte {} of the record", error.valid_up_to() + 1))
            }
        };
        match read {
            Ok(()) => Read::Row,
            Err(reason) => {
                let at = self.origin + (start - self.first) as u64;
                Read::Rejected(Rejected { at, reason, raw: record.to_vec() })
            }
        }
    }

    /// Cuts off what was read of a row that came to nothing.
    fn keep(&mut self, rows: usize) {
        self.records.slots().iter_mut().for_each(|slot| slot.truncate(rows));
    }
}

/// What a record turned out to be.
enum Read {
    Row,
    Blank,
    Rejected(Rejected),
}

impl<R: ReadRecords> Decode for RecordDecoder<R> {
    fn begin(&mut self, chunk: Chunk) {
        self.bytes = match chunk.data {
            ChunkData::Bytes(bytes) => bytes,
            _ => Vec::new(),
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
        let mut starts = Vec::with_capacity(self.rows_last);
        let mut rejected = Vec::new();
        while starts.len() < rows_max.max(1) && self.next < self.bytes.len() {
            let start = u32::try_from(self.next - self.first)
                .map_err(|_| EngineError::internal("a chunk of more than 4 GiB"))?;
            if let Some(end) = self.records.read_at(&self.bytes, self.next, starts.len()) {
                self.next = end;
                starts.push(start);
                continue;
            }
            self.keep(starts.len());
            match self.read() {
                Read::Row => starts.push(start),
                Read::Blank => {}
                Read::Rejected(record) => {
                    self.keep(starts.len());
                    rejected.push(record);
                }
            }
        }
        self.rows_last = starts.len();
        Ok(Some(Decoded { rows: self.finish(starts.len())?, starts, rejected }))
    }

    fn record(&self, start: u32) -> Option<&[u8]> {
        let from = self.first.checked_add(start as usize)?;
        let end = self.records.end(&self.bytes, from).unwrap_or(self.bytes.len());
        self.bytes.get(from..end).map(without_line_end)
    }
}

fn without_line_end(record: &[u8]) -> &[u8] {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    record.strip_suffix(b"\r").unwrap_or(record)
}
