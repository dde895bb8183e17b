//! Writing a file that appears complete or not at all.
//!
//! - W1. Rows go to a hidden temporary file in the target's own directory; only a commit gives it
//!   the final name, after its content has reached the disk.
//! - W2. Without a commit the temporary file is removed when the writer is dropped.
//! - W3. What exists and is no regular file (a device, a pipe) is written in place: it cannot be
//!   replaced by renaming.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

use arrow::datatypes::Schema;
use turgo_engine::io::{Block, WriteBlocks};
use turgo_engine::{EngineError, Result};

use super::compression::{Compression, Packer};
use super::content::Content;
use super::options::{FileOptions, WriteMode};
use crate::format::FileFormat;
use crate::format::csv;

pub(super) mod parquet;
mod staged;

use staged::{Staged, Target, exists, parent};

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 256 << 10;
/// Rows gathered before they are compressed, in bytes.
const LOOSE_BYTES_MAX: usize = 128 << 10;

/// Writes one file.
#[derive(Debug)]
pub(super) struct FileWriter {
    /// As the user wrote it, for messages.
    shown: String,
    /// Before `staged`, so that it is closed before the temporary file is removed.
    out: BufWriter<File>,
    /// `None`: written in place (W3).
    staged: Option<Staged>,
    /// `None`: not compressed.
    packing: Option<Packing>,
}

/// What is needed to compress.
#[derive(Debug)]
struct Packing {
    compression: Compression,
    packer: Packer,
    /// What encoders have left to be compressed.
    loose: Vec<u8>,
    /// Nothing has been written yet.
    empty: bool,
}

impl FileWriter {
    /// A writer of rows of `schema`, as the options say.
    pub(super) fn create(options: &FileOptions, schema: &Schema) -> Result<Self> {
        let refused = |error| cannot_write(&options.path, error);
        let header = match options.format == FileFormat::Csv && options.csv.header {
            true => csv::write::header(schema, &options.csv, options.changelog),
            false => Vec::new(),
        };
        let compression = options.compression(Path::new(&options.path));
        let packer = Packer::new(compression)?;
        let mut packing =
            packer.map(|packer| Packing { compression, packer, loose: Vec::new(), empty: true });
        let (mut file, staged) = open(options, compression).map_err(refused)?;
        let mut begin = header;
        if let Some(staged) = staged.as_ref().filter(|_| options.write_mode == WriteMode::Append)
            && let Some(existing) = staged.copy_existing(&mut file).map_err(refused)?
        {
            begin = continued(existing, compression, begin)
                .map_err(|error| error.at(|| options.path.clone()))?;
            packing.iter_mut().for_each(|packing| packing.empty = false);
        }
        let out = BufWriter::with_capacity(BUFFER_BYTES, file);
        let mut writer = Self { shown: options.path.clone(), out, staged, packing };
        if !begin.is_empty() {
            writer.write(Block::Bytes(begin))?;
        }
        Ok(writer)
    }

    fn written(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(|error| cannot_write(&self.shown, error))
    }

    /// Compresses what encoders have left to be compressed.
    fn pack_loose(&mut self) -> Result<()> {
        let Some(packing) = &mut self.packing else { return Ok(()) };
        if packing.loose.is_empty() {
            return Ok(());
        }
        let packed = packing.packer.pack(&packing.loose)?;
        packing.loose.clear();
        packing.empty = false;
        self.written(&packed)
    }

    /// Makes a compressed file of one that has nothing: an empty file is none.
    fn pack_nothing(&mut self) -> Result<()> {
        match &mut self.packing {
            Some(packing) if packing.empty => {
                let packed = packing.packer.pack(&[])?;
                self.written(&packed)
            }
            _ => Ok(()),
        }
    }

    /// Flushes, makes durable and gives the final name.
    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()?;
        let Some(staged) = &mut self.staged else { return Ok(()) };
        self.out.get_ref().sync_all()?;
        staged.publish()
    }
}

