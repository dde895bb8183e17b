//! Rows on their way through the graph, and what changes only how they are looked at: projections,
//! filters, windows.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion_common::DFSchema;
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_expr::Expr;
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::{CastExpr, Column as ColumnExpr};
use turgo_engine::graph::{Column, OperatorSpec};
use turgo_engine::window::{Sessions, Windows};

use super::{Lowering, Place};
use crate::diagnose::diagnose;
use crate::error::{Result, SqlError};
use crate::lazy;
use crate::plan::WindowAssign;
use crate::plan::session::ungrouped;
use crate::plan::window::{COLUMNS, Kind, MILLIS};

/// Rows at the end of a stage.
#[derive(Debug)]
pub(super) struct Rows {
    /// The stage.
    pub(super) stage: usize,
    /// The columns they have there.
    pub(super) fields: Vec<FieldRef>,
    /// The columns of the logical plan, in its order.
    pub(super) columns: Vec<LogicalColumn>,
    /// The window they are in, if any.
    pub(super) window: Option<RowWindow>,
    /// Where the columns with their places lie, where a table is read with them.
    pub(super) places: Option<[usize; 2]>,
    /// Whether they end by themselves.
    pub(super) bounded: bool,
    /// The lateness allowed by all tables with a watermark that they come from, in microseconds; `None`:
    /// by no such table.
    pub(super) lateness: Option<i64>,
    /// Where they are a changelog.
    pub(super) changelog: Option<Changelog>,
}

/// A column of the logical plan.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LogicalColumn {
    /// Where it lies in the rows; `None` for a column of a window that is not assigned yet.
    pub(super) at: Option<usize>,
    /// Which column of [`Rows::window`] it is.
    pub(super) part: Option<Part>,
    /// Which key of the changelog it is.
    pub(super) key: Option<usize>,
}

/// A column of a window, numbered as in [`COLUMNS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Start = 0,
    End = 1,
    Time = 2,
}

/// The window rows are in.
#[derive(Debug, Clone)]
pub(super) enum RowWindow {
    /// Known, not assigned: L2.
    Pending { time: usize, kind: RowWindowKind },
    /// Carried by each row in two columns. `assigns`: the operators that repeat rows for it and may
    /// leave out late ones; none behind an aggregate, which has.
    Attached { start: usize, end: usize, kind: RowWindowKind, assigns: Vec<Place> },
}

/// Which windows. What sessions are partitioned by has been seen to by
/// [`crate::plan::session`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowWindowKind {
    Fixed(Windows),
    Session(Sessions),
}

impl RowWindow {
    /// The columns it needs.
    fn needs(&self) -> Vec<usize> {
        match self {
            Self::Pending { time, .. } => vec![*time],
            Self::Attached { start, end, .. } => vec![*start, *end],
        }
    }

    /// Whether a row stands once for each of several windows.
    pub(super) fn repeats(&self) -> bool {
        match self {
            Self::Attached { kind: RowWindowKind::Fixed(windows), assigns, .. } => {
                !assigns.is_empty() && !windows.tumbles()
            }
            _ => false,
        }
    }

    /// Which windows.
    pub(super) fn kind(&self) -> RowWindowKind {
        match self {
            Self::Pending { kind, .. } | Self::Attached { kind, .. } => *kind,
        }
    }

    /// The same window where column `i` has become column `moved(i)`.
    fn moved(self, moved: impl Fn(usize) -> usize) -> Self {
        match self {
            Self::Pending { time, kind } => Self::Pending { time: moved(time), kind },
            Self::Attached { start, end, kind, assigns } => {
                Self::Attached { start: moved(start), end: moved(end), kind, assigns }
            }
        }
    }
}

/// What is known of a changelog.
#[derive(Debug, Clone)]
pub(super) struct Changelog {
    /// The aggregates that write it.
    pub(super) aggregates: Vec<Place>,
    /// How many keys a row has, the window counting as one; `None`: rows of several changelogs,
    /// which no key tells apart.
    pub(super) keys: Option<usize>,
    /// Old versions are among its rows: a filter follows, which has to see them, or they are always sent.
    pub(super) before: bool,
    /// Only late rows change what has been emitted.
    pub(super) late: bool,
}

