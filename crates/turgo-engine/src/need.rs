//! What a query needs of a table: the columns it decodes, and the bounds outside of which it drops
//! every row.
//!
//! A source that knows the range of the values of a run of records may leave the run unread
//! ([`crate::io::ChunkData::Skipped`]). Nobody may be able to tell but by the bytes read:
//!
//! - B1. A run is left out only where each of its records would have become a row, and a filter
//!   would have dropped that row before anything else saw it: they count as read and filtered.
//! - B2. The watermark behind a run is the one its rows stand for, as if they had been read.
//! - B3. What is not known for certain is read.

use std::cmp::Ordering;
use std::ops::Bound as End;

use arrow::array::{ArrayRef, make_comparator};
use arrow::compute::SortOptions;
use arrow::datatypes::Schema;

use crate::time::{EventTime, EventTimes, WATERMARK_NONE};

/// What a query reads of a table.
#[derive(Debug, Clone, Default)]
pub struct Need {
    /// The physical columns that are decoded, ascending.
    pub projection: Vec<usize>,
    /// Conditions that every row has to meet or is dropped by the first filters, which cannot fail.
    pub bounds: Vec<Bound>,
    /// The event time of the rows, where they have one.
    pub event_time: Option<TimeNeed>,
}

/// The event time of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeNeed {
    /// The physical column it is; a row where it is NULL is a bad row.
    pub column: usize,
    /// By how many microseconds the watermark stays behind it; `None`: there is no watermark.
    pub behind: Option<i64>,
}

/// A condition on one column: it is not NULL, and lies within one of some ranges.
#[derive(Debug, Clone)]
pub struct Bound {
    /// The physical column.
    pub column: usize,
    /// The ranges. Their ends are arrays of one value of the column's type.
    pub ranges: Vec<(End<ArrayRef>, End<ArrayRef>)>,
    /// The condition as SQL.
    pub text: String,
}

/// What is known of the values of a column in a run of records; all of it may be unknown.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// A value that none which is not NULL is below, and one that none is above: arrays of one value
    /// of the column's declared type.
    pub range: Option<(ArrayRef, ArrayRef)>,
    /// The ends of the range are values of the column.
    pub exact: bool,
    /// How many values are NULL.
    pub nulls: Option<u64>,
}

impl Need {
    /// The watermark that `rows` records stand for ([`WATERMARK_NONE`] without one), where none of them
    /// can be within the bounds and what is `known` of their columns shows B1 and B2; `None`: they have
    /// to be read.
    ///
    /// `schema` is the table's. All decoded columns must be known to be readable: a record that would
    /// be rejected for another reason than NULL has to be read.
    pub fn skip(
        &self,
        schema: &Schema,
        rows: u64,
        known: impl Fn(usize) -> Known,
    ) -> Option<EventTime> {
        if !self.bounds.iter().any(|bound| bound.excludes(&known(bound.column), rows)) {
            return None;
        }
        let full = |column: usize| known(column).nulls == Some(0);
        let mut required =
            self.projection.iter().filter(|column| !schema.field(**column).is_nullable());
        if !required.all(|column| full(*column)) {
            return None;
        }
        let Some(time) = self.event_time else { return Some(WATERMARK_NONE) };
        let (earliest, latest) = known(time.column).range.filter(|_| full(time.column))?;
        let instant = |end: &ArrayRef| EventTimes::of(end).ok().filter(|t| !t.is_empty())?.at(0);
        let (earliest, latest) = (instant(&earliest)?, instant(&latest)?);
        let Some(behind) = time.behind else { return Some(WATERMARK_NONE) };
        earliest.checked_sub(behind)?;
        latest.checked_sub(behind).filter(|_| known(time.column).exact)
    }
}

impl Bound {
    /// Whether no value of `rows` records, of which `known` tells, can meet the condition.
    fn excludes(&self, known: &Known, rows: u64) -> bool {
        if known.nulls == Some(rows) {
            return true;
        }
        let Some((min, max)) = &known.range else { return false };
        // The order of floats has NaN at its ends, and nobody tells where NaN is among the values.
        if min.data_type().is_floating() {
            return false;
        }
        // Whether a value lies on that side of an end, outside of its range.
        let beyond = |value: &ArrayRef, end: &End<ArrayRef>, side: Ordering| match end {
            End::Unbounded => false,
            End::Included(end) => order(value, end) == Some(side),
            End::Excluded(end) => order(value, end).is_some_and(|at| at == side || at.is_eq()),
        };
        self.ranges.iter().all(|(low, high)| {
            beyond(max, low, Ordering::Less) || beyond(min, high, Ordering::Greater)
        })
    }
}

/// How two arrays of one value compare; `None` where they cannot be compared, NULL included.
fn order(left: &ArrayRef, right: &ArrayRef) -> Option<Ordering> {
    let comparable = left.data_type() == right.data_type()
        && [left, right].iter().all(|side| side.len() == 1 && side.is_valid(0));
    let compare =
        make_comparator(left, right, SortOptions::default()).ok().filter(|_| comparable)?;
    Some(compare(0, 0))
}

#[cfg(test)]
mod tests;
