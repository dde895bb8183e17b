//! What stands under the final name after success, failure and abandonment.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use turgo_engine::io::{Block, TableSpec, WriteBlocks};

use super::*;

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn options(path: &str, more: &[(&str, &str)]) -> FileOptions {
    let mut options = BTreeMap::from([("path".to_owned(), path.to_owned())]);
    options.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    FileOptions::parse(&TableSpec { name: "t".into(), schema: Arc::new(schema()), options })
        .unwrap()
}

fn schema() -> Schema {
    Schema::new(vec![Field::new("a", DataType::Int64, true)])
}

fn writer(path: &Path, more: &[(&str, &str)]) -> Result<Box<FileWriter>> {
    FileWriter::create(&options(path.to_str().unwrap(), more), &schema()).map(Box::new)
}

fn write(path: &Path, more: &[(&str, &str)], text: &str) -> Result<()> {
    let mut writer = writer(path, more)?;
    writer.write(Block::Bytes(text.into()))?;
    writer.commit()
}

#[test]
fn a_file_appears_at_the_commit_and_not_before() {
    let place = Place::new();
    let path = place.path("out.json");
    fs::write(&path, "old").unwrap();
    let mut writer = writer(&path, &[]).unwrap();
    writer.write(Block::Bytes(b"new\n".to_vec())).unwrap();
    writer.flush().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(place.names().len(), 2);
    writer.commit().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new\n");
    assert_eq!(place.names(), ["out.json"]);
}

#[test]
fn an_abandoned_writer_leaves_nothing() {
    let place = Place::new();
    let mut writer = writer(&place.path("out.json"), &[]).unwrap();
    writer.write(Block::Bytes(b"new\n".to_vec())).unwrap();
    drop(writer);
    assert!(place.names().is_empty());
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let place = Place::new();
    let mut writer = writer(&place.path("out.json"), &[]).unwrap();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    writer.out = BufWriter::with_capacity(16, full);
    let error = writer.write(Block::Bytes(vec![b'x'; 100])).unwrap_err();
    assert_eq!(error.code(), "external");
    let message = error.to_string();
    assert!(message.contains("cannot write") && message.contains("No space left"), "{message}");
    drop(writer);
    assert!(place.names().is_empty());
}

#[test]
fn a_device_is_written_in_place_and_reports_its_errors() {
    let error = write(Path::new("/dev/full"), &[("format", "json")], "x\n").unwrap_err();
    assert!(error.to_string().contains("cannot write /dev/full: No space left"), "{error}");
    write(Path::new("/dev/null"), &[("format", "csv")], "x\n").unwrap();
}

#[test]
fn appending_continues_the_file_and_completes_its_last_line() {
    let place = Place::new();
    let path = place.path("out.json");
    let append = [("write-mode", "append")];
    write(&path, &append, "1\n").unwrap();
    write(&path, &append, "2").unwrap();
    write(&path, &append, "3\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "1\n2\n3\n");
}

#[test]
fn a_csv_header_stands_once_and_must_match() {
    let place = Place::new();
    let path = place.path("out.csv");
    let append = [("write-mode", "append")];
    write(&path, &append, "1\n").unwrap();
    write(&path, &append, "2\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "a\n1\n2\n");
    fs::write(&path, "b\n1\n").unwrap();
    let error = write(&path, &append, "2\n").unwrap_err();
    assert!(error.to_string().contains("does not start with the header a"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "b\n1\n");
    assert_eq!(place.names(), ["out.csv"]);
}

#[test]
fn an_existing_file_is_respected_by_fail() {
    let place = Place::new();
    let path = place.path("out.json");
    let fail = [("write-mode", "fail")];
    let racing = writer(&path, &fail).unwrap();
    write(&path, &fail, "1\n").unwrap();
    assert!(writer(&path, &fail).unwrap_err().to_string().contains("'write-mode' is 'fail'"));
    assert_eq!(racing.commit().unwrap_err().code(), "external");
    assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
    assert_eq!(place.names(), ["out.json"]);
}

#[test]
fn a_directory_takes_the_next_free_part() {
    let place = Place::new();
    let directory = place.directory.path();
    for text in ["1\n", "2\n"] {
        write(directory, &[("format", "json")], text).unwrap();
    }
    assert_eq!(place.names(), ["part-00000.json", "part-00001.json"]);
    assert_eq!(fs::read_to_string(place.path("part-00001.json")).unwrap(), "2\n");
}

#[test]
fn missing_directories_are_named() {
    let place = Place::new();
    for name in ["no/out.json", "no/"] {
        let path = format!("{}/{name}", place.directory.path().display());
        let error = writer(Path::new(&path), &[("format", "json")]).unwrap_err().to_string();
        assert!(error.contains("there is no"), "{error}");
    }
    assert!(place.names().is_empty());
}

#[test]
fn a_link_keeps_pointing_at_the_file_written() {
    let place = Place::new();
    fs::write(place.path("real.json"), "old").unwrap();
    std::os::unix::fs::symlink("real.json", place.path("link.json")).unwrap();
    write(&place.path("link.json"), &[], "new\n").unwrap();
    assert_eq!(fs::read_to_string(place.path("real.json")).unwrap(), "new\n");
    assert!(fs::symlink_metadata(place.path("link.json")).unwrap().is_symlink());
}
