//! Drives operators the way a runtime does, one message at a time.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, TimestampMillisecondArray,
    UInt32Array,
};
use arrow::compute;
use arrow::datatypes::{
    DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMillisecondType, UInt8Type,
};

use super::model::{Answer, Row};
use crate::error::Result;
use crate::graph::{Aggregate, AggregateCall, AggregateFunction, Panes};
use crate::message::{Batch, Message, RowWatermark};
use crate::operator::aggregate_partial::STATE_KEYS_AT;
use crate::operator::{Operator, Output, RowCounts};
use crate::state::key_group::{hash_keys, key_group, owner};
use crate::time::{EventTime, WATERMARK_NONE};
use crate::window::{Sessions, Windows};

const MILLIS: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

/// key, time, value, flag.
pub(super) fn input_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("key", DataType::Int64, true),
        Field::new("time", MILLIS, true),
        Field::new("value", DataType::Int64, true),
        Field::new("flag", DataType::Boolean, true),
    ]))
}

/// The input with the three columns of a window of type `time`.
pub(super) fn with_window(schema: &SchemaRef, time: &DataType) -> SchemaRef {
    let mut fields = schema.fields().to_vec();
    for name in ["window_start", "window_end", "window_time"] {
        fields.push(Arc::new(Field::new(name, time.clone(), false)));
    }
    Arc::new(Schema::new(fields))
}

/// Panes over the time column.
pub(super) fn by_time(windows: Windows) -> Panes {
    Panes::Time { column: 1, windows }
}

/// Sessions over the time column, with a gap in milliseconds.
pub(super) fn by_session(gap: i64) -> Panes {
    Panes::Session { column: 1, sessions: Sessions::new(gap * 1_000) }
}

/// Panes by the columns that [`with_window`] adds.
pub(super) const ATTACHED: Panes = Panes::Attached { start: 4, end: 5 };

/// count(*), sum(value) of flagged rows, min(value), max(value), by `keys`.
pub(super) fn aggregate_by(keys: Vec<usize>, panes: Panes) -> Arc<Aggregate> {
    use AggregateFunction::{CountRows, Max, Min, Sum};
    let call = |name: &str, function, args: Vec<usize>, filter| AggregateCall {
        function,
        args,
        filter,
        field: Arc::new(Field::new(name, DataType::Int64, true)),
    };
    let calls = vec![
        call("count", CountRows, vec![], None),
        call("sum", Sum, vec![2], Some(3)),
        call("min", Min, vec![2], None),
        call("max", Max, vec![2], None),
    ];
    aggregate_of(keys, panes, calls)
}

/// The aggregation of the model.
pub(super) fn aggregate(panes: Panes) -> Arc<Aggregate> {
    aggregate_by(vec![0], panes)
}

/// An aggregation of the test input.
pub(super) fn aggregate_of(
    keys: Vec<usize>,
    panes: Panes,
    calls: Vec<AggregateCall>,
) -> Arc<Aggregate> {
    let input = match panes {
        Panes::Attached { .. } => with_window(&input_schema(), &MILLIS),
        Panes::Whole | Panes::Time { .. } | Panes::Session { .. } => input_schema(),
    };
    let mut output =
        Arc::new(Schema::new(keys.iter().map(|k| input.fields()[*k].clone()).collect::<Vec<_>>()));
    if panes != Panes::Whole {
        output = with_window(&output, &MILLIS);
    }
    let mut fields = output.fields().to_vec();
    fields.extend(calls.iter().map(|call| call.field.clone()));
    let output = Arc::new(Schema::new(fields));
    Arc::new(Aggregate { input, keys, panes, lateness: 0, calls, output })
}

/// Rows as a batch of input rows; where no row lies behind its watermark, under one for all.
pub(super) fn batch(rows: &[Row]) -> Batch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.key).collect::<Int64Array>()),
        Arc::new(TimestampMillisecondArray::from_iter_values(rows.iter().map(|row| row.time))),
        Arc::new(rows.iter().map(|row| row.value).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.flag)).collect::<BooleanArray>()),
    ];
    let in_order = rows.iter().all(|row| row.time * 1_000 >= row.under);
    let lowest = rows.iter().map(|row| row.under).min().unwrap_or(WATERMARK_NONE);
    Batch {
        rows: RecordBatch::try_new(input_schema(), columns).expect("columns fit the schema"),
        under: if in_order {
            RowWatermark::Same(lowest)
        } else {
            RowWatermark::Each(rows.iter().map(|row| row.under).collect())
        },
        changes: None,
        unaccounted: true,
        letters: None,
    }
}

