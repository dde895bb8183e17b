//! Aggregates that emit once.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{Int64Type, TimeUnit};
use proptest::prelude::*;

use super::drive::{
    ATTACHED, Chain, Exchange, aggregate, aggregate_by, answers, answers_of, batch, by_time,
    count_by, input_schema, messages, rows_of, with_window,
};
use super::model::{self, Row, any_rows, any_windows};
use crate::error::EngineError;
use crate::graph::Panes;
use crate::message::{Batch, Message, RowWatermark};
use crate::operator::RowCounts;
use crate::operator::aggregate_final::FinalAggregate;
use crate::operator::aggregate_partial::{Limits, PartialAggregate};
use crate::operator::assign_windows::AssignWindows;
use crate::time::WATERMARK_NONE;
use crate::window::Windows;

const SECOND: i64 = 1_000_000;

/// A row on time for everything.
fn row(key: i64, time: i64, value: i64) -> Row {
    let (key, value) = (Some(key), Some(value));
    Row { key, time, value, flag: true, under: WATERMARK_NONE, cut: false, mark: None }
}

fn rows_chain(panes: Panes) -> Chain {
    Chain::of(FinalAggregate::of_rows(aggregate(panes)).unwrap())
}

fn attached_chain(windows: Windows) -> Chain {
    let schema = with_window(&input_schema(), input_schema().field(1).data_type());
    Chain::of(AssignWindows::new(1, windows, true, schema).unwrap())
        .then(FinalAggregate::of_rows(aggregate(ATTACHED)).unwrap())
}

fn states_exchange(panes: Panes, producers: usize, owners: usize, limits: Limits) -> Exchange {
    let aggregate = aggregate(panes);
    let partial = || Chain::of(PartialAggregate::with_limits(aggregate.clone(), limits).unwrap());
    let owner = || Chain::of(FinalAggregate::of_states(aggregate.clone()).unwrap());
    Exchange::of_states(
        (0..producers).map(|_| partial()).collect(),
        (0..owners).map(|_| owner()).collect(),
    )
}

/// The usual limits, and ones that few rows reach.
pub(super) fn any_limits() -> impl Strategy<Value = Limits> {
    let small = (1..8_usize, 1..8_usize, 1..8_usize, 1..30_usize).prop_map(
        |(groups_max, distinct_max, probe_rows, bypass_rows)| Limits {
            groups_max,
            distinct_max,
            probe_rows,
            bypass_rows,
        },
    );
    prop_oneof![Just(Limits::default()), small]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn windows_have_the_models_answers_and_counts(
        rows in any_rows(),
        windows in any_windows(),
        producers in 1..4_usize,
        owners in 1..4_usize,
        limits in any_limits(),
    ) {
        let (expected, counts) = model::answers(&rows, Some(&windows));

        let mut by_rows = rows_chain(by_time(windows));
        prop_assert_eq!(&answers(&by_rows.run(messages(&rows)).unwrap()), &expected);
        prop_assert_eq!(by_rows.counts, counts);

        let mut attached = attached_chain(windows);
        prop_assert_eq!(&answers(&attached.run(messages(&rows)).unwrap()), &expected);
        prop_assert_eq!(attached.counts, counts);

        let mut exchange = states_exchange(by_time(windows), producers, owners, limits);
        let mut results = Vec::new();
        for message in messages(&rows) {
            results.extend(exchange.send(&message).unwrap());
        }
        prop_assert_eq!(&answers(&results), &expected);
        let mut counted = RowCounts::default();
        exchange.producers.iter().for_each(|producer| counted.add(&producer.counts));
        prop_assert_eq!(counted, counts);
    }

    #[test]
    fn the_whole_input_has_the_models_answers(
        rows in any_rows(),
        producers in 1..4_usize,
        limits in any_limits(),
    ) {
        let (expected, counts) = model::answers(&rows, None);
        let mut by_rows = rows_chain(Panes::Whole);
        prop_assert_eq!(&answers(&by_rows.run(messages(&rows)).unwrap()), &expected);
        prop_assert_eq!(by_rows.counts, counts);

        let mut exchange = states_exchange(Panes::Whole, producers, 2, limits);
        let mut results = Vec::new();
        for message in messages(&rows) {
            results.extend(exchange.send(&message).unwrap());
        }
        prop_assert_eq!(&answers(&results), &expected);
    }

    #[test]
    fn results_are_on_time_and_leave_in_order_of_their_window(
        rows in any_rows(),
        windows in any_windows(),
    ) {
        let mut chain = rows_chain(by_time(windows));
        let (mut sent, mut last_end) = (WATERMARK_NONE, WATERMARK_NONE);
        for message in messages(&rows) {
            for message in chain.send(message).unwrap() {
                match message {
                    Message::Batch(batch) => {
                        for (row, answer) in answers_of(&batch.rows).into_iter().enumerate() {
                            let [_, end, time] = answer.1.unwrap();
                            let end = end * 1_000;
                            prop_assert!(end >= last_end, "order of windows");
                            prop_assert!(batch.under.at(row) <= time * 1_000, "a late result");
                            prop_assert_eq!(batch.under.at(row), sent);
                            last_end = end;
                        }
                    }
                    Message::Watermark(time) => {
                        prop_assert!(last_end <= time, "an early result");
                        sent = time;
                    }
                    Message::Barrier(_) | Message::End => {}
                }
            }
        }
    }
}

