//! Sessions, put together of buckets.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{Int64Type, TimeUnit};
use proptest::prelude::*;

use super::drive::{
    Chain, Exchange, aggregate, aggregate_by, answers, answers_of, batch, by_session, count_by,
    messages, rows_of,
};
use super::model::{self, Answer, Row, any_gap, any_rows};
use crate::error::EngineError;
use crate::graph::{Aggregate, Panes};
use crate::message::{Batch, Message, RowWatermark};
use crate::operator::RowCounts;
use crate::operator::aggregate_changes::ChangesAggregate;
use crate::operator::aggregate_final::FinalAggregate;
use crate::operator::aggregate_partial::{Limits, PartialAggregate};
use crate::time::WATERMARK_NONE;
use crate::window::Sessions;

/// A row on time for everything.
fn row(key: i64, time: i64, value: i64) -> Row {
    let (key, value) = (Some(key), Some(value));
    Row { key, time, value, flag: true, under: WATERMARK_NONE, cut: false, mark: None }
}

fn rows_chain(gap: i64) -> Chain {
    Chain::of(FinalAggregate::of_rows(aggregate(by_session(gap))).unwrap())
}

/// What comes of `rows` in batches of `size` by themselves, without any watermark.
fn sessions_of(rows: &[Row], gap: i64, size: usize) -> Vec<Answer> {
    let batches = rows.chunks(size).map(|rows| Message::Batch(batch(rows)));
    let messages = batches.chain([Message::End]).collect();
    answers(&rows_chain(gap).run(messages).unwrap())
}

/// Key, window, count and sum of rows that are all flagged.
fn spans(answers: &[Answer]) -> Vec<(i64, i64, i64, i64)> {
    let span = |answer: &Answer| {
        let [start, end, time] = answer.1.unwrap();
        assert_eq!(time, end - 1);
        (start, end, answer.2, answer.3.unwrap())
    };
    answers.iter().map(span).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn sessions_have_the_models_answers_and_counts(
        rows in any_rows(),
        gap in any_gap(),
        producers in 1..4_usize,
        owners in 1..4_usize,
        groups_max in 1..8_usize,
        distinct_max in 1..8_usize,
        probe_rows in 1..30_usize,
        bypass_rows in 1..30_usize,
    ) {
        let (expected, counts) = model::sessions(&rows, gap);

        let mut by_rows = rows_chain(gap);
        prop_assert_eq!(&answers(&by_rows.run(messages(&rows)).unwrap()), &expected);
        prop_assert_eq!(by_rows.counts, counts);

        let aggregate = aggregate(by_session(gap));
        for limits in [Limits::default(), Limits { groups_max, distinct_max, probe_rows, bypass_rows }] {
            let partial =
                || Chain::of(PartialAggregate::with_limits(aggregate.clone(), limits).unwrap());
            let owner = || Chain::of(FinalAggregate::of_states(aggregate.clone()).unwrap());
            let mut exchange = Exchange::of_states(
                (0..producers).map(|_| partial()).collect(),
                (0..owners).map(|_| owner()).collect(),
            );
            let mut results = Vec::new();
            for message in messages(&rows) {
                results.extend(exchange.send(&message).unwrap());
            }
            prop_assert_eq!(&answers(&results), &expected);
            let mut counted = RowCounts::default();
            exchange.producers.iter().for_each(|producer| counted.add(&producer.counts));
            prop_assert_eq!(counted, counts);
        }
    }

    /// For whatever is computed over the ends of sessions afterwards.
    #[test]
    fn sessions_end_after_the_watermark_they_leave_under(rows in any_rows(), gap in any_gap()) {
        let mut chain = rows_chain(gap);
        let mut sent = WATERMARK_NONE;
        for message in messages(&rows) {
            for message in chain.send(message).unwrap() {
                match message {
                    Message::Batch(batch) => {
                        for (row, answer) in answers_of(&batch.rows).into_iter().enumerate() {
                            let [_, end, _] = answer.1.unwrap();
                            prop_assert!(sent < end * 1_000, "{sent} {end}");
                            prop_assert_eq!(batch.under.at(row), sent);
                        }
                    }
                    Message::Watermark(time) => {
                        prop_assert!(sent <= time, "it never falls");
                        sent = time;
                    }
                    Message::Barrier(_) | Message::End => {}
                }
            }
        }
    }
}

