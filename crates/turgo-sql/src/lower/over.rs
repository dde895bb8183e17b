//! OVER: rows go to the owner of their key, which gives each the values of the rows before it.

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion_common::{DFSchema, ScalarValue};
use datafusion_expr::expr::{Sort, WindowFunction};
use datafusion_expr::{Expr, ExprSchemable, Window, WindowFrameBound};
use turgo_engine::graph::{
    AggregateFunction, Column, Distribution, Input, Instances, OperatorSpec, Over, OverCall,
    OverFunction,
};

use super::Lowering;
use super::aggregate::late_refused;
use super::call::readable;
use super::rows::{
    LogicalColumn, Picked, RowWindow, Rows, as_time, field, plain_column, plain_type,
};
use crate::diagnose::diagnose;
use crate::error::{Result, SqlError};
use crate::plan::event_time::{EventTimeOf, event_time_of};

/// What one call becomes.
enum Lowered {
    /// A column of the input: LAST_VALUE of a frame that ends at the row itself.
    Input(usize),
    /// A call, and the type the plan expects of it.
    Call(OverCall, DataType),
}

/// Calls over the same rows in the same order.
type Same<'a> = (&'a [Expr], &'a [Sort], Vec<(usize, &'a WindowFunction)>);

impl Lowering<'_> {
    /// OVER; calls that differ in their keys come one after the other.
    pub(super) fn over(&mut self, plan: &Window) -> Result<Rows> {
        let placed = std::mem::replace(&mut self.placed, true);
        let rows = self.node(&plan.input);
        self.placed = placed;
        let mut rows = rows?;
        if let Some(changelog) = &rows.changelog {
            return Err(changelog.refused("OVER"));
        }
        if rows.lateness.is_some_and(|lateness| lateness > 0) {
            return Err(late_refused("OVER"));
        }
        if rows.places.is_none() {
            return Err(SqlError::new("OVER over the results of a grouped query is not there yet")
                .help("write the results to a table and read that"));
        }
        let mut results = vec![LogicalColumn::default(); plan.window_expr.len()];
        for (keys, order, calls) in same(&plan.window_expr)? {
            let found;
            (rows, found) = self.over_same(rows, plan, keys, order, &calls)?;
            for ((index, _), at) in calls.iter().zip(found) {
                results[*index].at = Some(at);
            }
        }
        rows.columns.extend(results);
        Ok(rows)
    }

    /// Calls over the same rows; returns where their results lie.
    fn over_same(
        &mut self,
        rows: Rows,
        plan: &Window,
        keys: &[Expr],
        order: &[Sort],
        calls: &[(usize, &WindowFunction)],
    ) -> Result<(Rows, Vec<usize>)> {
        let schema = plan.input.schema();
        let Some(places) = rows.places else {
            return Err(SqlError::new("OVER over rows without places"));
        };
        let rows = self.with_columns_of(rows, plan, keys, calls)?;
        // The columns that are there stay where they are.
        let mut input = Picked::default();
        for at in 0..rows.fields.len() {
            let (expr, field) = rows.at(at);
            input.columns.push(Column { expr, field });
        }
        let time = time_column(&rows, plan, order)?;
        self.require_time(rows.stage, time);
        let time = as_time(&rows, time, &mut input);
        let mut partition = Vec::with_capacity(keys.len());
        for key in keys {
            partition.push(argument(key, schema, &rows, &mut input)?);
        }
        let mut lowered = Vec::with_capacity(calls.len());
        for (index, call) in calls {
            let expr = &plan.window_expr[*index];
            lowered.push(self::call(call, expr, schema, &rows, &mut input)?);
        }
        let (fields, stage) = (input.fields(), rows.stage);
        if fields.len() > rows.fields.len() {
            self.push_project(stage, input.columns);
        }
        let (rows, results) = self.push_over(rows, fields, (partition, time, places), lowered);
        Ok((rows, results))
    }

    /// The same rows, with the columns of their window where the calls read them.
    fn with_columns_of(
        &mut self,
        rows: Rows,
        plan: &Window,
        keys: &[Expr],
        calls: &[(usize, &WindowFunction)],
    ) -> Result<Rows> {
        let params = calls.iter().map(|(_, call)| &call.params);
        let read = params.flat_map(|params| params.args.iter().chain(params.filter.as_deref()));
        let pending = |expr| rows.reads_pending(expr, plan.input.schema());
        let rows = match keys.iter().chain(read).any(pending) {
            true => self.with_window_columns(rows)?,
            false => rows,
        };
        match rows.window.as_ref().is_some_and(RowWindow::repeats) {
            true => Err(SqlError::new("OVER over rows that a window repeats is not there yet")
                .help("group the inner query by its window first")),
            false => Ok(rows),
        }
    }

    /// Opens the stage of the owners and gives each result the type the plan expects.
    fn push_over(
        &mut self,
        rows: Rows,
        mut fields: Vec<FieldRef>,
        (keys, time, places): (Vec<usize>, usize, [usize; 2]),
        lowered: Vec<Lowered>,
    ) -> (Rows, Vec<usize>) {
        let input = Arc::new(Schema::new(fields.clone()));
        let (mut calls, mut casts, mut results) = (Vec::new(), Vec::new(), Vec::new());
        for one in lowered {
            match one {
                Lowered::Input(at) => results.push(at),
                Lowered::Call(call, wanted) => {
                    results.push(fields.len());
                    if call.field.data_type() != &wanted {
                        casts.push((fields.len(), wanted));
                    }
                    fields.push(Arc::clone(&call.field));
                    calls.push(call);
                }
            }
        }
        let output = Arc::new(Schema::new(fields.clone()));
        let (instances, distribution) = match keys.is_empty() {
            true => (Instances::One, Distribution::One),
            false => (Instances::Workers, Distribution::Hash { keys: keys.clone() }),
        };
        let to = self.open(instances, Input::Exchange);
        self.connect(rows.stage, Arc::clone(&input), to, distribution);
        let over = Over { input, keys, time, places, calls, output };
        self.push(to, OperatorSpec::Over(Arc::new(over)));
        let mut rows = Rows { stage: to, fields, ..rows };
        if !casts.is_empty() {
            let column = |at: usize| {
                let (expr, field) = rows.at(at);
                match casts.iter().find(|(cast, _)| *cast == at) {
                    Some((_, wanted)) => super::rows::cast(expr, &field, wanted),
                    None => Column { expr, field },
                }
            };
            let columns: Vec<Column> = (0..rows.fields.len()).map(column).collect();
            rows.fields = columns.iter().map(|column| Arc::clone(&column.field)).collect();
            self.push_project(to, columns);
        }
        (rows, results)
    }
}