impl Changelog {
    /// What makes a result change, and what to do where it must not.
    pub(super) fn cause(&self) -> (&'static str, &'static str) {
        match self.late {
            true => (
                "when late rows come",
                "leave 'allowed-lateness' out, or let the WATERMARK wait so much longer in its place",
            ),
            false => {
                ("with every row", "write EMIT FINAL at the end of the query, or group by a window")
            }
        }
    }

    /// The error of a query that makes `what` of a result that changes.
    pub(super) fn refused(&self, what: &str) -> SqlError {
        let (when, remedy) = self.cause();
        let error = SqlError::new(format!("{what} over a result that changes is not there yet"));
        match self.late {
            true => error.help(format!("it changes {when}; {remedy}")),
            false => error.help("group the inner query by a window, or write EMIT FINAL"),
        }
    }

    /// Whether the key of each row is among its columns, so that a new version replaces the old.
    pub(super) fn upsert(&self, columns: &[LogicalColumn]) -> bool {
        let kept = |key| columns.iter().any(|column| column.key == Some(key));
        self.keys.is_some_and(|keys| (0..keys).all(kept))
    }
}

impl Rows {
    /// Rows in no window, without places, that are no changelog.
    pub(super) fn new(
        stage: usize,
        fields: Vec<FieldRef>,
        columns: Vec<LogicalColumn>,
        bounded: bool,
    ) -> Self {
        let (window, places, lateness, changelog) = (None, None, None, None);
        Self { stage, fields, columns, window, places, bounded, lateness, changelog }
    }

    /// Logical column `index` as an expression, and its field.
    pub(super) fn column(&self, index: usize) -> (Arc<dyn PhysicalExpr>, FieldRef) {
        let at = self.columns[index].at.expect("window columns are assigned before they are read");
        self.at(at)
    }

    /// Column `at` of the rows as an expression, and its field.
    pub(super) fn at(&self, at: usize) -> (Arc<dyn PhysicalExpr>, FieldRef) {
        let field = &self.fields[at];
        (Arc::new(ColumnExpr::new(field.name(), at)), Arc::clone(field))
    }

    /// Whether the logical columns are all columns of the rows, in order.
    pub(super) fn in_order(&self) -> bool {
        self.columns.len() == self.fields.len()
            && self.columns.iter().enumerate().all(|(index, column)| column.at == Some(index))
    }

    /// The columns as a schema.
    pub(super) fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.fields.clone()))
    }

    /// An expression over the logical columns, `schema`, as one over the rows.
    pub(super) fn expr(&self, expr: &Expr, schema: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
        let physical = physical_expr(expr, schema)?;
        let moved = physical.transform(|node| {
            let moved =
                node.downcast_ref::<ColumnExpr>().map(|column| self.column(column.index()).0);
            Ok(match moved {
                Some(moved) => Transformed::yes(moved),
                None => Transformed::no(node),
            })
        });
        Ok(moved.map_err(|error| diagnose(&error, "", None))?.data)
    }

    /// Whether `expr` reads a column of a window that is not assigned yet.
    pub(super) fn reads_pending(&self, expr: &Expr, schema: &DFSchema) -> bool {
        expr.column_refs().into_iter().any(|column| {
            let index = schema.index_of_column(column);
            index.is_ok_and(|index| self.columns[index].at.is_none())
        })
    }
}

/// An expression over `schema`, ready to be computed.
///
/// # Errors
/// DataFusion's, when an expression is of a kind that cannot be computed.
pub(super) fn physical_expr(expr: &Expr, schema: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
    datafusion_physical_expr::create_physical_expr(
        expr,
        schema,
        &ExecutionProps::new(),
        &PhysicalPlanningContext::default(),
    )
    .map_err(|error| diagnose(&error, "", None))
}

/// A nullable field: operators keep no promise about NULLs.
pub(super) fn field(name: &str, data_type: &DataType) -> FieldRef {
    Arc::new(Field::new(name, data_type.clone(), true))
}

