//! Where the kernel's files come from: a folder of the disk, or a map in tests.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Bytes read of a file. The longest are lists of processors.
const BYTES_MAX: u64 = 1 << 20;

/// Entries looked at in a folder: two for each processor there can be, and some.
const ENTRIES_MAX: usize = 1 << 15;

/// Files by path from a root, such as `sys/devices/system/node/online`.
pub(super) trait Files {
    /// The text of a file; `None` where there is none.
    fn text(&self, path: &str) -> io::Result<Option<String>>;

    /// The numbers of the entries of a folder that are named `prefix` and a number, upwards; none where there is no folder.
    fn numbered(&self, folder: &str, prefix: &str) -> Vec<u32>;
}

/// Files below a folder of the disk.
pub(super) struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    pub(super) fn at(root: &'a Path) -> Self {
        Self(root)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }
}

impl Files for Disk<'_> {
    fn text(&self, path: &str) -> io::Result<Option<String>> {
        let mut bytes = Vec::new();
        let read = File::open(self.path(path))
            .and_then(|file| file.take(BYTES_MAX).read_to_end(&mut bytes));
        match read {
            Ok(_) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn numbered(&self, folder: &str, prefix: &str) -> Vec<u32> {
        let Ok(entries) = self.path(folder).read_dir() else { return Vec::new() };
        let names = entries.take(ENTRIES_MAX).flatten().map(|entry| entry.file_name());
        numbers(names.filter_map(|name| name.into_string().ok()), prefix)
    }
}

/// The numbers behind `prefix`, each once, upwards.
pub(super) fn numbers(names: impl Iterator<Item = String>, prefix: &str) -> Vec<u32> {
    let number = |name: String| super::ids::decimal(name.strip_prefix(prefix)?);
    let mut numbers: Vec<u32> = names.filter_map(number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}
