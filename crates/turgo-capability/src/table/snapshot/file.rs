//! A file that is replaced as a whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Writes beside the file, flushes, renames, and flushes the folder.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "the path of a snapshot ends with a name")
    })?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut beside = OsString::from(".");
    beside.push(name);
    // A name of this thread's own, so that two that write the same file do not share the one beside it.
    beside.push(format!(".{}.{:?}.new", std::process::id(), std::thread::current().id()));
    let beside = folder.join(beside);
    let written = write(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What was there goes on; that half a file is left as well is the smaller trouble.
        let _ = fs::remove_file(&beside);
    }
    written?;
    // The rename is on the disk when the folder is.
    File::open(folder)?.sync_all()
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // One that an earlier process of this number left; and no link that somebody put there is followed.
    let _ = fs::remove_file(path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
