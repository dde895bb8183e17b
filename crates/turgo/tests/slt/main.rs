//! SQL behaviour as data: each `.slt` file is a script with what every statement must answer.
//!
//! A file is a sequence of records, separated by blank lines; `#` starts a comment line.
//!
//! ```text
//! file NAME                  writes a file of the lines that follow
//! statement ok               runs the statement that follows
//! statement error TEXT       it must fail, and its message and help must contain TEXT
//! query TYPES [rowsort]      it must answer the rows after `----`, in order or sorted
//! counts used=1 late=2 ...   what became of the rows of the last query; what is not named is 0
//! ```
//!
//! TYPES has one letter per column: `I` integer, `R` float or decimal, `T` text, `B` Boolean, `P`
//! timestamp, `D` date, `?` anything else. Values are separated by one space, an empty text is
//! `(empty)`. A changelog has its operations as a first column, without a letter. `$DIR` stands for
//! the directory of the files. Every file is run with one worker and with three.
//!
//! Expected rows are worked out by hand, never copied from an output.

mod record;
mod session;

use std::path::PathBuf;

/// One test per file, so that a failure names it.
macro_rules! files {
    ($($name:ident),* $(,)?) => {
        const FILES: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                run(stringify!($name));
            }
        )*
    };
}

files! {
    aggregates,
    case,
    count_distinct,
    cte,
    ddl,
    distinct,
    emit_changes,
    errors,
    exact,
    filter,
    functions,
    generators,
    group_by,
    grouping_functions,
    having,
    hop,
    late,
    nested,
    nulls,
    options,
    projection,
    subquery,
    tumble,
    types,
    union_all,
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/slt")
}

fn run(name: &str) {
    let path = directory().join(format!("{name}.slt"));
    let text = std::fs::read_to_string(&path).expect("a listed file is there");
    let records = record::parse(&text).unwrap_or_else(|error| panic!("{name}.slt:{error}"));
    for workers in [1, 3] {
        let failures = session::run(&records, workers);
        let shown: String = failures.iter().map(|f| format!("\n{name}.slt:{f}")).collect();
        assert!(failures.is_empty(), "with {workers} workers:{shown}");
    }
}

/// A file that is not listed above would never run.
#[test]
fn every_file_is_listed() {
    let mut found: Vec<String> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "slt"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, FILES);
}
