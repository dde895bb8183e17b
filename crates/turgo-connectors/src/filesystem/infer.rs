//! The columns of files that nobody declared: found in a sample of their rows.
//!
//! - I1. At most [`FILES_MAX`] files are opened, and of each only the beginning is read: a large
//!   file starts as fast as a small one.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{Fields, Schema};
use turgo_engine::io::{OptionError, TableSpec};
use turgo_engine::{EngineError, Result};

use super::SAMPLE_ROWS;
use super::content::Content;
use super::files::{self, File, cannot_read};
use super::options::{FileOptions, delimiter_of, format_of, path};
use super::reader::{BYTE_ORDER_MARK, RECORD_BYTES_MAX, is_text};
use crate::format::infer::{Inferred, Refused, Sample};
use crate::format::{FileFormat, csv, json, parquet};

/// The most files that are looked at: the first ones.
const FILES_MAX: usize = 16;
/// Bytes read for each row that is wanted: 8 MiB for 20480 rows.
const BYTES_PER_ROW: usize = 410;
/// The least that is read of a file.
const BYTES_MIN: usize = 64 << 10;

/// `table` with the columns found in its files, and with the options that were found with them.
pub(crate) fn infer(table: &TableSpec, rows: usize) -> Result<TableSpec, OptionError> {
    let path = path(table)?;
    let files = files::list(path).map_err(|error| unreadable(&error))?;
    let mut table = table.clone();
    find_format(&mut table, &files)?;
    let options = FileOptions::parse(&table)?;
    table.options.insert("format".into(), options.format.name().into());
    if options.format == FileFormat::Parquet {
        table.schema = Arc::new(Schema::new(stored(&table, &files)?));
        return Ok(table);
    }
    let rows = options.sample_rows.map_or(rows, |rows| rows as usize);
    let looked_at = &files[..files.len().min(FILES_MAX)];
    let rows_each = (rows / looked_at.len().max(1)).max(1);
    let bytes = rows_each.saturating_mul(BYTES_PER_ROW).max(BYTES_MIN);
    let samples = looked_at.iter().map(|file| sample(file, &options, bytes));
    let samples = samples.collect::<Result<Vec<_>>>().map_err(|error| unreadable(&error))?;
    let found = match options.format {
        FileFormat::Json => json::infer::infer(&samples, rows_each),
        FileFormat::Csv => {
            let dialect = dialect(&mut table, &options, &samples);
            let header = table.options.get("csv.header").map(|_| dialect.header);
            csv::infer::infer(&samples, rows_each, &dialect, header)
        }
        FileFormat::Parquet => unreachable!("its columns were found above"),
    };
    let Inferred { columns, rows } = found.map_err(refused)?;
    if columns.is_empty() {
        let what = format!("there is nothing in {path} to find columns in");
        let remedy = "declare the columns with CREATE TABLE".to_owned();
        return Err(refused(Refused { what, remedy }));
    }
    table.options.insert(SAMPLE_ROWS.into(), rows.to_string());
    table.schema = Arc::new(Schema::new(columns));
    Ok(table)
}

/// The columns of Parquet files, which are those of the first; the others are checked when they are read.
fn stored(table: &TableSpec, files: &[File]) -> Result<Fields, OptionError> {
    let remedy = || "declare the columns with CREATE TABLE".to_owned();
    let nothing = || Refused {
        what: format!("there is nothing in {} to find columns in", table.options["path"]),
        remedy: remedy(),
    };
    let File { path, .. } = files.first().ok_or_else(|| refused(nothing()))?;
    let opened = std::fs::File::open(path).map_err(|error| cannot_read(path, error));
    let found = opened.and_then(|file| parquet::infer::infer(&path.display().to_string(), &file));
    let columns = found.map_err(|error| unreadable(&error))?.map_err(refused)?;
    if columns.is_empty() { Err(refused(nothing())) } else { Ok(columns) }
}

/// The dialect of CSV: where neither an option nor a name says the delimiter, it is found.
fn dialect(table: &mut TableSpec, options: &FileOptions, samples: &[Sample]) -> csv::Dialect {
    let mut dialect = options.csv.clone();
    let said = table.options.contains_key("csv.delimiter")
        || delimiter_of(Path::new(&options.path)).is_some();
    let sample = samples.iter().find(|sample| !sample.bytes.is_empty());
    if let Some(sample) = sample.filter(|_| !said) {
        dialect.delimiter = csv::infer::delimiter(sample);
        let shown = match dialect.delimiter {
            b'\t' => "\\t".to_owned(),
            other => char::from(other).to_string(),
        };
        if dialect.delimiter != options.csv.delimiter {
            table.options.insert("csv.delimiter".into(), shown);
        }
    }
    dialect
}

/// Names the format of `table` where neither an option nor its path does, but all its `files` do.
fn find_format(table: &mut TableSpec, files: &[File]) -> Result<(), OptionError> {
    let path = path(table)?;
    if table.options.contains_key("format") || format_of(Path::new(path)).is_some() {
        return Ok(());
    }
    let remedy = || Some("say 'format' = 'json', 'csv' or 'parquet'".to_owned());
    let error = |message: String| OptionError { key: None, message, help: remedy() };
    let [first, rest @ ..] = files else {
        return Err(error(format!("there is no file in {path} to find columns in")));
    };
    let shown = |file: &File| file.path.display().to_string();
    let unknown = |file| format!("the format of {} is not known from its name", shown(file));
    let format = format_of(&first.path).ok_or_else(|| error(unknown(first)))?;
    let delimiter = delimiter_of(&first.path);
    for file in rest {
        let other = format_of(&file.path).ok_or_else(|| error(unknown(file)))?;
        if (other, delimiter_of(&file.path)) != (format, delimiter) {
            let [first, file] = [shown(first), shown(file)];
            return Err(error(format!("{first} and {file} have different formats")));
        }
    }
    table.options.insert("format".into(), format.name().into());
    if delimiter.is_some() && !table.options.contains_key("csv.delimiter") {
        table.options.insert("csv.delimiter".into(), "\\t".into());
    }
    Ok(())
}

/// The beginning of a file: about `bytes` of it, but one line at least.
fn sample(file: &File, options: &FileOptions, mut bytes: usize) -> Result<Sample> {
    let mut content = Content::open(&file.path, options.compression(&file.path))?;
    let mut sample =
        Sample { name: file.path.display().to_string(), bytes: Vec::new(), complete: false };
    loop {
        let wanted = bytes - sample.bytes.len();
        sample.complete = !content.read(wanted, &mut sample.bytes)?;
        let enough = memchr::memchr(b'\n', &sample.bytes).is_some() || bytes > RECORD_BYTES_MAX;
        if sample.complete || enough {
            break;
        }
        bytes = bytes.saturating_mul(2).min(RECORD_BYTES_MAX + 1);
    }
    is_text(&file.path, &sample.bytes)?;
    if sample.bytes.starts_with(BYTE_ORDER_MARK) {
        sample.bytes.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(sample)
}

fn unreadable(error: &EngineError) -> OptionError {
    OptionError { key: Some("path".into()), message: error.to_string(), help: None }
}

fn refused(refused: Refused) -> OptionError {
    OptionError { key: Some("path".into()), message: refused.what, help: Some(refused.remedy) }
}
