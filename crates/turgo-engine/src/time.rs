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

use std::ops::Range;

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
    /// In units of `micros` microseconds; those of rows that have a time fit into 64 bits.
    values: ScalarBuffer<i64>,
    micros: i64,
    /// Which rows have one; `None`: all of them.
    known: Option<BooleanBuffer>,
    /// The earliest and the latest, where all rows have one.
    range: Option<(EventTime, EventTime)>,
}

impl EventTimes {
    /// The times in a timestamp column. A row has none where the value is NULL or outside of ±292 000
    /// years (a millisecond value that does not fit into 64-bit microseconds).
    ///
    /// Nanoseconds are rounded towards the past; windows have whole microseconds, so no row changes
    /// its window. Others are not copied.
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
        let (values, micros) = match unit {
            TimeUnit::Second => {
                (column.as_primitive::<TimestampSecondType>().values().clone(), 1_000_000)
            }
            TimeUnit::Millisecond => {
                (column.as_primitive::<TimestampMillisecondType>().values().clone(), 1_000)
            }
            TimeUnit::Microsecond => {
                (column.as_primitive::<TimestampMicrosecondType>().values().clone(), 1)
            }
            TimeUnit::Nanosecond => {
                let times = column.as_primitive::<TimestampNanosecondType>().values().iter();
                (times.map(|time| time.div_euclid(1_000)).collect(), 1)
            }
        };
        let known = column.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        Ok(Self::scaled(values, micros, known.map(NullBuffer::into_inner)))
    }

    /// Times in microseconds, of all rows.
    pub fn of_all(times: Vec<EventTime>) -> Self {
        Self::scaled(times.into(), 1, None)
    }

    /// Times in units of `micros` microseconds.
    fn scaled(values: ScalarBuffer<i64>, micros: i64, known: Option<BooleanBuffer>) -> Self {
        let limit = i64::MAX / micros;
        // All values fit into microseconds.
        let (least, most) = if micros == 1 { (i64::MIN, i64::MAX) } else { (-limit, limit) };
        let (first, last) = extremes(&values);
        if values.is_empty() || (least <= first && last <= most) {
            let all = known.is_none() && !values.is_empty();
            let range = all.then(|| (first * micros, last * micros));
            return Self { values, micros, known, range };
        }
        let fitting: BooleanBuffer = values.iter().map(|v| (least..=most).contains(v)).collect();
        let known = known.map_or_else(|| fitting.clone(), |known| &known & &fitting);
        Self { values, micros, known: Some(known), range: None }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The time of row `row`.
    #[inline]
    pub fn at(&self, row: usize) -> Option<EventTime> {
        let known = self.known.as_ref().is_none_or(|known| known.value(row));
        known.then(|| self.values[row] * self.micros)
    }

    /// The times of all rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<EventTime>> + '_ {
        (0..self.len()).map(|row| self.at(row))
    }

    /// Whether every row has one.
    pub fn are_known(&self) -> bool {
        self.known.is_none()
    }

    /// The earliest and the latest time, where there are rows and every one has a time.
    pub fn range(&self) -> Option<(EventTime, EventTime)> {
        self.range
    }

    /// How many rows from `row` on, one behind the other, have a time in `span`.
    pub fn run(&self, row: usize, span: &Range<EventTime>) -> usize {
        /// Times looked at in one step.
        const BLOCK: usize = 64;
        if self.range.is_some_and(|(first, last)| span.start <= first && last < span.end) {
            return self.len() - row;
        }
        if !self.are_known() {
            let held = |row: &usize| self.at(*row).is_some_and(|time| span.contains(&time));
            return (row..self.len()).take_while(held).count();
        }
        let [start, end] = [span.start, span.end].map(|bound| self.units_before(bound));
        let held = |value: &i64| (start <= *value) & (*value < end);
        // Whole blocks are compared without a branch for each time.
        let blocks = self.values[row..].chunks(BLOCK);
        let whole = blocks.take_while(|block| block.iter().fold(true, |all, v| all & held(v)));
        let whole: usize = whole.map(<[_]>::len).sum();
        whole + self.values[row + whole..].iter().take_while(|value| held(value)).count()
    }

    /// The first value that is not before `time`.
    fn units_before(&self, time: EventTime) -> i64 {
        time.div_euclid(self.micros) + i64::from(time.rem_euclid(self.micros) > 0)
    }
}

/// The least and the largest of some values; of none, what is above and below all others. By itself, so
/// that its loop is compiled without branches.
#[inline(never)]
fn extremes(values: &[i64]) -> (i64, i64) {
    let wider = |(least, most): (i64, i64), value: &i64| (least.min(*value), most.max(*value));
    values.iter().fold((i64::MAX, i64::MIN), wider)
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
        assert!(!times.are_known() && times.range().is_none());
        // Of a part of a column, that part.
        let times = EventTimes::of(&column.slice(2, 1)).unwrap();
        assert_eq!(times.iter().collect::<Vec<_>>(), [Some(last * 1_000)]);
        assert_eq!(times.range(), Some((last * 1_000, last * 1_000)));
    }

    #[test]
    fn every_microsecond_is_a_time() {
        let array = TimestampMicrosecondArray::from(vec![1, i64::MIN, i64::MAX]);
        let times = EventTimes::of(&(Arc::new(array) as ArrayRef)).unwrap();
        assert_eq!(times.range(), Some((i64::MIN, i64::MAX)));
        assert_eq!(times.at(1), Some(i64::MIN));
    }

    #[test]
    fn a_run_ends_with_the_first_time_outside_of_its_span() {
        // Long enough for blocks, with one time too early and one too late.
        let mut values: Vec<i64> = (0..300).map(|row| 10 + row % 10).collect();
        (values[150], values[290]) = (9, 20);
        let mut nulls: Vec<Option<i64>> = values.iter().copied().map(Some).collect();
        nulls[200] = None;
        let all: ArrayRef = Arc::new(TimestampMillisecondArray::from(values.clone()));
        let some: ArrayRef = Arc::new(TimestampMillisecondArray::from(nulls));
        for (column, unknown) in [(&all, 300), (&some, 200)] {
            let times = EventTimes::of(column).unwrap();
            // The bounds of the last two lie between two values.
            for span in [10_000..20_000, 9_000..21_000, 9_999..19_001, 9_001..20_001, 0..1] {
                for row in [0, 1, 63, 149, 150, 151, 201, 289, 290, 291, 300] {
                    let held =
                        |row: &usize| *row != unknown && span.contains(&(values[*row] * 1_000));
                    let expected = (row..300).take_while(held).count();
                    assert_eq!(times.run(row, &span), expected, "{row} {span:?} {unknown}");
                }
            }
        }
    }
}
