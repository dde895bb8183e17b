//! Which columns of a plan are event times.
//!
//! A column is an event time when it is, unchanged, the column a table declares a watermark for,
//! or the `window_time` of a window over one. Only then does the watermark that travels with the
//! rows say anything about its values. Behind a windowed aggregate only `window_time` is one: results
//! leave when their window is complete, and then a time inside the window lies behind the watermark.

use datafusion_expr::{Expr, LogicalPlan, Window};

use crate::catalog::TableScanSource;
use crate::plan::window::{COLUMNS, as_window};

/// `window_time` among [`COLUMNS`].
const TIME: usize = 2;

/// What a column is to event time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EventTimeOf {
    /// The column with the watermark.
    Declared,
    /// A timestamp of a table without any watermark; the table's name, or none for constants.
    Undeclared(Option<String>),
    /// Neither.
    Other {
        /// The column that has the watermark, where the table of this column has one.
        expected: Option<String>,
    },
}

/// What column `index` of `plan` is to event time.
pub(crate) fn event_time_of(plan: &LogicalPlan, index: usize) -> EventTimeOf {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let column = scan.projection.as_ref().map_or(index, |projection| projection[index]);
            let Some(table) = scan.source.downcast_ref::<TableScanSource>() else {
                return EventTimeOf::Other { expected: None };
            };
            match &table.0.event_time {
                Some(time) if time.column == column => EventTimeOf::Declared,
                Some(time) => EventTimeOf::Other {
                    expected: Some(table.0.columns[time.column].field.name().clone()),
                },
                None => EventTimeOf::Undeclared(Some(table.0.spec.name.clone())),
            }
        }
        LogicalPlan::Projection(projection) => of_expr(&projection.expr[index], &projection.input),
        LogicalPlan::Aggregate(aggregate) => match aggregate.group_expr.get(index) {
            Some(_) if closes_windows(plan) && window_part(plan, index) != Some(TIME) => {
                EventTimeOf::Other { expected: Some(COLUMNS[TIME].into()) }
            }
            Some(expr) => of_expr(expr, &aggregate.input),
            None => computed(plan),
        },
        LogicalPlan::Distinct(_)
            if closes_windows(plan) && window_part(plan, index) != Some(TIME) =>
        {
            EventTimeOf::Other { expected: Some(COLUMNS[TIME].into()) }
        }
        LogicalPlan::Filter(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_) => event_time_of(plan.inputs()[0], index),
        LogicalPlan::Union(union) => (union.inputs.iter())
            .map(|input| event_time_of(input, index))
            .reduce(weaker)
            .unwrap_or(EventTimeOf::Other { expected: None }),
        LogicalPlan::Window(over) => match index < over.input.schema().fields().len() {
            true => event_time_of(&over.input, index),
            false => computed(plan),
        },
        LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_) => EventTimeOf::Undeclared(None),
        _ => match as_window(plan) {
            Some(window) => {
                let inputs = window.input.schema().fields().len();
                let time = || {
                    let time = window.input.schema().index_of_column(&window.time);
                    time.map_or(EventTimeOf::Other { expected: None }, |time| {
                        event_time_of(&window.input, time)
                    })
                };
                match index.checked_sub(inputs) {
                    None => event_time_of(&window.input, index),
                    Some(TIME) => time(),
                    Some(_) => EventTimeOf::Other { expected: Some(COLUMNS[TIME].into()) },
                }
            }
            None => EventTimeOf::Other { expected: None },
        },
    }
}

/// Whether the groups of `plan` are bounded by windows: a column of one is among them.
fn closes_windows(plan: &LogicalPlan) -> bool {
    let groups = match plan {
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.len(),
        _ => plan.schema().fields().len(),
    };
    (0..groups).any(|index| window_part(plan, index).is_some())
}