/// A column in the type that keys, sinks and formats know: string views become strings.
pub(super) fn plain_type(expr: Arc<dyn PhysicalExpr>, field: FieldRef) -> Column {
    let plain = match field.data_type() {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        _ => return Column { expr, field },
    };
    let field = Arc::new(field.as_ref().clone().with_data_type(plain.clone()));
    Column { expr: Arc::new(CastExpr::new(expr, plain, None)), field }
}

/// `expr`, of the column `field`, as `data_type`.
pub(super) fn cast(expr: Arc<dyn PhysicalExpr>, field: &Field, data_type: &DataType) -> Column {
    let field = Arc::new(field.clone().with_data_type(data_type.clone()));
    Column { expr: Arc::new(CastExpr::new(expr, data_type.clone(), None)), field }
}

/// Column `at` of the rows as a timestamp: itself, or one added to `picked` where it is a number of
/// milliseconds.
pub(super) fn as_time(rows: &Rows, at: usize, picked: &mut Picked) -> usize {
    let (expr, field) = rows.at(at);
    match field.data_type() {
        DataType::Timestamp(..) => at,
        _ => {
            let time = cast(expr, &field, &MILLIS);
            picked.add(time.expr, time.field)
        }
    }
}

/// The logical column that `expr` is, if it is just one.
pub(super) fn plain_column(expr: &Expr, schema: &DFSchema) -> Option<usize> {
    match expr {
        Expr::Alias(alias) => plain_column(&alias.expr, schema),
        Expr::Column(column) => schema.index_of_column(column).ok(),
        _ => None,
    }
}

