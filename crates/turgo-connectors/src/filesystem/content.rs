//! The bytes of a file in order, decompressed where they are compressed.
//!
//! - C1. A file is read up to the size it has when it is opened, and all of it: one that has become
//!   shorter, ends within a compressed stream or is damaged is an error, never an end.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Take};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use turgo_engine::{EngineError, Result};
use zstd::stream::read::Decoder;

use super::compression::Compression;
use super::files::cannot_read;

/// Compressed bytes read at a time.
const BUFFER_BYTES: usize = 128 << 10;

type Packed = BufReader<Take<File>>;

/// Reads a file.
pub(super) struct Content {
    path: PathBuf,
    bytes: Bytes,
    /// The size of the file.
    size: u64,
}

enum Bytes {
    Plain(Take<File>),
    Gzip(Box<MultiGzDecoder<Packed>>),
    Zstd(Decoder<'static, Packed>),
}

impl Content {
    /// Opens the file at `path`.
    pub(super) fn open(path: &Path, compression: Compression) -> Result<Self> {
        let error = |error| cannot_read(path, error);
        let file = File::open(path).map_err(error)?;
        let size = file.metadata().map_err(error)?.len();
        let file = file.take(size);
        let bytes = match compression {
            Compression::None => Bytes::Plain(file),
            Compression::Gzip => {
                Bytes::Gzip(Box::new(MultiGzDecoder::new(packed(path, file, compression)?)))
            }
            Compression::Zstd => {
                let file = packed(path, file, compression)?;
                Bytes::Zstd(Decoder::with_buffer(file).map_err(error)?)
            }
        };
        Ok(Self { path: path.to_owned(), bytes, size })
    }

    fn compression(&self) -> Compression {
        match self.bytes {
            Bytes::Plain(_) => Compression::None,
            Bytes::Gzip(_) => Compression::Gzip,
            Bytes::Zstd(_) => Compression::Zstd,
        }
    }

    /// Bytes of the file that have not been read yet.
    fn left(&self) -> u64 {
        match &self.bytes {
            Bytes::Plain(file) => file.limit(),
            Bytes::Gzip(packed) => packed.get_ref().get_ref().limit(),
            Bytes::Zstd(packed) => packed.get_ref().get_ref().limit(),
        }
    }

    /// Bytes of the file that have been read, where its content has others.
    pub(super) fn packed_bytes(&self) -> Option<u64> {
        (self.compression() != Compression::None).then(|| self.size - self.left())
    }

    /// Appends the next `length` bytes to `out`; false where the end comes before them.
    pub(super) fn read(&mut self, length: usize, out: &mut Vec<u8>) -> Result<bool> {
        let before = out.len();
        let limit = length as u64;
        let read = match &mut self.bytes {
            Bytes::Plain(file) => file.take(limit).read_to_end(out),
            Bytes::Gzip(packed) => packed.take(limit).read_to_end(out),
            Bytes::Zstd(packed) => packed.take(limit).read_to_end(out),
        };
        read.map_err(|error| self.broken(error))?;
        let complete = out.len() - before == length;
        match complete || self.left() == 0 {
            true => Ok(complete),
            false => Err(self.shrank()),
        }
    }

    /// Passes over `length` bytes.
    pub(super) fn skip(&mut self, length: u64) -> Result<()> {
        if let Bytes::Plain(file) = &mut self.bytes {
            let Some(left) = file.limit().checked_sub(length) else { return Err(self.shrank()) };
            file.set_limit(left);
            let end = self.size - left;
            let moved = file.get_mut().seek(SeekFrom::Start(end));
            return moved.map(drop).map_err(|error| cannot_read(&self.path, error));
        }
        let (mut rest, mut block) = (length, Vec::new());
        while rest > 0 {
            let step = rest.min(BUFFER_BYTES as u64);
            block.clear();
            if !self.read(step as usize, &mut block)? {
                return Err(self.shrank());
            }
            rest -= step;
        }
        Ok(())
    }

    /// Passes over all but the last byte, where that can be found without reading the others.
    pub(super) fn skip_to_last(&mut self) -> Result<()> {
        match &self.bytes {
            Bytes::Plain(file) if file.limit() > 0 => self.skip(file.limit() - 1),
            _ => Ok(()),
        }
    }

    fn shrank(&self) -> EngineError {
        let reason = "the file has become shorter since it was opened";
        EngineError::external(format!("cannot read {}", self.path.display()), reason)
    }

    /// The error of reading or decompressing.
    fn broken(&self, error: std::io::Error) -> EngineError {
        if self.compression() == Compression::None || error.raw_os_error().is_some() {
            return cannot_read(&self.path, error);
        }
        let name = self.compression().name();
        let reason = match error.kind() {
            ErrorKind::UnexpectedEof => format!("it ends within its {name} data, so it is cut off"),
            _ => format!("its {name} data are damaged ({error})"),
        };
        let reason = format!("{reason}; copy it again from where it was made");
        EngineError::external(format!("cannot read {}", self.path.display()), reason)
    }
}

/// A compressed file, which begins as such a file does.
fn packed(path: &Path, file: Take<File>, compression: Compression) -> Result<Packed> {
    let mut packed = BufReader::with_capacity(BUFFER_BYTES, file);
    let start = packed.fill_buf().map_err(|error| cannot_read(path, error))?;
    if compression.begins(start) {
        return Ok(packed);
    }
    let (name, found) = (compression.name(), Compression::of_content(start));
    let reason = match (start.is_empty(), found) {
        (true, _) => format!("it is empty, which no {name} file is; copy it again"),
        (_, Compression::None) => {
            format!("it is not a {name} file; if it is plain text, say 'compression' = 'none'")
        }
        _ => format!(
            "it is not a {name} file but one of {0}; say 'compression' = '{0}'",
            found.name()
        ),
    };
    Err(EngineError::external(format!("cannot read {}", path.display()), reason))
}
