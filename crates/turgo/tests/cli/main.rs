//! The program as a stranger meets it: started as a process, with files in a directory of its own.

mod bad_data;
mod bad_sql;
mod bench;
mod compressed;
mod dead_letters;
mod endless;
mod files;
mod parquet;
mod run;
mod shell;
mod signals;
mod sim;
mod terminal;
mod topology;
mod undeclared;
mod usage;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// The table most tests read; four rows, one NULL in each column but the time.
const EVENTS: &str = r#"{"k":"a","v":1,"ts":"2024-01-01T00:00:01"}
{"k":"b","v":2,"ts":"2024-01-01T00:00:05"}
{"k":"a","v":null,"ts":"2024-01-01T00:00:11"}
{"k":null,"v":4,"ts":"2024-01-01T00:00:25"}
"#;

const EVENT_TABLE: &str = "\
CREATE TABLE ev (k VARCHAR, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
WITH ('connector' = 'filesystem', 'path' = 'ev.ndjson', 'format' = 'json');
";

/// A directory with `ev.ndjson` and `ev.sql`, which declares it.
struct Place(TempDir);

/// How a run ended.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Self {
        let place = Self(TempDir::new().expect("a temporary directory can be made"));
        place.write("ev.ndjson", EVENTS);
        place.write("ev.sql", EVENT_TABLE);
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), content).expect("a file can be written");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).expect("the file is there")
    }

    fn exists(&self, name: &str) -> bool {
        self.path().join(name).exists()
    }

    /// Every name in the directory `name`, hidden ones too.
    fn names(&self, name: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path().join(name)).expect("the directory is there");
        let mut names: Vec<String> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_turgo"));
        command.args(args).current_dir(self.path());
        command
    }

    fn turgo(&self, args: &[&str]) -> Ended {
        Ended::of(&self.command(args).output().expect("the program starts"))
    }

    /// Runs `sql` over the events, with rows as CSV.
    fn sql(&self, sql: &str) -> Ended {
        self.turgo(&["run", "ev.sql", "-c", sql, "--format", "csv"])
    }
}

impl Ended {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout.clone()).expect("rows are text"),
            err: String::from_utf8(output.stderr.clone()).expect("messages are text"),
        }
    }

    /// Standard output of a run that went well.
    #[track_caller]
    fn rows(&self) -> &str {
        assert_eq!(self.code, Some(0), "{}", self.err);
        &self.out
    }

    /// The run failed with `code` and said all of `said`, and nothing of our own insides.
    #[track_caller]
    fn fails(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        for part in said {
            assert!(self.err.contains(part), "no {part:?} in:\n{}", self.err);
        }
        for inside in
            ["panicked", "internal error", "Internal error", "DataFusion", "Execution error"]
        {
            assert!(!self.err.contains(inside), "{inside:?} in:\n{}", self.err);
        }
    }
}

/// The lines behind the header, sorted: rows have no order.
fn sorted(csv: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = csv.lines().skip(1).collect();
    lines.sort_unstable();
    lines
}