#[test]
fn a_window_leaves_as_soon_as_the_watermark_reaches_its_end() {
    let mut chain = rows_chain(by_time(Windows::hop(10 * SECOND, 10 * SECOND)));
    chain.send(Message::Batch(batch(&[row(1, 9_999, 5), row(1, 10_000, 7)]))).unwrap();
    let early = chain.send(Message::Watermark(10 * SECOND - 1)).unwrap();
    assert!(matches!(early[..], [Message::Watermark(_)]), "{early:?}");
    let due = chain.send(Message::Watermark(10 * SECOND)).unwrap();
    let [Message::Batch(result), Message::Watermark(time)] = &due[..] else { panic!("{due:?}") };
    assert_eq!(*time, 10 * SECOND);
    let window = Some([0, 10_000, 9_999]);
    assert_eq!(answers_of(&result.rows), [(Some(1), window, 1, Some(5), Some(5), Some(5))]);
}

#[test]
fn a_row_for_a_window_that_has_left_is_an_internal_error() {
    let windows = Windows::hop(10 * SECOND, 10 * SECOND);
    let partial = PartialAggregate::new(aggregate(by_time(windows))).unwrap();
    for mut chain in [rows_chain(by_time(windows)), attached_chain(windows), Chain::of(partial)] {
        chain.send(Message::Watermark(10 * SECOND)).unwrap();
        let error = chain.send(Message::Batch(batch(&[row(1, 3, 5)]))).unwrap_err();
        assert!(matches!(error, EngineError::Internal(_)), "{error}");
    }
}

#[test]
fn large_results_leave_in_parts_before_their_watermark() {
    let rows: Vec<Row> = (0..20_000).map(|key| row(key, key % 40_000, key)).collect();
    let windows = Windows::hop(10 * SECOND, 10 * SECOND);
    let mut chain = rows_chain(by_time(windows));
    chain.send(Message::Batch(batch(&rows))).unwrap();
    let sent = chain.send(Message::Watermark(50 * SECOND)).unwrap();
    assert!(matches!(sent.last(), Some(Message::Watermark(_))));
    let parts: Vec<Batch> = sent.into_iter().filter_map(rows_of).collect();
    assert_eq!(parts.iter().map(Batch::len).collect::<Vec<_>>(), [8_192, 8_192, 3_616]);
    assert_eq!(answers(&parts), model::answers(&rows, Some(&windows)).0);
}

#[test]
fn no_rows_are_one_group_only_without_keys_and_windows() {
    let windows = by_time(Windows::hop(SECOND, SECOND));
    for (keys, panes, expected) in [
        (vec![], Panes::Whole, 1),
        (vec![0], Panes::Whole, 0),
        (vec![], windows, 0),
        (vec![0], windows, 0),
    ] {
        let aggregate = aggregate_by(keys, panes);
        for make in [FinalAggregate::of_rows, FinalAggregate::of_states] {
            let mut chain = Chain::of(make(aggregate.clone()).unwrap());
            let results = chain.run(vec![Message::End]).unwrap();
            assert_eq!(results.iter().map(Batch::len).sum::<usize>(), expected);
            if let [result] = &results[..] {
                let nulls: Vec<_> =
                    result.rows.columns().iter().map(|column| column.null_count()).collect();
                assert_eq!(nulls, [0, 1, 1, 1], "a count is 0, everything else is NULL");
                let zero: ArrayRef = Arc::new(Int64Array::from(vec![0]));
                assert_eq!(result.rows.column(0), &zero);
            }
        }
    }
}

