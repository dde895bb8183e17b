//! The options of a filesystem table.

use std::path::Path;

use turgo_engine::io::{OptionError, TableSpec};

use super::SAMPLE_ROWS;
use super::compression::Compression;
use crate::format::FileFormat;
use crate::format::csv::Dialect;
use crate::format::json::Rest;
use crate::format::parquet::write::PageCompression;
use crate::option;

/// The options a filesystem table knows.
pub(crate) const OPTIONS: &[&str] = &[
    "connector",
    "path",
    "format",
    "compression",
    "csv.header",
    "csv.delimiter",
    "csv.null",
    "json.rest",
    "parquet.compression",
    "sample-rows",
    "write-mode",
    "changelog",
];

/// What happens to a file that exists when a sink is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteMode {
    /// The new file takes its place.
    Replace,
    /// Its content stays in front of the new rows.
    Append,
    /// The sink refuses to start.
    Fail,
}

/// The options of a table, checked.
#[derive(Debug, Clone)]
pub(super) struct FileOptions {
    pub(super) path: String,
    pub(super) format: FileFormat,
    /// `None`: as the name of each file says.
    compression: Option<Compression>,
    pub(super) csv: Dialect,
    pub(super) rest: Rest,
    /// How pages of Parquet are to be compressed.
    pub(super) pages: PageCompression,
    /// Rows the columns were inferred from, or are to be; `None`: they are declared.
    pub(super) sample_rows: Option<u64>,
    pub(super) write_mode: WriteMode,
    pub(super) changelog: bool,
}

impl FileOptions {
    /// Reads the options of `table`.
    pub(super) fn parse(table: &TableSpec) -> Result<Self, OptionError> {
        let get = |key: &str| table.options.get(key).map(String::as_str);
        let path = path(table)?;
        let compression = compression(get("compression"), path)?;
        let format = format(get("format"), path)?;
        without_meaning(table, format)?;
        let write_mode = option::one_of(
            "write-mode",
            get("write-mode").unwrap_or("replace"),
            &[
                ("replace", WriteMode::Replace),
                ("append", WriteMode::Append),
                ("fail", WriteMode::Fail),
            ],
        )?;
        if (format, write_mode) == (FileFormat::Parquet, WriteMode::Append) {
            let help = "a Parquet file ends with its footer and cannot be continued; write to a \
                        directory, which gets another file each time";
            return Err(option::wrong("write-mode", "append", help));
        }
        Ok(Self {
            path: path.into(),
            format,
            compression,
            csv: dialect(table, path)?,
            rest: option::one_of(
                "json.rest",
                get("json.rest").unwrap_or("check"),
                &[("check", Rest::Check), ("skip", Rest::Skip)],
            )?,
            pages: option::one_of(
                "parquet.compression",
                get("parquet.compression").unwrap_or("zstd"),
                &PageCompression::NAMES,
            )?,
            sample_rows: option::number(table, SAMPLE_ROWS, 0, 1_000_000)?,
            write_mode,
            changelog: option::boolean("changelog", get("changelog").unwrap_or("false"))?,
        })
    }

    /// How the file at `path` is compressed, or is to be.
    pub(super) fn compression(&self, path: &Path) -> Compression {
        self.compression.unwrap_or_else(|| Compression::of_path(path))
    }

    /// One line for `explain`.
    pub(super) fn describe(&self) -> String {
        format!("filesystem {} {}", self.format.name(), self.path)
    }
}

/// Refuses options that say nothing of `format`.
fn without_meaning(table: &TableSpec, format: FileFormat) -> Result<(), OptionError> {
    let own = match format {
        FileFormat::Json => "json.",
        FileFormat::Csv => "csv.",
        FileFormat::Parquet => "parquet.",
    };
    let foreign = |key: &&String| key.contains('.') && !key.starts_with(own);
    let text = |key: &&String| ["compression", SAMPLE_ROWS].contains(&key.as_str());
    let refused = |key: &str, help: String| OptionError {
        key: Some(key.to_owned()),
        message: format!("'{key}' has no meaning for 'format' = '{}'", format.name()),
        help: Some(help),
    };
    if let Some(key) = table.options.keys().find(foreign) {
        let other = key.split('.').next().unwrap_or_default();
        return Err(refused(key, format!("leave it out, or say 'format' = '{other}'")));
    }
    match table.options.keys().find(text).filter(|_| format == FileFormat::Parquet) {
        Some(key) if key == SAMPLE_ROWS => {
            Err(refused(key, "leave it out: a Parquet file says what its columns are".into()))
        }
        Some(key) => {
            let help = "leave it out: Parquet is compressed inside, when it is written as \
                        'parquet.compression' says";
            Err(refused(key, help.into()))
        }
        None => Ok(()),
    }
}

