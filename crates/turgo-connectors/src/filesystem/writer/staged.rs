//! A file under a temporary name, and the name it gets.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Temporary names tried: as many sinks may write to one place at once.
const TEMPORARY_MAX: u32 = 10_000;

/// The directory that holds `path`.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Where a staged file goes.
#[derive(Debug)]
pub(super) enum Target {
    /// To this path; `new`: it must not exist.
    File { path: PathBuf, new: bool },
    /// To `part-00000.json`, or the next free number, in this directory.
    Part { directory: PathBuf, extension: String },
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
pub(super) struct Staged {
    temporary: PathBuf,
    target: Target,
    published: bool,
}

impl Staged {
    /// Makes the temporary file beside `target`.
    pub(super) fn create(target: Target) -> io::Result<(Self, File)> {
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

    /// Puts what the target holds in front; its path, where it holds anything.
    pub(super) fn copy_existing(&self, file: &mut File) -> io::Result<Option<&Path>> {
        let Target::File { path, .. } = &self.target else { return Ok(None) };
        let mut existing = match File::open(path) {
            Ok(existing) => existing,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok((io::copy(&mut existing, file)? > 0).then_some(path))
    }

    /// Gives the file its final name, durably.
    pub(super) fn publish(&mut self) -> io::Result<()> {
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

/// The error of a file that must not be there.
pub(super) fn exists() -> io::Error {
    io::Error::new(ErrorKind::AlreadyExists, "it exists, and 'write-mode' is 'fail'")
}
