//! When a run of records may be left unread, and under which watermark.

use std::sync::Arc;

use arrow::array::{Float64Array, Int32Array, Int64Array, StringArray, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, TimeUnit};

use super::*;

/// A run of ten records with `v` from 10 to 20 and `t` from 1 to 5 s.
fn run(column: usize) -> Known {
    let range: (ArrayRef, ArrayRef) = match column {
        0 => (Arc::new(Int64Array::from(vec![10])), Arc::new(Int64Array::from(vec![20]))),
        _ => (
            Arc::new(TimestampMillisecondArray::from(vec![1_000])),
            Arc::new(TimestampMillisecondArray::from(vec![5_000])),
        ),
    };
    Known { range: Some(range), exact: true, nulls: Some(0) }
}

fn schema(required: bool) -> Schema {
    let time = DataType::Timestamp(TimeUnit::Millisecond, None);
    Schema::new(vec![Field::new("v", DataType::Int64, !required), Field::new("t", time, true)])
}

fn value(value: i64) -> ArrayRef {
    Arc::new(Int64Array::from(vec![value]))
}

fn need(ranges: Vec<(End<ArrayRef>, End<ArrayRef>)>, behind: Option<Option<i64>>) -> Need {
    let bound = Bound { column: 0, ranges, text: String::new() };
    let event_time = behind.map(|behind| TimeNeed { column: 1, behind });
    Need { projection: vec![0, 1], bounds: vec![bound], event_time }
}

/// Whether a run like that of `run` has to be read, where nothing is asked of its time.
fn is_read(ranges: Vec<(End<ArrayRef>, End<ArrayRef>)>) -> bool {
    need(ranges, None).skip(&schema(false), 10, run).is_none()
}

#[test]
fn a_run_is_read_where_a_value_may_be_within_the_bounds() {
    use End::{Excluded, Included, Unbounded};
    for (low, high, read) in [
        (Included(value(20)), Unbounded, true),
        (Excluded(value(19)), Unbounded, true),
        (Excluded(value(20)), Unbounded, false),
        (Included(value(21)), Unbounded, false),
        (Unbounded, Included(value(10)), true),
        (Unbounded, Excluded(value(11)), true),
        (Unbounded, Excluded(value(10)), false),
        (Unbounded, Included(value(9)), false),
        (Included(value(15)), Included(value(15)), true),
        (Included(value(9)), Included(value(9)), false),
        (Unbounded, Unbounded, true),
    ] {
        assert_eq!(is_read(vec![(low.clone(), high.clone())]), read, "{low:?} to {high:?}");
    }
    let equal = |at| (Included(value(at)), Included(value(at)));
    assert!(is_read(vec![equal(1), equal(12), equal(30)]));
    assert!(!is_read(vec![equal(1), equal(9), equal(30)]));
}

#[test]
fn all_nulls_meet_no_condition_and_some_say_nothing() {
    let need = need(vec![(End::Unbounded, End::Unbounded)], None);
    let skip = |known: Known| need.skip(&schema(false), 10, |_| known.clone());
    assert_eq!(skip(Known { nulls: Some(10), ..Known::default() }), Some(WATERMARK_NONE));
    assert_eq!(skip(Known { nulls: Some(9), ..Known::default() }), None);
    assert_eq!(skip(Known::default()), None);
}

#[test]
fn what_cannot_be_compared_is_read() {
    let above = |value: ArrayRef| vec![(End::Included(value), End::Unbounded)];
    assert!(is_read(above(Arc::new(Int32Array::from(vec![99])))));
    assert!(is_read(above(Arc::new(Int64Array::from(vec![None])))));
    assert!(is_read(above(Arc::new(StringArray::from(vec!["99"])))));
    // Floats may hold NaN, which is above all.
    let floats = |_| {
        let end = |value| -> ArrayRef { Arc::new(Float64Array::from(vec![value])) };
        Known { range: Some((end(1.0), end(2.0))), exact: true, nulls: Some(0) }
    };
    let need = need(above(Arc::new(Float64Array::from(vec![9.0]))), None);
    assert_eq!(need.skip(&schema(false), 10, floats), None);
}

#[test]
fn a_row_that_would_be_rejected_is_read() {
    let none = vec![(End::Included(value(21)), End::Unbounded)];
    let nulls = |nulls| {
        move |column| match column {
            0 => Known { nulls, ..run(0) },
            _ => run(1),
        }
    };
    let skip = |required, known: Option<u64>| {
        need(none.clone(), None).skip(&schema(required), 10, nulls(known)).is_some()
    };
    assert!(skip(false, Some(1)) && skip(false, None) && skip(true, Some(0)));
    assert!(!skip(true, Some(1)));
    assert!(!skip(true, None));
    // The time must be there and in range.
    let timed = need(none, Some(None));
    let late = |nulls, latest: i64| {
        timed.skip(&schema(false), 10, move |column| match column {
            0 => run(0),
            _ => {
                let end: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![latest]));
                Known { range: run(1).range.map(|(from, _)| (from, end)), exact: true, nulls }
            }
        })
    };
    assert_eq!(late(Some(0), 5_000), Some(WATERMARK_NONE));
    assert_eq!(late(Some(1), 5_000), None);
    assert_eq!(late(None, 5_000), None);
    assert_eq!(late(Some(0), i64::MAX), None);
}

#[test]
fn the_watermark_is_that_of_the_latest_row() {
    let none = vec![(End::Included(value(21)), End::Unbounded)];
    let timed = need(none, Some(Some(2_000_000)));
    assert_eq!(timed.skip(&schema(false), 10, run), Some(3_000_000));
    // A bound of the times is not enough.
    let bounded = |column| Known { exact: false, ..run(column) };
    assert_eq!(timed.skip(&schema(false), 10, bounded), None);
    let unknown =
        |column| Known { range: run(column).range.filter(|_| column == 0), ..run(column) };
    assert_eq!(timed.skip(&schema(false), 10, unknown), None);
    // Nor one whose watermark is out of range.
    let far = need(timed.bounds[0].ranges.clone(), Some(Some(i64::MAX)));
    let early = |column| match column {
        0 => run(0),
        _ => {
            let early: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![-9_000_000]));
            Known { range: run(1).range.map(|(_, end)| (early, end)), ..run(1) }
        }
    };
    assert_eq!(far.skip(&schema(false), 10, early), None);
}
