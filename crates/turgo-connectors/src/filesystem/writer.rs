//! Writing a file that appears complete or not at all.
//!
//! - W1. Rows go to a hidden temporary file in the target's own directory; only a commit gives it
//!   the final name, after its content has reached the disk.
//! - W2. Without a commit the temporary file is removed when the writer is dropped.
//! - W3. What exists and is no regular file (a device, a pipe) is written in place: it cannot be
//!   replaced by renaming.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use arrow::datatypes::Schema;
use turgo_engine::io::{Block, WriteBlocks};
use turgo_engine::{EngineError, Result};

use super::options::{FileOptions, WriteMode};
use crate::format::FileFormat;
use crate::format::csv;

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 256 << 10;
/// Temporary names tried: as many sinks may write to one place at once.
const TEMPORARY_MAX: u32 = 10_000;

/// Writes one file.
#[derive(Debug)]
pub(super) struct FileWriter {
    /// As the user wrote it, for messages.
    shown: String,
    /// Before `staged`, so that it is closed before the temporary file is removed.
    out: BufWriter<File>,
    /// `None`: written in place (W3).
    staged: Option<Staged>,
}

impl FileWriter {
    /// A writer of rows of `schema`, as the options say.
    pub(super) fn create(options: &FileOptions, schema: &Schema) -> Result<Self> {
        let shown = options.path.clone();
        let mut writer = Self::open(options).map_err(|error| cannot_write(&shown, error))?;
        if options.format == FileFormat::Csv && options.csv.header {
            let header = csv::write::header(schema, &options.csv, options.changelog);
            writer.header(&header)?;
        }
        Ok(writer)
    }