/// Which column of a window, numbered as in [`COLUMNS`], column `index` of `plan` is.
fn window_part(plan: &LogicalPlan, index: usize) -> Option<usize> {
    let of_expr = |expr: &Expr, input: &LogicalPlan| match expr.clone().unalias() {
        Expr::Column(column) => window_part(input, input.schema().index_of_column(&column).ok()?),
        _ => None,
    };
    match plan {
        LogicalPlan::Projection(projection) => of_expr(&projection.expr[index], &projection.input),
        LogicalPlan::Aggregate(aggregate) => {
            of_expr(aggregate.group_expr.get(index)?, &aggregate.input)
        }
        LogicalPlan::Filter(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_) => window_part(plan.inputs()[0], index),
        LogicalPlan::Window(over) => {
            (index < over.input.schema().fields().len()).then(|| window_part(&over.input, index))?
        }
        LogicalPlan::Union(union) => {
            let mut parts = union.inputs.iter().map(|input| window_part(input, index));
            let first = parts.next()??;
            parts.all(|part| part == Some(first)).then_some(first)
        }
        _ => index.checked_sub(as_window(plan)?.input.schema().fields().len()),
    }
}

fn of_expr(expr: &Expr, input: &LogicalPlan) -> EventTimeOf {
    match expr.clone().unalias() {
        Expr::Column(column) => match input.schema().index_of_column(&column) {
            Ok(index) => event_time_of(input, index),
            Err(_) => EventTimeOf::Other { expected: None },
        },
        _ => computed(input),
    }
}

/// A computed column: an event time only where no table below declares one.
fn computed(input: &LogicalPlan) -> EventTimeOf {
    let mut undeclared = None;
    for table in tables(input) {
        match &table.0.event_time {
            Some(time) => {
                let name = table.0.columns[time.column].field.name().clone();
                return EventTimeOf::Other { expected: Some(name) };
            }
            None => undeclared = Some(table.0.spec.name.clone()),
        }
    }
    EventTimeOf::Undeclared(undeclared)
}

/// What the ORDER BY of an OVER is to event time, where it is a column.
fn over_time(over: &Window) -> Option<EventTimeOf> {
    let Expr::WindowFunction(call) = over.window_expr.first()?.clone().unalias() else {
        return None;
    };
    let Expr::Column(column) = &call.params.order_by.first()?.expr else { return None };
    let index = over.input.schema().index_of_column(column).ok()?;
    Some(event_time_of(&over.input, index))
}

/// The tables `plan` reads.
fn tables(plan: &LogicalPlan) -> Vec<&TableScanSource> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            scan.source.downcast_ref::<TableScanSource>().into_iter().collect()
        }
        other => other.inputs().into_iter().flat_map(tables).collect(),
    }
}

/// The event time of a union: what all its inputs promise.
fn weaker(left: EventTimeOf, right: EventTimeOf) -> EventTimeOf {
    match (left, right) {
        (other @ EventTimeOf::Other { .. }, _) | (_, other @ EventTimeOf::Other { .. }) => other,
        (undeclared @ EventTimeOf::Undeclared(_), _)
        | (_, undeclared @ EventTimeOf::Undeclared(_)) => undeclared,
        _ => EventTimeOf::Declared,
    }
}

/// Warnings on windows and OVER over tables that declare no watermark.
pub(crate) fn warnings(plan: &LogicalPlan) -> Vec<String> {
    let mut found = Vec::new();
    if let LogicalPlan::Window(over) = plan
        && let Some(EventTimeOf::Undeclared(Some(table))) = over_time(over)
    {
        found.push(format!(
            "table {table} declares no watermark: the rows of OVER are held until the input ends"
        ));
    }
    if let Some(window) = as_window(plan)
        && let Ok(index) = window.input.schema().index_of_column(&window.time)
        && let EventTimeOf::Undeclared(Some(table)) = event_time_of(&window.input, index)
    {
        found.push(format!(
            "table {table} declares no watermark: windows are held until the input ends"
        ));
    }
    for input in plan.inputs() {
        for warning in warnings(input) {
            if !found.contains(&warning) {
                found.push(warning);
            }
        }
    }
    found
}
