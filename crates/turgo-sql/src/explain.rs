//! A planned query as text and as JSON: its logical plan, its stages, and why rows travel as they
//! do.

mod dot;

use std::fmt::{self, Write as _};
use std::sync::Arc;

use datafusion_physical_expr::PhysicalExpr;
use serde_json::{Value, json};
use turgo_engine::graph::{
    Aggregate, Column, Distribution, EventTimeSpec, Every, Input, Instances, OnError, OperatorSpec,
    Output, Over, OverCall, Panes, Scan, Stage, TaskGraph,
};
use turgo_engine::types::sql_type;

use crate::exact::operators_of;
use crate::plan::window::{show, show_sessions, span};
use crate::session::Planned;

/// How a plan is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExplainFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// The task graph alone, for Graphviz.
    Dot,
}

/// Shows `planned`.
pub(crate) fn explain(planned: &Planned, format: ExplainFormat) -> String {
    match format {
        ExplainFormat::Text => text(planned),
        ExplainFormat::Json => json(planned).to_string(),
        ExplainFormat::Dot => dot::dot(&planned.graph),
    }
}

fn text(planned: &Planned) -> String {
    let mut out = String::from("Logical plan\n");
    for line in planned.logical.lines() {
        let _ = writeln!(out, "  {line}");
    }
    out.push_str("\nTask graph\n");
    for (index, stage) in planned.graph.stages.iter().enumerate() {
        let _ = writeln!(out, "  stage {index}: {}", instances(stage));
        if let Input::Source(source) = &stage.input {
            let _ = writeln!(out, "    {}", scan(source));
        }
        for operator in &stage.operators {
            let _ = writeln!(out, "    {}", self::operator(operator));
        }
        let _ = writeln!(out, "    -> {}", output(&planned.graph, stage));
    }
    for warning in &planned.warnings {
        let _ = writeln!(out, "\nwarning: {warning}");
    }
    out
}

fn json(planned: &Planned) -> Value {
    let stages = planned.graph.stages.iter().map(|stage| {
        let source = match &stage.input {
            Input::Source(source) => json!({
                "table": source.table,
                "source": source.source.describe(),
                "columns": names(&source.columns),
                "dead_letters": source.letters.as_ref().map(|letters| &letters.name),
                "text": scan(source),
            }),
            Input::Exchange => Value::Null,
        };
        json!({
            "instances": match stage.instances { Instances::Workers => "workers", Instances::One => "one" },
            "source": source,
            "operators": stage.operators.iter().map(operator).collect::<Vec<_>>(),
            "output": json_output(&planned.graph, stage),
            "columns": stage.schema.fields().iter().map(|field| json!({
                "name": field.name(),
                "type": sql_type(field.data_type()),
            })).collect::<Vec<_>>(),
        })
    });
    json!({
        "logical": planned.logical,
        "stages": stages.collect::<Vec<_>>(),
        "changes": planned.changes,
        "warnings": planned.warnings,
    })
}

fn json_output(graph: &TaskGraph, stage: &Stage) -> Value {
    match &stage.output {
        Output::Exchange { to, distribution } => json!({
            "to": to,
            "distribution": match distribution {
                Distribution::Forward => "forward",
                Distribution::Hash { .. } => "hash",
                Distribution::One => "one",
            },
            "keys": match distribution {
                Distribution::Hash { keys } => {
                    keys.iter().map(|key| stage.schema.field(*key).name()).collect()
                }
                _ => Vec::new(),
            },
            "why": why(graph, *to, distribution),
        }),
        Output::Sink { sink, changes } => json!({ "sink": sink.describe(), "changes": changes }),
    }
}

fn instances(stage: &Stage) -> &'static str {
    match stage.instances {
        Instances::Workers => "one instance per worker",
        Instances::One => "one instance",
    }
}

