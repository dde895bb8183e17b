//! SQL behaviour as data: each `.slt` file is a script with what every statement must answer.
//!
//! A file is a sequence of records, separated by blank lines; `#` starts a comment line.
//!
//! ```text
//! file NAME                  writes a file of the lines that follow
//! include NAME               runs the records of another `.slt` file
//! statement ok               runs the statement that follows
//! statement error TEXT       it must fail, and its message and help must contain TEXT
//! query TYPES [rowsort]      it must answer the rows after `----`, in order or sorted
//! counts used=1 late=2 ...   what became of the rows of the last query; what is not named is 0
//! ```
//!
//! TYPES has one letter per column: `I` integer, `R` float or decimal, `T` text, `B` Boolean, `P`
//! timestamp, `D` date, `?` anything else. Values are separated by one space, an empty text is
//! `(empty)`. A changelog has its operations as a first column, without a letter. A query with a
//! line in brackets, `[EMIT FINAL]`, is run without that line and with it. `$DIR` stands for the
//! directory of the files. What runs is run with one worker and with three.
//!
//! Expected rows are worked out by hand, never copied from an output; those of `matrix/` are
//! computed by a program that shares nothing with the engine.

mod record;
mod session;

use std::path::PathBuf;

use record::Record;

/// One test per file of a directory, so that a failure names it, and one that all are listed: a
/// file that is not would never run. The passes are numbers of workers: those of one pass share
/// tables and plans, which saves time; a file that writes wants a pass of its own for each.
macro_rules! files {
    ($directory:literal, $passes:expr; $($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                $crate::run(concat!($directory, stringify!($name), ".slt"), &$passes);
            }
        )*

        #[test]
        fn every_file_is_listed() {
            assert_eq!($crate::names($directory), [$(stringify!($name)),*]);
        }
    };
}

mod matrix;

files! {
    "", [&[1], &[3]];
    aggregates,
    allowed_lateness,
    bounded,
    case,
    count_distinct,
    cte,
    cumulate,
    ddl,
    dead_letters,
    distinct,
    emit_changes,
    emit_every,
    errors,
    exact,
    explain,
    files,
    filter,
    functions,
    generators,
    group_by,
    grouping_functions,
    guards,
    having,
    hop,
    late,
    nested,
    nulls,
    options,
    over,
    parquet,
    projection,
    scenarios,
    session,
    subquery,
    tumble,
    types,
    union_all,
    window_clause,
    windows_of_windows,
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/slt")
}

/// The records of the file of this name.
fn records(name: &str) -> Result<Vec<Record>, String> {
    let text = std::fs::read_to_string(directory().join(name));
    let text = text.map_err(|error| format!("{name}: {error}"))?;
    record::parse(&text).map_err(|error| format!("{name}:{error}"))
}

fn run(name: &str, passes: &[&[usize]]) {
    let records = records(name).unwrap_or_else(|error| panic!("{error}"));
    for workers in passes {
        let failures = session::run(&records, workers);
        let shown: String = failures.iter().map(|f| format!("\n{name}:{f}")).collect();
        assert!(failures.is_empty(), "{shown}");
    }
}

/// The `.slt` files in a directory, without their extension.
fn names(below: &str) -> Vec<String> {
    let mut found: Vec<String> = std::fs::read_dir(directory().join(below))
        .expect("the directory is there")
        .map(|entry| entry.expect("and can be read").file_name().to_string_lossy().into_owned())
        .filter_map(|name| Some(name.strip_suffix(".slt")?.to_string()))
        .collect();
    found.sort();
    found
}
