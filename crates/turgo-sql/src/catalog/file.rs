//! Files that are read without a declaration: their columns are found when a statement names them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema};
use turgo_engine::graph::OnError;
use turgo_engine::io::{Connectors, OptionError, TableSpec};
use turgo_engine::types::{identifier, sql_type};

use super::table::{Table, TableColumn};
use crate::error::{Result, SqlError};
use crate::parse::file::table_name;

/// The option that says from how many rows columns are found.
pub(crate) const SAMPLE_ROWS: &str = "sample-rows";

/// The files a statement reads. Each is looked at once, however often it is named.
#[derive(Debug)]
pub(crate) struct Files<'a> {
    connectors: &'a dyn Connectors,
    sample_rows: usize,
    tables: RefCell<BTreeMap<String, Arc<Table>>>,
}

impl<'a> Files<'a> {
    /// No files yet; of each, `sample_rows` rows will be looked at.
    pub(crate) fn new(connectors: &'a dyn Connectors, sample_rows: usize) -> Self {
        Self { connectors, sample_rows, tables: RefCell::default() }
    }

    /// `spec` with the columns that its connector finds.
    ///
    /// # Errors
    /// Where it finds none.
    pub(crate) fn infer(&self, spec: &TableSpec) -> Result<TableSpec, OptionError> {
        self.connectors.infer(spec, self.sample_rows)
    }

    /// The table that the file, the directory or the pattern `path` is.
    ///
    /// # Errors
    /// Where it cannot be read as one.
    pub(crate) fn table(&self, path: &str) -> Result<Arc<Table>> {
        if let Some(table) = self.known(path) {
            return Ok(table);
        }
        let options = [("connector", "filesystem"), ("path", path)];
        let spec = TableSpec {
            name: path.to_owned(),
            schema: Arc::new(Schema::empty()),
            options: options.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        };
        let spec = self.infer(&spec).map_err(|error| refused(path, error))?;
        let table = Arc::new(Table {
            columns: spec.schema.fields().iter().map(TableColumn::physical).collect(),
            schema: Arc::clone(&spec.schema),
            event_time: None,
            on_error: OnError::Fail,
            drift_max: None,
            letters: None,
            bounded: None,
            flush_at_end: true,
            text: declaration(&spec),
            options: spec.options.clone(),
            spec,
        });
        self.tables.borrow_mut().insert(path.to_owned(), Arc::clone(&table));
        Ok(table)
    }

    /// The table of a path that this statement has named.
    pub(crate) fn known(&self, path: &str) -> Option<Arc<Table>> {
        self.tables.borrow().get(path).cloned()
    }
}

/// Why the file `path` cannot be read; where options help, with the statement they belong to.
fn refused(path: &str, error: OptionError) -> SqlError {
    let said = SqlError::new(error.message);
    match error.help {
        Some(help) if help.contains("' = '") => said.help(format!(
            "{help} (in CREATE TABLE {} WITH ('connector' = 'filesystem', 'path' = '{}', ...))",
            name_for(path),
            path.replace('\'', "''"),
        )),
        Some(help) => said.help(help),
        None => said,
    }
}

fn name_for(path: &str) -> String {
    table_name(path).unwrap_or_else(|| "t".to_owned())
}

/// The statement that declares `spec`: to be copied, changed and kept.
fn declaration(spec: &TableSpec) -> String {
    let column = |field: &FieldRef| {
        format!("  {} {}", identifier(field.name()), sql_type(field.data_type()))
    };
    let columns: Vec<String> = spec.schema.fields().iter().map(column).collect();
    let first = ["connector", "path", "format"];
    let rest = spec.options.keys().map(String::as_str);
    let rest = rest.filter(|key| !first.contains(key) && *key != SAMPLE_ROWS);
    let option = |key| {
        let value = spec.options.get(key)?;
        Some(format!("  '{key}' = '{}'", value.replace('\'', "''")))
    };
    let options: Vec<String> = first.into_iter().chain(rest).filter_map(option).collect();
    format!(
        "CREATE TABLE {} (\n{}\n) WITH (\n{}\n)",
        name_for(&spec.name),
        columns.join(",\n"),
        options.join(",\n")
    )
}
