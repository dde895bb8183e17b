//! Reading a file as chunks of whole records.
//!
//! A reader reads ahead, cuts after the last record that is complete, and keeps the rest for the
//! next chunk. Positions count the bytes of the content, decompressed. A byte order mark, and in
//! CSV the header record, belong to no chunk: position 0 means the first record after them.

use std::path::{Path, PathBuf};

use arrow::datatypes::Schema;
use turgo_engine::io::{Chunk, ChunkData, Position, ReadChunks};
use turgo_engine::{EngineError, Result};

use super::compression::Compression;
use super::content::Content;
use super::options::FileOptions;
use crate::format::FileFormat;
use crate::format::csv::{Dialect, read::places};

/// The largest record.
pub(super) const RECORD_BYTES_MAX: usize = 64 << 20;
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// Bytes that show how a file is compressed.
const START_BYTES: usize = 4;

/// Refuses a file whose content begins with `start` where that shows compressed data.
pub(super) fn is_text(path: &Path, start: &[u8]) -> Result<()> {
    match Compression::of_content(start) {
        Compression::None => Ok(()),
        found => Err(EngineError::external(
            format!("cannot read {}", path.display()),
            format!("it is compressed; say 'compression' = '{}'", found.name()),
        )),
    }
}

/// Reads one file.
pub(super) struct FileReader {
    path: PathBuf,
    content: Content,
    /// The dialect where the format is CSV.
    csv: Option<Dialect>,
    /// The header record, put in front of every chunk; empty where there is none.
    header: Vec<u8>,
    /// What has been read from the position on.
    ahead: Vec<u8>,
    /// Nothing comes behind that.
    ended: bool,
    next: Position,
}

impl FileReader {
    /// Opens `path` at `from`; `schema` is the whole table's, to check the header against.
    pub(super) fn open(
        path: &Path,
        options: &FileOptions,
        schema: &Schema,
        from: Position,
    ) -> Result<Self> {
        let content = Content::open(path, options.compression(path))?;
        let csv = (options.format == FileFormat::Csv).then(|| options.csv.clone());
        let (path, header, ahead) = (path.to_owned(), Vec::new(), Vec::new());
        let mut reader = Self { path, content, csv, header, ahead, ended: false, next: 0 };
        reader.begin()?;
        if reader.csv.as_ref().is_some_and(|dialect| dialect.header) {
            reader.read_header(schema)?;
        }
        reader.skip_to(from)?;
        Ok(reader)
    }

    /// Looks at the first bytes.
    fn begin(&mut self) -> Result<()> {
        self.fill(START_BYTES)?;
        is_text(&self.path, &self.ahead)?;
        if self.ahead.starts_with(BYTE_ORDER_MARK) {
            self.ahead.drain(..BYTE_ORDER_MARK.len());
            self.next = BYTE_ORDER_MARK.len() as u64;
        }
        Ok(())
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
            let end = dialect.record_end(&bytes, 0).unwrap_or(bytes.len());
            self.ahead.splice(..0, bytes.drain(end..));
            self.next = start + end as u64;
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

    /// Moves on to `position`, unless it has been passed.
    fn skip_to(&mut self, position: Position) -> Result<()> {
        let Some(distance) = position.checked_sub(self.next) else { return Ok(()) };
        let held = distance.min(self.ahead.len() as u64);
        self.ahead.drain(..held as usize);
        self.content.skip(distance - held)?;
        self.next = position;
        Ok(())
    }

    /// Reads ahead to `length` bytes, fewer at the end of the file.
    fn fill(&mut self, length: usize) -> Result<()> {
        let missing = length.saturating_sub(self.ahead.len());
        if missing > 0 && !self.ended {
            self.ahead.reserve(missing);
            self.ended = !self.content.read(missing, &mut self.ahead)?;
        }
        Ok(())
    }

    /// The records from the position on, about `bytes_target` bytes of them, and moves past them.
    fn records(&mut self, bytes_target: usize) -> Result<Option<Vec<u8>>> {
        let mut wanted = bytes_target.max(1);
        loop {
            self.fill(wanted)?;
            let bytes = &self.ahead[..wanted.min(self.ahead.len())];
            if bytes.is_empty() {
                return Ok(None);
            }
            let last_end = self.last_end(bytes);
            // At the end of the file a last record without a line end is complete, but not small.
            let longest = bytes.len() - last_end;
            if longest > RECORD_BYTES_MAX {
                let message = format!(
                    "the record at byte {} is larger than {} MiB{}",
                    self.next + last_end as u64,
                    RECORD_BYTES_MAX >> 20,
                    if self.csv.is_some() { "; a quote that is not closed?" } else { "" }
                );
                let place = Some(self.path.display().to_string());
                return Err(EngineError::Data { message, place });
            }
            let complete = match self.ended && bytes.len() == self.ahead.len() {
                true => bytes.len(),
                false => last_end,
            };
            if complete > 0 {
                let rest = self.ahead.split_off(complete);
                self.next += complete as u64;
                return Ok(Some(std::mem::replace(&mut self.ahead, rest)));
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

    fn bytes_read(&self) -> Option<u64> {
        self.content.packed_bytes()
    }
}
