//! The options of a filesystem table.

use std::path::Path;

use turgo_engine::io::{OptionError, TableSpec};

use crate::format::FileFormat;
use crate::format::csv::Dialect;
use crate::option;

/// The options a filesystem table knows.
pub(crate) const OPTIONS: &[&str] = &[
    "connector",
    "path",
    "format",
    "csv.header",
    "csv.delimiter",
    "csv.null",
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
    pub(super) csv: Dialect,
    pub(super) write_mode: WriteMode,
    pub(super) changelog: bool,
}

impl FileOptions {
    /// Reads the options of `table`.
    pub(super) fn parse(table: &TableSpec) -> Result<Self, OptionError> {
        let get = |key: &str| table.options.get(key).map(String::as_str);
        let path = get("path").filter(|path| !path.is_empty()).ok_or_else(|| OptionError {
            key: get("path").map(|_| "path".into()),
            message: format!("table `{}` has no 'path'", table.name),
            help: Some(
                "name a file, a directory or a pattern, such as 'path' = 'bids.ndjson'".into(),
            ),
        })?;
        if path.contains('\0') {
            return Err(option::wrong("path", path, "a path has no NUL character"));
        }
        let format = format(get("format"), path)?;
        if let Some(key) = table.options.keys().find(|key| key.starts_with("csv."))
            && format != FileFormat::Csv
        {
            return Err(OptionError {
                key: Some(key.clone()),
                message: format!("'{key}' has no meaning for 'format' = '{}'", format.name()),
                help: Some("leave it out, or say 'format' = 'csv'".into()),
            });
        }
        Ok(Self {
            path: path.into(),
            format,
            csv: dialect(table)?,
            write_mode: option::one_of(
                "write-mode",
                get("write-mode").unwrap_or("replace"),
                &[
                    ("replace", WriteMode::Replace),
                    ("append", WriteMode::Append),
                    ("fail", WriteMode::Fail),
                ],
            )?,
            changelog: option::boolean("changelog", get("changelog").unwrap_or("false"))?,
        })
    }

    /// One line for `explain`.
    pub(super) fn describe(&self) -> String {
        format!("filesystem {} {}", self.format.name(), self.path)
    }
}

/// The format, as it is named or as the path's extension says.
fn format(named: Option<&str>, path: &str) -> Result<FileFormat, OptionError> {
    const COMPRESSED: [&str; 6] = ["gz", "gzip", "zst", "bz2", "xz", "lz4"];
    const LATER: [&str; 5] = ["parquet", "avro", "orc", "protobuf", "arrow"];
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
    let extension = extension.unwrap_or_default().to_ascii_lowercase();
    if COMPRESSED.contains(&extension.as_str()) {
        return Err(option::wrong(
            "path",
            path,
            "compressed files are not there yet; decompress it first",
        ));
    }
    match named {
        None => match extension.as_str() {
            "csv" => Ok(FileFormat::Csv),
            "json" | "ndjson" | "jsonl" => Ok(FileFormat::Json),
            _ => Err(OptionError {
                key: None,
                message: format!("the format of '{path}' is not known from its name"),
                help: Some("add 'format' = 'json' or 'format' = 'csv'".into()),
            }),
        },
        Some(named) if LATER.contains(&named.to_ascii_lowercase().as_str()) => Err(option::wrong(
            "format",
            named,
            "this format is not there yet; there are json and csv",
        )),
        Some(named) => option::one_of(
            "format",
            named,
            &[("json", FileFormat::Json), ("csv", FileFormat::Csv), ("ndjson", FileFormat::Json)],
        ),
    }
}

fn dialect(table: &TableSpec) -> Result<Dialect, OptionError> {
    let mut dialect = Dialect::default();
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
