//! The window node of a logical plan, and how it takes the place of marker functions.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_common::{
    Column, DFSchema, DFSchemaRef, DataFusionError, ExprSchema, Result, ScalarValue,
};
use datafusion_expr::expr::ScalarFunction;
use datafusion_expr::{
    Expr, Extension, LogicalPlan, LogicalPlanBuilder, Projection, UserDefinedLogicalNodeCore,
};
use turgo_engine::window::{Sessions, Windows};

use crate::diagnose::carry;
use crate::error::SqlError;
use crate::functions::is_marker;
use crate::plan::event_time::{EventTimeOf, event_time_of};
use crate::statement::marker;

/// What milliseconds in a BIGINT become where they are an event time.
pub(crate) const MILLIS: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

/// The columns a window adds, in this order.
pub(crate) const COLUMNS: [&str; 3] = ["window_start", "window_end", "window_time"];

/// What windows there are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Those that depend on time alone.
    Fixed(Windows),
    /// Those that depend on the rows.
    Session {
        sessions: Sessions,
        /// The columns whose values have sessions of their own; `None`: whatever else the
        /// sessions are grouped by.
        partition: Option<Vec<Column>>,
    },
}

impl Kind {
    fn within(self, unit: TimeUnit) -> Self {
        match self {
            Self::Fixed(windows) => Self::Fixed(windows.within(unit)),
            Self::Session { sessions, partition } => {
                Self::Session { sessions: sessions.within(unit), partition }
            }
        }
    }

    /// The columns it names.
    fn columns(&self) -> &[Column] {
        match self {
            Self::Session { partition: Some(columns), .. } => columns,
            Self::Session { partition: None, .. } | Self::Fixed(_) => &[],
        }
    }

    /// The same with other columns in the place of [`Kind::columns`].
    fn with_columns(&self, columns: Vec<Column>) -> Self {
        match self {
            Self::Session { sessions, partition: Some(_) } => {
                Self::Session { sessions: *sessions, partition: Some(columns) }
            }
            other => other.clone(),
        }
    }
}

/// Repeats each row for each window that holds it and adds the window's three columns.
///
/// Its schema is its input's, then [`COLUMNS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WindowAssign {
    pub(crate) input: LogicalPlan,
    /// The time column, a plain column of the input.
    pub(crate) time: Column,
    pub(crate) kind: Kind,
    schema: DFSchemaRef,
}

impl WindowAssign {
    fn try_new(input: LogicalPlan, time: Column, kind: Kind) -> Result<Self> {
        let data_type = match input.schema().field_from_column(&time)?.data_type() {
            DataType::Int64 => MILLIS,
            other => other.clone(),
        };
        let kind = match &data_type {
            DataType::Timestamp(unit, _) => kind.within(*unit),
            _ => kind,
        };
        let mut fields: Vec<_> = (input.schema().iter())
            .map(|(qualifier, field)| (qualifier.cloned(), Arc::clone(field)))
            .collect();
        for name in COLUMNS {
            if fields.iter().any(|(_, field)| field.name() == name) {
                return Err(carry(
                    SqlError::new(format!("the input of the window already has a column `{name}`"))
                        .help("give it another name in a subquery, with AS"),
                ));
            }
        }
        let added = COLUMNS.map(|name| Arc::new(Field::new(name, data_type.clone(), false)));
        fields.extend(added.into_iter().map(|field| (None, field)));
        let metadata = input.schema().as_arrow().metadata().clone();
        let schema = Arc::new(DFSchema::new_with_metadata(fields, metadata)?);
        Ok(Self { input, time, kind, schema })
    }
}

impl Hash for WindowAssign {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.input.hash(state);
        self.time.hash(state);
        self.kind.hash(state);
    }
}

impl PartialOrd for WindowAssign {
    /// Equal nodes are equal; others have no order.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for WindowAssign {
    fn name(&self) -> &'static str {
        "WindowAssign"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        let columns = std::iter::once(&self.time).chain(self.kind.columns());
        columns.cloned().map(Expr::Column).collect()
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        COLUMNS.map(str::to_owned).into()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Fixed(windows) => write!(f, "Window: {} on {}", show(windows), self.time),
            Kind::Session { sessions, .. } => {
                write!(f, "Window: {} on {}", show_sessions(sessions), self.time)?;
                for (index, column) in self.kind.columns().iter().enumerate() {
                    write!(f, "{} {column}", if index == 0 { " by" } else { "," })?;
                }
                Ok(())
            }
        }
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let wrong = || DataFusionError::Internal("a window has columns and one input".into());
        let columns = exprs.into_iter().map(|expr| match expr {
            Expr::Column(column) => Some(column),
            _ => None,
        });
        let columns: Vec<Column> = columns.collect::<Option<_>>().ok_or_else(wrong)?;
        let [input] = <[LogicalPlan; 1]>::try_from(inputs).map_err(|_| wrong())?;
        let (time, partition) = columns.split_first().ok_or_else(wrong)?;
        Self::try_new(input, time.clone(), self.kind.with_columns(partition.to_vec()))
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let inputs = self.input.schema().fields().len();
        Some(vec![output_columns.iter().copied().filter(|column| *column < inputs).collect()])
    }
}

