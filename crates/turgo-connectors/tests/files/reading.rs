//! Which files are read, and what is said where they cannot be.

use std::fs;
use std::path::Path;

use arrow::datatypes::DataType;
use turgo_connectors::connectors;
use turgo_engine::EngineError;
use turgo_engine::io::OptionError;

use crate::{columns, read, read_from, table};

fn names(path: &Path) -> Result<Vec<String>, EngineError> {
    let table = table(path, &columns(&[("a", DataType::Int64)]), &[("format", "json")]);
    let partitions = connectors().source(&table).unwrap().partitions()?;
    let name = |path: &str| Path::new(path).file_name().unwrap().to_str().unwrap().to_owned();
    Ok(partitions.iter().map(|partition| name(&partition.name)).collect())
}

#[test]
fn directories_and_patterns_stand_for_their_files_by_name() {
    let directory = tempfile::tempdir().unwrap();
    assert!(names(directory.path()).unwrap().is_empty());
    for name in ["b.json", "a.json", "c.txt", ".hidden.json", "x.json.tmp"] {
        fs::write(directory.path().join(name), "").unwrap();
    }
    assert_eq!(names(directory.path()).unwrap(), ["a.json", "b.json", "c.txt"]);
    assert_eq!(names(&directory.path().join("*.json")).unwrap(), ["a.json", "b.json"]);
    fs::write(directory.path().join("[a].json"), "").unwrap();
    assert_eq!(names(&directory.path().join("[a].json")).unwrap(), ["[a].json"]);
    let message = |path: &str| names(&directory.path().join(path)).unwrap_err().to_string();
    assert!(message("*.nothing").contains("no file matches this pattern"));
    let missing = message("aa.json");
    assert!(missing.contains("cannot read") && missing.contains("did you mean"), "{missing}");
    assert!(message("no/a.json").contains("there is no directory"));
    fs::create_dir(directory.path().join("inner")).unwrap();
    assert!(message("").contains("holds the directory inner"));
    assert!(names(Path::new("/dev/null")).unwrap_err().to_string().contains("not a regular file"));
}

#[test]
fn a_file_that_shrinks_is_an_error_and_not_an_end() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "{\"a\":1}\n".repeat(100)).unwrap();
    let table = table(file.path(), &columns(&[("a", DataType::Int64)]), &[("format", "json")]);
    let source = connectors().source(&table).unwrap();
    source.partitions().unwrap();
    let mut reader = source.open(0, 0).unwrap();
    reader.next(100).unwrap().unwrap();
    fs::write(file.path(), "{\"a\":1}\n").unwrap();
    let error = reader.next(100).unwrap_err();
    assert!(error.to_string().contains("has become shorter"), "{error}");
    assert_eq!(source.open(0, 100).err().unwrap().code(), "external");
    fs::remove_file(file.path()).unwrap();
    assert_eq!(source.open(0, 0).err().unwrap().code(), "external");
}

#[test]
fn a_record_over_the_limit_is_named_by_its_byte() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let long = "x".repeat((64 << 20) + 10);
    fs::write(file.path(), format!("{{\"a\":1}}\n\"{long}\"\n{{\"a\":2}}\n")).unwrap();
    let table = table(file.path(), &columns(&[("a", DataType::Int64)]), &[("format", "json")]);
    let source = connectors().source(&table).unwrap();
    let error = read_from(source.as_ref(), &[0], 0, 1 << 20, 1000).unwrap_err();
    assert_eq!(error.code(), "data");
    assert!(error.to_string().contains("the record at byte 8 is larger than 64 MiB"), "{error}");
}

#[test]
fn places_are_lines_and_marks_are_skipped() {
    let schema = columns(&[("a", DataType::Int64)]);
    let text = b"\xEF\xBB\xBF{\"a\":1}\r\n\r\n  \n{\"a\":2}\n{\"a\":x}";
    let content = read(text, &schema, &[("format", "json")]).unwrap();
    assert_eq!(content.starts, [3, 17]);
    assert_eq!(content.rejected.len(), 1);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    let source = connectors().source(&table(file.path(), &schema, &[("format", "json")])).unwrap();
    source.partitions().unwrap();
    let place = source.place(0, content.rejected[0].at);
    assert!(place.ends_with(":5"), "{place}");
    let none = read_from(source.as_ref(), &[], 0, 5, 100).unwrap().0;
    assert_eq!(none.rows.num_rows(), 2);
}

#[test]
fn options_are_checked_with_a_remedy() {
    let refused = |path: &str, options: &[(&str, &str)]| -> (Option<String>, String) {
        let table = table(Path::new(path), &columns(&[]), options);
        let OptionError { key, message, help } = connectors().check(&table).unwrap_err();
        (key, format!("{message}; {}", help.unwrap_or_default()))
    };
    for (path, options, key, text) in [
        ("", &[][..], Some("path"), "has no 'path'"),
        ("a.txt", &[], None, "add 'format' = 'json'"),
        ("a.csv.bz2", &[], Some("path"), "use gzip or zstd"),
        ("a.csv", &[("compression", "gz")], Some("compression"), "did you mean 'gzip'"),
        ("a", &[("format", "avro")], Some("format"), "not there yet"),
        ("a.parquet", &[("compression", "gzip")], Some("compression"), "'parquet.compression'"),
        ("a.parquet", &[("sample-rows", "9")], Some("sample-rows"), "says what its columns are"),
        ("a.parquet", &[("csv.null", "x")], Some("csv.null"), "has no meaning"),
        ("a.csv", &[("parquet.compression", "lz4")], Some("parquet.compression"), "no meaning"),
        ("a.parquet", &[("parquet.compression", "zst")], Some("parquet.compression"), "'zstd'"),
        ("a.parquet", &[("write-mode", "append")], Some("write-mode"), "write to a directory"),
        ("a", &[("format", "jsn")], Some("format"), "did you mean 'json'"),
        ("a.csv", &[("csv.delimiter", "||")], Some("csv.delimiter"), "one ASCII character"),
        ("a.csv", &[("csv.delimiter", "7")], Some("csv.delimiter"), "one ASCII character"),
        ("a.csv", &[("csv.header", "yes")], Some("csv.header"), "'true', 'false'"),
        ("a.csv", &[("csv.null", "a,b")], Some("csv.null"), "without quotes"),
        ("a.json", &[("csv.null", "x")], Some("csv.null"), "has no meaning"),
        ("a.json", &[("write-mode", "over")], Some("write-mode"), "'replace', 'append', 'fail'"),
        ("a.json", &[("pth", "x")], Some("pth"), "did you mean 'path'"),
        ("a.json", &[("connector", "filesytem")], Some("connector"), "did you mean 'filesystem'"),
        ("a.json", &[("connector", "print")], Some("path"), "no option 'path'"),
    ] {
        let (found, message) = refused(path, options);
        assert_eq!(found.as_deref(), key, "{message}");
        assert!(message.contains(text), "{message}");
    }
    let print = [("connector", "blackhole")];
    let mut table = table(Path::new("x"), &columns(&[]), &print);
    table.options.remove("path");
    assert!(connectors().source(&table).unwrap_err().message.contains("can only be written"));
    assert!(connectors().sink(&table).unwrap().accepts_changes());
}
