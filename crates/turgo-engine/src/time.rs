//! Event time: when something happened, as its record says, in microseconds since 1970 UTC.
//!
//! # Watermarks and lateness
//!
//! A watermark `w` promises that no later row has an event time below `w`. A window `[start, end)`
//! is complete when the watermark reaches `end`.
//!
//! - T1. A row is late for a window when the largest watermark produced by *earlier rows of its own
//!   partition* has reached the window's end. Nothing else enters: not the thread that decoded it,
//!   not the size of its batch, not the other partitions.
//! - T2. An operator acts on the minimum of the watermarks of all its inputs, so a window is closed
//!   only after every row that is not late for it has arrived.
//!
//! T1 makes the set of late rows a property of the data; T2 makes it safe to free state.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};

use crate::error::{EngineError, Result};

/// An instant in microseconds since 1970-01-01T00:00:00 UTC.
pub type EventTime = i64;

/// The watermark before anything is known: promises nothing.
pub const WATERMARK_NONE: EventTime = i64::MIN;
/// The watermark after the last row: promises that nothing follows.
pub const WATERMARK_END: EventTime = i64::MAX;

/// The event times of a timestamp column, `None` where the value is NULL or outside of ±292 000
/// years (a millisecond value that does not fit into 64-bit microseconds).
///
/// Nanoseconds are rounded towards the past; windows have whole microseconds, so no row changes its
/// window.
///
/// # Errors
/// `Internal` when the column is not a timestamp: the planner admits no other.
pub fn event_times(column: &ArrayRef) -> Result<Vec<Option<EventTime>>> {
    let DataType::Timestamp(unit, _) = column.data_type() else {
        return Err(EngineError::internal(format!("event time of type {}", column.data_type())));
    };
    Ok(match unit {
        TimeUnit::Second => {
            convert(column.as_primitive::<TimestampSecondType>(), |v| v.checked_mul(1_000_000))
        }
        TimeUnit::Millisecond => {
            convert(column.as_primitive::<TimestampMillisecondType>(), |v| v.checked_mul(1_000))
        }
        TimeUnit::Microsecond => convert(column.as_primitive::<TimestampMicrosecondType>(), Some),
        TimeUnit::Nanosecond => {
            convert(column.as_primitive::<TimestampNanosecondType>(), |v| Some(v.div_euclid(1_000)))
        }
    })
}

fn convert<T: arrow::array::ArrowPrimitiveType<Native = i64>>(
    column: &arrow::array::PrimitiveArray<T>,
    to_micros: impl Fn(i64) -> Option<i64>,
) -> Vec<Option<EventTime>> {
    column.iter().map(|value| value.and_then(&to_micros)).collect()
}

/// `time`, an instant in microseconds, in the unit of a timestamp column; saturating.
pub fn in_unit(time: EventTime, unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => time.div_euclid(1_000_000),
        TimeUnit::Millisecond => time.div_euclid(1_000),
        TimeUnit::Microsecond => time,
        TimeUnit::Nanosecond => time.saturating_mul(1_000),
    }
}
