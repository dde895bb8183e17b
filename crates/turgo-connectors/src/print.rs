//! `'connector' = 'print'`: writes rows to standard output.

use std::sync::Arc;

use turgo_engine::io::{OptionError, Sink, TableSpec};

use crate::option;
use crate::stdout::{Format, StdoutSink};

/// The options it knows.
pub(crate) const OPTIONS: &[&str] = &["connector", "format"];

/// Checks the options of a table.
pub(crate) fn check(table: &TableSpec) -> Result<(), OptionError> {
    format(table).map(drop)
}

/// The table as a sink.
pub(crate) fn sink(table: &TableSpec) -> Result<Arc<dyn Sink>, OptionError> {
    Ok(Arc::new(StdoutSink::new(format(table)?)))
}

fn format(table: &TableSpec) -> Result<Format, OptionError> {
    let named = table.options.get("format").map_or("ndjson", String::as_str);
    option::one_of("format", named, &Format::ALL.map(|format| (format.name(), format)))
}