/// Where the time that orders an OVER lies in its rows.
fn time_column(rows: &Rows, plan: &Window, order: &[Sort]) -> Result<usize> {
    let schema = plan.input.schema();
    let time = order.first().and_then(|order| plain_column(&order.expr, schema));
    let undeclared = |time| event_time_of(&plan.input, time) != EventTimeOf::Declared;
    if !rows.bounded && time.is_some_and(undeclared) {
        return Err(SqlError::new(
            "OVER over an input that does not end would never emit: nothing says when the rows before \
             a row are complete",
        )
        .help("declare a WATERMARK for the time in CREATE TABLE"));
    }
    time.and_then(|time| rows.columns[time].at)
        .ok_or_else(|| SqlError::new("the ORDER BY of OVER is a column, the time of its rows"))
}

/// The calls of a plan, those over the same rows in the same order together.
fn same(exprs: &[Expr]) -> Result<Vec<Same<'_>>> {
    let mut all: Vec<Same<'_>> = Vec::new();
    for (index, expr) in exprs.iter().enumerate() {
        let mut inner = expr;
        while let Expr::Alias(alias) = inner {
            inner = &alias.expr;
        }
        let Expr::WindowFunction(call) = inner else {
            return Err(SqlError::new(format!("`{}` is no OVER", expr.human_display())));
        };
        let (keys, order) = (&call.params.partition_by[..], &call.params.order_by[..]);
        match all.iter_mut().find(|(k, o, _)| (*k, *o) == (keys, order)) {
            Some((_, _, calls)) => calls.push((index, call)),
            None => all.push((keys, order, vec![(index, call)])),
        }
    }
    Ok(all)
}

