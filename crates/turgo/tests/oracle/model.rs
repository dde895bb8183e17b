//! What a case is made of: types, values, tables with their files, and the query over them.
//!
//! This is plain data. It is printed as text for Turgo ([`crate::sql`], [`crate::encode`]), loaded
//! as columns into a batch engine ([`crate::batch`]) and interpreted row by row ([`crate::naive`]).

use std::cmp::Ordering;

use crate::query::Query;

/// A column type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    Int,
    BigInt,
    Double,
    /// Precision and scale.
    Decimal(u8, u8),
    Varchar,
    Boolean,
    /// Number of fractional digits of a second: 0, 3 or 6.
    Timestamp(u8),
    Row(Vec<(String, Type)>),
}

impl Type {
    pub(crate) fn is_integer(&self) -> bool {
        matches!(self, Self::Int | Self::BigInt)
    }

    /// The values an integer type can hold.
    pub(crate) fn integer_range(&self) -> (i128, i128) {
        match self {
            Self::Int => (i128::from(i32::MIN), i128::from(i32::MAX)),
            Self::BigInt => (i128::from(i64::MIN), i128::from(i64::MAX)),
            other => panic!("{other:?} is not an integer type"),
        }
    }
}

/// Microseconds in one step of a `TIMESTAMP(digits)`.
pub(crate) fn time_step(digits: u8) -> i64 {
    10_i64.pow(6 - u32::from(digits))
}

/// A value. Its type is known from where it stands.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    /// Of INT and BIGINT.
    Int(i128),
    Double(f64),
    /// The digits without the point, and the scale.
    Decimal(i128, u8),
    Text(String),
    Bool(bool),
    /// Microseconds since 1970 UTC.
    Time(i64),
    Row(Vec<Value>),
}

impl Value {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Int(_) => 1,
            Self::Double(_) => 2,
            Self::Decimal(..) => 3,
            Self::Text(_) => 4,
            Self::Bool(_) => 5,
            Self::Time(_) => 6,
            Self::Row(_) => 7,
        }
    }
}

/// NULL sorts first and equals itself, as in GROUP BY and DISTINCT.
impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Double(a), Self::Double(b)) => a.total_cmp(b),
            (Self::Decimal(a, s), Self::Decimal(b, t)) => {
                assert_eq!(s, t, "decimals of one column have one scale");
                a.cmp(b)
            }
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Row(a), Self::Row(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

/// A column of a declared table.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) ty: Type,
}

/// How the files of a table are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Csv,
    /// Has no bad records.
    Parquet,
}

/// A record of a file.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    /// One value per column.
    Good(Vec<Value>),
    /// Text that is not a row of the table.
    Bad(String),
}

/// The declared table a query reads.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    /// The time column. Every table has one; only some declare a watermark on it.
    pub(crate) time: usize,
    /// How far the watermark stays behind the latest row, in microseconds.
    pub(crate) bound: Option<i64>,
    /// `allowed-lateness`, in microseconds.
    pub(crate) lateness: i64,
    pub(crate) format: Format,
    /// Bad records are left out and counted; otherwise the first one ends the run.
    pub(crate) skip_bad: bool,
    /// Records that are left out are kept as dead letters.
    pub(crate) letters: bool,
    /// The records of each file, in order.
    pub(crate) files: Vec<Vec<Record>>,
}

impl Table {
    /// Fractional digits of the time column.
    pub(crate) fn time_digits(&self) -> u8 {
        match self.columns[self.time].ty {
            Type::Timestamp(digits) => digits,
            ref other => panic!("the time column is a {other:?}"),
        }
    }
}

/// When results are emitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emit {
    /// The statement does not say.
    Unsaid,
    Final,
    Changes,
}

/// One question over one input.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) table: Table,
    pub(crate) query: Query,
    pub(crate) emit: Emit,
    /// After how many rows changes are emitted, where not with each.
    pub(crate) every: Option<u64>,
}

impl Case {
    /// Whether the result is a changelog: it is asked for, or late rows change windows that have been
    /// emitted.
    pub(crate) fn changes(&self) -> bool {
        self.emit == Emit::Changes || self.table.lateness > 0
    }
}

/// What happened to a row of a changelog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Insert,
    UpdateBefore,
    UpdateAfter,
    Delete,
}

/// What became of the records of one scan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Counts {
    pub(crate) rows_in: u64,
    pub(crate) used: u64,
    pub(crate) late: u64,
    pub(crate) late_partial: u64,
    pub(crate) filtered: u64,
    pub(crate) rejected: u64,
}

impl Counts {
    pub(crate) fn plus(self, other: &Self) -> Self {
        Self {
            rows_in: self.rows_in + other.rows_in,
            used: self.used + other.used,
            late: self.late + other.late,
            late_partial: self.late_partial + other.late_partial,
            filtered: self.filtered + other.filtered,
            rejected: self.rejected + other.rejected,
        }
    }
}

/// What a query answers.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) columns: Vec<Type>,
    /// In no particular order.
    pub(crate) rows: Vec<Vec<Value>>,
    /// One entry per scan of the table, in no particular order.
    pub(crate) scans: Vec<Counts>,
    /// The records that were left out, by their number in the table, each as often as scans left it
    /// out.
    pub(crate) left_out: Vec<(LeftOut, usize)>,
}

/// Why a record was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LeftOut {
    Bad,
    Late,
}

/// What an answer must be.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    /// The run ends with a data error.
    Fails(String),
    /// The run answers. Where `may_fail`, a data error is right as well: a running sum that leaves
    /// its range under one order of the rows and not under another.
    Answers { answer: Answer, may_fail: bool },
}
