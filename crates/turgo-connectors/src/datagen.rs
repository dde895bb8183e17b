//! `'connector' = 'datagen'`: columns of counted or random values, with the options of Flink's
//! connector of that name.
//!
//! What differs from Flink's: values depend on `seed` and the number of the row (rule S1 of
//! `synthetic`), so two runs see the same rows; without `rows-per-second` rows are made as fast as
//! they are read; FLOAT and DOUBLE are 0 to 1 by default; the sequence of a TIMESTAMP is known, so that a table can have an event time.

use std::sync::Arc;

use turgo_engine::io::{COLUMN, OptionError, Source, TableSpec};

use crate::option;
use crate::synthetic::{self, ROWS_MAX, Synthetic};

mod field;
mod integer;

use field::FieldOptions;

/// The options it knows.
pub(crate) const OPTIONS: &[&str] = &[
    "connector",
    "number-of-rows",
    "rows-per-second",
    "seed",
    "fields.<column>.kind",
    "fields.<column>.min",
    "fields.<column>.max",
    "fields.<column>.length",
    "fields.<column>.null-rate",
    "fields.<column>.start",
    "fields.<column>.end",
    "fields.<column>.step",
];

/// Checks the options of a table.
pub(crate) fn check(table: &TableSpec) -> Result<(), OptionError> {
    declared(table).map(drop)
}

/// The table as a source.
pub(crate) fn source(table: &TableSpec) -> Result<Arc<dyn Source>, OptionError> {
    declared(table).map(Synthetic::source)
}

fn declared(spec: &TableSpec) -> Result<Synthetic, OptionError> {
    let seed = option::number(spec, "seed", 0, u64::MAX)?.unwrap_or(0);
    let rate = synthetic::rate(spec, "rows-per-second")?;
    let asked = synthetic::rows(spec, "number-of-rows")?;
    let (mut columns, mut row_bytes, mut rows) = (Vec::new(), 0, asked.unwrap_or(ROWS_MAX));
    for (index, field) in spec.schema.fields().iter().enumerate() {
        let options = FieldOptions { spec, field };
        let made = options.column(&[seed, index as u64])?;
        // The shortest sequence ends the table.
        rows = rows.min(made.rows);
        row_bytes += made.bytes;
        columns.push(made.make);
    }
    Ok(Synthetic {
        name: "datagen".into(),
        schema: Arc::clone(&spec.schema),
        columns,
        rows: (rows < ROWS_MAX || asked.is_some()).then_some(rows),
        rate: rate.map(|rate| rate as f64),
        row_bytes: row_bytes.max(1),
    })
}

/// The option `key` of a column.
fn field_key(column: &str, key: &str) -> String {
    format!("fields.{COLUMN}.{key}").replace(COLUMN, column)
}

#[cfg(test)]
mod tests;
