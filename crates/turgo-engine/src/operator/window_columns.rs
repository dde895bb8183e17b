//! The columns `window_start`, `window_end` and `window_time`, in the type of a time column.
//!
//! Bounds are microseconds inside the engine. They must be whole units of the column that shows
//! them: otherwise two windows could look the same, and a window could seem complete before it is.

use std::sync::Arc;

use arrow::array::{ArrayRef, PrimitiveArray};
use arrow::datatypes::{
    ArrowTimestampType, DataType, FieldRef, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};

use crate::error::{EngineError, Result};
use crate::time::{EventTime, in_unit};
use crate::types::sql_type;
use crate::window::{Sessions, Windows};

/// How many columns a window adds.
pub(super) const COLUMNS: usize = 3;

/// Checks that windows over a column of type `time` start and end at values of that type.
///
/// # Errors
/// `Unsupported` where they do not; `Internal` where `time` is not a timestamp, or the windows are not
/// [`Windows::within`] its unit.
pub(super) fn check(windows: &Windows, time: &DataType) -> Result<()> {
    check_within(windows.within(unit(time)?) == *windows, time)?;
    check_length("size", windows.size(), time)?;
    check_length("step", windows.step(), time)
}

/// The same of sessions.
///
/// # Errors
/// As [`check`].
pub(super) fn check_sessions(sessions: &Sessions, time: &DataType) -> Result<()> {
    check_within(sessions.within(unit(time)?) == *sessions, time)?;
    check_length("gap", sessions.gap(), time)
}

fn check_within(within: bool, time: &DataType) -> Result<()> {
    match within {
        true => Ok(()),
        false => Err(EngineError::internal(format!(
            "windows beyond the range of their column of type {time}"
        ))),
    }
}

fn check_length(what: &str, length: i64, time: &DataType) -> Result<()> {
    let micros = match unit(time)? {
        TimeUnit::Second => 1_000_000,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond | TimeUnit::Nanosecond => 1,
    };
    if length % micros == 0 {
        return Ok(());
    }
    Err(EngineError::Unsupported(format!(
        "a window {what} of {length} microseconds is finer than its time column of type {}; \
         cast the column to TIMESTAMP(6) or use a multiple of {micros} microseconds",
        sql_type(time)
    )))
}

/// Neighbouring rows of one window: its start and its end, and how many they are.
pub(super) type Run = ((EventTime, EventTime), usize);

/// The three columns for the rows of `runs`, in their order; `fields` are the columns' types.
///
/// # Errors
/// `Internal` where a field is not a timestamp.
pub(super) fn columns(runs: &[Run], fields: &[FieldRef]) -> Result<Vec<ArrayRef>> {
    let [start_field, end_field, time_field] = fields else {
        return Err(EngineError::internal("a window has a start, an end and a time"));
    };
    let start_unit = unit(start_field.data_type())?;
    let end_unit = unit(end_field.data_type())?;
    let time_unit = unit(time_field.data_type())?;
    let rows = runs.iter().map(|(_, rows)| rows).sum();
    let [mut starts, mut ends, mut times] = [(); 3].map(|()| Vec::with_capacity(rows));
    for ((start, end), rows) in runs {
        let so_many = starts.len() + rows;
        starts.resize(so_many, in_unit(*start, start_unit));
        ends.resize(so_many, in_unit(*end, end_unit));
        times.resize(so_many, last_instant(*end, time_unit));
    }
    Ok(vec![
        timestamps(starts, start_field)?,
        timestamps(ends, end_field)?,
        timestamps(times, time_field)?,
    ])
}

/// The last value before `end` that a column of that unit can hold.
fn last_instant(end: EventTime, unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Nanosecond => in_unit(end, unit).saturating_sub(1),
        _ => in_unit(end.saturating_sub(1), unit),
    }
}

fn unit(data_type: &DataType) -> Result<TimeUnit> {
    match data_type {
        DataType::Timestamp(unit, _) => Ok(*unit),
        other => Err(EngineError::internal(format!("a window over a column of type {other}"))),
    }
}

/// Numbers of a timestamp's unit as such timestamps.
fn timestamps(values: Vec<i64>, field: &FieldRef) -> Result<ArrayRef> {
    fn column<T: ArrowTimestampType>(values: Vec<i64>, zone: Option<&Arc<str>>) -> ArrayRef {
        Arc::new(PrimitiveArray::<T>::new(values.into(), None).with_timezone_opt(zone.cloned()))
    }
    let zone = match field.data_type() {
        DataType::Timestamp(_, zone) => zone.as_ref(),
        _ => None,
    };
    Ok(match unit(field.data_type())? {
        TimeUnit::Second => column::<TimestampSecondType>(values, zone),
        TimeUnit::Millisecond => column::<TimestampMillisecondType>(values, zone),
        TimeUnit::Microsecond => column::<TimestampMicrosecondType>(values, zone),
        TimeUnit::Nanosecond => column::<TimestampNanosecondType>(values, zone),
    })
}
