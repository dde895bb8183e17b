//! Parts of a file held in memory, as the library wants to see a file.

use std::sync::Arc;

use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

/// Some bytes of a file, by their offsets in it. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Ranges {
    /// The size of the file.
    file_bytes: u64,
    /// Offsets and bytes, in order.
    parts: Arc<[(u64, Bytes)]>,
}

impl Ranges {
    /// The bytes `parts`, by their offsets in ascending order, of a file of `file_bytes`.
    pub(crate) fn new(file_bytes: u64, parts: Vec<(u64, Bytes)>) -> Self {
        Self { file_bytes, parts: parts.into() }
    }

    /// What has been read from `start` on, at least one byte.
    fn from(&self, start: u64) -> Result<Bytes> {
        let part = self.parts.iter().rev().find(|(offset, _)| *offset <= start);
        let found = part.and_then(|(offset, bytes)| {
            let at = usize::try_from(start - offset).ok().filter(|at| *at < bytes.len())?;
            Some(bytes.slice(at..))
        });
        found.ok_or_else(|| missing(start))
    }
}

fn missing(start: u64) -> ParquetError {
    ParquetError::EOF(format!("a page at byte {start} is outside of its column"))
}

impl Length for Ranges {
    fn len(&self) -> u64 {
        self.file_bytes
    }
}

impl ChunkReader for Ranges {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.from(start)?;
        if length > bytes.len() {
            return Err(missing(start));
        }
        Ok(bytes.slice(..length))
    }
}
