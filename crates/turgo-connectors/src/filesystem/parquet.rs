//! Parquet files as a source: one partition per file, positions are numbers of rows.
//!
//! The source thread reads the columns of a row group that a query uses, and hands out its rows in
//! parts, so that a large row group is decoded by all workers. Row groups without a row for the query
//! are passed over.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, io};

use arrow::datatypes::SchemaRef;
use turgo_engine::io::{Chunk, ChunkData, Decode, Partition, Position, ReadChunks, Source};
use turgo_engine::need::Need;
use turgo_engine::{EngineError, Result};

use super::files::{self, File, cannot_read};
use crate::format::parquet::file::{Group, ParquetFile};
use crate::format::parquet::ranges::Ranges;
use crate::format::parquet::read::{self, Part};

/// Most rows of a chunk. Row groups are mostly not longer, and a page of a column often has all rows
/// of a group: each part of a longer one begins with decompressing the pages before it.
const PART_ROWS_MAX: u64 = 128 << 10;
/// About as many bytes does a chunk have at most, decompressed: each is decoded in memory.
const PART_BYTES_MAX: u64 = 32 << 20;

/// A table read from Parquet files.
#[derive(Debug)]
pub(super) struct ParquetSource {
    path: String,
    schema: SchemaRef,
    need: Need,
    /// The files as [`Source::partitions`] listed them last.
    // LOCK: taken once per file and run.
    files: Mutex<Vec<File>>,
}

impl ParquetSource {
    /// A source of `schema`, the declared columns, from the files at `path`.
    pub(super) fn new(schema: SchemaRef, path: &str) -> Self {
        let need = Need { projection: (0..schema.fields().len()).collect(), ..Need::default() };
        Self { path: path.to_owned(), schema, need, files: Mutex::default() }
    }

    fn file(&self, partition: usize) -> Option<File> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).get(partition).cloned()
    }
}

impl Source for ParquetSource {
    fn describe(&self) -> String {
        let bounds: Vec<&str> = self.need.bounds.iter().map(|bound| bound.text.as_str()).collect();
        let only = if bounds.is_empty() { "" } else { " (only row groups with " };
        let end = if bounds.is_empty() { "" } else { ")" };
        format!("filesystem parquet {}{only}{}{end}", self.path, bounds.join(" AND "))
    }

    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn narrow(&self, need: &Need) -> Option<Arc<dyn Source>> {
        let schema = SchemaRef::clone(&self.schema);
        let need = need.clone();
        Some(Arc::new(Self { path: self.path.clone(), schema, need, files: Mutex::default() }))
    }

    /// Opens every file, so that one which is damaged or has other columns is known of before the
    /// first row.
    fn partitions(&self) -> Result<Vec<Partition>> {
        let files = files::list(&self.path)?;
        let partition = |file: &File| {
            let (_, parquet) = open(&file.path, &self.schema)?;
            let bytes = Some(parquet.bytes(&parquet.groups(&self.need)));
            Ok(Partition { name: file.path.display().to_string(), bytes })
        };
        let partitions = files.iter().map(partition).collect::<Result<_>>()?;
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = files;
        Ok(partitions)
    }

    fn open(&self, partition: usize, from: Position) -> Result<Box<dyn ReadChunks>> {
        let file = self.file(partition).ok_or_else(|| {
            EngineError::internal(format!("partition {partition} opened before it was listed"))
        })?;
        let (content, parquet) = open(&file.path, &self.schema)?;
        let groups = parquet.groups(&self.need);
        let parquet = Arc::new(parquet);
        Ok(Box::new(Reader { file, content, parquet, groups, next: from, held: None }))
    }

    fn decoder(&self, projection: &[usize]) -> Result<Box<dyn Decode>> {
        Ok(read::decoder(&self.schema, projection))
    }

    fn place(&self, partition: usize, position: Position) -> String {
        let path = self.file(partition).map(|file| file.path.display().to_string());
        format!("{}, row {}", path.as_deref().unwrap_or(&self.path), position + 1)
    }

    fn reads(&self, place: &str) -> bool {
        files::reads(&self.path, Path::new(place))
    }
}

fn open(path: &Path, schema: &SchemaRef) -> Result<(fs::File, ParquetFile)> {
    let file = fs::File::open(path).map_err(|error| cannot_read(path, error))?;
    let parquet = ParquetFile::open(path.display().to_string(), &file, schema)?;
    Ok((file, parquet))
}

/// Reads one file.
struct Reader {
    file: File,
    content: fs::File,
    parquet: Arc<ParquetFile>,
    groups: Vec<Group>,
    /// The number of the next row.
    next: Position,
    /// The columns of the row group that is being handed out, and its number.
    held: Option<(usize, Ranges)>,
}

impl Reader {
    /// The row groups from the next row on that have no row for the query.
    fn skipped(&mut self) -> Option<Chunk> {
        let start = self.next;
        let mut latest = None;
        while let Some(group) = self.groups.iter().find(|group| group.rows.end > self.next)
            && let Some(watermark) = group.skip.filter(|_| group.rows.start == self.next)
        {
            latest = latest.max(Some(watermark));
            self.next = group.rows.end;
        }
        let data = ChunkData::Skipped { rows: self.next - start, watermark: latest? };
        Some(Chunk { start, end: self.next, data })
    }

    /// The columns of row group `group`.
    fn columns(&mut self, group: usize) -> Result<Ranges> {
        if let Some((held, columns)) = &self.held
            && *held == group
        {
            return Ok(columns.clone());
        }
        let path = &self.file.path;
        let mut parts = Vec::new();
        for range in &self.groups[group].ranges {
            let bytes =
                bytes(&mut self.content, range).map_err(|error| cannot_read(path, error))?;
            parts.push((range.start, bytes.into()));
        }
        let columns = Ranges::new(self.file.bytes, parts);
        self.held = Some((group, columns.clone()));
        Ok(columns)
    }
}

fn bytes(file: &mut fs::File, range: &Range<u64>) -> io::Result<Vec<u8>> {
    let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(range.start))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

impl ReadChunks for Reader {
    fn next(&mut self, _bytes_target: usize) -> Result<Option<Chunk>> {
        if let Some(skipped) = self.skipped() {
            return Ok(Some(skipped));
        }
        let start = self.next;
        let Some(index) = self.groups.iter().position(|group| group.rows.end > start) else {
            return Ok(None);
        };
        let group = &self.groups[index];
        let (first, left) = (group.rows.start, group.rows.end - start);
        let all = group.rows.end - first;
        // As many rows as come to that, were all of one size.
        let light =
            u128::from(all) * u128::from(PART_BYTES_MAX) / u128::from(group.plain_bytes.max(1));
        let rows_max = u64::try_from(light).unwrap_or(u64::MAX).clamp(1, PART_ROWS_MAX);
        let rows = left.div_ceil(left.div_ceil(rows_max));
        let bytes = (u128::from(group.bytes()) * u128::from(rows) / u128::from(all)) as usize;
        let part = Part {
            file: Arc::clone(&self.parquet),
            group: index,
            rows: start - first..start - first + rows,
            bytes: self.columns(index)?,
        };
        self.next = start + rows;
        let data = ChunkData::Own { records: Box::new(part), bytes };
        Ok(Some(Chunk { start, end: self.next, data }))
    }

    /// A row group is read as a whole.
    fn bytes_read(&self) -> Option<u64> {
        let begun = self.groups.partition_point(|group| group.rows.start < self.next);
        Some(self.parquet.bytes(&self.groups[..begun]))
    }
}
