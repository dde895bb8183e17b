//! Calls with OVER: which functions, frames and orders are there.
//!
//! What the planner must know of tables, that the order is event time, is checked in `plan::over`.

use datafusion_sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArguments, Spanned, WindowFrame, WindowFrameBound,
    WindowFrameUnits, WindowSpec, WindowType,
};
use datafusion_sql::sqlparser::tokenizer::Span;

use crate::error::SqlError;

/// Functions of the rows of a frame.
const FRAMED: [&str; 8] =
    ["count", "sum", "avg", "mean", "min", "max", "first_value", "last_value"];

/// Functions that look at the rows before, whatever the frame.
const UNFRAMED: [&str; 2] = ["row_number", "lag"];

/// How OVER is written.
pub(super) const HELP: &str = "write OVER (PARTITION BY key ORDER BY time ROWS BETWEEN 99 PRECEDING \
                               AND CURRENT ROW)";

/// An error and its place.
type Refused = (SqlError, Span);

/// Checks a call of `name` with `over`.
///
/// # Errors
/// What is not there yet.
pub(super) fn check(function: &Function, name: &str, over: &WindowType) -> Result<(), Refused> {
    let span = function.name.span();
    let refuse = |what: &str| Err((SqlError::new(format!("{what} is not there yet")), span));
    let WindowType::WindowSpec(spec) = over else {
        return refuse("OVER with the name of a window");
    };
    if spec.window_name.is_some() {
        return refuse("OVER with the name of a window");
    }
    if !FRAMED.contains(&name) && !UNFRAMED.contains(&name) {
        let error = SqlError::new(format!("`{name}` with OVER is not there yet"));
        let there = [&FRAMED[..], &UNFRAMED].concat().join(", ");
        return Err((error.help(format!("there are {there}")), span));
    }
    if let FunctionArguments::List(list) = &function.args
        && list.duplicate_treatment == Some(DuplicateTreatment::Distinct)
    {
        return refuse("DISTINCT with OVER");
    }
    let nulls = matches!(&function.args, FunctionArguments::List(list) if !list.clauses.is_empty());
    if function.null_treatment.is_some() || nulls {
        return refuse("IGNORE NULLS or RESPECT NULLS with OVER");
    }
    let value = UNFRAMED.contains(&name) || name.ends_with("_value");
    if value && function.filter.is_some() {
        return refuse(&format!("FILTER of {name}"));
    }
    order(spec, span)?;
    match &spec.window_frame {
        Some(frame) => self::frame(frame, span),
        None if UNFRAMED.contains(&name) => Ok(()),
        None => {
            let error = SqlError::new(format!("`{name}` with OVER needs a frame of rows"));
            Err((error.help(HELP), span))
        }
    }
}

/// Rows come in the order of time, and no other.
fn order(spec: &WindowSpec, span: Span) -> Result<(), Refused> {
    let refuse = |what: &str, span| Err((SqlError::new(what).help(HELP), span));
    match &spec.order_by[..] {
        [] => refuse("OVER needs an ORDER BY: the time of its rows", span),
        [order] if order.options.asc == Some(false) => {
            refuse("OVER takes rows in the order of time, not against it", order.expr.span())
        }
        [order] if matches!(order.expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => {
            Ok(())
        }
        [order] => {
            refuse("the ORDER BY of OVER is a column, the time of its rows", order.expr.span())
        }
        [_, second, ..] => {
            refuse("OVER is ordered by one column, the time of its rows", second.expr.span())
        }
    }
}

fn frame(frame: &WindowFrame, span: Span) -> Result<(), Refused> {
    let there = frame.units == WindowFrameUnits::Rows
        && matches!(
            frame.start_bound,
            WindowFrameBound::Preceding(_) | WindowFrameBound::CurrentRow
        )
        && matches!(frame.end_bound, None | Some(WindowFrameBound::CurrentRow));
    match there {
        true => Ok(()),
        false => {
            let error = SqlError::new("this frame of OVER is not there yet");
            Err((error.help(HELP), span))
        }
    }
}
