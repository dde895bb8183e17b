//! `OVER` against a model that keeps every row and adds up each frame anew.

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, TimestampMillisecondArray,
    UInt64Array,
};
use arrow::datatypes::{
    DataType, Field, FieldRef, Float64Type, Int64Type, Schema, SchemaRef, UInt64Type,
};
use proptest::prelude::*;

use super::drive::{Chain, deal, hand_over, input_schema, messages, rows_of};
use super::model::{Row, any_rows};
use crate::graph::{AggregateFunction, Over, OverCall, OverFunction, PLACES};
use crate::message::{Batch, Message, RowWatermark};
use crate::operator::Operator;
use crate::operator::RowCounts;
use crate::operator::over::OverRows;
use crate::time::WATERMARK_NONE;

/// The test input with its places.
fn schema() -> SchemaRef {
    let places = PLACES.map(|name| Arc::new(Field::new(name, DataType::UInt64, false)));
    Arc::new(Schema::new(
        input_schema().fields().iter().cloned().chain(places).collect::<Vec<FieldRef>>(),
    ))
}

fn call(function: OverFunction, args: &[usize], rows: usize, result: DataType) -> OverCall {
    OverCall {
        function,
        args: args.to_vec(),
        filter: None,
        rows: NonZeroUsize::new(rows),
        field: Arc::new(Field::new("value", result, true)),
    }
}

/// Functions over the last `rows` rows of a key.
fn over(keys: &[usize], calls: Vec<OverCall>) -> Arc<Over> {
    let mut fields: Vec<FieldRef> = schema().fields().iter().cloned().collect();
    fields.extend(calls.iter().map(|call| Arc::clone(&call.field)));
    let (keys, output) = (keys.to_vec(), Arc::new(Schema::new(fields)));
    Arc::new(Over { input: schema(), keys, time: 1, places: [4, 5], calls, output })
}

/// All functions, the sum only of flagged rows, the last count of all rows so far.
fn calls(rows: usize) -> Vec<OverCall> {
    use AggregateFunction::{Avg, Count, CountRows, Max, Min, Sum};
    use OverFunction::{Aggregate, First, Lag};
    let integer = |function, args: &[usize], rows| call(function, args, rows, DataType::Int64);
    let mut calls = vec![
        integer(Aggregate(CountRows), &[], rows),
        integer(Aggregate(Count), &[2], rows),
        integer(Aggregate(Sum), &[2], rows),
        integer(Aggregate(Min), &[2], rows),
        integer(Aggregate(Max), &[2], rows),
        integer(First, &[2], rows),
        integer(Lag, &[2], rows),
        integer(Aggregate(Sum), &[2], 0),
        call(Aggregate(Avg), &[2], rows, DataType::Float64),
    ];
    calls[2].filter = Some(3);
    calls
}

/// What leaves for row number `.0`: the integers, and the average.
type Answer = (u64, [Option<i64>; 8], Option<f64>);

/// The answers of the model, by row, and how many rows are late.
fn model(rows: &[Row], by_key: bool, frame: usize) -> (Vec<Answer>, u64) {
    let on_time = |row: &&(usize, &Row)| row.1.time * 1_000 >= row.1.under;
    let all: Vec<(usize, &Row)> = rows.iter().enumerate().collect();
    let mut kept: Vec<_> = all.iter().filter(on_time).copied().collect();
    let late = (all.len() - kept.len()) as u64;
    kept.sort_by_key(|(at, row)| (row.time, *at));
    let answer = |(end, (at, row)): (usize, &(usize, &Row))| {
        let same = |other: &&Row| !by_key || other.key == row.key;
        let sofar: Vec<&Row> = kept[..=end].iter().map(|(_, row)| *row).filter(same).collect();
        let last = &sofar[sofar.len().saturating_sub(frame)..];
        let values: Vec<i64> = last.iter().filter_map(|row| row.value).collect();
        let sum = |rows: &[&Row], of: fn(&Row) -> bool| {
            let values: Vec<_> =
                rows.iter().filter(|row| of(row)).filter_map(|row| row.value).collect();
            (!values.is_empty()).then(|| values.iter().sum::<i64>())
        };
        let average =
            (!values.is_empty()).then(|| values.iter().sum::<i64>() as f64 / values.len() as f64);
        let integers = [
            Some(last.len() as i64),
            Some(values.len() as i64),
            sum(last, |row| row.flag),
            values.iter().min().copied(),
            values.iter().max().copied(),
            last[0].value,
            if sofar.len() < frame { None } else { last[0].value },
            sum(&sofar, |_| true),
        ];
        (*at as u64, integers, average)
    };
    let mut answers: Vec<Answer> = kept.iter().enumerate().map(answer).collect();
    answers.sort_by_key(|answer| answer.0);
    (answers, late)
}