#[test]
fn rows_exactly_a_gap_apart_are_of_one_session_and_no_further_ones() {
    for first in [-25, -20, -11, -10, -1, 0, 3, 9, 10] {
        let together = [row(1, first, 1), row(1, first + 10, 2), row(1, first + 20, 4)];
        let apart = [row(1, first, 1), row(1, first + 11, 2), row(1, first + 21, 4)];
        for size in 1..4 {
            assert_eq!(spans(&sessions_of(&together, 10, size)), [(first, first + 30, 3, 7)]);
            assert_eq!(
                spans(&sessions_of(&apart, 10, size)),
                [(first, first + 10, 1, 1), (first + 11, first + 31, 2, 6)]
            );
        }
    }
}

#[test]
fn a_session_lasts_over_as_many_buckets_as_its_rows_reach() {
    let mut rows: Vec<Row> = (0..100).map(|at| row(1, at * 10 - 500, 1)).collect();
    rows.extend([row(2, -500, 3), row(2, 490, 5), row(1, 502, 7)]);
    rows.reverse();
    let all = sessions_of(&rows, 10, 7);
    assert_eq!(
        spans(&all),
        [(-500, 500, 100, 100), (502, 512, 1, 7), (-500, -490, 1, 3), (490, 500, 1, 5)]
    );
}

#[test]
fn a_session_leaves_when_the_bucket_after_its_last_row_is_complete() {
    let mut chain = rows_chain(10);
    chain.send(Message::Batch(batch(&[row(1, 12, 1), row(1, 19, 2), row(2, 20, 4)]))).unwrap();
    let millis = 1_000;
    // A row at 29 may come until its window has ended, at 39; it would lengthen the session of key 1.
    let early = chain.send(Message::Watermark(40 * millis - 2)).unwrap();
    assert!(matches!(early[..], [Message::Watermark(19_999)]), "{early:?}");
    let due = chain.send(Message::Watermark(40 * millis - 1)).unwrap();
    let [Message::Batch(result), Message::Watermark(29_999)] = &due[..] else { panic!("{due:?}") };
    assert_eq!(spans(&answers_of(&result.rows)), [(12, 29, 2, 3)]);
    let due = chain.send(Message::Watermark(50 * millis - 1)).unwrap();
    let [Message::Batch(result), Message::Watermark(39_999)] = &due[..] else { panic!("{due:?}") };
    assert_eq!(spans(&answers_of(&result.rows)), [(20, 30, 1, 4)]);
}

#[test]
fn a_row_is_late_when_its_own_window_has_ended_and_not_before() {
    let under = |time, under| Row { under, ..row(1, time, 1) };
    // The watermark stands at 30: a row at 20 is late, one at 21 still counts.
    let rows = [row(1, 11, 1), under(20, 30_000), under(21, 30_000), under(20, 29_999)];
    let mut chain = rows_chain(10);
    let results = chain.run(vec![Message::Batch(batch(&rows)), Message::End]).unwrap();
    assert_eq!(chain.counts, RowCounts { used: 3, late: 1, ..RowCounts::default() });
    assert_eq!(spans(&answers(&results)), [(11, 31, 3, 3)]);
}

#[test]
fn a_row_for_a_bucket_that_is_complete_is_an_internal_error() {
    let partial = PartialAggregate::new(aggregate(by_session(10))).unwrap();
    for mut chain in [rows_chain(10), Chain::of(partial)] {
        chain.send(Message::Watermark(19_999)).unwrap();
        chain.send(Message::Batch(batch(&[row(1, 10, 5)]))).unwrap();
        let error = chain.send(Message::Batch(batch(&[row(1, 9, 5)]))).unwrap_err();
        assert!(matches!(error, EngineError::Internal(_)), "{error}");
    }
}

#[test]
fn a_partial_sends_a_bucket_on_when_it_is_complete() {
    let mut chain = Chain::of(PartialAggregate::new(aggregate(by_session(10))).unwrap());
    chain.send(Message::Batch(batch(&[row(1, 9, 5), row(1, 10, 5)]))).unwrap();
    let early = chain.send(Message::Watermark(19_998)).unwrap();
    assert!(matches!(early[..], [Message::Watermark(19_998)]), "{early:?}");
    let due = chain.send(Message::Watermark(19_999)).unwrap();
    let [Message::Batch(states), Message::Watermark(19_999)] = &due[..] else { panic!("{due:?}") };
    assert_eq!(states.len(), 1);
}

