//! The tables that SHOW and DESCRIBE answer with.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion_expr::LogicalPlan;
use turgo_engine::types::sql_type;

use crate::catalog::{Catalog, Table};
use crate::error::{Result, SqlError};
use crate::functions::Functions;
use crate::settings::Settings;

/// SHOW TABLES, SHOW VIEWS.
pub(crate) fn relations(catalog: &Catalog, kind: &str) -> Result<RecordBatch> {
    let names = catalog.iter().filter(|(_, relation)| relation.kind() == kind);
    strings(["name"], names.map(|(name, _)| [name.to_owned()]))
}

/// SHOW FUNCTIONS.
pub(crate) fn functions(functions: &Functions) -> Result<RecordBatch> {
    let kind = |name: &str| match name {
        _ if functions.aggregate.contains_key(name) => "aggregate",
        _ if functions.window.contains_key(name) => "with OVER",
        _ => "scalar",
    };
    let rows = functions.names().into_iter().map(|name| [name.to_owned(), kind(name).to_owned()]);
    strings(["name", "kind"], rows)
}

/// SHOW ALL.
pub(crate) fn settings(settings: &Settings) -> Result<RecordBatch> {
    let row =
        |(key, value, meaning): (&str, String, &str)| [key.to_owned(), value, meaning.to_owned()];
    strings(["key", "value", "meaning"], settings.rows().into_iter().map(row))
}

/// DESCRIBE of a table.
pub(crate) fn table(table: &Table) -> Result<RecordBatch> {
    let rows = table.columns.iter().enumerate().map(|(index, column)| {
        let mut notes = Vec::new();
        if column.computed.is_some() {
            notes.push(format!("computed: {}", column.text));
        } else if !column.field.is_nullable() {
            notes.push("NOT NULL".to_owned());
        }
        if let Some(time) = &table.event_time
            && time.column == index
        {
            notes.push(format!("event time, watermark {}", time.text));
        }
        [column.field.name().clone(), sql_type(column.field.data_type()), notes.join("; ")]
    });
    strings(["column", "type", "notes"], rows)
}

/// DESCRIBE of a view.
pub(crate) fn plan(plan: &LogicalPlan) -> Result<RecordBatch> {
    let fields = plan.schema().fields();
    let row = |field: &Arc<arrow::datatypes::Field>| {
        [field.name().clone(), sql_type(field.data_type()), String::new()]
    };
    strings(["column", "type", "notes"], fields.iter().map(row))
}

fn strings<const N: usize>(
    names: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Result<RecordBatch> {
    let rows: Vec<[String; N]> = rows.collect();
    let column = |index: usize| {
        let values = StringArray::from_iter_values(rows.iter().map(|row| &row[index]));
        (names[index], Arc::new(values) as ArrayRef)
    };
    RecordBatch::try_from_iter((0..N).map(column)).map_err(|error| SqlError::new(error.to_string()))
}