    fn open(options: &FileOptions) -> io::Result<Self> {
        let shown = options.path.clone();
        let path = Path::new(&options.path);
        let existing = match fs::canonicalize(path) {
            Ok(target) => Some((fs::metadata(&target)?, target)),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let target = match existing {
            Some((metadata, directory)) if metadata.is_dir() => {
                Target::Part { directory, extension: options.format.name() }
            }
            Some((metadata, _)) if !metadata.is_file() => {
                let file = OpenOptions::new().write(true).open(path)?;
                let out = BufWriter::with_capacity(BUFFER_BYTES, file);
                return Ok(Self { shown, out, staged: None });
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
        let (staged, mut file) = Staged::create(target)?;
        if options.write_mode == WriteMode::Append {
            staged.copy_existing(&mut file)?;
        }
        let out = BufWriter::with_capacity(BUFFER_BYTES, file);
        Ok(Self { shown, out, staged: Some(staged) })
    }

    /// Writes the header record; a file that is continued must have the same one.
    fn header(&mut self, header: &[u8]) -> Result<()> {
        if self.staged.is_none() || self.written(BufWriter::stream_position)? == 0 {
            return self.written(|out| out.write_all(header));
        }
        let mut found = vec![0; header.len()];
        let same = self.written(|out| {
            let file = out.get_mut();
            file.seek(SeekFrom::Start(0))?;
            let complete = file.read_exact(&mut found);
            file.seek(SeekFrom::End(0))?;
            Ok(complete.is_ok() && found == header)
        })?;
        match same {
            true => Ok(()),
            false => Err(EngineError::Data {
                message: format!(
                    "rows cannot be appended: the file does not start with the header {}",
                    String::from_utf8_lossy(header).trim_end()
                ),
                place: Some(self.shown.clone()),
            }),
        }
    }

    fn written<T>(
        &mut self,
        write: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>,
    ) -> Result<T> {
        write(&mut self.out).map_err(|error| cannot_write(&self.shown, error))
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
        self.written(|out| out.write_all(&bytes))
    }

    fn flush(&mut self) -> Result<()> {
        self.written(BufWriter::flush)
    }

    fn commit(mut self: Box<Self>) -> Result<()> {
        self.finish().map_err(|error| cannot_write(&self.shown, error))
    }
}

/// The file whose content would be replaced, by its full path.
pub(super) fn replaces(options: &FileOptions) -> Option<String> {
    let path = Path::new(&options.path);
    let full = match fs::canonicalize(path) {
        Ok(full) if !full.is_file() => return None,
        Ok(full) => full,
        // Not there yet: the directory says which file it will be.
        Err(_) => fs::canonicalize(parent(path)).ok()?.join(path.file_name()?),
    };
    (options.write_mode == WriteMode::Replace).then(|| full.display().to_string())
}

/// The directory that holds `path`.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Where a staged file goes.
#[derive(Debug)]
enum Target {
    /// To this path; `new`: it must not exist.
    File { path: PathBuf, new: bool },
    /// To `part-00000.json`, or the next free number, in this directory.
    Part { directory: PathBuf, extension: &'static str },
}

impl Target {
    fn directory(&self) -> &Path {
        match self {
            Self::Part { directory, .. } => directory,
            Self::File { path, .. } => parent(path),
        }
    }
}

/// A temporary file; removed on drop unless it was published.
#[derive(Debug)]
struct Staged {
    temporary: PathBuf,
    target: Target,
    published: bool,
}

impl Staged {
    fn create(target: Target) -> io::Result<(Self, File)> {
        let directory = target.directory();
        if !directory.is_dir() {
            let message = format!("there is no directory {}; create it first", directory.display());
            return Err(io::Error::new(ErrorKind::NotFound, message));
        }
        let name = match &target {
            Target::File { path, .. } => path.file_name().unwrap_or(OsStr::new("out")),
            Target::Part { .. } => OsStr::new("part"),
        };
        let name = name.to_string_lossy();
        let process = std::process::id();
        for attempt in 0..TEMPORARY_MAX {
            let temporary = directory.join(format!(".{name}.{process}-{attempt}.tmp"));
            match OpenOptions::new().read(true).write(true).create_new(true).open(&temporary) {
                Ok(file) => return Ok((Self { temporary, target, published: false }, file)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("no temporary name is free beside it"))
    }

    /// Puts what the target holds in front, with a line end after its last record.
    fn copy_existing(&self, file: &mut File) -> io::Result<()> {
        let Target::File { path, .. } = &self.target else { return Ok(()) };
        let mut existing = match File::open(path) {
            Ok(existing) => existing,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if io::copy(&mut existing, file)? == 0 {
            return Ok(());
        }
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" { file.write_all(b"\n") } else { Ok(()) }
    }

    /// Gives the file its final name, durably.
    fn publish(&mut self) -> io::Result<()> {
        match &self.target {
            Target::File { path, new: false } => fs::rename(&self.temporary, path)?,
            Target::File { path, new: true } => {
                if !claim(&self.temporary, path)? {
                    return Err(exists());
                }
            }
            Target::Part { directory, extension } => {
                let free = |number: &u32| -> Option<io::Result<()>> {
                    let path = directory.join(format!("part-{number:05}.{extension}"));
                    match claim(&self.temporary, &path) {
                        Ok(true) => Some(Ok(())),
                        Ok(false) => None,
                        Err(error) => Some(Err(error)),
                    }
                };
                (0..u32::MAX)
                    .find_map(|number| free(&number))
                    .unwrap_or_else(|| Err(io::Error::other("no part number is free")))?;
            }
        }
        self.published = true;
        File::open(self.target.directory())?.sync_all()
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published {
            // Nobody is left to hear of a failure, and the name says that it may be removed.
            drop(fs::remove_file(&self.temporary));
        }
    }
}

/// Renames `temporary` to `path` unless that exists. A link does so in one step; where the file
/// system has no links, a look and a rename must do.
fn claim(temporary: &Path, path: &Path) -> io::Result<bool> {
    match fs::hard_link(temporary, path) {
        Ok(()) => fs::remove_file(temporary).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(_) if fs::symlink_metadata(path).is_ok() => Ok(false),
        Err(_) => fs::rename(temporary, path).map(|()| true),
    }
}

fn exists() -> io::Error {
    io::Error::new(ErrorKind::AlreadyExists, "it exists, and 'write-mode' is 'fail'")
}

fn cannot_write(shown: &str, error: io::Error) -> EngineError {
    match error.kind() {
        ErrorKind::BrokenPipe => EngineError::Closed,
        _ => EngineError::external(format!("cannot write {shown}"), error),
    }
}

#[cfg(test)]
mod tests;