/// Batches and watermarks in the order in which an instance sees them, then the end.
pub(super) fn messages(rows: &[Row]) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut reached = WATERMARK_NONE;
    for rows in rows.split_inclusive(|row| row.cut) {
        messages.push(Message::Batch(batch(rows)));
        let mark = rows.last().and_then(|row| row.mark);
        if let Some(mark) = mark.filter(|mark| *mark > reached) {
            reached = mark;
            messages.push(Message::Watermark(mark));
        }
    }
    messages.push(Message::End);
    messages
}

/// A chain of operators and what they counted.
#[derive(Default)]
pub(super) struct Chain {
    pub(super) operators: Vec<Box<dyn Operator>>,
    pub(super) counts: RowCounts,
}

impl Chain {
    pub(super) fn of(operator: impl Operator + 'static) -> Self {
        Self { operators: vec![Box::new(operator)], counts: RowCounts::default() }
    }

    pub(super) fn then(mut self, operator: impl Operator + 'static) -> Self {
        self.operators.push(Box::new(operator));
        self
    }

    /// Sends one message through and returns what comes out.
    pub(super) fn send(&mut self, message: Message) -> Result<Vec<Message>> {
        let mut messages = vec![message];
        for operator in &mut self.operators {
            let mut out = Output::default();
            for message in messages {
                let mut passed_on = None;
                match message {
                    Message::Batch(batch) => operator.batch(batch, &mut out)?,
                    Message::Watermark(time) => operator.watermark(time, &mut out)?,
                    Message::Barrier(_) => {
                        operator.before_barrier(&mut out)?;
                        passed_on = Some(message);
                    }
                    Message::End => {
                        operator.end(&mut out)?;
                        passed_on = Some(message);
                    }
                }
                while operator.resume(&mut out)? {}
                out.messages.extend(passed_on);
            }
            self.counts.add(&out.counts);
            messages = out.messages.into();
        }
        Ok(messages)
    }

    /// Sends messages through and returns the batches that come out.
    pub(super) fn run(&mut self, messages: Vec<Message>) -> Result<Vec<Batch>> {
        let mut results = Vec::new();
        for message in messages {
            results.extend(self.send(message)?.into_iter().filter_map(rows_of));
        }
        Ok(results)
    }
}

/// The rows of a message.
pub(super) fn rows_of(message: Message) -> Option<Batch> {
    match message {
        Message::Batch(batch) => Some(batch),
        _ => None,
    }
}

/// Producers that share an input, an exchange by key, and the owners of the keys.
pub(super) struct Exchange {
    pub(super) producers: Vec<Chain>,
    pub(super) owners: Vec<Chain>,
    /// The watermark each producer has sent.
    reached: Vec<EventTime>,
    next: usize,
}

impl Exchange {
    /// States of partial aggregates with one key.
    pub(super) fn of_states(producers: Vec<Chain>, owners: Vec<Chain>) -> Self {
        let reached = vec![WATERMARK_NONE; producers.len()];
        Self { producers, owners, reached, next: 0 }
    }

    /// Rows go to the producers in turn, everything else to all of them.
    pub(super) fn send(&mut self, message: &Message) -> Result<Vec<Batch>> {
        let mut results = Vec::new();
        let all = 0..self.producers.len();
        let receivers = match message {
            Message::Batch(_) => {
                self.next = (self.next + 1) % self.producers.len();
                self.next..self.next + 1
            }
            _ => all,
        };
        for producer in receivers {
            for sent in self.producers[producer].send(message.clone())? {
                results.extend(self.deliver(producer, &sent)?);
            }
        }
        if let Message::End = message {
            for owner in &mut self.owners {
                results.extend(owner.run(vec![Message::End])?);
            }
        }
        Ok(results)
    }