/// The messages of the test input with places: rows are of partition 0, at their number.
fn placed(rows: &[Row]) -> Vec<Message> {
    let mut next = 0;
    let place = |message| match message {
        Message::Batch(batch) => {
            let first = next;
            next += batch.len() as u64;
            let mut columns = batch.rows.columns().to_vec();
            columns.push(Arc::new(UInt64Array::from_value(0, batch.len())));
            columns.push(Arc::new(UInt64Array::from_iter_values(first..next)));
            let rows = RecordBatch::try_new(schema(), columns).unwrap();
            Message::Batch(Batch { rows, ..batch })
        }
        other => other,
    };
    messages(rows).into_iter().map(place).collect()
}

/// The batches between two watermarks in another order: producers are not in step.
fn out_of_step(messages: Vec<Message>, turn: usize) -> Vec<Message> {
    let mut mixed = Vec::with_capacity(messages.len());
    let mut batches: Vec<Message> = Vec::new();
    for message in messages {
        if let Message::Batch(_) = message {
            batches.push(message);
            continue;
        }
        if !batches.is_empty() {
            let middle = turn % batches.len();
            batches.rotate_left(middle);
            batches[middle..].reverse();
        }
        mixed.append(&mut batches);
        mixed.push(message);
    }
    mixed
}

fn answers(batches: &[Batch]) -> Vec<Answer> {
    let mut answers = Vec::new();
    for batch in batches {
        let integer = |column: usize, row: usize| {
            let column = batch.rows.column(column).as_primitive::<Int64Type>();
            column.is_valid(row).then(|| column.value(row))
        };
        let places = batch.rows.column(5).as_primitive::<UInt64Type>();
        let averages = batch.rows.column(14).as_primitive::<Float64Type>();
        answers.extend((0..batch.len()).map(|row| {
            let average = averages.is_valid(row).then(|| averages.value(row));
            let integers = std::array::from_fn(|call| integer(6 + call, row));
            (places.value(row), integers, average)
        }));
    }
    answers.sort_by_key(|answer| answer.0);
    answers
}

fn owners(over: &Arc<Over>, count: usize) -> Vec<Chain> {
    (0..count).map(|_| Chain::of(OverRows::new(Arc::clone(over)).unwrap())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_row_sees_the_last_rows_of_its_key_whatever_the_order_of_arrival(
        rows in any_rows(),
        by_key in any::<bool>(),
        frame in 1..8_usize,
        turn in 0..9_usize,
    ) {
        let over = over(if by_key { &[0] } else { &[] }, calls(frame));
        let mut chain = Chain::of(OverRows::new(over).unwrap());
        let results = chain.run(out_of_step(placed(&rows), turn)).unwrap();
        let (expected, late) = model(&rows, by_key, frame);
        prop_assert_eq!(answers(&results), expected);
        let used = rows.len() as u64 - late;
        prop_assert_eq!(chain.counts, RowCounts { used, late, ..RowCounts::default() });
    }

    #[test]
    fn waiting_rows_and_frames_go_to_other_instances(
        rows in any_rows(),
        frame in 1..8_usize,
        before in 1..4_usize,
        after in 1..5_usize,
        at in any::<prop::sample::Index>(),
    ) {
        let over = over(&[0], calls(frame));
        let messages = placed(&rows);
        let (first, second) = messages.split_at(at.index(messages.len()));
        let (mut here, mut there) = (owners(&over, before), owners(&over, after));
        let mut results = Vec::new();
        for message in first {
            results.extend(deal(&mut here, message, 0).unwrap());
        }
        let twice = [(); 2].map(|()| here[0].operators[0].freeze().unwrap().unwrap());
        prop_assert_eq!(&twice[0], &twice[1]);
        hand_over(&mut here, &mut there).unwrap();
        for message in second {
            results.extend(deal(&mut there, message, 0).unwrap());
        }
        prop_assert_eq!(answers(&results), model(&rows, true, frame).0);
    }
}

/// One row for each time and place, all of one key.
fn rows(times: &[(i64, u64, u64)]) -> Batch {
    let count = times.len();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_value(7, count)),
        Arc::new(TimestampMillisecondArray::from_iter_values(times.iter().map(|t| t.0))),
        Arc::new(times.iter().map(|t| Some(t.2 as i64)).collect::<Int64Array>()),
        arrow::array::new_null_array(&DataType::Boolean, count),
        Arc::new(times.iter().map(|t| Some(t.1)).collect::<UInt64Array>()),
        Arc::new(times.iter().map(|t| Some(t.2)).collect::<UInt64Array>()),
    ];
    Batch {
        rows: RecordBatch::try_new(schema(), columns).unwrap(),
        under: RowWatermark::Same(WATERMARK_NONE),
        changes: None,
        letters: None,
        unaccounted: true,
    }
}

