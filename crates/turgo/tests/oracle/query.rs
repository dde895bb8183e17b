//! Queries as structured data, and the types of what they compute.

use crate::model::{Type, Value};

/// A query: one SELECT, or several over one another.
#[derive(Debug, Clone)]
pub(crate) enum Query {
    Select(Box<Select>),
    /// All branches have the same column types; the first one names the columns.
    Union {
        branches: Vec<Query>,
        /// UNION, not UNION ALL.
        distinct: bool,
    },
}

/// `SELECT ... FROM ... WHERE ... GROUP BY ... HAVING ...`.
#[derive(Debug, Clone)]
pub(crate) struct Select {
    pub(crate) from: From,
    pub(crate) filter: Option<Expr>,
    pub(crate) body: Body,
}

/// Where rows come from.
#[derive(Debug, Clone)]
pub(crate) enum From {
    Table,
    Query {
        query: Query,
        /// Its name: of a derived table, a common table expression or a view.
        name: String,
        written: Nesting,
    },
    Window(Window),
}

/// How a query within a query is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nesting {
    Derived,
    Cte,
    View,
}

/// Rows with the windows that hold them: one row per window, three columns more.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    /// A table or a query.
    pub(crate) input: Box<From>,
    /// The time column of the input.
    pub(crate) time: usize,
    /// In microseconds; of growing windows, the largest; of sessions, the gap.
    pub(crate) size: i64,
    pub(crate) pace: Pace,
    /// What sessions are partitioned by: columns, or the keys of the SELECT where it groups by the
    /// function. Nothing for other windows.
    pub(crate) partition: Vec<Expr>,
    pub(crate) written: WindowStyle,
    /// A windowed aggregate follows, so late rows are left out. It must tell the windows apart:
    /// growing ones only their ends do.
    pub(crate) drops_late: bool,
}

/// How one window follows another, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Windows start this far apart; tumbling ones as far as they are long.
    Slide(i64),
    /// Windows start together and grow by this.
    Step(i64),
    /// Sessions: windows last while rows follow each other.
    Session,
}

impl Window {
    /// Whether every instant lies in one window.
    pub(crate) fn tumbles(&self) -> bool {
        match self.pace {
            Pace::Slide(pace) | Pace::Step(pace) => pace == self.size,
            Pace::Session => false,
        }
    }

    /// Whether they are sessions of a table function, which says itself what they are partitioned
    /// by.
    pub(crate) fn partitions(&self) -> bool {
        self.pace == Pace::Session && self.written != WindowStyle::Grouping
    }
}

/// How windows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WindowStyle {
    /// `TABLE(TUMBLE(TABLE t, ...))`.
    Table,
    /// `TUMBLE(TABLE t, ...)`.
    Bare,
    /// `GROUP BY TUMBLE(c, ...)`.
    Grouping,
}

/// What is made of the rows.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    Rows {
        items: Vec<Item>,
        distinct: bool,
    },
    Groups {
        /// Without window columns of the same SELECT.
        keys: Vec<Item>,
        /// Which window columns of the same SELECT are grouped by and shown.
        window: GroupWindow,
        /// Other names under which window columns leave.
        window_as: Option<[String; 3]>,
        calls: Vec<Call>,
        /// Over the shown keys, then window columns, then calls.
        having: Option<Expr>,
        /// Whether the keys are among the columns that leave.
        keys_shown: bool,
    },
    /// Each row with what is computed from the rows of its key up to it, in the order of time.
    Over {
        items: Vec<Item>,
        /// The time column of the input.
        time: usize,
        partition: Vec<Expr>,
        calls: Vec<OverCall>,
    },
}

/// A function with OVER. A frame ends at the row and has so many rows, or all so far.
#[derive(Debug, Clone)]
pub(crate) enum OverCall {
    Aggregate(Call, Option<usize>),
    /// The first value of a column in the frame.
    First(usize, Option<usize>, String),
    /// The value of a column so many rows before.
    Lag(usize, usize, String),
}

/// Which window columns a SELECT groups by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupWindow {
    No,
    Start,
    StartEnd,
    StartEndTime,
}

impl GroupWindow {
    /// The names of the columns.
    pub(crate) fn names(self) -> &'static [&'static str] {
        &WINDOW_COLUMNS[..match self {
            Self::No => 0,
            Self::Start => 1,
            Self::StartEnd => 2,
            Self::StartEndTime => 3,
        }]
    }
}

/// The columns a window adds.
pub(crate) const WINDOW_COLUMNS: [&str; 3] = ["window_start", "window_end", "window_time"];

/// A computed column.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) expr: Expr,
    pub(crate) name: String,
}

