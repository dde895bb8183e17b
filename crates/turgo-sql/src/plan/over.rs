//! Whether the rows of an OVER can be put in its order: that of their event time.

use arrow::datatypes::DataType;
use datafusion_common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion_expr::expr::WindowFunction;
use datafusion_expr::{Expr, LogicalPlan, Window};

use super::event_time::{EventTimeOf, event_time_of};
use crate::diagnose::{diagnose, span_of_column};
use crate::error::{Result, SqlError};

/// Checks every OVER of `plan`; `text` is what its places point into.
///
/// # Errors
/// The first whose order is not event time.
pub(super) fn check(plan: &LogicalPlan, text: &str) -> Result<()> {
    let mut wrong = None;
    plan.apply(|node| {
        if let LogicalPlan::Window(window) = node {
            let mut calls = window.window_expr.iter().filter_map(call);
            wrong = calls.find_map(|call| ordered_by_time(window, call, text).err());
        }
        Ok(match wrong {
            Some(_) => TreeNodeRecursion::Stop,
            None => TreeNodeRecursion::Continue,
        })
    })
    .map_err(|error| diagnose(&error, text, None))?;
    wrong.map_or(Ok(()), Err)
}

/// The call that `expr` is.
fn call(expr: &Expr) -> Option<&WindowFunction> {
    match expr {
        Expr::Alias(alias) => call(&alias.expr),
        Expr::WindowFunction(call) => Some(call),
        _ => None,
    }
}

fn ordered_by_time(window: &Window, call: &WindowFunction, text: &str) -> Result<()> {
    let schema = window.input.schema();
    let Some(Expr::Column(column)) = call.params.order_by.first().map(|order| &order.expr) else {
        return Err(SqlError::new("the ORDER BY of OVER is a column, the time of its rows"));
    };
    let place = |error: SqlError| match span_of_column(column, text) {
        Some(span) => error.at(span),
        None => error,
    };
    let index = schema.index_of_column(column).map_err(|error| diagnose(&error, text, None))?;
    let name = &column.name;
    let data_type = schema.field(index).data_type();
    match event_time_of(&window.input, index) {
        EventTimeOf::Declared => Ok(()),
        EventTimeOf::Undeclared(_) if matches!(data_type, DataType::Timestamp(..)) => Ok(()),
        EventTimeOf::Undeclared(_) => Err(place(
            SqlError::new(format!("OVER cannot order by `{name}`: it is no event time"))
                .help(format!("declare it in CREATE TABLE: WATERMARK FOR {name} AS {name}")),
        )),
        EventTimeOf::Other { expected } => {
            let error = SqlError::new(format!(
                "OVER cannot order by `{name}`: it is not the event time of its rows"
            ));
            Err(place(match expected {
                Some(time) => error.help(format!("use `{time}`, the column with the watermark")),
                None => error.help("use the column with the watermark as it is"),
            }))
        }
    }
}