/// A column of the input that holds `expr`.
fn argument(expr: &Expr, schema: &DFSchema, rows: &Rows, input: &mut Picked) -> Result<usize> {
    let data_type = expr.get_type(schema).map_err(|error| diagnose(&error, "", None))?;
    let column = plain_type(rows.expr(expr, schema)?, field(&readable(expr), &data_type));
    Ok(input.add(column.expr, column.field))
}

fn call(
    call: &WindowFunction,
    expr: &Expr,
    schema: &DFSchema,
    rows: &Rows,
    input: &mut Picked,
) -> Result<Lowered> {
    use AggregateFunction::{Avg, Count, CountRows, Max, Min, Sum};
    use OverFunction::{Aggregate, First, Lag};
    let args = &call.params.args[..];
    let name = call.fun.name();
    let wanted = expr.get_type(schema).map_err(|error| diagnose(&error, "", None))?;
    let constant = matches!(args, [Expr::Literal(value, _)] if !value.is_null());
    let (function, rows_of) = match name {
        "row_number" => (Aggregate(CountRows), None),
        "count" if args.is_empty() || constant => (Aggregate(CountRows), frame(call)?),
        "count" => (Aggregate(Count), frame(call)?),
        "sum" => (Aggregate(Sum), frame(call)?),
        "avg" => (Aggregate(Avg), frame(call)?),
        "min" => (Aggregate(Min), frame(call)?),
        "max" => (Aggregate(Max), frame(call)?),
        "first_value" => (First, frame(call)?),
        "last_value" => return argument(&args[0], schema, rows, input).map(Lowered::Input),
        "lag" => (Lag, Some(back(args)?)),
        other => return Err(SqlError::new(format!("`{other}` with OVER is not there yet"))),
    };
    let counts_rows = matches!(function, Aggregate(CountRows));
    let args = match args {
        [arg, ..] if !counts_rows => vec![argument(arg, schema, rows, input)?],
        _ => vec![],
    };
    let filter = match &call.params.filter {
        Some(filter) => {
            let expr = rows.expr(filter, schema)?;
            Some(input.add(expr, field("filter", &DataType::Boolean)))
        }
        None => None,
    };
    let computed = if counts_rows { &DataType::Int64 } else { &wanted };
    let said: Vec<String> = call.params.args.iter().map(readable).collect();
    let said = format!("{name}({})", said.join(", ")).replace("count(1)", "count(*)");
    let field = field(&said, computed);
    Ok(Lowered::Call(OverCall { function, args, filter, rows: rows_of, field }, wanted))
}

/// How many rows the frame of `call` has, its own included.
fn frame(call: &WindowFunction) -> Result<Option<NonZeroUsize>> {
    match &call.params.window_frame.start_bound {
        WindowFrameBound::CurrentRow => Ok(Some(NonZeroUsize::MIN)),
        WindowFrameBound::Preceding(ScalarValue::UInt64(None)) => Ok(None),
        WindowFrameBound::Preceding(ScalarValue::UInt64(Some(before))) => {
            let before = usize::try_from(*before).ok();
            match before.and_then(|before| NonZeroUsize::MIN.checked_add(before)) {
                Some(rows) => Ok(Some(rows)),
                None => Err(SqlError::new("the frame of OVER is too long")),
            }
        }
        _ => Err(SqlError::new("a frame of OVER begins a number of rows before, or UNBOUNDED")),
    }
}

/// How many rows lie between a row and the one LAG asks for, both included.
fn back(args: &[Expr]) -> Result<NonZeroUsize> {
    let help = "write LAG(value) or LAG(value, 3)";
    if args.len() > 2 && !matches!(&args[2], Expr::Literal(value, _) if value.is_null()) {
        return Err(SqlError::new("LAG with a default is not there yet").help(help));
    }
    let back = match args.get(1) {
        None => Some(1),
        Some(Expr::Literal(value, _)) => match value.cast_to(&DataType::UInt32) {
            Ok(ScalarValue::UInt32(back)) => back,
            _ => None,
        },
        Some(_) => None,
    };
    let rows = back.and_then(|back| NonZeroUsize::MIN.checked_add(back as usize));
    rows.ok_or_else(|| SqlError::new("LAG goes back a constant number of rows").help(help))
}
