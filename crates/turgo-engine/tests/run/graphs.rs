//! Graphs built by hand.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion_common::ScalarValue;
use datafusion_expr_common::operator::Operator;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::{BinaryExpr, CastExpr, Column as At, Literal};
use turgo_engine::graph::{
    Aggregate, AggregateCall, AggregateFunction, Column, Distribution, EventTimeSpec, Every, Input,
    Instances, OnError, OperatorSpec, Output, Panes, Scan, Stage, TaskGraph,
};
use turgo_engine::io::{Sink, Source};
use turgo_engine::operator::aggregate_partial::{STATE_KEYS_AT, state_schema};
use turgo_engine::window::Windows;

use crate::table::{MILLIS, schema};

pub(crate) fn at(name: &str, index: usize) -> Arc<dyn PhysicalExpr> {
    Arc::new(At::new(name, index))
}

/// `value % 2 = 0`.
pub(crate) fn even() -> Arc<dyn PhysicalExpr> {
    let number = |number| Arc::new(Literal::new(ScalarValue::Int64(Some(number))));
    let rest = BinaryExpr::new(at("value", 2), Operator::Modulo, number(2));
    Arc::new(BinaryExpr::new(Arc::new(rest), Operator::Eq, number(0)))
}

/// `value` as a small integer: an error where it does not fit.
pub(crate) fn narrowed() -> Column {
    let expr = Arc::new(CastExpr::new(at("value", 2), DataType::Int8, None));
    Column { expr, field: Arc::new(Field::new("narrow", DataType::Int8, true)) }
}

/// A scan of a table in the form of [`schema`], with its event time.
pub(crate) fn scan(source: impl Source + 'static) -> Scan {
    let column = |(index, field): (usize, &Arc<Field>)| Column {
        expr: at(field.name(), index),
        field: Arc::clone(field),
    };
    Scan {
        table: "t".into(),
        source: Arc::new(source),
        projection: vec![0, 1, 2, 3],
        columns: schema().fields().iter().enumerate().map(column).collect(),
        event_time: Some(EventTimeSpec { column: 1, watermark: Some(at("mark", 3)), lateness: 0 }),
        on_error: OnError::Fail,
        drift_max: 10_000_000,
        letters: None,
        flush_at_end: true,
        places: None,
    }
}

/// count(*) and sum(value) by key.
pub(crate) fn aggregate(panes: Panes) -> Arc<Aggregate> {
    let call = |name: &str, function, args: Vec<usize>| AggregateCall {
        function,
        args,
        filter: None,
        field: Arc::new(Field::new(name, DataType::Int64, true)),
    };
    let calls = vec![
        call("count", AggregateFunction::CountRows, vec![]),
        call("sum", AggregateFunction::Sum, vec![2]),
    ];
    aggregate_of(panes, calls)
}

/// The distinct keys.
pub(crate) fn distinct() -> Arc<Aggregate> {
    aggregate_of(Panes::Whole, vec![])
}

fn aggregate_of(panes: Panes, calls: Vec<AggregateCall>) -> Arc<Aggregate> {
    let mut fields = vec![Arc::clone(&schema().fields()[0])];
    if panes != Panes::Whole {
        let window = |name: &str| Arc::new(Field::new(name, MILLIS, false));
        fields.extend(["window_start", "window_end", "window_time"].map(window));
    }
    fields.extend(calls.iter().map(|call| Arc::clone(&call.field)));
    let output = Arc::new(Schema::new(fields));
    Arc::new(Aggregate { input: schema(), keys: vec![0], panes, lateness: 0, calls, output })
}

/// Panes of windows of `size` every `slide` seconds over the time column.
pub(crate) fn panes(size: i64, slide: i64) -> Panes {
    Panes::Time { column: 1, windows: Windows::hop(size * 1_000_000, slide * 1_000_000) }
}

