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
//!
//! A table may allow lateness. Its rows then promise so much less than its declaration says, so that both
//! rules hold as they stand, and whoever shows results before the watermark says so
//! ([`crate::graph::Aggregate::lateness`]) and knows by how much.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
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

/// The event times of the rows of a batch.
#[derive(Debug, Clone)]
pub struct EventTimes {
    times: ScalarBuffer<EventTime>,
    /// Which rows have one; `None`: all of them.
    known: Option<BooleanBuffer>,
}

impl EventTimes {
    /// The times in a timestamp column. A row has none where the value is NULL or outside of ±292 000
    /// years (a millisecond value that does not fit into 64-bit microseconds).
    ///
    /// Nanoseconds are rounded towards the past; windows have whole microseconds, so no row changes
    /// its window. Microseconds are not copied.
    ///
    /// # Errors
    /// `Internal` when the column is not a timestamp: the planner admits no other.
    pub fn of(column: &ArrayRef) -> Result<Self> {
        let DataType::Timestamp(unit, _) = column.data_type() else {
            return Err(EngineError::internal(format!(
                "event time of type {}",
                column.data_type()
            )));
        };
        let known = column.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        let known = known.map(NullBuffer::into_inner);
        Ok(match unit {
            TimeUnit::Second => Self::scaled(
                column.as_primitive::<TimestampSecondType>().values(),
                known,
                1_000_000,
            ),
            TimeUnit::Millisecond => Self::scaled(
                column.as_primitive::<TimestampMillisecondType>().values(),
                known,
                1_000,
            ),
            TimeUnit::Microsecond => {
                let times = column.as_primitive::<TimestampMicrosecondType>().values().clone();
                Self { times, known }
            }
            TimeUnit::Nanosecond => {
                let times = column.as_primitive::<TimestampNanosecondType>().values().iter();
                Self { times: times.map(|time| time.div_euclid(1_000)).collect(), known }
            }
        })
    }

    /// Times in units of `micros` microseconds.
    fn scaled(values: &[i64], known: Option<BooleanBuffer>, micros: i64) -> Self {
        let limit = i64::MAX / micros;
        let fits = |value: &i64| (-limit..=limit).contains(value);
        let times = values.iter().map(|value| value.wrapping_mul(micros)).collect();
        // Without leaving the loop early, so that it is done for many values at once.
        if values.iter().fold(true, |all, value| all & fits(value)) {
            return Self { times, known };
        }
        let fitting: BooleanBuffer = values.iter().map(fits).collect();
        let known = known.map_or_else(|| fitting.clone(), |known| &known & &fitting);
        Self { times, known: Some(known) }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The time of row `row`.
    #[inline]
    pub fn at(&self, row: usize) -> Option<EventTime> {
        let known = self.known.as_ref().is_none_or(|known| known.value(row));
        known.then(|| self.times[row])
    }

    /// The times of all rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<EventTime>> + '_ {
        (0..self.len()).map(|row| self.at(row))
    }

    /// The times, where every row has one.
    pub fn all(&self) -> Option<&ScalarBuffer<EventTime>> {
        self.known.is_none().then_some(&self.times)
    }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{TimestampMicrosecondArray, TimestampMillisecondArray};

    use super::*;

    #[test]
    fn a_row_without_a_time_is_null_or_beyond_the_range() {
        let last = i64::MAX / 1_000;
        let values = [Some(5), None, Some(last), Some(last + 1), Some(-last), Some(i64::MIN)];
        let column: ArrayRef = Arc::new(TimestampMillisecondArray::from(values.to_vec()));
        let times = EventTimes::of(&column).unwrap();
        let expected = [Some(5_000), None, Some(last * 1_000), None, Some(-last * 1_000), None];
        assert_eq!(times.iter().collect::<Vec<_>>(), expected);
        assert!(times.all().is_none());
        // Of a part of a column, that part.
        let times = EventTimes::of(&column.slice(2, 1)).unwrap();
        assert_eq!(times.all().unwrap()[..], [last * 1_000]);
    }

    #[test]
    fn microseconds_are_not_copied() {
        let array = TimestampMicrosecondArray::from(vec![1, i64::MIN, i64::MAX]);
        let column: ArrayRef = Arc::new(array.clone());
        let times = EventTimes::of(&column).unwrap();
        assert_eq!(times.all().unwrap().as_ptr(), array.values().as_ptr());
    }
}
