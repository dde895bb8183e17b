//! The events of a kind as a ROW column of the table of all events: NULL for other kinds.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StructArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::Fields;

use super::stream::Kind;
use crate::synthetic::Make;

/// The column for the events `events`, with `fields` made by `makes`.
pub(super) fn rows(kind: Kind, fields: &Fields, makes: &[Make], events: Range<u64>) -> ArrayRef {
    let of_kind = kind.rows_before(events.start)..kind.rows_before(events.end);
    let mut next = 0;
    let places: UInt32Array = events
        .map(|event| {
            (Kind::of(event) == kind).then(|| {
                next += 1;
                next - 1
            })
        })
        .collect();
    let spread = |make: &Make| {
        take(&make(of_kind.clone()), &places, None).expect("every place is one of the rows made")
    };
    let columns = makes.iter().map(spread).collect();
    let nulls = places.nulls().cloned();
    Arc::new(
        StructArray::try_new_with_length(fields.clone(), columns, nulls, places.len())
            .expect("columns have the declared types, and NULLs only where the row is NULL"),
    )
}
