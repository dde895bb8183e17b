//! `'connector' = 'scenario'`: the data of Velostream's five benchmark scenarios, row by row as its
//! test `comprehensive_baseline_comparison` makes them.
//!
//! Nothing is random. What is not obvious: scenario 0 lets every row pass its filter; scenarios 3a
//! and 3b have 100 pairs of trader and symbol, not 5000, and 60 rows to a minute, so that every
//! group of every window has one row. `'step' = '1'` makes the same rows a millisecond apart, which
//! gives the groups 600.
//!
//! Times are whole milliseconds and may be declared as BIGINT, as the published queries have them, or
//! as TIMESTAMP(3), which can be an event time as it is.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMillisecondType};
use turgo_engine::io::{OptionError, Source, TableSpec};

use crate::option;
use crate::synthetic::columns::{Known, digits, find, numbers, texts};
use crate::synthetic::{self, Synthetic};

/// The options it knows.
pub(crate) const OPTIONS: &[&str] = &["connector", "scenario", "rows", "rate", "step"];

const TIME: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

/// Bytes a row is taken to have: about five values of eight.
const ROW_BYTES: usize = 40;

/// The published time from row to row, and the longest there may be: times of the last rows there
/// can be still fit.
const STEP_MS: u64 = 1000;

/// The one setting of a scenario is the milliseconds from row to row.
type Column = Known<u64>;

/// Checks the options of a table.
pub(crate) fn check(table: &TableSpec) -> Result<(), OptionError> {
    declared(table).map(drop)
}

/// The table as a source.
pub(crate) fn source(table: &TableSpec) -> Result<Arc<dyn Source>, OptionError> {
    declared(table).map(Synthetic::source)
}

fn declared(spec: &TableSpec) -> Result<Synthetic, OptionError> {
    let Some(name) = spec.options.get("scenario") else {
        return Err(OptionError {
            key: None,
            message: format!("table `{}` names no 'scenario'", spec.name),
            help: Some("add 'scenario' = '0', '1', '2', '3a' or '3b'".into()),
        });
    };
    let (name, known): (&str, &'static [Column]) = option::one_of(
        "scenario",
        name,
        &[
            ("0", ("0", &ORDERS[..])),
            ("1", ("1", &PRICES[..])),
            ("2", ("2", &QUANTITIES[..])),
            ("3a", ("3a", &TRADES[..])),
            ("3b", ("3b", &TRADES[..])),
        ],
    )?;
    let owner = format!("scenario {name}");
    let step = Arc::new(option::number(spec, "step", 1, STEP_MS)?.unwrap_or(STEP_MS));
    let columns = spec.schema.fields().iter();
    let columns = columns.map(|field| Ok(find(&owner, field, known)?.bind(&step)));
    Ok(Synthetic {
        name: owner.clone(),
        schema: Arc::clone(&spec.schema),
        columns: columns.collect::<Result<_, _>>()?,
        rows: synthetic::rows(spec, "rows")?,
        rate: synthetic::rate(spec, "rate")?.map(|rate| rate as f64),
        row_bytes: ROW_BYTES,
    })
}

/// Scenario 0: a filter.
static ORDERS: [Column; 4] = [
    Known::new("order_id", DataType::Int64, |_, rows| integers(rows, |row| row)),
    Known::new("customer_id", DataType::Int64, |_, rows| integers(rows, |row| row % 1000)),
    Known::new("order_date", DataType::Utf8, |_, rows| {
        texts(rows, 10, |_, out| out.extend_from_slice(b"2024-01-15"))
    }),
    Known::new("total_amount", DataType::Float64, |_, rows| floats(rows, 150, 100)),
];

/// Scenario 1: a moving average per symbol.
static PRICES: [Column; 4] = [
    Known::new("symbol", DataType::Utf8, |_, rows| names(rows, b"SYM", 10)),
    Known::new("price", DataType::Float64, |_, rows| floats(rows, 100, 50)),
    Known::new("timestamp", DataType::Int64, |step, rows| integers(rows, |row| row * step)),
    Known::new("timestamp", TIME, |step, rows| times(rows, 0, *step)),
];

/// Scenario 2: groups without a window.
static QUANTITIES: [Column; 3] = [
    Known::new("symbol", DataType::Utf8, |_, rows| names(rows, b"SYM", 200)),
    Known::new("price", DataType::Float64, |_, rows| floats(rows, 100, 100)),
    Known::new("quantity", DataType::Int64, |_, rows| integers(rows, |row| row % 1000)),
];

/// Scenarios 3a and 3b: groups in windows.
static TRADES: [Column; 6] = [
    Known::new("trader_id", DataType::Utf8, |_, rows| names(rows, b"T", 50)),
    Known::new("symbol", DataType::Utf8, |_, rows| names(rows, b"SYM", 100)),
    Known::new("price", DataType::Float64, |_, rows| floats(rows, 100, 50)),
    Known::new("quantity", DataType::Int64, |_, rows| integers(rows, |row| row % 1000)),
    Known::new("trade_time", DataType::Int64, |step, rows| {
        integers(rows, |row| TRADES_START + row * step)
    }),
    Known::new("trade_time", TIME, |step, rows| times(rows, TRADES_START, *step)),
];

const TRADES_START: u64 = 1_000_000;

fn integers(rows: Range<u64>, value: impl Fn(u64) -> u64) -> ArrayRef {
    numbers::<Int64Type>(rows, |row| value(row) as i64)
}

/// A time `step` milliseconds after that of the row before.
fn times(rows: Range<u64>, start: u64, step: u64) -> ArrayRef {
    numbers::<TimestampMillisecondType>(rows, |row| (start + row * step) as i64)
}

fn floats(rows: Range<u64>, from: u64, count: u64) -> ArrayRef {
    numbers::<Float64Type>(rows, |row| (from + row % count) as f64)
}

fn names(rows: Range<u64>, prefix: &[u8], count: u64) -> ArrayRef {
    texts(rows, prefix.len() + 3, |row, out| {
        out.extend_from_slice(prefix);
        digits(row % count, out);
    })
}

#[cfg(test)]
mod tests;
