//! A query as plain data: stages of instances, what each does to rows, and how rows travel.
//!
//! The planner builds it, `explain` prints it, tests compare it, and the runtime makes tasks of it.

use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{DataType, FieldRef, SchemaRef, TimeUnit};
use datafusion_common::ScalarValue;
use datafusion_expr_common::operator::Operator;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::aggregate::AggregateFunctionExpr;
use datafusion_physical_expr::expressions::{BinaryExpr, Column as ColumnExpr, Literal};

use crate::io::{Sink, Source};
use crate::window::{Sessions, Windows};

/// A query, ready to run.
#[derive(Debug, Clone)]
pub struct TaskGraph {
    /// The stages; a stage only outputs to later ones. [`Stage::input`] and [`Stage::output`] name
    /// stages by their index here.
    pub stages: Vec<Stage>,
}

impl TaskGraph {
    /// The tables it reads, in the order of its stages.
    pub fn scans(&self) -> impl Iterator<Item = &Scan> {
        self.stages.iter().filter_map(|stage| match &stage.input {
            Input::Source(scan) => Some(scan),
            Input::Exchange => None,
        })
    }

    /// The tables it writes.
    pub fn sinks(&self) -> impl Iterator<Item = &Arc<dyn Sink>> {
        self.stages.iter().filter_map(|stage| match &stage.output {
            Output::Sink { sink, .. } => Some(sink),
            Output::Exchange { .. } => None,
        })
    }
}

/// A chain of operators that runs as several instances.
#[derive(Debug, Clone)]
pub struct Stage {
    /// How many instances it has.
    pub instances: Instances,
    /// Where its rows come from.
    pub input: Input,
    /// What happens to them, in order.
    pub operators: Vec<OperatorSpec>,
    /// Where they go.
    pub output: Output,
    /// The columns that leave the stage.
    pub schema: SchemaRef,
}

/// How many instances a stage has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instances {
    /// One for each worker.
    Workers,
    /// One, where there is no key to deal rows out by.
    One,
}

/// Where a stage's rows come from.
#[derive(Debug, Clone)]
pub enum Input {
    /// A table.
    Source(Scan),
    /// Every stage whose output names this one.
    Exchange,
}

/// Where a stage's rows go.
#[derive(Debug, Clone)]
pub enum Output {
    /// To another stage.
    Exchange {
        /// Its index.
        to: usize,
        /// Which of its instances a row goes to.
        distribution: Distribution,
    },
    /// Out.
    Sink {
        /// The table written.
        sink: Arc<dyn Sink>,
        /// The rows are a changelog.
        changes: bool,
    },
}

/// Which instance of the next stage a row goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Distribution {
    /// The one with the sender's number (modulo their count).
    Forward,
    /// The owner of its key: the key columns are hashed into one of 256 key groups, and each
    /// instance owns a range of them.
    Hash {
        /// The key columns.
        keys: Vec<usize>,
    },
    /// The only one.
    One,
}

/// Reading a table.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Its name in the query.
    pub table: String,
    /// The table.
    pub source: Arc<dyn Source>,
    /// The physical columns that are decoded, ascending.
    pub projection: Vec<usize>,
    /// The columns that leave the scan, computed from the decoded ones: plain references and
    /// computed columns.
    pub columns: Vec<Column>,
    /// Its event time, where it has one.
    pub event_time: Option<EventTimeSpec>,
    /// What to do with a record that is not understood.
    pub on_error: OnError,
    /// How far, in microseconds, one partition's watermark may lead the slowest one's before it
    /// waits.
    pub drift_max: i64,
    /// Where it keeps rows that are left out.
    pub letters: Option<DeadLetters>,
    /// Whether the end of the table closes the windows that its watermark has not. One table that
    /// does not is enough for a query to leave them unsaid.
    pub flush_at_end: bool,
    /// Where order matters beyond event time: the number of this scan in the query, and two columns
    /// follow [`Scan::columns`], [`PLACES`].
    pub places: Option<u32>,
}

impl Scan {
    /// By how many microseconds the watermark stays behind the time column, the allowed lateness
    /// included, where that is all it does.
    pub fn watermark_bound(&self) -> Option<i64> {
        let spec = self.event_time.as_ref()?;
        match self.columns[spec.column].field.data_type() {
            DataType::Timestamp(unit, None) => spec.bound(*unit)?.checked_add(spec.lateness),
            _ => None,
        }
    }
}

/// Where a table keeps rows that are left out; see [`crate::letter`].
#[derive(Debug, Clone)]
pub struct DeadLetters {
    /// What it is called, for people: a path.
    pub name: String,
    /// Takes one row per letter. Tables with the same sink share its writer.
    pub sink: Arc<dyn Sink>,
    /// Bad rows are kept, where they do not end the run.
    pub bad: bool,
    /// Late rows are kept.
    pub late: bool,
}

