//! `--trace`: which worker ran which instance when, in the form that Perfetto reads.

use std::fs;
use std::path::{Path, PathBuf};

use turgo_engine::run::Trace;
use turgo_sched::trace::chrome_json;

use crate::report::{Failure, say};

/// The events of each worker that are kept: 1 MiB.
pub(crate) const EVENTS: usize = 1 << 16;

/// The files of a run, one for each of its queries.
#[derive(Debug)]
pub(crate) struct TraceFiles {
    path: PathBuf,
    written: usize,
}

impl TraceFiles {
    /// Makes the first one, empty.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        fs::File::create(path).map_err(|error| Failure::cannot_write(path, &error))?;
        Ok(Self { path: path.to_owned(), written: 0 })
    }

    /// Writes what one more query did.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(&mut self, trace: &Trace) -> Result<(), Failure> {
        self.written += 1;
        let path = numbered(&self.path, self.written);
        let json =
            chrome_json(&trace.events, &trace.layout, |task| trace.names.get(&task).cloned());
        fs::write(&path, json).map_err(|error| Failure::cannot_write(&path, &error))?;
        let of_one = trace.events.chunk_by(|a, b| a.worker == b.worker).map(<[_]>::len).max();
        // One place of a ring counts as being written.
        if of_one.is_some_and(|events| events + 1 >= EVENTS) {
            say(format_args!(
                "note: {} has the last {} events of a worker; there were more",
                path.display(),
                EVENTS - 1
            ));
        }
        Ok(())
    }
}

/// `path` for the first query; for those after it with their number before the extension.
fn numbered(path: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    match path.extension() {
        Some(extension) => path.with_extension(format!("{number}.{}", extension.to_string_lossy())),
        None => path.with_extension(number.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_query_has_a_file_of_its_own() {
        let of = |path: &str, number| numbered(Path::new(path), number);
        assert_eq!(of("a/t.json", 1), Path::new("a/t.json"));
        assert_eq!(of("a/t.json", 2), Path::new("a/t.2.json"));
        assert_eq!(of("a.b/trace", 3), Path::new("a.b/trace.3"));
    }
}