impl Lowering<'_> {
    /// A projection. Plain columns are only looked at differently (L1).
    pub(super) fn project(
        &mut self,
        rows: Rows,
        exprs: &[Expr],
        input: &DFSchema,
        output: &DFSchema,
    ) -> Result<Rows> {
        let plain: Vec<_> = exprs.iter().map(|expr| plain_column(expr, input)).collect();
        if plain.iter().all(Option::is_some) {
            let columns = plain.into_iter().flatten().map(|index| rows.columns[index]).collect();
            return Ok(Rows { columns, ..rows });
        }
        let reads_pending =
            |expr: &Expr| plain_column(expr, input).is_none() && rows.reads_pending(expr, input);
        let rows =
            if exprs.iter().any(reads_pending) { self.with_window_columns(rows)? } else { rows };
        let mut picked = Picked::default();
        let mut columns = Vec::with_capacity(exprs.len());
        for (index, (expr, plain)) in exprs.iter().zip(plain).enumerate() {
            columns.push(match plain.map(|plain| rows.columns[plain]) {
                Some(pending @ LogicalColumn { at: None, .. }) => pending,
                Some(column) => {
                    let (expr, field) = rows.column(plain.unwrap_or_default());
                    LogicalColumn { at: Some(picked.add(expr, field)), ..column }
                }
                None => {
                    let name = output.field(index);
                    let computed = rows.expr(expr, input)?;
                    let at = picked.add(computed, field(name.name(), name.data_type()));
                    LogicalColumn { at: Some(at), ..LogicalColumn::default() }
                }
            });
        }
        let mut keep = |at: usize| {
            let (expr, field) = rows.at(at);
            picked.add(expr, field)
        };
        let window = rows.window.clone().map(|window| {
            let kept: Vec<(usize, usize)> =
                window.needs().into_iter().map(|at| (at, keep(at))).collect();
            window.moved(|at| kept.iter().find(|(from, _)| *from == at).map_or(at, |(_, to)| *to))
        });
        let places = rows.places.map(|places| places.map(keep));
        let fields = picked.fields();
        self.push_project(rows.stage, picked.columns);
        Ok(Rows { fields, columns, window, places, ..rows })
    }

    /// A filter.
    pub(super) fn filter(
        &mut self,
        rows: Rows,
        predicate: &Expr,
        input: &DFSchema,
    ) -> Result<Rows> {
        let pending = rows.reads_pending(predicate, input);
        let mut rows = if pending { self.with_window_columns(rows)? } else { rows };
        let failed = |error| diagnose(&error, "", None);
        for step in lazy::steps(predicate, input).map_err(failed)? {
            let condition = rows.expr(&step, input)?;
            if !lazy::can_fail(&step, input).map_err(failed)? {
                self.stages[rows.stage].bound(&condition);
            }
            self.push(rows.stage, OperatorSpec::Filter(condition));
        }
        if let Some(changelog) = &mut rows.changelog {
            changelog.before = true;
        }
        Ok(rows)
    }

    /// A window: noted, assigned when something reads it (L2).
    pub(super) fn window(&mut self, rows: Rows, window: &WindowAssign) -> Result<Rows> {
        // A window over a window: the columns of the first are columns like others from here on.
        let mut rows = self.with_window_columns(rows)?;
        if let Some(changelog) = &rows.changelog {
            return Err(changelog.refused("a window"));
        }
        if rows.window.as_ref().is_some_and(RowWindow::repeats) {
            return Err(SqlError::new(
                "a window over rows that another window repeats is not there yet",
            )
            .help("group the inner query by its window first"));
        }
        let time = (window.input.schema().index_of_column(&window.time))
            .map_err(|error| diagnose(&error, "", None))?;
        let time = rows.columns[time].at.expect("windows below were assigned above");
        self.require_time(rows.stage, time);
        let (rows_time, time) = self.time_of(rows, time);
        rows = rows_time;
        for column in &mut rows.columns {
            column.part = None;
        }
        for part in [Part::Start, Part::End, Part::Time] {
            rows.columns.push(LogicalColumn { at: None, part: Some(part), key: None });
        }
        let kind = match &window.kind {
            Kind::Fixed(windows) => RowWindowKind::Fixed(*windows),
            Kind::Session { sessions, .. } => RowWindowKind::Session(*sessions),
        };
        rows.window = Some(RowWindow::Pending { time, kind });
        Ok(rows)
    }

    /// The same rows and their column `at` as a timestamp.
    fn time_of(&mut self, mut rows: Rows, at: usize) -> (Rows, usize) {
        let mut picked = Picked::default();
        for at in 0..rows.fields.len() {
            let (expr, field) = rows.at(at);
            picked.columns.push(Column { expr, field });
        }
        let time = as_time(&rows, at, &mut picked);
        if picked.columns.len() > rows.fields.len() {
            rows.fields = picked.fields();
            self.push_project(rows.stage, picked.columns);
        }
        (rows, time)
    }

    /// The same rows with the columns of their window assigned.
    ///
    /// # Errors
    /// When the window is a session: it is known when its rows have been aggregated.
    pub(super) fn with_window_columns(&mut self, mut rows: Rows) -> Result<Rows> {
        let Some(RowWindow::Pending { time, kind }) = rows.window else { return Ok(rows) };
        let RowWindowKind::Fixed(windows) = kind else { return Err(ungrouped()) };
        let first = rows.fields.len();
        let data_type = rows.fields[time].data_type().clone();
        rows.fields.extend(COLUMNS.map(|name| field(name, &data_type)));
        for column in &mut rows.columns {
            if let (None, Some(part)) = (column.at, column.part) {
                column.at = Some(first + part as usize);
            }
        }
        let operator =
            OperatorSpec::AssignWindows { time, windows, drop_late: false, schema: rows.schema() };
        let place = self.push(rows.stage, operator);
        rows.window =
            Some(RowWindow::Attached { start: first, end: first + 1, kind, assigns: vec![place] });
        Ok(rows)
    }
}

/// Columns collected for a projection, each once.
#[derive(Debug, Default)]
pub(super) struct Picked {
    pub(super) columns: Vec<Column>,
}

impl Picked {
    /// Adds a column, unless it is there; says where it is.
    pub(super) fn add(&mut self, expr: Arc<dyn PhysicalExpr>, field: FieldRef) -> usize {
        let there = self.columns.iter().position(|column| {
            column.expr.as_ref() == expr.as_ref() && column.field.data_type() == field.data_type()
        });
        there.unwrap_or_else(|| {
            self.columns.push(Column { expr, field });
            self.columns.len() - 1
        })
    }

    /// The columns collected.
    pub(super) fn fields(&self) -> Vec<FieldRef> {
        self.columns.iter().map(|column| Arc::clone(&column.field)).collect()
    }
}
