//! The options of a table: those every table shares are taken out and understood here, the rest is
//! the connector's.

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use turgo_engine::graph::OnError;
use turgo_engine::io::{Connectors, OptionError, option_names};

use crate::error::{Result, SqlError};
use crate::names::{nearest, suggest};
use crate::settings::duration;
use crate::statement::{CreateTable, OptionDef};

/// Options of every table.
const SHARED: [&str; 8] = [
    "connector",
    "on-error",
    "max-drift",
    "late",
    "allowed-lateness",
    "dead-letter.path",
    "bounded",
    "flush-at-end",
];
/// Options that are known and not there yet.
const LATER: [&str; 2] = ["idle-timeout", "partitioner"];

/// What the options of a table say.
#[derive(Debug)]
pub(super) struct TableOptions {
    /// What to do with bad records.
    pub(super) on_error: OnError,
    /// `max-drift` in microseconds, where it is given.
    pub(super) drift_max: Option<i64>,
    /// `allowed-lateness` in microseconds.
    pub(super) lateness: i64,
    /// Where rows that are left out are kept, where any are.
    pub(super) letters: Option<LetterOptions>,
    /// `bounded`, where it is given.
    pub(super) bounded: Option<bool>,
    /// `flush-at-end`.
    pub(super) flush_at_end: bool,
    /// The connector's own, with its name under `connector`.
    pub(super) own: BTreeMap<String, String>,
}

/// What a table says about rows that are left out.
#[derive(Debug, Clone, Default)]
pub(crate) struct LetterOptions {
    /// `dead-letter.path`.
    pub(crate) path: String,
    /// `'on-error' = 'dead-letter'`.
    pub(crate) bad: bool,
    /// `'late' = 'dead-letter'`.
    pub(crate) late: bool,
}

/// Understands the options of `table`, whose physical columns are `schema`.
///
/// # Errors
/// The first option that is unknown, not there yet or has a wrong value.
pub(super) fn read(
    table: &CreateTable,
    schema: &SchemaRef,
    connectors: &dyn Connectors,
) -> Result<TableOptions> {
    let Some(connector) = table.options.get("connector") else {
        return Err(SqlError::new(format!("table `{}` names no connector", table.name.value))
            .at(table.name.span.clone())
            .help(format!(
                "add 'connector' = '...' to its WITH options, one of {}",
                connectors.names().join(", ")
            )));
    };
    let Some(own_keys) = connectors.options(&connector.value.value) else {
        let error = SqlError::new(format!("there is no connector '{}'", connector.value.value))
            .at(connector.value.span.clone());
        let names = connectors.names();
        return Err(match suggest(&connector.value.value, names, "the connectors are") {
            Some(help) => error.help(help),
            None => error,
        });
    };
    let mut read = TableOptions {
        on_error: OnError::Fail,
        drift_max: None,
        lateness: 0,
        letters: None,
        bounded: None,
        flush_at_end: true,
        own: BTreeMap::from([("connector".to_owned(), connector.value.value.clone())]),
    };
    read.letters = letters(table)?;
    let spelt = option_names(own_keys, schema);
    for (key, option) in &table.options {
        if !shared(key, option, &mut read)? {
            if !spelt.contains(key) {
                return Err(unknown(key, option, &connector.value.value, (own_keys, &spelt)));
            }
            read.own.insert(key.clone(), option.value.value.clone());
        }
    }
    check_end(table, &read)?;
    check_lateness(table)?;
    Ok(read)
}

/// Lateness is measured against a watermark.
fn check_lateness(table: &CreateTable) -> Result<()> {
    match table.options.get("allowed-lateness") {
        Some(option) if table.watermark.is_none() => {
            Err(SqlError::new("without a watermark no row is late")
                .at(option.key_span.clone())
                .help("declare a WATERMARK, or leave 'allowed-lateness' out"))
        }
        _ => Ok(()),
    }
}