fn scan(scan: &Scan) -> String {
    let mut said = format!(
        "scan {}, {}: {}",
        scan.table,
        scan.source.describe(),
        names(&scan.columns).join(", ")
    );
    if let Some(time) = &scan.event_time {
        let column = scan.columns[time.column].field.name();
        let _ = write!(said, "; event time {column}, watermark {}", watermark(time));
        if time.lateness > 0 {
            let _ = write!(said, ", allowed lateness {}", span(time.lateness));
        }
    }
    match &scan.letters {
        Some(letters) if letters.bad => {
            let _ = write!(said, "; bad records are kept in {}", letters.name);
        }
        _ if scan.on_error == OnError::Skip => said.push_str("; bad records are skipped"),
        _ => {}
    }
    if let Some(letters) = scan.letters.as_ref().filter(|letters| letters.late) {
        let _ = write!(said, "; late rows are kept in {}", letters.name);
    }
    if !scan.flush_at_end {
        said.push_str("; windows that are open at its end stay unsaid");
    }
    said
}

fn names(columns: &[Column]) -> Vec<String> {
    columns.iter().map(|column| column.field.name().clone()).collect()
}

fn operator(operator: &OperatorSpec) -> String {
    match operator {
        OperatorSpec::Filter(condition) => format!("filter {}", sql(condition)),
        OperatorSpec::Project(columns) => {
            let column = |column: &Column| {
                let (expr, name) = (sql(&column.expr), column.field.name());
                if expr == *name { expr } else { format!("{expr} AS {name}") }
            };
            format!("project {}", columns.iter().map(column).collect::<Vec<_>>().join(", "))
        }
        OperatorSpec::AssignWindows { time, windows, drop_late, schema } => format!(
            "assign windows: {} of {}{}",
            show(windows),
            schema.field(*time).name(),
            if *drop_late { ", without late rows" } else { "" }
        ),
        OperatorSpec::PartialAggregate(aggregate) => {
            format!("partial aggregate {}", self::aggregate(aggregate))
        }
        OperatorSpec::FinalAggregate(aggregate) => {
            format!("final aggregate {}", self::aggregate(aggregate))
        }
        OperatorSpec::RowAggregate(aggregate) => {
            format!("row aggregate {}", self::aggregate(aggregate))
        }
        OperatorSpec::ChangesAggregate { aggregate, before, every } => format!(
            "changes aggregate {}{}{}",
            self::aggregate(aggregate),
            if *before { ", with old versions" } else { "" },
            match every {
                None => String::new(),
                Some(Every::Rows(rows)) if rows.get() == 1 => ", every row".to_owned(),
                Some(Every::Rows(rows)) => format!(", every {rows} rows"),
                Some(Every::Time(interval)) => {
                    let micros = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX);
                    format!(", every {}", span(micros))
                }
            }
        ),
        OperatorSpec::DropUpdateBefore => "drop old versions".into(),
        OperatorSpec::Over(over) => self::over(over),
    }
}

fn over(over: &Over) -> String {
    let name = |column: &usize| over.input.field(*column).name().as_str();
    let names = |columns: &[usize]| columns.iter().map(name).collect::<Vec<_>>().join(", ");
    let call = |call: &OverCall| {
        let filter = call.filter.map(|filter| format!(" where {}", name(&filter)));
        let rows = call.rows.map_or("all rows so far".to_owned(), |rows| match rows.get() {
            1 => "1 row".to_owned(),
            rows => format!("{rows} rows"),
        });
        let filter = filter.unwrap_or_default();
        format!("{}({}){filter} of {rows}", call.function, names(&call.args))
    };
    let calls = over.calls.iter().map(call).collect::<Vec<_>>().join(", ");
    let by =
        if over.keys.is_empty() { String::new() } else { format!(" by {}", names(&over.keys)) };
    format!("over [{calls}]{by} in order of {}", name(&over.time))
}

