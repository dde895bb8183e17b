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
const SHARED: [&str; 4] = ["connector", "on-error", "max-drift", "late"];
/// Options that are known and not there yet.
const LATER: [&str; 6] = [
    "dead-letter.path",
    "allowed-lateness",
    "idle-timeout",
    "bounded",
    "flush-at-end",
    "partitioner",
];

/// What the options of a table say.
#[derive(Debug)]
pub(super) struct TableOptions {
    /// What to do with bad records.
    pub(super) on_error: OnError,
    /// `max-drift` in microseconds, where it is given.
    pub(super) drift_max: Option<i64>,
    /// The connector's own, with its name under `connector`.
    pub(super) own: BTreeMap<String, String>,
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
        own: BTreeMap::from([("connector".to_owned(), connector.value.value.clone())]),
    };
    let spelt = option_names(own_keys, schema);
    for (key, option) in &table.options {
        if !shared(key, option, &mut read)? {
            if !spelt.contains(key) {
                return Err(unknown(key, option, &connector.value.value, (own_keys, &spelt)));
            }
            read.own.insert(key.clone(), option.value.value.clone());
        }
    }
    Ok(read)
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
        ("connector", _) | ("late", "drop") => {}
        ("on-error", "fail") => read.on_error = OnError::Fail,
        ("on-error", "skip") => read.on_error = OnError::Skip,
        ("on-error" | "late", "dead-letter") => {
            return Err(SqlError::new(format!("'{key}' = 'dead-letter' is not there yet"))
                .at(option.value.span.clone()));
        }
        ("on-error", _) => return Err(wrong("it is 'fail' or 'skip'")),
        ("late", _) => return Err(wrong("it is 'drop'")),
        ("max-drift", _) => {
            read.drift_max = Some(duration(value).map_err(|help| wrong(&help))?);
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
