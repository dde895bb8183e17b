//! Statements as parsed: what the front end hands to the planner.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::datatypes::DataType;
use datafusion_sql::sqlparser::ast;
use turgo_engine::graph::Every;

/// One statement of a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What it says.
    pub kind: StatementKind,
    /// The bytes of the script it occupies, without the semicolon.
    pub span: Range<usize>,
}

/// What a statement says.
#[derive(Debug, Clone, PartialEq)]
pub enum StatementKind {
    /// `CREATE TABLE name (...) WITH (...)`.
    CreateTable(CreateTable),
    /// `CREATE [OR REPLACE] VIEW name AS query`.
    CreateView {
        /// Its name.
        name: Name,
        /// Replace a view of that name.
        or_replace: bool,
        /// What it stands for.
        query: Box<ast::Query>,
    },
    /// `DROP TABLE | VIEW [IF EXISTS] name`.
    Drop {
        /// Its name.
        name: Name,
        /// A view, not a table.
        view: bool,
        /// A missing one is no error.
        if_exists: bool,
    },
    /// `INSERT INTO name [(columns)] query [EMIT ...]`.
    Insert {
        /// The table written.
        table: Name,
        /// The columns named, empty for all in order.
        columns: Vec<Name>,
        /// The rows.
        query: StreamQuery,
    },
    /// A bare query: its rows go to standard output.
    Select(StreamQuery),
    /// `EXPLAIN statement`: a SELECT or an INSERT.
    Explain(Box<Statement>),
    /// `SHOW TABLES`.
    ShowTables,
    /// `SHOW VIEWS`.
    ShowViews,
    /// `SHOW FUNCTIONS`.
    ShowFunctions,
    /// `SHOW CREATE TABLE name`.
    ShowCreate(Name),
    /// `SHOW CREATE TABLE 'path'`: the declaration of a file.
    ShowCreateFile(Name),
    /// `SHOW ALL`, or `SET` alone: the settings.
    ShowSettings,
    /// `DESCRIBE name`, also `DESC` and `SHOW COLUMNS FROM`.
    Describe(Name),
    /// `DESCRIBE 'path'`, also `DESC` and `SHOW COLUMNS FROM`: the columns of a file.
    DescribeFile(Name),
    /// `SET 'key' = 'value'`.
    Set {
        /// The setting, as written, without quotes.
        key: Name,
        /// Its value, as written, without quotes.
        value: Name,
    },
}

/// A name or a value and where it stands. Identifiers are folded to lower case unless quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub value: String,
    /// Its bytes in the script.
    pub span: Range<usize>,
}

/// A query with the moment its results are emitted.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamQuery {
    /// The query. Window calls have become derived tables that compute the marker functions of
    /// [`marker`].
    pub query: Box<ast::Query>,
    /// `EMIT ...`, where it is given.
    pub emit: Option<Emit>,
    /// The bytes of `EMIT ...`.
    pub emit_span: Option<Range<usize>>,
}

/// When results are emitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emit {
    /// Once, when they are complete.
    Final,
    /// With every row that changes them, or the changes from time to time.
    Changes(Option<Every>),
}

/// `CREATE TABLE`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTable {
    /// Its name.
    pub name: Name,
    /// `CREATE OR REPLACE TABLE`.
    pub or_replace: bool,
    /// `CREATE TABLE IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Physical and computed columns, in order. Without physical ones, those are inferred.
    pub columns: Vec<ColumnDef>,
    /// `WATERMARK FOR column AS expression`.
    pub watermark: Option<Watermark>,
    /// `WITH ('key' = 'value', ...)`.
    pub options: BTreeMap<String, OptionDef>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDef {
    /// Its name.
    pub name: Name,
    /// What it is.
    pub kind: ColumnKind,
}

/// Where a column's values come from.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnKind {
    /// The records; `nullable` is false after NOT NULL (a NULL is then a bad row).
    Physical {
        /// Its type.
        data_type: DataType,
        /// Whether it may be NULL.
        nullable: bool,
    },
    /// `name AS expression`: computed from physical columns.
    Computed(Box<ast::Expr>),
}

/// A watermark declaration.
#[derive(Debug, Clone, PartialEq)]
pub struct Watermark {
    /// The time column.
    pub column: Name,
    /// The watermark a row stands for.
    pub expr: Box<ast::Expr>,
    /// The whole declaration.
    pub span: Range<usize>,
}

/// An option of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionDef {
    /// Where its key stands.
    pub key_span: Range<usize>,
    /// Its value and where that stands.
    pub value: Name,
}

/// The functions that stand for windows between the front end and the planner.
///
/// `TABLE(TUMBLE(TABLE t, DESCRIPTOR(c), i))` becomes
/// `(SELECT *, START(c, i, i) AS window_start, END(c, i, i) AS window_end, TIME(c, i, i) AS
/// window_time FROM t) AS t`, with the names below; the arguments are the time column, the slide
/// and the size. `HOP` differs only in them; `CUMULATE` has its step in place of the slide and
/// [`marker::CUMULATE`] as a fourth argument. `SESSION` has its gap twice, [`marker::SESSION`] and the
/// columns of PARTITION BY. `GROUP BY ..., TUMBLE(c, i)` rewrites its FROM clause
/// the same way and its grouping to `window_start, window_end, window_time`;
/// `SESSION` then has [`marker::SESSION_OF_GROUP`]. The planner replaces
/// the projection that computes them by one window node; they are never evaluated.
pub mod marker {
    /// Start of the window.
    pub const START: &str = "turgo_window_start";
    /// End of the window.
    pub const END: &str = "turgo_window_end";
    /// Last instant of the window: the event time of its results.
    pub const TIME: &str = "turgo_window_time";

    /// The argument that tells cumulating windows from hopping ones.
    pub const CUMULATE: &str = "cumulate";

    /// The argument that tells sessions from hopping windows; the columns they are partitioned by
    /// follow.
    pub const SESSION: &str = "session";

    /// The same for sessions partitioned by whatever else they are grouped by.
    pub const SESSION_OF_GROUP: &str = "session of group";

    /// The time column of a window clause that leaves it out: the one its table declares a watermark
    /// for.
    pub(crate) const EVENT_TIME: &str = "turgo_event_time";

    /// The functions, each with the column it computes.
    pub(crate) const COLUMNS: [(&str, &str); 3] =
        [(START, "window_start"), (END, "window_end"), (TIME, "window_time")];
}