/// Where a row was read, so that rows of one time have an order that is a property of the data: the
/// scan and partition, the position in it.
pub const PLACES: [&str; 2] = ["partition", "position"];

/// A column and how it is computed.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its value.
    pub expr: Arc<dyn PhysicalExpr>,
    /// Its name, type and nullability.
    pub field: FieldRef,
}

/// The event time of a table.
#[derive(Debug, Clone)]
pub struct EventTimeSpec {
    /// The time column, an index into [`Scan::columns`]. A row where it is NULL is a bad row.
    pub column: usize,
    /// The watermark a row stands for, over [`Scan::columns`]; `None`: no row promises anything.
    pub watermark: Option<Arc<dyn PhysicalExpr>>,
    /// The allowed lateness: by how many microseconds less rows promise than `watermark` says.
    pub lateness: i64,
}

impl EventTimeSpec {
    /// The watermark as an expression less a constant interval in nanoseconds, where it has that
    /// form.
    pub fn behind(&self) -> Option<(&Arc<dyn PhysicalExpr>, i64)> {
        let minus = self.watermark.as_ref()?.downcast_ref::<BinaryExpr>()?;
        let bound = minus.right().downcast_ref::<Literal>()?.value();
        let ScalarValue::IntervalMonthDayNano(Some(bound)) = bound else { return None };
        (*minus.op() == Operator::Minus && (bound.months, bound.days) == (0, 0))
            .then_some((minus.left(), bound.nanoseconds))
    }

    /// By how many microseconds the watermark stays behind the time column, where that is all it
    /// does: the form nearly all of them have. `unit` is the column's.
    pub fn bound(&self, unit: TimeUnit) -> Option<i64> {
        let is_time = |expr: &Arc<dyn PhysicalExpr>| {
            expr.downcast_ref::<ColumnExpr>().is_some_and(|column| column.index() == self.column)
        };
        if is_time(self.watermark.as_ref()?) {
            return Some(0);
        }
        let (from, bound) = self.behind()?;
        let nanos = match unit {
            TimeUnit::Second => 1_000_000_000,
            TimeUnit::Millisecond => 1_000_000,
            TimeUnit::Microsecond | TimeUnit::Nanosecond => 1_000,
        };
        (is_time(from) && bound % nanos == 0).then_some(bound / 1_000)
    }
}

/// What to do with a record that is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// End the run, naming the place.
    Fail,
    /// Leave it out and count it.
    Skip,
}

/// One operator.
#[derive(Debug, Clone)]
pub enum OperatorSpec {
    /// Keeps the rows where a condition holds. In a changelog, an update of which only one side
    /// holds becomes an insert or a delete.
    Filter(Arc<dyn PhysicalExpr>),
    /// Computes columns.
    Project(Vec<Column>),
    /// Repeats each row for each window that holds it and adds `window_start`, `window_end` and
    /// `window_time`.
    AssignWindows {
        /// The time column.
        time: usize,
        /// The windows, [`Windows::within`] the column's unit.
        windows: Windows,
        /// A windowed aggregate follows: leave out rows in windows they are late for, and count
        /// them.
        drop_late: bool,
        /// Input columns, then the three.
        schema: SchemaRef,
    },
    /// Aggregates what one instance sees into partial states. With one worker, whose only instance of the
    /// next stage owns all groups, its rows go on to [`Self::FinalAggregate`] as they are.
    PartialAggregate(Arc<Aggregate>),
    /// Merges partial states and emits each group once, when its window closes or the input ends;
    /// with [`Aggregate::lateness`], when its window is emitted and when late rows change it.
    FinalAggregate(Arc<Aggregate>),
    /// Aggregates rows of the keys an instance owns and emits each group once.
    RowAggregate(Arc<Aggregate>),
    /// Aggregates rows of the keys an instance owns and emits the changed group for each row, or
    /// the changed groups from time to time.
    ChangesAggregate {
        /// What is aggregated.
        aggregate: Arc<Aggregate>,
        /// Also emit the old version of the row (`-U`) before the new one.
        before: bool,
        /// When changes leave; `None`: with each row.
        every: Option<Every>,
    },
    /// Drops the old versions (`-U`) from a changelog whose rows carry their key.
    DropUpdateBefore,
    /// Adds to each row values computed from the rows before it: `OVER`.
    Over(Arc<Over>),
}

/// When changes leave that are held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// After so many rows of the instance that owns the keys.
    Rows(NonZeroU64),
    /// After so much time by the clock.
    Time(Duration),
}