/// An aggregate call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) function: Function,
    /// None for `count(*)` only.
    pub(crate) argument: Option<Expr>,
    /// `FILTER (WHERE ...)`.
    pub(crate) filter: Option<Expr>,
    pub(crate) name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    CountRows,
    Count,
    CountDistinct,
    Sum,
    SumDistinct,
    Avg,
    AvgDistinct,
    Min,
    Max,
    BoolAnd,
    BoolOr,
}

impl Function {
    /// Whether it asks only which values are there.
    pub(crate) fn is_count(self) -> bool {
        matches!(self, Self::CountRows | Self::Count | Self::CountDistinct)
    }

    /// Whether it adds values up.
    pub(crate) fn adds(self) -> bool {
        matches!(self, Self::Sum | Self::SumDistinct | Self::Avg | Self::AvgDistinct)
    }

    /// Whether it looks at each value once.
    pub(crate) fn is_distinct(self) -> bool {
        matches!(self, Self::CountDistinct | Self::SumDistinct | Self::AvgDistinct)
    }
}

/// A scalar expression over the columns in scope.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Column(usize),
    /// A field of a ROW column.
    Field(usize, usize),
    Literal(Value, Type),
    /// Of two integers, two decimals or two doubles.
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    IsNull(Box<Expr>),
    Case(Vec<(Expr, Expr)>, Option<Box<Expr>>),
    Coalesce(Box<Expr>, Box<Expr>),
    Upper(Box<Expr>),
    Length(Box<Expr>),
    Concat(Box<Expr>, Box<Expr>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Arithmetic {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Different,
    Less,
    LessOrEqual,
    Greater,
}

impl Comparison {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Different => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
        }
    }
}

/// A column that can be named.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) ty: Type,
}

/// The columns in scope.
pub(crate) type Scope = Vec<Named>;

impl Expr {
    /// Whether it names no column.
    pub(crate) fn is_constant(&self) -> bool {
        !self.mentions_after(0)
    }

    /// Whether it names a column at or after `first`.
    pub(crate) fn mentions_after(&self, first: usize) -> bool {
        match self {
            Self::Column(column) | Self::Field(column, _) => *column >= first,
            other => other.parts().into_iter().any(|part| part.mentions_after(first)),
        }
    }

    /// Whether computing it is an error for some values of its columns.
    pub(crate) fn can_fail(&self, scope: &[Named]) -> bool {
        let exact = matches!(self, Self::Arithmetic(..)) && self.ty(scope) != Type::Double;
        exact || self.parts().into_iter().any(|part| part.can_fail(scope))
    }

    /// The conditions of which all must hold, as they stand.
    pub(crate) fn conditions(&self) -> Vec<&Self> {
        match self {
            Self::And(a, b) => [a.conditions(), b.conditions()].concat(),
            other => vec![other],
        }
    }

    /// What it is computed from.
    pub(crate) fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Column(_) | Self::Field(..) | Self::Literal(..) => Vec::new(),
            Self::Arithmetic(_, a, b)
            | Self::Compare(_, a, b)
            | Self::And(a, b)
            | Self::Or(a, b)
            | Self::Coalesce(a, b)
            | Self::Concat(a, b) => vec![&**a, &**b],
            Self::Not(a) | Self::IsNull(a) | Self::Upper(a) | Self::Length(a) => vec![&**a],
            Self::Case(branches, otherwise) => {
                let branches = branches.iter().flat_map(|(when, then)| [when, then]);
                branches.chain(otherwise.as_deref()).collect()
            }
        }
    }

    /// The type in `scope`, by DataFusion's rules of coercion.
    pub(crate) fn ty(&self, scope: &[Named]) -> Type {
        match self {
            Self::Column(column) => scope[*column].ty.clone(),
            Self::Field(column, field) => match &scope[*column].ty {
                Type::Row(fields) => fields[*field].1.clone(),
                other => panic!("a field of a {other:?}"),
            },
            Self::Literal(_, ty) => ty.clone(),
            Self::Arithmetic(op, a, b) => arithmetic_type(*op, &a.ty(scope), &b.ty(scope)),
            Self::Compare(..) | Self::And(..) | Self::Or(..) | Self::Not(_) | Self::IsNull(_) => {
                Type::Boolean
            }
            Self::Case(branches, _) => branches[0].1.ty(scope),
            Self::Coalesce(a, _) => a.ty(scope),
            Self::Upper(_) | Self::Concat(..) => Type::Varchar,
            Self::Length(_) => Type::Int,
        }
    }
}

fn arithmetic_type(op: Arithmetic, a: &Type, b: &Type) -> Type {
    match (a, b) {
        (Type::Int, Type::Int) => Type::Int,
        (a, b) if a.is_integer() && b.is_integer() => Type::BigInt,
        (Type::Double, Type::Double) => Type::Double,
        (Type::Decimal(p, s), Type::Decimal(q, t)) => {
            let (precision, scale) = match op {
                Arithmetic::Add | Arithmetic::Subtract => {
                    let scale = *s.max(t);
                    ((p - s).max(q - t) + scale + 1, scale)
                }
                Arithmetic::Multiply => (p + q + 1, s + t),
                Arithmetic::Divide | Arithmetic::Remainder => panic!("not generated for decimals"),
            };
            assert!(precision <= 38, "a decimal that cannot overflow was generated");
            Type::Decimal(precision, scale)
        }
        (a, b) => panic!("{a:?} {} {b:?}", op.symbol()),
    }
}