    fn deliver(&mut self, producer: usize, message: &Message) -> Result<Vec<Batch>> {
        let mut results = Vec::new();
        match message {
            Message::Batch(_) => results = deal(&mut self.owners, message, STATE_KEYS_AT)?,
            Message::Watermark(time) => {
                let before = self.reached.iter().copied().min();
                self.reached[producer] = *time;
                let after = self.reached.iter().copied().min();
                if after > before {
                    for owner in &mut self.owners {
                        let time = after.expect("there are producers");
                        results.extend(owner.run(vec![Message::Watermark(time)])?);
                    }
                }
            }
            Message::Barrier(_) | Message::End => {}
        }
        Ok(results)
    }
}

/// Sends rows to the owners of their key, column `key`, and everything else to all owners.
pub(super) fn deal(owners: &mut [Chain], message: &Message, key: usize) -> Result<Vec<Batch>> {
    let instances = owners.len();
    let mut results = Vec::new();
    for (index, owner) in owners.iter_mut().enumerate() {
        let message = match message {
            Message::Batch(batch) => {
                let mut hashes = Vec::new();
                hash_keys(&batch.rows.columns()[key..=key], batch.len(), &mut hashes)?;
                let groups = hashes.iter().map(|hash| key_group(*hash));
                Message::Batch(batch.take(&rows_of_owner(groups, index, instances))?)
            }
            other => other.clone(),
        };
        results.extend(owner.run(vec![message])?);
    }
    Ok(results)
}

/// Freezes the owners' states and deals them out to `owners`, by key group.
pub(super) fn hand_over(from: &mut [Chain], owners: &mut [Chain]) -> Result<()> {
    let instances = owners.len();
    for chain in from {
        let [operator] = &mut chain.operators[..] else { panic!("one operator per owner") };
        let frozen = operator.freeze()?.expect("aggregates have state");
        for (index, owner) in owners.iter_mut().enumerate() {
            let groups = frozen.column(0).as_primitive::<UInt8Type>().values();
            let owned = rows_of_owner(groups.iter().copied(), index, instances);
            let rows = compute::take_record_batch(&frozen, &owned)?;
            owner.operators[0].restore(&rows)?;
        }
    }
    Ok(())
}

fn rows_of_owner(
    key_groups: impl Iterator<Item = u8>,
    index: usize,
    instances: usize,
) -> UInt32Array {
    let rows = (0..).zip(key_groups).filter(|(_, group)| owner(*group, instances) == index);
    rows.map(|(row, _): (u32, u8)| row).collect()
}

/// Result rows of the model's aggregation, sorted.
pub(super) fn answers(batches: &[Batch]) -> Vec<Answer> {
    let mut answers: Vec<Answer> =
        batches.iter().flat_map(|batch| answers_of(&batch.rows)).collect();
    answers.sort_unstable();
    answers
}

/// Result rows of the model's aggregation, as they stand.
pub(super) fn answers_of(rows: &RecordBatch) -> Vec<Answer> {
    let windows = rows.num_columns() > 5;
    let calls = if windows { 4 } else { 1 };
    let integer = |column: usize, row: usize| {
        let column = rows.column(column).as_primitive::<Int64Type>();
        column.is_valid(row).then(|| column.value(row))
    };
    let time = |column: usize, row: usize| {
        rows.column(column).as_primitive::<TimestampMillisecondType>().value(row)
    };
    (0..rows.num_rows())
        .map(|row| {
            let window = windows.then(|| [1, 2, 3].map(|column| time(column, row)));
            let count = integer(calls, row).expect("a count is a number");
            let value = |call: usize| integer(calls + call, row);
            (integer(0, row), window, count, value(1), value(2), value(3))
        })
        .collect()
}

/// A count of rows by `panes` over one column, times of this unit.
pub(super) fn count_by(unit: TimeUnit, panes: Panes) -> Arc<Aggregate> {
    let time = DataType::Timestamp(unit, None);
    let input = Arc::new(Schema::new(vec![Field::new("time", time.clone(), true)]));
    let field = Arc::new(Field::new("count", DataType::Int64, false));
    let mut fields = with_window(&Arc::new(Schema::empty()), &time).fields().to_vec();
    fields.push(field.clone());
    let function = AggregateFunction::CountRows;
    Arc::new(Aggregate {
        input,
        keys: vec![],
        panes,
        lateness: 0,
        calls: vec![AggregateCall { function, args: vec![], filter: None, field }],
        output: Arc::new(Schema::new(fields)),
    })
}