/// The path of `table`.
pub(super) fn path(table: &TableSpec) -> Result<&str, OptionError> {
    let path = table.options.get("path").map(String::as_str);
    match path {
        Some(path) if path.contains('\0') => {
            Err(option::wrong("path", path, "a path has no NUL character"))
        }
        Some(path) if !path.is_empty() => Ok(path),
        _ => Err(OptionError {
            key: path.map(|_| "path".into()),
            message: format!("table `{}` has no 'path'", table.name),
            help: Some(
                "name a file, a directory or a pattern, such as 'path' = 'bids.ndjson'".into(),
            ),
        }),
    }
}

/// The extension that says the format: the last one, or the one before that of a compression.
fn extension(path: &Path) -> String {
    let plain = match Compression::of_path(path) {
        Compression::None => path,
        _ => Path::new(path.file_stem().unwrap_or_default()),
    };
    let extension = plain.extension().and_then(|extension| extension.to_str());
    extension.unwrap_or_default().to_ascii_lowercase()
}

/// The format that the name of a file says.
pub(super) fn format_of(path: &Path) -> Option<FileFormat> {
    match extension(path).as_str() {
        "csv" | "tsv" => Some(FileFormat::Csv),
        "json" | "ndjson" | "jsonl" => Some(FileFormat::Json),
        "parquet" => Some(FileFormat::Parquet),
        _ => None,
    }
}

/// The delimiter that the name of a file says.
pub(super) fn delimiter_of(path: &Path) -> Option<u8> {
    (extension(path) == "tsv").then_some(b'\t')
}

/// The compression of all files where one is named; `None`: as the name of each file says.
fn compression(named: Option<&str>, path: &str) -> Result<Option<Compression>, OptionError> {
    const UNKNOWN: [&str; 4] = ["bz2", "xz", "lz4", "br"];
    let choices = [
        ("auto", None),
        ("none", Some(Compression::None)),
        ("gzip", Some(Compression::Gzip)),
        ("zstd", Some(Compression::Zstd)),
    ];
    let compression = option::one_of("compression", named.unwrap_or("auto"), &choices)?;
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
    match extension {
        Some(extension) if compression.is_none() && UNKNOWN.contains(&extension) => {
            let help = format!("files compressed as .{extension} are not read; use gzip or zstd");
            Err(option::wrong("path", path, help))
        }
        _ => Ok(compression),
    }
}

/// The format, as it is named or as the path's extension says.
fn format(named: Option<&str>, path: &str) -> Result<FileFormat, OptionError> {
    const LATER: [&str; 4] = ["avro", "orc", "protobuf", "arrow"];
    match named {
        None => format_of(Path::new(path)).ok_or_else(|| OptionError {
            key: None,
            message: format!("the format of '{path}' is not known from its name"),
            help: Some("add 'format' = 'json', 'csv' or 'parquet'".into()),
        }),
        Some(named) if LATER.contains(&named.to_ascii_lowercase().as_str()) => Err(option::wrong(
            "format",
            named,
            "this format is not there yet; there are json, csv and parquet",
        )),
        Some(named) => option::one_of(
            "format",
            named,
            &[
                ("json", FileFormat::Json),
                ("csv", FileFormat::Csv),
                ("parquet", FileFormat::Parquet),
                ("ndjson", FileFormat::Json),
            ],
        ),
    }
}

fn dialect(table: &TableSpec, path: &str) -> Result<Dialect, OptionError> {
    let mut dialect = Dialect::default();
    dialect.delimiter = delimiter_of(Path::new(path)).unwrap_or(dialect.delimiter);
    if let Some(value) = table.options.get("csv.header") {
        dialect.header = option::boolean("csv.header", value)?;
    }
    if let Some(value) = table.options.get("csv.delimiter") {
        dialect.delimiter = match value.as_bytes() {
            b"\\t" => b'\t',
            [b'"' | b'\r' | b'\n' | b'+' | b'-' | b'.'] => 0,
            [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() => *byte,
            _ => 0,
        };
        if dialect.delimiter == 0 {
            let help = r"one ASCII character that is no letter, digit, quote, sign or point: ',' ';' '|' '\t'";
            return Err(option::wrong("csv.delimiter", value, help));
        }
    }
    if let Some(value) = table.options.get("csv.null") {
        let special = |byte: u8| matches!(byte, b'"' | b'\r' | b'\n') || byte == dialect.delimiter;
        if value.bytes().any(special) {
            let help = "a text without quotes, line ends and the delimiter";
            return Err(option::wrong("csv.null", value, help));
        }
        dialect.null.clone_from(value);
    }
    Ok(dialect)
}
