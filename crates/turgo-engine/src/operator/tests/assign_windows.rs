//! Repeating rows per window.

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, TimestampMillisecondType};
use proptest::prelude::*;

use super::drive::{Chain, batch, input_schema, messages, with_window};
use super::model::{self, Row, any_rows, any_windows};
use crate::message::{Batch, Change, Message};
use crate::operator::RowCounts;
use crate::operator::assign_windows::AssignWindows;
use crate::window::Windows;

fn chain(windows: Windows, drop_late: bool) -> Chain {
    let schema = with_window(&input_schema(), input_schema().field(1).data_type());
    Chain::of(AssignWindows::new(1, windows, drop_late, schema).unwrap())
}

/// time, window start, end, time; and the watermark the row is under.
fn assigned(batches: &[Batch]) -> Vec<([i64; 4], i64)> {
    let mut rows = Vec::new();
    for batch in batches {
        let column = |index: usize| {
            batch.rows.column(index).as_primitive::<TimestampMillisecondType>().values().clone()
        };
        let columns = [1, 4, 5, 6].map(column);
        for row in 0..batch.len() {
            rows.push((columns.each_ref().map(|column| column[row]), batch.under.at(row)));
        }
    }
    rows
}

proptest! {
    #[test]
    fn each_row_stands_once_in_each_of_its_windows(
        rows in any_rows(),
        windows in any_windows(),
        drop_late in any::<bool>(),
    ) {
        let mut chain = chain(windows, drop_late);
        let results = chain.run(messages(&rows)).unwrap();
        let mut expected = Vec::new();
        for row in &rows {
            for (start, end) in model::holding(&windows, row.time * 1_000) {
                if !drop_late || end > row.under {
                    let (start, end) = (start / 1_000, end / 1_000);
                    expected.push([row.time, start, end, end - 1]);
                }
            }
        }
        let got: Vec<_> = assigned(&results).into_iter().map(|(row, _)| row).collect();
        prop_assert_eq!(got, expected);
        let counts = chain.counts;
        // Rows that stay rows are accounted for by whoever consumes them.
        let keeps_rows = !drop_late && windows.tumbles();
        prop_assert!(results.iter().all(|batch| batch.unaccounted == keeps_rows));
        if keeps_rows {
            prop_assert_eq!(counts, RowCounts::default());
            return Ok(());
        }
        if drop_late {
            prop_assert_eq!(counts, model::answers(&rows, Some(&windows)).1);
        } else {
            prop_assert_eq!((counts.late, counts.late_partial), (0, 0));
        }
        prop_assert_eq!(counts.used + counts.late + counts.filtered, rows.len() as u64);
    }
}

fn row(key: i64, time: i64, under: i64) -> Row {
    let key = Some(key);
    Row { key, time, value: None, flag: true, under, cut: false, mark: None }
}

#[test]
fn a_row_of_many_windows_leaves_in_parts() {
    let windows = Windows::hop(20_000_000, 1_000);
    let mut chain = chain(windows, true);
    let input = batch(&[row(1, 0, i64::MIN), row(2, 5, i64::MIN)]);
    let parts = chain.run(vec![Message::Batch(input)]).unwrap();
    assert_eq!(parts.iter().map(Batch::len).collect::<Vec<_>>(), [16_384, 16_384, 7_232]);
    let starts: Vec<i64> = assigned(&parts).iter().map(|(row, _)| row[1]).collect();
    let expected: Vec<i64> = (-19_999..=0).chain(-19_994..=5).collect();
    assert_eq!(starts, expected);
}

#[test]
fn repeated_rows_keep_what_is_known_of_them() {
    let windows = Windows::hop(10_000_000, 5_000_000);
    let mut input = batch(&[row(1, 7_000, -5), row(2, 1_000, 2_000_000)]);
    input.changes = Some([Change::UpdateBefore, Change::Delete].into());
    input.unaccounted = false;
    let mut chain = chain(windows, false);
    let [result] = &chain.run(vec![Message::Batch(input)]).unwrap()[..] else { panic!("one") };
    let keys = result.rows.column(0).as_primitive::<Int64Type>().values().to_vec();
    assert_eq!(keys, [1, 1, 2, 2]);
    let unders: Vec<_> = (0..4).map(|row| result.under.at(row)).collect();
    assert_eq!(unders, [-5, -5, 2_000_000, 2_000_000]);
    let changes: Vec<_> = (0..4).map(|row| result.change(row).symbol()).collect();
    assert_eq!(changes, ["-U", "-U", "-D", "-D"]);
    assert_eq!(chain.counts, crate::operator::RowCounts::default(), "accounted for before");
}