fn aggregate(aggregate: &Aggregate) -> String {
    let name = |column: &usize| aggregate.input.field(*column).name().clone();
    let names = |columns: &[usize]| columns.iter().map(name).collect::<Vec<_>>().join(", ");
    let calls: Vec<_> = aggregate
        .calls
        .iter()
        .map(|call| {
            let filter = call.filter.map(|filter| format!(" where {}", name(&filter)));
            format!("{}({}){}", call.function, names(&call.args), filter.unwrap_or_default())
        })
        .collect();
    let mut said = format!("[{}]", calls.join(", "));
    if !aggregate.keys.is_empty() {
        let _ = write!(said, " by {}", names(&aggregate.keys));
    }
    match &aggregate.panes {
        Panes::Whole => {}
        Panes::Time { column, windows } => {
            let _ = write!(said, " in {} of {}", show(windows), name(column));
        }
        Panes::Session { column, sessions } => {
            let _ = write!(said, " in {} of {}", show_sessions(sessions), name(column));
        }
        Panes::Attached { start, end } => {
            let _ = write!(said, " in the window {} to {}", name(start), name(end));
        }
    }
    if aggregate.lateness > 0 {
        let _ = write!(said, ", up to {} late", span(aggregate.lateness));
    }
    said
}

fn output(graph: &TaskGraph, stage: &Stage) -> String {
    match &stage.output {
        Output::Exchange { to, distribution } => {
            let how = self::distribution(stage, distribution);
            format!("stage {to}, {how}: {}", why(graph, *to, distribution))
        }
        Output::Sink { sink, changes } => {
            format!("{}{}", sink.describe(), if *changes { ", as a changelog" } else { "" })
        }
    }
}

fn distribution(stage: &Stage, distribution: &Distribution) -> String {
    match distribution {
        Distribution::Forward => "forward".to_owned(),
        Distribution::One => "to its one instance".to_owned(),
        Distribution::Hash { keys } => {
            let keys: Vec<_> =
                keys.iter().map(|key| stage.schema.field(*key).name().as_str()).collect();
            format!("by hash of {}", keys.join(", "))
        }
    }
}

/// Why rows travel as they do: the first operator of the next stage says it.
fn why(graph: &TaskGraph, to: usize, distribution: &Distribution) -> &'static str {
    match (graph.stages[to].operators.first(), distribution) {
        (_, Distribution::Forward) => "the rows of a union stay where they are",
        (Some(OperatorSpec::FinalAggregate(aggregate)), distribution) => {
            // A single worker that shows each group once makes no states of its rows.
            match (distribution, aggregate.lateness) {
                (Distribution::One, 0) => {
                    "partial states (one worker: rows), merged in one place for there is no key"
                }
                (Distribution::One, _) => "partial states, merged in one place for there is no key",
                (_, 0) => "partial states (one worker: rows), merged by the owner of their key",
                (_, _) => "partial states, merged by the owner of their key",
            }
        }
        (Some(OperatorSpec::ChangesAggregate { .. }), Distribution::One) => {
            "rows, since each one changes a result; in one place for there is no key"
        }
        (Some(OperatorSpec::ChangesAggregate { .. }), _) => {
            "rows, since each one changes a result of the owner of its key"
        }
        (_, Distribution::One) => {
            "rows, since a function depends on their order; in one place for there is no key"
        }
        _ => "rows, since a function depends on their order; to the owner of their key",
    }
}

/// A watermark, in the form nearly all of them have or as any other expression.
fn watermark(time: &EventTimeSpec) -> String {
    match (time.behind(), &time.watermark) {
        (Some((from, nanos)), _) if nanos % 1_000 == 0 => {
            format!("{} - {}", sql(from), span(nanos / 1_000))
        }
        (_, Some(expr)) => sql(expr),
        (_, None) => "none".to_owned(),
    }
}

/// An expression over columns as SQL.
pub(crate) fn sql(expr: &Arc<dyn PhysicalExpr>) -> String {
    let written = operators_of(expr).unwrap_or_else(|_| Arc::clone(expr));
    Sql(&*written).to_string()
}

/// An expression as SQL, without the places of its columns.
struct Sql<'a>(&'a dyn PhysicalExpr);

impl fmt::Display for Sql<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_sql(f)
    }
}