fn lag(rows: usize) -> Arc<Over> {
    over(&[0], vec![call(OverFunction::Lag, &[2], rows, DataType::Int64)])
}

#[test]
fn rows_of_one_time_stand_by_partition_and_position() {
    let mut chain = Chain::of(OverRows::new(lag(2)).unwrap());
    let batches =
        [rows(&[(5, 1, 3), (5, 1, 4)]), rows(&[(5, 0, 9)]), rows(&[(4, 2, 1), (5, 0, 8)])];
    let messages = batches.into_iter().map(Message::Batch).chain([Message::End]).collect();
    let results = chain.run(messages).unwrap();
    let column = |at: usize| results[0].rows.column(at).as_primitive::<Int64Type>().clone();
    assert_eq!(column(2), Int64Array::from(vec![1, 8, 9, 3, 4]));
    assert_eq!(column(6), Int64Array::from(vec![None, Some(1), Some(8), Some(9), Some(3)]));
}

#[test]
fn a_row_waits_for_the_watermark_to_pass_its_time_and_no_longer() {
    let mut chain = Chain::of(OverRows::new(lag(2)).unwrap());
    assert!(chain.send(Message::Batch(rows(&[(5, 0, 1), (6, 0, 2)]))).unwrap().is_empty());
    let sent = chain.send(Message::Watermark(5_000)).unwrap();
    assert!(matches!(sent[..], [Message::Watermark(5_000)]), "a row at 5 may still come");
    let sent = chain.send(Message::Watermark(5_001)).unwrap();
    assert!(matches!(sent[..], [Message::Batch(_), Message::Watermark(5_001)]));
    let batch = rows_of(sent.into_iter().next().unwrap()).unwrap();
    assert_eq!((batch.len(), batch.under.at(0), batch.unaccounted), (1, 5_000, false));
    assert_eq!(chain.run(vec![Message::End]).unwrap()[0].len(), 1);
}

#[test]
fn long_results_leave_in_parts() {
    let mut chain = Chain::of(OverRows::new(lag(1)).unwrap());
    let times: Vec<_> = (0..20_000).map(|at| (at, 0, at as u64)).collect();
    let results = chain.run(vec![Message::Batch(rows(&times)), Message::End]).unwrap();
    let lengths: Vec<usize> = results.iter().map(Batch::len).collect();
    assert_eq!(lengths, [8_192, 8_192, 3_616]);
}

/// The sums of the last two of `values`.
fn sums(values: &[f64]) -> Vec<f64> {
    let count = values.len();
    let mut fields = schema().fields().to_vec();
    fields[2] = Arc::new(Field::new("value", DataType::Float64, true));
    let input = Arc::new(Schema::new(fields.clone()));
    let sum = OverFunction::Aggregate(AggregateFunction::Sum);
    let calls = vec![call(sum, &[2], 2, DataType::Float64)];
    fields.push(Arc::clone(&calls[0].field));
    let output = Arc::new(Schema::new(fields));
    let (keys, places) = (vec![0], [4, 5]);
    let spec = Over { input: Arc::clone(&input), keys, time: 1, places, calls, output };
    let times: Vec<_> = (0..count as i64).map(|at| (at, 0, at as u64)).collect();
    let batch = rows(&times);
    let mut columns = batch.rows.columns().to_vec();
    columns[2] = Arc::new(Float64Array::from(values.to_vec()));
    let batch = Batch { rows: RecordBatch::try_new(input, columns).unwrap(), ..batch };
    let mut chain = Chain::of(OverRows::new(Arc::new(spec)).unwrap());
    let results = chain.run(vec![Message::Batch(batch), Message::End]).unwrap();
    results[0].rows.column(6).as_primitive::<Float64Type>().values().to_vec()
}

#[test]
fn what_a_float_does_to_a_sum_leaves_with_it() {
    assert_eq!(sums(&[1e300, 1.0, 2.0, 3.0]), [1e300, 1e300, 3.0, 5.0]);
    let infinite = f64::INFINITY;
    assert_eq!(sums(&[infinite, 1.0, 2.0, -3.0]), [infinite, infinite, 3.0, -1.0]);
}

#[test]
fn the_state_of_another_query_is_refused() {
    let mut one = OverRows::new(lag(2)).unwrap();
    let frozen = one.freeze().unwrap().unwrap();
    let mut other = OverRows::new(over(&[0], calls(2))).unwrap();
    let error = other.restore(&frozen).unwrap_err();
    assert!(error.to_string().contains("not that of this OVER"), "{error}");
    one.restore(&frozen).unwrap();
}