#[test]
fn a_null_event_time_is_a_data_error_with_a_remedy() {
    let mut rows = batch(&[row(1, 3, 5)]);
    let mut columns = rows.rows.columns().to_vec();
    columns[1] = arrow::array::new_null_array(columns[1].data_type(), 1);
    rows.rows = RecordBatch::try_new(rows.rows.schema(), columns).unwrap();
    let windows = Windows::hop(SECOND, SECOND);
    for mut chain in [rows_chain(by_time(windows)), attached_chain(windows)] {
        let error = chain.send(Message::Batch(rows.clone())).unwrap_err();
        assert!(matches!(error, EngineError::Data { .. }), "{error}");
        assert!(error.to_string().contains("WHERE time IS NOT NULL"), "{error}");
    }
}

#[test]
fn windows_finer_than_their_time_column_are_refused() {
    let error = FinalAggregate::of_rows(aggregate(by_time(Windows::hop(1_500, 500)))).unwrap_err();
    assert!(matches!(error, EngineError::Unsupported(_)), "{error}");
}

#[test]
fn rows_that_do_not_group_pass_a_partial_one_by_one_and_lose_nothing() {
    let windows = Windows::hop(10 * SECOND, 5 * SECOND);
    let mut exchange = states_exchange(by_time(windows), 1, 1, Limits::default());
    let rows: Vec<Row> = (0..150_000).map(|key| row(key, key % 30_000, key % 1_000)).collect();
    let mut results = Vec::new();
    for rows in rows.chunks(10_000) {
        let message = Message::Batch(batch(rows));
        results.extend(exchange.send(&message).unwrap());
    }
    // Everything has gone to the owner already: nothing is left to send at a barrier.
    let left = exchange.producers[0].send(Message::Barrier(1)).unwrap();
    assert!(matches!(left[..], [Message::Barrier(1)]), "{} messages", left.len());
    results.extend(exchange.send(&Message::End).unwrap());
    assert_eq!(answers(&results), model::answers(&rows, Some(&windows)).0);
}

#[test]
fn a_partial_holds_only_so_many_groups() {
    let aggregate = aggregate(Panes::Whole);
    let mut partial = Chain::of(PartialAggregate::new(aggregate).unwrap());
    let mut sent = 0;
    for start in (0..80_000).step_by(10_000) {
        let rows: Vec<Row> = (start..start + 10_000).map(|key| row(key, 0, 1)).collect();
        let out = partial.send(Message::Batch(batch(&rows))).unwrap();
        sent += out.into_iter().filter_map(rows_of).map(|batch| batch.len()).sum::<usize>();
    }
    assert_eq!(sent, 70_000, "flushed by the batch that passed 65 536 groups");
}

#[test]
fn times_at_the_ends_of_their_range_are_counted_and_never_panic() {
    let ends = [i64::MIN, i64::MIN + 1, i64::MIN + 2 * SECOND, i64::MAX - 2 * SECOND, i64::MAX];
    let windows = [(1, 1), (10, 3), (3, 10), (i64::MAX / SECOND, 1_000_000_000_000)]
        .map(|(size, slide)| Windows::hop(size * SECOND, slide * SECOND));
    for windows in windows.into_iter().chain([Windows::cumulate(6 * SECOND, 2 * SECOND)]) {
        for under in [i64::MIN, -1, i64::MAX] {
            let aggregate = count_by(TimeUnit::Microsecond, Panes::Time { column: 0, windows });
            let column: ArrayRef = Arc::new(TimestampMicrosecondArray::from(ends.to_vec()));
            let batch = Batch {
                rows: RecordBatch::try_new(aggregate.input.clone(), vec![column]).unwrap(),
                under: RowWatermark::Each(vec![under; ends.len()].into()),
                changes: None,
                unaccounted: true,
                letters: None,
            };
            let mut chain = Chain::of(FinalAggregate::of_rows(aggregate).unwrap());
            let results = chain.run(vec![Message::Batch(batch), Message::End]).unwrap();
            let counted = results.iter().flat_map(|result| {
                let counts = result.rows.columns().last().unwrap();
                counts.as_primitive::<Int64Type>().values().to_vec()
            });

            let mut expected = RowCounts::default();
            let mut expected_counted = 0;
            for time in ends {
                let all = model::holding(&windows, time);
                let open = all.iter().filter(|(_, end)| *end > under).count();
                expected.filtered += u64::from(all.is_empty());
                expected.late += u64::from(!all.is_empty() && open == 0);
                expected.used += u64::from(open > 0);
                expected.late_partial += u64::from(0 < open && open < all.len());
                expected_counted += open as i64;
            }
            assert_eq!(chain.counts, expected, "{windows:?} under {under}");
            assert_eq!(counted.sum::<i64>(), expected_counted, "{windows:?} under {under}");
        }
    }
}
