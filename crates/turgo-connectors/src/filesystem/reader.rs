//! Reading a file as chunks of whole records.
//!
//! A reader knows nothing but its position: it reads ahead, cuts after the last record that is
//! complete, and reads the rest again. A byte order mark, and in CSV the header record, belong to no
//! chunk: position 0 means the first record after them.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use arrow::datatypes::Schema;
use turgo_engine::io::{Chunk, ChunkData, Position, ReadChunks};
use turgo_engine::{EngineError, Result};

use super::files::cannot_read;
use super::options::FileOptions;
use crate::format::FileFormat;
use crate::format::csv::{Dialect, read::places};

/// The largest record.
const RECORD_BYTES_MAX: usize = 64 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads one file up to the size it has when it is opened.
#[derive(Debug)]
pub(super) struct FileReader {
    path: PathBuf,
    file: File,
    /// The dialect where the format is CSV.
    csv: Option<Dialect>,
    /// The header record, put in front of every chunk; empty where there is none.
    header: Vec<u8>,
    next: Position,
    end: Position,
}

impl FileReader {
    /// Opens `path` at `from`; `schema` is the whole table's, to check the header against.
    pub(super) fn open(
        path: &Path,
        options: &FileOptions,
        schema: &Schema,
        from: Position,
    ) -> Result<Self> {
        let file = File::open(path).map_err(|error| cannot_read(path, error))?;
        let end = file.metadata().map_err(|error| cannot_read(path, error))?.len();
        let csv = (options.format == FileFormat::Csv).then(|| options.csv.clone());
        let mut reader =
            Self { path: path.to_owned(), file, csv, header: Vec::new(), next: 0, end };
        let mark = reader.read(BYTE_ORDER_MARK.len())?;
        reader.next = if mark == BYTE_ORDER_MARK { mark.len() as u64 } else { 0 };
        if reader.csv.as_ref().is_some_and(|dialect| dialect.header) {
            reader.read_header(schema)?;
        }
        if from > end {
            return Err(reader.shrank());
        }
        reader.next = reader.next.max(from);
        Ok(reader)
    }

    /// Reads the header record, after empty lines, and checks it.
    fn read_header(&mut self, schema: &Schema) -> Result<()> {
        let dialect = self.csv.clone().unwrap_or_default();
        while self.header.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            let start = self.next;
            let Some(mut bytes) = self.records(4096)? else {
                self.header.clear();
                return Ok(());
            };
            bytes.truncate(dialect.record_end(&bytes, 0).unwrap_or(bytes.len()));
            self.next = start + bytes.len() as u64;
            self.header = bytes;
        }
        if !self.header.ends_with(b"\n") {
            self.header.push(b'\n');
        }
        let names = dialect.header_names(&self.header);
        names
            .and_then(|names| places(&names, schema))
            .map_err(|error| error.at(|| format!("{}:1", self.path.display())))?;
        Ok(())
    }

    /// The records from the position on, about `bytes_target` bytes of them, and moves past them.
    fn records(&mut self, bytes_target: usize) -> Result<Option<Vec<u8>>> {
        let rest = self.end - self.next;
        if rest == 0 {
            return Ok(None);
        }
        let mut wanted = bytes_target.max(1);
        loop {
            let length = wanted.min(usize::try_from(rest).unwrap_or(usize::MAX));
            let mut bytes = self.read(length)?;
            if bytes.len() < length {
                return Err(self.shrank());
            }
            let complete = match length as u64 == rest {
                true => length,
                false => self.last_end(&bytes),
            };
            // At the end of the file a last record without a line end is complete, but not small.
            let longest = length - self.last_end(&bytes);
            if longest > RECORD_BYTES_MAX {
                let message = format!(
                    "the record at byte {} is larger than {} MiB{}",
                    self.next + (length - longest) as u64,
                    RECORD_BYTES_MAX >> 20,
                    if self.csv.is_some() { "; a quote that is not closed?" } else { "" }
                );
                let place = Some(self.path.display().to_string());
                return Err(EngineError::Data { message, place });
            }
            if complete > 0 {
                bytes.truncate(complete);
                self.next += complete as u64;
                return Ok(Some(bytes));
            }
            wanted = wanted.saturating_mul(2).min(RECORD_BYTES_MAX + 1);
        }
    }

    /// The end of the last record with a line end; `bytes` start at a record.
    fn last_end(&self, bytes: &[u8]) -> usize {
        match &self.csv {
            Some(dialect) if memchr::memchr(b'"', bytes).is_some() => {
                let mut end = 0;
                while let Some(next) = dialect.record_end(bytes, end) {
                    end = next;
                }
                end
            }
            _ => memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1),
        }
    }

    /// Up to `length` bytes at the position; fewer at the end of the file.
    fn read(&mut self, length: usize) -> Result<Vec<u8>> {
        let error = |error| cannot_read(&self.path, error);
        let mut bytes = Vec::with_capacity(length);
        self.file.seek(SeekFrom::Start(self.next)).map_err(error)?;
        (&self.file).take(length as u64).read_to_end(&mut bytes).map_err(error)?;
        Ok(bytes)
    }

    fn shrank(&self) -> EngineError {
        EngineError::external(
            format!("cannot read {}", self.path.display()),
            "the file has become shorter since it was opened",
        )
    }
}

impl ReadChunks for FileReader {
    fn next(&mut self, bytes_target: usize) -> Result<Option<Chunk>> {
        let start = self.next;
        let Some(records) = self.records(bytes_target)? else { return Ok(None) };
        let bytes = match self.header.is_empty() {
            true => records,
            false => [self.header.as_slice(), records.as_slice()].concat(),
        };
        Ok(Some(Chunk { start, end: self.next, data: ChunkData::Bytes(bytes) }))
    }
}