fn stage(input: Input, operators: Vec<OperatorSpec>, output: Output, schema: SchemaRef) -> Stage {
    Stage { instances: Instances::Workers, input, operators, output, schema }
}

fn shown(sink: &(impl Sink + Clone + 'static), changes: bool) -> Output {
    Output::Sink { sink: Arc::new(sink.clone()), changes }
}

/// Rows of a scan through operators that keep the columns, into a sink.
pub(crate) fn rows(
    scan: Scan,
    operators: Vec<OperatorSpec>,
    sink: &(impl Sink + Clone + 'static),
) -> TaskGraph {
    let output = shown(sink, false);
    TaskGraph { stages: vec![stage(Input::Source(scan), operators, output, schema())] }
}

/// Partial aggregates of several scans, an exchange of states, and their owners.
pub(crate) fn by_states(
    scans: Vec<Scan>,
    before: &[OperatorSpec],
    aggregate: &Arc<Aggregate>,
    sink: &(impl Sink + Clone + 'static),
) -> TaskGraph {
    let owners = scans.len();
    let mut stages: Vec<Stage> = scans
        .into_iter()
        .map(|scan| {
            let mut operators = before.to_vec();
            operators.push(OperatorSpec::PartialAggregate(Arc::clone(aggregate)));
            let distribution = Distribution::Hash { keys: vec![STATE_KEYS_AT] };
            let output = Output::Exchange { to: owners, distribution };
            stage(Input::Source(scan), operators, output, state_schema(aggregate).unwrap())
        })
        .collect();
    let last = vec![OperatorSpec::FinalAggregate(Arc::clone(aggregate))];
    let output = shown(sink, false);
    stages.push(stage(Input::Exchange, last, output, Arc::clone(&aggregate.output)));
    TaskGraph { stages }
}

/// An exchange of rows by key, and the owners of the keys.
pub(crate) fn by_rows(
    scan: Scan,
    owner: OperatorSpec,
    output: SchemaRef,
    sink: &(impl Sink + Clone + 'static),
) -> TaskGraph {
    let changes = matches!(owner, OperatorSpec::ChangesAggregate { .. });
    let distribution = Distribution::Hash { keys: vec![0] };
    let first =
        stage(Input::Source(scan), vec![], Output::Exchange { to: 1, distribution }, schema());
    let second = stage(Input::Exchange, vec![owner], shown(sink, changes), output);
    TaskGraph { stages: vec![first, second] }
}

/// `EMIT CHANGES` of an aggregate over everything.
pub(crate) fn changes(
    scan: Scan,
    aggregate: &Arc<Aggregate>,
    before: bool,
    sink: &(impl Sink + Clone + 'static),
) -> TaskGraph {
    changes_every(scan, aggregate, (before, None), sink)
}

/// The same, where changes may be held back.
pub(crate) fn changes_every(
    scan: Scan,
    aggregate: &Arc<Aggregate>,
    (before, every): (bool, Option<Every>),
    sink: &(impl Sink + Clone + 'static),
) -> TaskGraph {
    let aggregate = Arc::clone(aggregate);
    let output = Arc::clone(&aggregate.output);
    let owner = OperatorSpec::ChangesAggregate { aggregate, before, every };
    by_rows(scan, owner, output, sink)
}

/// `graph` where all tables allow so many seconds of lateness.
pub(crate) fn allowing(mut graph: TaskGraph, lateness: i64) -> TaskGraph {
    let lateness = lateness * 1_000_000;
    for stage in &mut graph.stages {
        if let Input::Source(Scan { event_time: Some(time), .. }) = &mut stage.input {
            time.lateness = lateness;
        }
        for operator in &mut stage.operators {
            if let OperatorSpec::PartialAggregate(aggregate)
            | OperatorSpec::FinalAggregate(aggregate) = operator
            {
                Arc::make_mut(aggregate).lateness = lateness;
            }
        }
        if let Output::Sink { changes, .. } = &mut stage.output {
            *changes = true;
        }
    }
    graph
}