/// `tumble 10s`, `hop 10s every 2s`, `cumulate to 10s by 2s`.
pub(crate) fn show(windows: &Windows) -> String {
    let (size, step) = (span(windows.size()), span(windows.step()));
    if windows.cumulates() {
        format!("cumulate to {size} by {step}")
    } else if windows.size() == windows.step() {
        format!("tumble {size}")
    } else {
        format!("hop {size} every {step}")
    }
}

/// `sessions 10s apart`.
pub(crate) fn show_sessions(sessions: &Sessions) -> String {
    format!("sessions {} apart", span(sessions.gap()))
}

/// A length of time, such as `10s`.
pub(crate) fn span(micros: i64) -> String {
    for (unit, scale) in
        [("d", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000), ("s", 1_000_000)]
    {
        if micros % scale == 0 {
            return format!("{}{unit}", micros / scale);
        }
    }
    if micros % 1_000 == 0 { format!("{}ms", micros / 1_000) } else { format!("{micros}us") }
}

/// Replaces every projection that computes markers by a window node.
///
/// # Errors
/// When a marker stands elsewhere, its intervals are no windows, or its time column is no event
/// time.
pub(crate) fn replace_markers(plan: LogicalPlan) -> Result<LogicalPlan> {
    let replaced = plan.transform_up(|node| match node {
        LogicalPlan::Projection(projection) if projection.expr.iter().any(has_marker) => {
            Ok(Transformed::yes(replace(projection)?))
        }
        other => Ok(Transformed::no(other)),
    })?;
    replaced.data.apply(|node| {
        if node.expressions().iter().any(has_marker) {
            return Err(carry(
                SqlError::new("a window cannot be computed here")
                    .help("use TABLE(TUMBLE(...)) in FROM, or TUMBLE(...) in GROUP BY"),
            ));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(replaced.data)
}

fn has_marker(expr: &Expr) -> bool {
    expr.exists(|expr| Ok(as_marker(expr).is_some())).unwrap_or(false)
}

fn as_marker(expr: &Expr) -> Option<&ScalarFunction> {
    match expr {
        Expr::ScalarFunction(call) if is_marker(call.func.name()) => Some(call),
        _ => None,
    }
}

fn replace(projection: Projection) -> Result<LogicalPlan> {
    let input = Arc::unwrap_or_clone(projection.input);
    let mut found: Option<(Column, Kind)> = None;
    let mut exprs = Vec::with_capacity(projection.expr.len());
    for expr in projection.expr {
        let Some(call) = as_marker(&expr.clone().unalias_nested().data).cloned() else {
            exprs.push(expr);
            continue;
        };
        let window = (time_column(&call.args[0], &input)?, kind(&call)?);
        if found.as_ref().is_some_and(|found| *found != window) {
            return Err(carry(SqlError::new("one SELECT can compute only one window")));
        }
        found = Some(window);
        let column = match call.func.name() {
            marker::START => COLUMNS[0],
            marker::END => COLUMNS[1],
            _ => COLUMNS[2],
        };
        let name = expr.qualified_name().1;
        let column = Expr::Column(Column::new_unqualified(column));
        exprs.push(if name == column.qualified_name().1 { column } else { column.alias(name) });
    }
    let Some((time, kind)) = found else {
        return Err(carry(SqlError::new("a window cannot be part of a larger expression")));
    };
    let node = WindowAssign::try_new(input, time, kind)?;
    let same = node.schema.columns().into_iter().map(Expr::Column).eq(exprs.iter().cloned());
    let assign = LogicalPlan::Extension(Extension { node: Arc::new(node) });
    if same { Ok(assign) } else { LogicalPlanBuilder::from(assign).project(exprs)?.build() }
}

/// The time column of a window, which must be an event time.
fn time_column(expr: &Expr, input: &LogicalPlan) -> Result<Column> {
    let Expr::Column(column) = expr else {
        return Err(carry(
            SqlError::new("the time of a window must be a column, not an expression")
                .help("declare a computed column in CREATE TABLE and a WATERMARK for it"),
        ));
    };
    let index = input.schema().index_of_column(column)?;
    match event_time_of(input, index) {
        EventTimeOf::Undeclared(_) if input.schema().field(index).data_type() == &DataType::Int64 => {
            Err(carry(
                SqlError::new(format!("`{}` is a BIGINT and no event time", column.name)).help(
                    format!(
                        "if it holds milliseconds since 1970, declare it in CREATE TABLE: WATERMARK \
                         FOR {0} AS {0}",
                        column.name
                    ),
                ),
            ))
        }
        EventTimeOf::Declared | EventTimeOf::Undeclared(_) => Ok(column.clone()),
        EventTimeOf::Other { expected } => {
            let error = SqlError::new(format!(
                "`{}` is not the event time of its rows, so no watermark says when its windows \
                 are complete",
                column.name
            ));
            Err(carry(match expected {
                Some(name) => error.help(format!("use `{name}`, the column with the watermark")),
                None => error.help(
                    "use the column with the watermark as it is, or `window_time` of an earlier \
                     window",
                ),
            }))
        }
    }
}

/// The windows a marker's arguments stand for.
fn kind(call: &ScalarFunction) -> Result<Kind> {
    let (size, rest) = (&call.args[2], &call.args[3..]);
    let word = rest.first().and_then(|kind| kind.as_literal()?.try_as_str().flatten());
    match word {
        None => {
            let size = interval(size, "size")?;
            Ok(Kind::Fixed(Windows::hop(size, interval(&call.args[1], "slide")?)))
        }
        Some(marker::SESSION_OF_GROUP) => {
            let sessions = Sessions::new(interval(size, "gap")?);
            Ok(Kind::Session { sessions, partition: None })
        }
        Some(marker::SESSION) => {
            let sessions = Sessions::new(interval(size, "gap")?);
            let columns = rest[1..].iter().map(|column| column.try_as_col().cloned());
            let columns: Option<Vec<Column>> = columns.collect();
            let mut columns = columns.ok_or_else(|| {
                carry(SqlError::new("sessions are partitioned by columns, not by expressions"))
            })?;
            // A column that is named twice adds nothing.
            let mut seen = HashSet::new();
            columns.retain(|column| seen.insert(column.clone()));
            Ok(Kind::Session { sessions, partition: Some(columns) })
        }
        Some(_) => cumulating(interval(size, "size")?, interval(&call.args[1], "step")?),
    }
}

fn cumulating(size: i64, step: i64) -> Result<Kind> {
    if size % step != 0 {
        return Err(carry(
            SqlError::new(format!(
                "the size of a cumulating window, {}, is not a multiple of its step, {}",
                span(size),
                span(step)
            ))
            .help("the step comes first, as in INTERVAL '1' HOUR, INTERVAL '1' DAY"),
        ));
    }
    Ok(Kind::Fixed(Windows::cumulate(size, step)))
}

/// A constant interval in microseconds.
fn interval(expr: &Expr, what: &str) -> Result<i64> {
    let bad = |message: String| carry(SqlError::new(message).help("write INTERVAL '10' SECOND"));
    let micros = match expr {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(value)), _) => {
            if value.months != 0 {
                return Err(bad(format!(
                    "the {what} of a window cannot be in months or years, which differ in length"
                )));
            }
            i128::from(value.days) * 86_400_000_000_000 + i128::from(value.nanoseconds)
        }
        Expr::Literal(ScalarValue::IntervalDayTime(Some(value)), _) => {
            i128::from(value.days) * 86_400_000_000_000 + i128::from(value.milliseconds) * 1_000_000
        }
        Expr::Literal(ScalarValue::IntervalYearMonth(Some(_)), _) => {
            return Err(bad(format!(
                "the {what} of a window cannot be in months or years, which differ in length"
            )));
        }
        _ => return Err(bad(format!("the {what} of a window must be a constant interval"))),
    };
    if micros % 1_000 != 0 {
        return Err(bad(format!("the {what} of a window must be whole microseconds")));
    }
    match i64::try_from(micros / 1_000) {
        Ok(micros) if micros > 0 => Ok(micros),
        Ok(_) => Err(bad(format!("the {what} of a window must be positive"))),
        Err(_) => Err(bad(format!("the {what} of a window is too long"))),
    }
}

/// The window node that `plan` is, if it is one.
pub(crate) fn as_window(plan: &LogicalPlan) -> Option<&WindowAssign> {
    match plan {
        LogicalPlan::Extension(extension) => extension.node.as_any().downcast_ref(),
        _ => None,
    }
}