/// What becomes of rows that are left out: options that need each other.
fn letters(table: &CreateTable) -> Result<Option<LetterOptions>> {
    let asks = |key| table.options.get(key).filter(|option| option.value.value == "dead-letter");
    let (bad, late) = (asks("on-error"), asks("late"));
    let path = table.options.get("dead-letter.path");
    match (path, bad.or(late)) {
        (None, None) => Ok(None),
        (Some(path), Some(_)) if path.value.value.is_empty() => {
            Err(SqlError::new("'dead-letter.path' names no file").at(path.value.span.clone()))
        }
        (Some(path), Some(_)) => Ok(Some(LetterOptions {
            path: path.value.value.clone(),
            bad: bad.is_some(),
            late: late.is_some(),
        })),
        (Some(path), None) => {
            Err(SqlError::new("'dead-letter.path' is given, but nothing is kept there")
                .at(path.key_span.clone())
                .help("add 'on-error' = 'dead-letter' or 'late' = 'dead-letter'"))
        }
        (None, Some(asked)) => Err(SqlError::new("it is not said where dead letters are kept")
            .at(asked.value.span.clone())
            .help("add 'dead-letter.path' = 'bad.ndjson'")),
    }
}

/// What becomes of windows at the end of the table: options that need each other.
fn check_end(table: &CreateTable, read: &TableOptions) -> Result<()> {
    let Some(option) = table.options.get("flush-at-end") else { return Ok(()) };
    if read.bounded != Some(false) {
        return Err(SqlError::new("'flush-at-end' has no meaning for a table that ends")
            .at(option.key_span.clone())
            .help("add 'bounded' = 'false', or leave it out"));
    }
    if !read.flush_at_end && table.watermark.is_none() {
        return Err(SqlError::new("without a watermark no window would ever be shown")
            .at(option.value.span.clone())
            .help("declare a WATERMARK, or leave 'flush-at-end' out"));
    }
    Ok(())
}

/// Reads an option every table shares; says whether it is one.
fn shared(key: &str, option: &OptionDef, read: &mut TableOptions) -> Result<bool> {
    let value = option.value.value.as_str();
    let wrong = |help: &str| {
        SqlError::new(format!("'{key}' cannot be '{value}'"))
            .at(option.value.span.clone())
            .help(help.to_owned())
    };
    match (key, value) {
        ("connector" | "dead-letter.path", _) | ("late", "drop" | "dead-letter") => {}
        ("on-error", "fail") => read.on_error = OnError::Fail,
        ("on-error", "skip" | "dead-letter") => read.on_error = OnError::Skip,
        ("on-error", _) => return Err(wrong("it is 'fail', 'skip' or 'dead-letter'")),
        ("late", _) => return Err(wrong("it is 'drop' or 'dead-letter'")),
        ("bounded", "true") => read.bounded = Some(true),
        ("bounded", "false") => read.bounded = Some(false),
        ("flush-at-end", "true") => read.flush_at_end = true,
        ("flush-at-end", "false") => read.flush_at_end = false,
        ("bounded" | "flush-at-end", _) => return Err(wrong("it is 'true' or 'false'")),
        ("max-drift", _) => {
            read.drift_max = Some(duration(value).map_err(|help| wrong(&help))?);
        }
        ("allowed-lateness", _) => {
            read.lateness = duration(value).map_err(|help| wrong(&help))?;
        }
        _ if LATER.contains(&key) => {
            return Err(SqlError::new(format!("option '{key}' is not there yet"))
                .at(option.key_span.clone()));
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The error of an option that connector `connector` does not have; `own` are those it has, as it
/// names them and as the table can spell them.
fn unknown(
    key: &str,
    option: &OptionDef,
    connector: &str,
    (own, spelt): (&[&str], &[String]),
) -> SqlError {
    let error = SqlError::new(format!("connector '{connector}' has no option '{key}'"))
        .at(option.key_span.clone());
    if let Some(near) = nearest(key, spelt.iter().map(String::as_str).chain(SHARED)) {
        return error.help(format!("did you mean '{near}'?"));
    }
    let all = own.iter().copied().chain(SHARED).filter(|name| *name != "connector");
    error.help(format!("its options are {}", all.collect::<Vec<_>>().join(", ")))
}

/// A connector's complaint, at the option it is about.
pub(super) fn refused(error: OptionError, table: &CreateTable) -> SqlError {
    let span = match error.key.as_deref().and_then(|key| table.options.get(key)) {
        Some(option) => option.value.span.clone(),
        None => table.name.span.clone(),
    };
    let said = SqlError::new(error.message).at(span);
    match error.help {
        Some(help) => said.help(help),
        None => said,
    }
}