/// Functions over the rows that precede a row of the same key, in the order of time.
#[derive(Debug, Clone)]
pub struct Over {
    /// The columns that come in.
    pub input: SchemaRef,
    /// The key columns of the input: `PARTITION BY`.
    pub keys: Vec<usize>,
    /// The event time: `ORDER BY`.
    pub time: usize,
    /// The columns [`PLACES`], by which rows of one time are ordered.
    pub places: [usize; 2],
    /// What is computed for each row.
    pub calls: Vec<OverCall>,
    /// The columns that leave: those of the input, then one for each call.
    pub output: SchemaRef,
}

/// One function call with `OVER`.
#[derive(Debug, Clone)]
pub struct OverCall {
    /// What is computed.
    pub function: OverFunction,
    /// The argument columns of the input.
    pub args: Vec<usize>,
    /// `FILTER (WHERE ...)`: the Boolean input column that says which rows count.
    pub filter: Option<usize>,
    /// Over how many rows, this one included; `None`: all of the key so far.
    pub rows: Option<NonZeroUsize>,
    /// The result's name and type.
    pub field: FieldRef,
}

/// A function over the rows of a frame.
#[derive(Debug, Clone)]
pub enum OverFunction {
    /// An aggregate of those rows.
    Aggregate(AggregateFunction),
    /// The value of the first of them, NULL or not.
    First,
    /// As `First`, but NULL where the key has fewer rows than the frame holds: the value so many
    /// rows back.
    Lag,
}

impl fmt::Display for OverFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aggregate(function) => function.fmt(f),
            Self::First => f.write_str("first_value"),
            Self::Lag => f.write_str("lag"),
        }
    }
}

/// A grouped aggregation.
#[derive(Debug, Clone)]
pub struct Aggregate {
    /// The columns that come in (before any partial aggregation).
    pub input: SchemaRef,
    /// The key columns of the input.
    pub keys: Vec<usize>,
    /// How groups are bounded in time.
    pub panes: Panes,
    /// Where groups are emitted once complete: how many microseconds before the watermark reaches
    /// its end a window is. It takes rows until then and is emitted again where they change it, so the
    /// result is a changelog, with old versions.
    pub lateness: i64,
    /// What is computed for each group.
    pub calls: Vec<AggregateCall>,
    /// The columns that leave: keys; then, unless `panes` is `Whole`, `window_start`,
    /// `window_end`, `window_time`; then one for each call.
    pub output: SchemaRef,
}

/// How groups are bounded in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Panes {
    /// Not at all: they are complete when the input ends.
    Whole,
    /// By windows over a time column of the input.
    Time {
        /// The time column; never NULL.
        column: usize,
        /// The windows, [`Windows::within`] the column's unit.
        windows: Windows,
    },
    /// By the sessions of each key over a time column of the input.
    Session {
        /// The time column; never NULL.
        column: usize,
        /// The sessions, [`Sessions::within`] the column's unit.
        sessions: Sessions,
    },
    /// By the window each row already carries.
    Attached {
        /// The input column with the window's start.
        start: usize,
        /// The input column with the window's end; a window is complete when the watermark reaches
        /// it.
        end: usize,
    },
}

/// One aggregate function call.
#[derive(Debug, Clone)]
pub struct AggregateCall {
    /// What is computed.
    pub function: AggregateFunction,
    /// The argument columns of the input.
    pub args: Vec<usize>,
    /// `FILTER (WHERE ...)`: the Boolean input column that says which rows count.
    pub filter: Option<usize>,
    /// The result's name and type.
    pub field: FieldRef,
}

/// An aggregate function.
#[derive(Debug, Clone)]
pub enum AggregateFunction {
    /// Rows, NULL or not.
    CountRows,
    /// Values that are not NULL.
    Count,
    /// The exact sum of integers and decimals, the floating-point sum of floats.
    Sum,
    /// The average; of integers and decimals, the exact sum divided once.
    Avg,
    /// [`AggregateFunction::Count`] of distinct values.
    CountDistinct,
    /// [`AggregateFunction::Sum`] of distinct values.
    SumDistinct,
    /// [`AggregateFunction::Avg`] of distinct values.
    AvgDistinct,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// Any other function, through DataFusion's accumulators.
    Other(Arc<AggregateFunctionExpr>),
}

impl fmt::Display for AggregateFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CountRows => f.write_str("count_rows"),
            Self::Count => f.write_str("count"),
            Self::Sum => f.write_str("sum"),
            Self::Avg => f.write_str("avg"),
            Self::CountDistinct => f.write_str("count_distinct"),
            Self::SumDistinct => f.write_str("sum_distinct"),
            Self::AvgDistinct => f.write_str("avg_distinct"),
            Self::Min => f.write_str("min"),
            Self::Max => f.write_str("max"),
            Self::Other(function) => f.write_str(function.fun().name()),
        }
    }
}
