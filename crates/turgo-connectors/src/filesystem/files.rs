//! Which files a path stands for.
//!
//! A path that exists is taken as it is; otherwise `*`, `?` and `[` make it a pattern. A directory
//! stands for the files directly in it, by name; hidden ones and `*.tmp` (files being written) are
//! skipped. A directory inside is an error: to read past it would lose its rows silently.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use turgo_engine::{EngineError, Result};

use crate::option::nearest;

/// A file to be read.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// The files `path` stands for, in a stable order.
pub(super) fn list(path: &str) -> Result<Vec<File>> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => directory(Path::new(path)),
        Ok(metadata) => Ok(vec![file(PathBuf::from(path), &metadata)?]),
        Err(error) if error.kind() == ErrorKind::NotFound => match path.contains(['*', '?', '[']) {
            true => pattern(path),
            false => Err(missing(Path::new(path), error)),
        },
        Err(error) => Err(cannot_read(Path::new(path), error)),
    }
}

/// Whether the file of the full path `place` is one of those that `path` stands for, or would be
/// once it is there; of the latter, patterns know nothing.
pub(super) fn reads(path: &str, place: &Path) -> bool {
    match fs::canonicalize(path) {
        Ok(directory) if directory.is_dir() => place.parent() == Some(&*directory),
        Ok(file) => file == place,
        Err(_) => list(path).is_ok_and(|files| {
            files.iter().any(|file| fs::canonicalize(&file.path).is_ok_and(|file| file == place))
        }),
    }
}

/// The error of reading `path`.
pub(super) fn cannot_read(path: &Path, error: std::io::Error) -> EngineError {
    EngineError::external(format!("cannot read {}", path.display()), error)
}

fn file(path: PathBuf, metadata: &fs::Metadata) -> Result<File> {
    if !metadata.is_file() {
        let message = format!("cannot read {}: it is not a regular file", path.display());
        return Err(EngineError::Unsupported(message));
    }
    Ok(File { path, bytes: metadata.len() })
}

fn directory(path: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| cannot_read(path, error))? {
        let entry = entry.map_err(|error| cannot_read(path, error))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || name.ends_with(".tmp") {
            continue;
        }
        let inner = entry.path();
        let metadata = fs::metadata(&inner).map_err(|error| cannot_read(&inner, error))?;
        if metadata.is_dir() {
            return Err(EngineError::Unsupported(format!(
                "{} holds the directory {name}, and directories inside are not read; name the \
                 files by a pattern, such as '{}/*/*.json'",
                path.display(),
                path.display()
            )));
        }
        files.push(file(inner, &metadata)?);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn pattern(path: &str) -> Result<Vec<File>> {
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..Default::default() };
    let entries = glob::glob_with(path, options).map_err(|error| {
        EngineError::Unsupported(format!("the pattern {path} is not valid: {error}"))
    })?;
    let mut files = Vec::new();
    for entry in entries {
        let found = entry.map_err(|error| {
            let path = error.path().to_owned();
            cannot_read(&path, error.into())
        })?;
        let metadata = fs::metadata(&found).map_err(|error| cannot_read(&found, error))?;
        if !metadata.is_dir() {
            files.push(file(found, &metadata)?);
        }
    }
    if files.is_empty() {
        let error = std::io::Error::new(ErrorKind::NotFound, "no file matches this pattern");
        return Err(cannot_read(Path::new(path), error));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The error of a missing file, with what its name may have been meant to be.
fn missing(path: &Path, error: std::io::Error) -> EngineError {
    if let Ok(target) = fs::read_link(path) {
        let message = format!("it is a link to {}, which is not there", target.display());
        return EngineError::external(format!("cannot read {}", path.display()), message);
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let hint = match fs::read_dir(parent) {
        Ok(entries) => {
            let names: Vec<String> = entries
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .filter(|name| !name.starts_with('.'))
                .collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let wanted = path.file_name().unwrap_or_default().to_string_lossy();
            nearest(&wanted, &names)
                .map(|near| format!(" (did you mean {}?)", path.with_file_name(near).display()))
        }
        Err(_) => Some(format!(" (there is no directory {})", parent.display())),
    };
    EngineError::external(
        format!("cannot read {}", path.display()),
        format!("{error}{}", hint.unwrap_or_default()),
    )
}