impl Call {
    /// The type of the result over rows of `scope`.
    pub(crate) fn ty(&self, scope: &[Named]) -> Type {
        let argument = self.argument.as_ref().map(|argument| argument.ty(scope));
        match (self.function, argument) {
            (Function::CountRows | Function::Count | Function::CountDistinct, _) => Type::BigInt,
            (Function::BoolAnd | Function::BoolOr, _) => Type::Boolean,
            (Function::Min | Function::Max, Some(ty)) => ty,
            (Function::Sum | Function::SumDistinct, Some(Type::Decimal(p, s))) => {
                Type::Decimal((p + 10).min(38), s)
            }
            (Function::Avg | Function::AvgDistinct, Some(Type::Decimal(p, s))) => {
                Type::Decimal((p + 4).min(38), (s + 4).min(38))
            }
            (Function::Sum | Function::SumDistinct, Some(ty)) if ty.is_integer() => Type::BigInt,
            (function, Some(_)) if function.adds() => Type::Double,
            (function, argument) => panic!("{function:?} of {argument:?}"),
        }
    }
}

impl OverCall {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Aggregate(call, _) => &call.name,
            Self::First(.., name) | Self::Lag(.., name) => name,
        }
    }

    /// The type of the result over rows of `scope`.
    pub(crate) fn ty(&self, scope: &[Named]) -> Type {
        match self {
            Self::Aggregate(call, _) => call.ty(scope),
            Self::First(column, ..) | Self::Lag(column, ..) => scope[*column].ty.clone(),
        }
    }
}

impl From {
    /// The columns it offers, where the declared table offers `table`.
    pub(crate) fn scope(&self, table: &[Named]) -> Scope {
        match self {
            Self::Table => table.to_vec(),
            Self::Query { query, .. } => query.scope(table),
            Self::Window(window) => {
                let mut scope = window.input.scope(table);
                let ty = scope[window.time].ty.clone();
                for name in WINDOW_COLUMNS {
                    scope.push(Named { name: name.into(), ty: ty.clone() });
                }
                scope
            }
        }
    }
}

impl Query {
    /// All SELECTs, the outer before the inner.
    pub(crate) fn selects(&self) -> Vec<&Select> {
        match self {
            Self::Union { branches, .. } => branches.iter().flat_map(Self::selects).collect(),
            Self::Select(select) => {
                let from = match &select.from {
                    From::Window(window) => &window.input,
                    from => from,
                };
                let mut selects = vec![&**select];
                if let From::Query { query, .. } = from {
                    selects.extend(query.selects());
                }
                selects
            }
        }
    }

    /// All windows, the outer before the inner.
    pub(crate) fn windows(&self) -> Vec<&Window> {
        let selects = self.selects().into_iter();
        let windows = selects.filter_map(|select| match &select.from {
            From::Window(window) => Some(window),
            _ => None,
        });
        windows.collect()
    }

    /// The columns it answers with.
    pub(crate) fn scope(&self, table: &[Named]) -> Scope {
        match self {
            Self::Select(select) => select.scope(table),
            Self::Union { branches, .. } => branches[0].scope(table),
        }
    }
}

impl Select {
    pub(crate) fn scope(&self, table: &[Named]) -> Scope {
        let input = self.from.scope(table);
        let item = |item: &Item| Named { name: item.name.clone(), ty: item.expr.ty(&input) };
        match &self.body {
            Body::Rows { items, .. } => items.iter().map(item).collect(),
            Body::Over { items, calls, .. } => {
                let computed =
                    |call: &OverCall| Named { name: call.name().into(), ty: call.ty(&input) };
                items.iter().map(item).chain(calls.iter().map(computed)).collect()
            }
            Body::Groups { keys, window, window_as, calls, keys_shown, .. } => {
                let mut scope: Scope =
                    if *keys_shown { keys.iter().map(item).collect() } else { Vec::new() };
                let windows = input.len().saturating_sub(WINDOW_COLUMNS.len());
                for (index, name) in window.names().iter().enumerate() {
                    let ty = input[windows + index].ty.clone();
                    let name = window_as.as_ref().map_or(*name, |names| &names[index]);
                    scope.push(Named { name: name.into(), ty });
                }
                scope
                    .extend(calls.iter().map(|c| Named { name: c.name.clone(), ty: c.ty(&input) }));
                scope
            }
        }
    }
}
