//! Distinct values on their way from partials to owners.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Field, Int64Type};
use proptest::prelude::*;

use super::aggregates::any_limits;
use super::drive::{
    Chain, Exchange, aggregate_of, batch, by_session, by_time, hand_over, messages, rows_of,
};
use super::model::{self, Row, any_gap, any_rows, any_windows};
use crate::graph::{Aggregate, AggregateCall, AggregateFunction, Panes};
use crate::message::{Batch, Message};
use crate::operator::aggregate_final::FinalAggregate;
use crate::operator::aggregate_partial::{Limits, PartialAggregate};
use crate::time::WATERMARK_NONE;

/// count(distinct value), sum(distinct value) of flagged rows, by key.
fn distinct(panes: Panes) -> Arc<Aggregate> {
    use AggregateFunction::{CountDistinct, SumDistinct};
    let field = Arc::new(Field::new("answer", DataType::Int64, true));
    let call = |function, filter| {
        let field = Arc::clone(&field);
        AggregateCall { function, args: vec![2], filter, field }
    };
    aggregate_of(vec![0], panes, vec![call(CountDistinct, None), call(SumDistinct, Some(3))])
}

/// Key, end of the window, count, sum.
type Answer = (Option<i64>, i64, i64, Option<i64>);

fn answers(batches: &[Batch]) -> Vec<Answer> {
    let mut answers: Vec<Answer> = batches
        .iter()
        .flat_map(|batch| {
            let integers = |column: usize, row: usize| {
                let column = batch.rows.column(column);
                let column = arrow::compute::cast(column, &DataType::Int64).unwrap();
                let column = column.as_primitive::<Int64Type>();
                column.is_valid(row).then(|| column.value(row))
            };
            let answer = move |row| {
                let [end, count] = [2, 4].map(|column| integers(column, row).unwrap());
                (integers(0, row), end, count, integers(5, row))
            };
            (0..batch.len()).map(answer).collect::<Vec<_>>()
        })
        .collect();
    answers.sort_unstable();
    answers
}

fn answer(key: Option<i64>, end: i64, rows: &[&Row]) -> Answer {
    let values: BTreeSet<i64> = rows.iter().filter_map(|row| row.value).collect();
    let flagged = rows.iter().filter(|row| row.flag);
    let flagged: BTreeSet<i64> = flagged.filter_map(|row| row.value).collect();
    let sum = (!flagged.is_empty()).then(|| flagged.iter().sum());
    (key, end, values.len() as i64, sum)
}

fn exchange(panes: Panes, (producers, owners): (usize, usize), limits: Limits) -> Exchange {
    let aggregate = distinct(panes);
    let partial = || Chain::of(PartialAggregate::with_limits(aggregate.clone(), limits).unwrap());
    let owner = || Chain::of(FinalAggregate::of_states(aggregate.clone()).unwrap());
    Exchange::of_states(
        (0..producers).map(|_| partial()).collect(),
        (0..owners).map(|_| owner()).collect(),
    )
}

