//! Files of text as a source: one partition per file.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use turgo_engine::io::{Chunk, Decode, Decoded, Partition, Position, ReadChunks, Source};
use turgo_engine::{EngineError, Result};

use super::files::{self, File};
use super::lines::Lines;
use super::options::FileOptions;
use super::reader::FileReader;
use crate::format::{FileFormat, csv, json};

/// A table read from files.
#[derive(Debug)]
pub(super) struct FileSource {
    schema: SchemaRef,
    options: FileOptions,
    /// The files as [`Source::partitions`] listed them last.
    // LOCK: taken once per file and run.
    files: Mutex<Vec<File>>,
}

impl FileSource {
    /// A source of `schema`, the declared columns.
    pub(super) fn new(schema: SchemaRef, options: FileOptions) -> Self {
        Self { schema, options, files: Mutex::new(Vec::new()) }
    }

    fn file(&self, partition: usize) -> Option<File> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).get(partition).cloned()
    }
}

impl Source for FileSource {
    fn describe(&self) -> String {
        self.options.describe()
    }

    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn partitions(&self) -> Result<Vec<Partition>> {
        let files = files::list(&self.options.path)?;
        let partition = |file: &File| Partition {
            name: file.path.display().to_string(),
            bytes: Some(file.bytes),
        };
        let partitions = files.iter().map(partition).collect();
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = files;
        Ok(partitions)
    }

    fn open(&self, partition: usize, from: Position) -> Result<Box<dyn ReadChunks>> {
        let file = self.file(partition).ok_or_else(|| {
            EngineError::internal(format!("partition {partition} opened before it was listed"))
        })?;
        Ok(Box::new(FileReader::open(&file.path, &self.options, &self.schema, from)?))
    }

    fn decoder(&self, projection: &[usize]) -> Result<Box<dyn Decode>> {
        let decoder = match self.options.format {
            FileFormat::Json => json::read::decoder(&self.schema, projection, self.options.rest),
            FileFormat::Csv => csv::read::decoder(&self.schema, projection, &self.options.csv),
            FileFormat::Parquet => Err(EngineError::internal("Parquet is no text")),
        }?;
        Ok(match self.options.sample_rows {
            Some(rows) => Box::new(InferredDecoder { decoder, rows }),
            None => decoder,
        })
    }

    fn place(&self, partition: usize, position: Position) -> String {
        self.places(partition)(position)
    }

    fn places(&self, partition: usize) -> Box<dyn FnMut(Position) -> String + Send + '_> {
        let Some(File { path, .. }) = self.file(partition) else {
            return Box::new(|position| format!("{}, byte {position}", self.options.path));
        };
        let mut lines = Lines::of(&path, self.options.compression(&path));
        Box::new(move |position| match lines.line_at(position) {
            Ok(line) => format!("{}:{line}", path.display()),
            Err(_) => format!("{}, byte {position}", path.display()),
        })
    }

    fn has_records(&self) -> bool {
        true
    }

    fn reads(&self, place: &str) -> bool {
        files::reads(&self.options.path, Path::new(place))
    }
}

/// A decoder of columns whose types were inferred: says so of a value that does not fit.
struct InferredDecoder {
    decoder: Box<dyn Decode>,
    /// From how many rows.
    rows: u64,
}

impl Decode for InferredDecoder {
    fn begin(&mut self, chunk: Chunk) {
        self.decoder.begin(chunk);
    }

    fn record(&self, start: u32) -> Option<&[u8]> {
        self.decoder.record(start)
    }

    fn next(&mut self, rows_max: usize) -> Result<Option<Decoded>> {
        let mut decoded = self.decoder.next(rows_max)?;
        let rejected = decoded.iter_mut().flat_map(|decoded| &mut decoded.rejected);
        for record in rejected.filter(|record| record.reason.starts_with("column `")) {
            let s = if self.rows == 1 { "" } else { "s" };
            record.reason += &format!(
                "; the type was inferred from {} row{s}: SET 'sample-rows' to look at more of them, \
                 or declare the columns with CREATE TABLE",
                self.rows
            );
        }
        Ok(decoded)
    }
}