#[test]
fn without_keys_there_is_one_session_at_a_time_and_none_without_rows() {
    let aggregate = aggregate_by(vec![], by_session(10));
    for rows in [vec![], vec![row(1, 0, 1), row(2, 5, 2), row(1, 30, 4)]] {
        let mut chain = Chain::of(FinalAggregate::of_rows(aggregate.clone()).unwrap());
        let results = chain.run(vec![Message::Batch(batch(&rows)), Message::End]).unwrap();
        let counts: Vec<i64> = results
            .iter()
            .flat_map(|batch| batch.rows.column(3).as_primitive::<Int64Type>().values().to_vec())
            .collect();
        assert_eq!(counts, if rows.is_empty() { vec![] } else { vec![2, 1] });
    }
}

#[test]
fn large_results_leave_in_parts_before_their_watermark() {
    let rows: Vec<Row> = (0..20_000).map(|key| row(key, key % 40, key)).collect();
    let mut chain = rows_chain(10);
    chain.send(Message::Batch(batch(&rows))).unwrap();
    let sent = chain.send(Message::Watermark(100_000)).unwrap();
    assert!(matches!(sent.last(), Some(Message::Watermark(_))));
    let parts: Vec<Batch> = sent.into_iter().filter_map(rows_of).collect();
    assert_eq!(parts.iter().map(Batch::len).collect::<Vec<_>>(), [8_192, 8_192, 3_616]);
    assert_eq!(answers(&parts), model::sessions(&rows, 10).0);
}

/// A count by session, with a gap in microseconds.
fn count_by_session(unit: TimeUnit, gap: i64) -> Arc<Aggregate> {
    count_by(unit, Panes::Session { column: 0, sessions: Sessions::new(gap) })
}

#[test]
fn times_at_the_ends_of_their_range_are_counted_and_never_panic() {
    let ends = [i64::MIN, i64::MIN + 1, i64::MIN + 30, -5, 0, i64::MAX - 30, i64::MAX];
    for gap in [1, 10, i64::MAX / 2, i64::MAX] {
        for under in [i64::MIN, -1, i64::MAX] {
            let aggregate = count_by_session(TimeUnit::Microsecond, gap);
            let column: ArrayRef = Arc::new(TimestampMicrosecondArray::from(ends.to_vec()));
            let batch = Batch {
                rows: RecordBatch::try_new(aggregate.input.clone(), vec![column]).unwrap(),
                under: RowWatermark::Each(vec![under; ends.len()].into()),
                changes: None,
                letters: None,
                unaccounted: true,
            };
            let mut chain = Chain::of(FinalAggregate::of_rows(aggregate).unwrap());
            let results = chain.run(vec![Message::Batch(batch), Message::End]).unwrap();
            let lengths: Vec<i64> = results
                .iter()
                .flat_map(|b| b.rows.column(3).as_primitive::<Int64Type>().values().to_vec())
                .collect();

            let fits: Vec<i64> =
                ends.into_iter().filter(|time| time.checked_add(gap).is_some()).collect();
            let used: Vec<i64> = fits.iter().copied().filter(|time| time + gap > under).collect();
            let counts = RowCounts {
                used: used.len() as u64,
                late: (fits.len() - used.len()) as u64,
                filtered: (ends.len() - fits.len()) as u64,
                ..RowCounts::default()
            };
            assert_eq!(chain.counts, counts, "{gap} under {under}");
            let apart = |a: &i64, b: &i64| i128::from(*b) - i128::from(*a) <= i128::from(gap);
            let expected: Vec<i64> = used.chunk_by(apart).map(|run| run.len() as i64).collect();
            assert_eq!(lengths, expected, "{gap} under {under}");
        }
    }
}

#[test]
fn gaps_finer_than_their_time_column_and_changes_of_sessions_are_refused() {
    let aggregate = |gap| count_by_session(TimeUnit::Second, gap);
    let error = FinalAggregate::of_rows(aggregate(1_500_000)).unwrap_err();
    assert!(matches!(error, EngineError::Unsupported(_)), "{error}");
    assert!(FinalAggregate::of_rows(aggregate(2_000_000)).is_ok());
    let error = ChangesAggregate::new(aggregate(2_000_000), true).unwrap_err();
    assert!(matches!(error, EngineError::Internal(_)), "{error}");
}