/// What comes of the rows, where the owners hand over to others after so many messages.
fn run(
    panes: Panes,
    instances: (usize, usize),
    limits: Limits,
    rows: &[Row],
    at: usize,
) -> Vec<Answer> {
    let mut exchange = exchange(panes, instances, limits);
    let mut results = Vec::new();
    for (number, message) in messages(rows).into_iter().enumerate() {
        if number == at {
            results.extend(exchange.send(&Message::Barrier(1)).unwrap());
            let mut others = self::exchange(panes, (1, 3), limits).owners;
            hand_over(&mut exchange.owners, &mut others).unwrap();
            exchange.owners = others;
        }
        results.extend(exchange.send(&message).unwrap());
    }
    answers(&results)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Guards: values that several partials, panes or flushes have seen count once.
    #[test]
    fn windows_count_a_value_once_whatever_way_it_comes(
        rows in any_rows(),
        windows in any_windows(),
        instances in (1..4_usize, 1..4_usize),
        limits in any_limits(),
        at in 0..20_usize,
    ) {
        let mut groups: BTreeMap<_, Vec<&Row>> = BTreeMap::new();
        for row in &rows {
            for (_, end) in model::holding(&windows, row.time * 1_000) {
                if end > row.under {
                    groups.entry((row.key, end / 1_000)).or_default().push(row);
                }
            }
        }
        let mut expected: Vec<Answer> =
            groups.into_iter().map(|((key, end), rows)| answer(key, end, &rows)).collect();
        expected.sort_unstable();
        prop_assert_eq!(run(by_time(windows), instances, limits, &rows, at), expected);
    }

    /// Guards: a session counts the values of all its buckets once.
    #[test]
    fn sessions_count_a_value_once(rows in any_rows(), gap in any_gap(), limits in any_limits()) {
        let mut keys: BTreeMap<Option<i64>, Vec<&Row>> = BTreeMap::new();
        for row in rows.iter().filter(|row| (row.time + gap) * 1_000 > row.under) {
            keys.entry(row.key).or_default().push(row);
        }
        let mut expected = Vec::new();
        for (key, mut rows) in keys {
            rows.sort_by_key(|row| row.time);
            for session in rows.chunk_by(|a, b| b.time - a.time <= gap) {
                expected.push(answer(key, session[session.len() - 1].time + gap, session));
            }
        }
        expected.sort_unstable();
        prop_assert_eq!(run(by_session(gap), (2, 2), limits, &rows, usize::MAX), expected);
    }
}

/// Rows of one group, each with a value of its own.
fn values(numbers: std::ops::Range<i64>) -> Message {
    let row = |number| Row {
        key: Some(1),
        time: 0,
        value: Some(number),
        flag: true,
        under: WATERMARK_NONE,
        cut: false,
        mark: None,
    };
    Message::Batch(batch(&numbers.map(row).collect::<Vec<_>>()))
}

/// The values in the states of the first call that were sent.
fn sent(messages: Vec<Message>) -> usize {
    let lists = |batch: Batch| {
        let lists = batch.rows.column(3).as_list::<i32>().clone();
        lists.offsets().lengths().sum::<usize>()
    };
    messages.into_iter().filter_map(rows_of).map(lists).sum()
}

#[test]
fn a_partial_holds_only_so_many_distinct_values_of_few_groups() {
    let limits = Limits { distinct_max: 25_000, probe_rows: usize::MAX, ..Limits::default() };
    let mut partial =
        Chain::of(PartialAggregate::with_limits(distinct(Panes::Whole), limits).unwrap());
    let sent_of: Vec<usize> = [0, 10_000, 10_000, 20_000, 30_000]
        .map(|start| sent(partial.send(values(start..start + 10_000)).unwrap()))
        .into();
    assert_eq!(sent_of, [0, 0, 0, 30_000, 0]);
    assert_eq!(sent(partial.send(Message::End).unwrap()), 10_000);
}

#[test]
fn values_that_hardly_repeat_pass_a_partial_one_by_one() {
    let mut partial = Chain::of(PartialAggregate::new(distinct(Panes::Whole)).unwrap());
    let mut total = 0;
    for start in (0..120_000).step_by(10_000) {
        total += sent(partial.send(values(start..start + 10_000)).unwrap());
    }
    assert_eq!(total, 120_000, "judged after 100 000 rows, nothing is held from then on");
    let states = partial.send(values(0..10)).unwrap();
    assert!(matches!(&states[..], [Message::Batch(batch)] if batch.len() == 10), "{states:?}");
}

#[test]
fn distinct_rows_pass_a_partial_one_by_one_where_they_hardly_repeat() {
    let aggregate = aggregate_of(vec![2], Panes::Whole, vec![]);
    let mut partial = Chain::of(PartialAggregate::new(aggregate.clone()).unwrap());
    let mut owner = Chain::of(FinalAggregate::of_states(aggregate).unwrap());
    let mut sent = 0;
    for start in (0..120_000).step_by(10_000).chain([0]) {
        for message in partial.send(values(start..start + 10_000)).unwrap() {
            sent += rows_of(message.clone()).map_or(0, |batch| batch.len());
            assert!(owner.run(vec![message]).unwrap().is_empty());
        }
    }
    assert_eq!(sent, 130_000);
    let rows = owner.run(vec![Message::End]).unwrap();
    assert_eq!(rows.iter().map(Batch::len).sum::<usize>(), 120_000, "each once");
}
