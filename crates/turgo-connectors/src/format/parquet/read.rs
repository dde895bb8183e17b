//! From the bytes of a row group to rows.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use turgo_engine::io::{Chunk, ChunkData, Decode, Decoded, Position, Rejected};
use turgo_engine::{EngineError, Result};

use super::file::ParquetFile;
use super::ranges::Ranges;
use super::{damaged, guard};
use crate::format::column::{Input, mismatch};
use crate::format::records::projected;

/// Rows of a row group, to be decoded.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) file: Arc<ParquetFile>,
    /// The number of the row group.
    pub(crate) group: usize,
    /// The rows, counted from the first one of the group.
    pub(crate) rows: Range<u64>,
    /// Its columns.
    pub(crate) bytes: Ranges,
}

/// A decoder of the columns `projection` of a table.
pub(crate) fn decoder(schema: &SchemaRef, projection: &[usize]) -> Box<dyn Decode> {
    Box::new(ParquetDecoder {
        schema: projected(schema, projection),
        projection: projection.to_vec(),
        reading: None,
    })
}

struct ParquetDecoder {
    /// The projected columns.
    schema: SchemaRef,
    projection: Vec<usize>,
    reading: Option<Reading>,
}

/// A chunk that is being decoded.
struct Reading {
    part: Part,
    /// The number of its first row in the file.
    start: Position,
    /// Rows that have been decoded.
    done: u64,
    reader: Option<ParquetRecordBatchReader>,
    /// Rows that the reader has decoded beyond what was asked for.
    ahead: Option<RecordBatch>,
}

impl Reading {
    /// The next rows, at most `rows_max` of them, with the columns of the file in the file's order.
    fn next(&mut self, rows_max: usize, projection: &[usize]) -> Result<RecordBatch> {
        let name = &self.part.file.name;
        let batch = match self.ahead.take() {
            Some(batch) => batch,
            None => {
                let reader = match &mut self.reader {
                    Some(reader) => reader,
                    None => self.reader.insert(self.part.reader(rows_max, projection)?),
                };
                let next = guard(name, || reader.next().transpose().map_err(ParquetError::from));
                next.map_err(|error| self.part.within(error))?
                    .filter(|batch| batch.num_rows() > 0)
                    .ok_or_else(|| self.part.within(damaged(name, "rows are missing")))?
            }
        };
        if batch.num_rows() > rows_max {
            self.ahead = Some(batch.slice(rows_max, batch.num_rows() - rows_max));
        }
        let batch = batch.slice(0, rows_max.min(batch.num_rows()));
        self.done += batch.num_rows() as u64;
        Ok(batch)
    }
}

impl Part {
    fn reader(&self, rows_max: usize, projection: &[usize]) -> Result<ParquetRecordBatchReader> {
        let file = &self.file;
        let build = || {
            ParquetRecordBatchReaderBuilder::new_with_metadata(
                self.bytes.clone(),
                file.metadata.clone(),
            )
            .with_row_groups(vec![self.group])
            .with_projection(file.mask(projection))
            .with_offset(self.rows.start as usize)
            .with_limit((self.rows.end - self.rows.start) as usize)
            .with_batch_size(rows_max)
            .build()
        };
        guard(&file.name, build).map_err(|error| self.within(error))
    }

    /// The same error, with the row group in which it is.
    fn within(&self, error: EngineError) -> EngineError {
        match error {
            EngineError::External { action, source } => {
                let action = format!("{action}, row group {}", self.group + 1);
                EngineError::External { action, source }
            }
            other => other,
        }
    }
}

impl ParquetDecoder {
    /// Column `at` of the projection, as declared, and what is wrong with rows of it.
    fn column(
        &self,
        file: &ParquetFile,
        at: usize,
        batch: &RecordBatch,
        wrong: &mut [Option<String>],
    ) -> Result<ArrayRef> {
        let column = self.projection[at];
        let (root, fit) = file.columns[column];
        let field = file.schema.field(column);
        let before = |other: &&usize| file.columns[**other].0 < root;
        let stored = batch.column(self.projection.iter().filter(before).count());
        let (values, lost) = fit.convert(stored, field.data_type())?;
        for row in lost {
            let shown = shown(stored, row);
            let input = match field.data_type().is_numeric() {
                true => Input::Number(&shown),
                false => Input::Text(&shown),
            };
            let fault = mismatch(&input, field.data_type(), "").within(field.name());
            wrong[row].get_or_insert_with(|| fault.reason());
        }
        if !field.is_nullable() && values.null_count() > 0 {
            for row in (0..values.len()).filter(|row| values.is_null(*row)) {
                wrong[row].get_or_insert_with(|| null(field));
            }
        }
        Ok(values)
    }
}

fn null(field: &Field) -> String {
    format!("column `{}`: it is NULL and declared NOT NULL", field.name())
}

fn shown(values: &ArrayRef, row: usize) -> String {
    let formatter = ArrayFormatter::try_new(values, &FormatOptions::default());
    formatter.map_or_else(|_| "a value".into(), |formatter| formatter.value(row).to_string())
}

impl Decode for ParquetDecoder {
    fn begin(&mut self, chunk: Chunk) {
        let part = match chunk.data {
            ChunkData::Own { records, .. } => records.downcast::<Part>().ok(),
            _ => None,
        };
        let start = chunk.start;
        self.reading =
            part.map(|part| Reading { part: *part, start, done: 0, reader: None, ahead: None });
    }

    fn next(&mut self, rows_max: usize) -> Result<Option<Decoded>> {
        let Some(reading) = &mut self.reading else {
            return Err(EngineError::internal("a decoder of Parquet was handed something else"));
        };
        let left = (reading.part.rows.end - reading.part.rows.start) - reading.done;
        if left == 0 {
            return Ok(None);
        }
        let first = reading.done;
        let batch = match self.projection.is_empty() {
            true => {
                let rows = left.min(rows_max.max(1) as u64);
                reading.done += rows;
                without_columns(rows as usize)?
            }
            false => reading.next(rows_max.max(1), &self.projection)?,
        };
        let (start, file) = (reading.start + first, Arc::clone(&reading.part.file));
        let offset = u32::try_from(first)
            .map_err(|_| EngineError::internal("a chunk has more than 2^32 rows"))?;
        let mut wrong = vec![None; batch.num_rows()];
        let columns = (0..self.projection.len())
            .map(|at| self.column(&file, at, &batch, &mut wrong))
            .collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let rows =
            RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), columns, &options)?;
        let starts = offset..offset + batch.num_rows() as u32;
        if wrong.iter().all(Option::is_none) {
            return Ok(Some(Decoded { rows, starts: starts.collect(), rejected: Vec::new() }));
        }
        let kept: Vec<bool> = wrong.iter().map(Option::is_none).collect();
        let starts = starts.zip(&kept).filter(|(_, kept)| **kept).map(|(at, _)| at).collect();
        let rows = filter_record_batch(&rows, &BooleanArray::from(kept))?;
        let reject = |(row, reason): (usize, Option<String>)| {
            let at = start + row as u64;
            // There is no record as it was read: its columns lie apart.
            Some(Rejected { at, reason: reason?, raw: Vec::new() })
        };
        let rejected = wrong.into_iter().enumerate().filter_map(reject).collect();
        Ok(Some(Decoded { rows, starts, rejected }))
    }
}

fn without_columns(rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?)
}