impl WriteBlocks for FileWriter {
    fn write(&mut self, block: Block) -> Result<()> {
        let Block::Bytes(bytes) = block else {
            return Err(EngineError::internal("rows reached a file without being encoded"));
        };
        let Some(packing) = &mut self.packing else { return self.written(&bytes) };
        // No text begins as a compressed stream does.
        if packing.compression.begins(&bytes) {
            packing.empty = false;
            self.pack_loose()?;
            return self.written(&bytes);
        }
        packing.loose.extend_from_slice(&bytes);
        if packing.loose.len() >= LOOSE_BYTES_MAX { self.pack_loose() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        if self.staged.is_none() {
            self.pack_loose()?;
        }
        self.out.flush().map_err(|error| cannot_write(&self.shown, error))
    }

    fn commit(mut self: Box<Self>) -> Result<()> {
        self.pack_loose()?;
        self.pack_nothing()?;
        self.finish().map_err(|error| cannot_write(&self.shown, error))
    }
}

/// Opens the file that is written, and says how it gets its name.
fn open(options: &FileOptions, compression: Compression) -> io::Result<(File, Option<Staged>)> {
    let path = Path::new(&options.path);
    let existing = match fs::canonicalize(path) {
        Ok(target) => Some((fs::metadata(&target)?, target)),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let target = match existing {
        Some((metadata, directory)) if metadata.is_dir() => {
            let extension = format!("{}{}", options.format.name(), compression.extension());
            Target::Part { directory, extension }
        }
        Some((metadata, _)) if !metadata.is_file() => {
            return Ok((OpenOptions::new().write(true).open(path)?, None));
        }
        Some(_) if options.write_mode == WriteMode::Fail => return Err(exists()),
        Some((_, path)) => Target::File { path, new: false },
        None if options.path.ends_with('/') => {
            return Err(io::Error::new(ErrorKind::NotFound, "there is no such directory"));
        }
        None => {
            let new = options.write_mode == WriteMode::Fail;
            Target::File { path: path.to_owned(), new }
        }
    };
    let (staged, file) = Staged::create(target)?;
    Ok((file, Some(staged)))
}

/// What has to be written behind the content of the file at `path`: a line end after its last
/// record where there is none, the `header` where there is nothing.
///
/// # Errors
/// `Data` where it begins with another header, `External` where it cannot be read.
fn continued(path: &Path, compression: Compression, header: Vec<u8>) -> Result<Vec<u8>> {
    let mut content = Content::open(path, compression)?;
    let mut block = Vec::new();
    let mut more = content.read(header.len().max(1), &mut block)?;
    if block.is_empty() {
        return Ok(header);
    }
    if !block.starts_with(&header) {
        return Err(EngineError::data(format!(
            "rows cannot be appended: the file does not start with the header {}",
            String::from_utf8_lossy(&header).trim_end()
        )));
    }
    let mut last = block.last().copied();
    content.skip_to_last()?;
    while more {
        block.clear();
        more = content.read(BUFFER_BYTES, &mut block)?;
        last = block.last().copied().or(last);
    }
    Ok(if last == Some(b'\n') { Vec::new() } else { b"\n".to_vec() })
}

/// The file whose content would be replaced, by its full path.
pub(super) fn replaces(options: &FileOptions) -> Option<String> {
    place(options).filter(|_| options.write_mode == WriteMode::Replace)
}

/// The file that is written, by its full path; none of its own in a directory or a device.
pub(super) fn place(options: &FileOptions) -> Option<String> {
    let path = Path::new(&options.path);
    let full = match fs::canonicalize(path) {
        Ok(full) if !full.is_file() => return None,
        Ok(full) => full,
        // Not there yet: the directory says which file it will be.
        Err(_) => fs::canonicalize(parent(path)).ok()?.join(path.file_name()?),
    };
    Some(full.display().to_string())
}

fn cannot_write(shown: &str, error: io::Error) -> EngineError {
    match error.kind() {
        ErrorKind::BrokenPipe => EngineError::Closed,
        _ => EngineError::external(format!("cannot write {shown}"), error),
    }
}

#[cfg(test)]
mod tests;
