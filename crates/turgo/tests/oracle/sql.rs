//! Prints a query as SQL text. What differs between Turgo and the batch engine (windows, exact
//! arithmetic) is a [`Dialect`]; Turgo's is here, the batch engine's in [`crate::batch`].

use crate::model::{Case, Emit, Format, Table, Type, Value};
use crate::query::{
    Arithmetic, Body, Call, Expr, From, Function, GroupWindow, Item, Named, Nesting, OverCall,
    Pace, Query, Scope, Select, Window, WindowStyle,
};

/// The name of the declared table.
pub(crate) const TABLE: &str = "events";

/// What is written differently.
pub(crate) trait Dialect {
    /// `a op b` of result type `ty`.
    fn arithmetic(&self, op: Arithmetic, a: &str, b: &str, ty: &Type) -> String;
    /// A field of a ROW.
    fn field(&self, row: &str, name: &str) -> String;
    /// An aggregate call without its filter applied: `filter` is ` FILTER (...)` or empty.
    fn call(&self, function: Function, argument: &str, ty: Option<&Type>, filter: &str) -> String;
    /// What tells rows of one time apart, as more columns of an ORDER BY.
    fn tie(&self) -> &'static str {
        ""
    }
    /// The FROM item for `window` over `rows`, and what WHERE and GROUP BY say.
    fn window(&self, window: &Window, rows: Rows, scope: &[Named], by: GroupWindow) -> Windowed;
}

/// The rows below a window.
pub(crate) struct Rows {
    /// The FROM item.
    pub(crate) input: String,
    /// ` WHERE ...` or nothing.
    pub(crate) filter: String,
    /// What sessions are partitioned by.
    pub(crate) partition: Vec<String>,
}

/// A window as a FROM item, and what is to be asked of it.
pub(crate) struct Windowed {
    pub(crate) from: String,
    /// ` WHERE ...` or nothing.
    pub(crate) filter: String,
    pub(crate) group_by: Vec<String>,
}

/// Turgo's own words.
#[derive(Debug)]
pub(crate) struct Turgo;

impl Dialect for Turgo {
    fn arithmetic(&self, op: Arithmetic, a: &str, b: &str, _ty: &Type) -> String {
        format!("({a} {} {b})", op.symbol())
    }

    fn field(&self, row: &str, name: &str) -> String {
        format!("{row}.{name}")
    }

    fn call(&self, function: Function, argument: &str, _ty: Option<&Type>, filter: &str) -> String {
        format!("{}{filter}", plain_call(function, argument))
    }

    fn window(&self, window: &Window, rows: Rows, scope: &[Named], by: GroupWindow) -> Windowed {
        let Rows { input, filter, partition } = rows;
        let time = quoted(&scope[window.time].name);
        let both = |first: i64| format!("{}, {}", interval(first), interval(window.size));
        let (name, spans) = match window.pace {
            Pace::Slide(slide) if slide == window.size => ("TUMBLE", interval(slide)),
            Pace::Slide(slide) => ("HOP", both(slide)),
            Pace::Step(step) => ("CUMULATE", both(step)),
            Pace::Session => ("SESSION", interval(window.size)),
        };
        let columns = || by.names().iter().map(|name| (*name).into()).collect();
        // A derived table stands for itself, a name needs the word TABLE.
        let table = if input.starts_with('(') {
            let end = input.rfind(')').expect("a derived table is in parentheses");
            input[..=end].to_string()
        } else {
            format!("TABLE {input}")
        };
        let partition = match &partition[..] {
            [] => String::new(),
            [column] => format!(" PARTITION BY {column}"),
            columns => format!(" PARTITION BY ({})", columns.join(", ")),
        };
        let call = format!("{name}({table}{partition}, DESCRIPTOR({time}), {spans})");
        let (from, group_by) = match window.written {
            WindowStyle::Table => (format!("TABLE({call})"), columns()),
            WindowStyle::Bare => (call, columns()),
            WindowStyle::Grouping => (input, vec![format!("{name}({time}, {spans})")]),
        };
        Windowed { from, filter, group_by }
    }
}

/// The statements of `case`: declarations, then the query. `path` is where its files are.
pub(crate) fn turgo_script(case: &Case, path: &str) -> Vec<String> {
    let mut writer = Writer::new(Turgo, &case.table);
    let query = writer.statement(&case.query);
    let mut statements = vec![create_table(&case.table, path)];
    statements.append(&mut writer.views);
    let emit = match case.emit {
        Emit::Unsaid => String::new(),
        Emit::Final => " EMIT FINAL".into(),
        Emit::Changes => match case.every {
            None => " EMIT CHANGES".into(),
            Some(rows) => format!(" EMIT CHANGES EVERY {rows} ROWS"),
        },
    };
    statements.push(format!("{query}{emit}"));
    statements
}

fn create_table(table: &Table, path: &str) -> String {
    let mut parts: Vec<String> = table
        .columns
        .iter()
        .map(|column| format!("{} {}", quoted(&column.name), type_name(&column.ty)))
        .collect();
    if let Some(bound) = table.bound {
        let time = quoted(&table.columns[table.time].name);
        parts.push(match bound {
            0 => format!("WATERMARK FOR {time} AS {time}"),
            bound => format!("WATERMARK FOR {time} AS {time} - {}", interval(bound)),
        });
    }
    let format = match table.format {
        Format::Json => "json",
        Format::Csv => "csv",
        Format::Parquet => "parquet",
    };
    let on_error = match (table.skip_bad, table.letters) {
        (true, true) => "dead-letter",
        (true, false) => "skip",
        (false, _) => "fail",
    };
    let letters = match table.letters {
        true => format!(", 'late' = 'dead-letter', 'dead-letter.path' = '{path}.letters'"),
        false => String::new(),
    };
    let lateness = match table.lateness {
        0 => String::new(),
        lateness => format!(", 'allowed-lateness' = '{} ms'", lateness / 1_000),
    };
    format!(
        "CREATE TABLE {TABLE} ({}) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' \
         = '{format}', 'on-error' = '{on_error}'{letters}{lateness})",
        parts.join(", ")
    )
}

/// A type as it is declared.
pub(crate) fn type_name(ty: &Type) -> String {
    match ty {
        Type::Int => "INT".into(),
        Type::BigInt => "BIGINT".into(),
        Type::Double => "DOUBLE".into(),
        Type::Decimal(precision, scale) => format!("DECIMAL({precision}, {scale})"),
        Type::Varchar => "VARCHAR".into(),
        Type::Boolean => "BOOLEAN".into(),
        Type::Timestamp(digits) => format!("TIMESTAMP({digits})"),
        Type::Row(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, ty)| format!("{name} {}", type_name(ty))).collect();
            format!("ROW<{}>", fields.join(", "))
        }
    }
}

fn interval(micros: i64) -> String {
    const SECOND: i64 = 1_000_000;
    if micros % (60 * SECOND) == 0 {
        format!("INTERVAL '{}' MINUTE", micros / (60 * SECOND))
    } else if micros % SECOND == 0 {
        format!("INTERVAL '{}' SECOND", micros / SECOND)
    } else {
        assert_eq!(micros % 1000, 0, "intervals are whole milliseconds");
        format!("INTERVAL '{} milliseconds'", micros / 1000)
    }
}

/// A name, in quotes where it needs them.
pub(crate) fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain { name.into() } else { format!("\"{name}\"") }
}

/// A call as every dialect writes it.
pub(crate) fn plain_call(function: Function, argument: &str) -> String {
    match function {
        Function::CountRows => "count(*)".into(),
        Function::Count => format!("count({argument})"),
        Function::CountDistinct => format!("count(DISTINCT {argument})"),
        Function::Sum => format!("sum({argument})"),
        Function::SumDistinct => format!("sum(DISTINCT {argument})"),
        Function::Avg => format!("avg({argument})"),
        Function::AvgDistinct => format!("avg(DISTINCT {argument})"),
        Function::Min => format!("min({argument})"),
        Function::Max => format!("max({argument})"),
        Function::BoolAnd => format!("bool_and({argument})"),
        Function::BoolOr => format!("bool_or({argument})"),
    }
}

/// Prints queries of one dialect.
pub(crate) struct Writer<D> {
    dialect: D,
    table: Scope,
    /// `name AS (query)`, in the order they must stand.
    ctes: Vec<String>,
    /// `CREATE VIEW` statements, in the order they must run.
    views: Vec<String>,
    /// Views may not see common table expressions.
    in_view: bool,
}

impl<D: Dialect> Writer<D> {
    pub(crate) fn new(dialect: D, table: &Table) -> Self {
        let table = crate::naive::table_scope(table);
        Self { dialect, table, ctes: Vec::new(), views: Vec::new(), in_view: false }
    }

    /// A whole query with its common table expressions.
    pub(crate) fn statement(&mut self, query: &Query) -> String {
        let text = self.query(query);
        match self.ctes.is_empty() {
            true => text,
            false => format!("WITH {} {text}", self.ctes.join(", ")),
        }
    }

    /// The views the statement needs.
    pub(crate) fn views(&self) -> &[String] {
        &self.views
    }

    fn query(&mut self, query: &Query) -> String {
        match query {
            Query::Select(select) => self.select(select),
            Query::Union { branches, distinct } => {
                let branches: Vec<_> = branches.iter().map(|branch| self.query(branch)).collect();
                branches.join(if *distinct { " UNION " } else { " UNION ALL " })
            }
        }
    }

    fn from(&mut self, from: &From) -> String {
        match from {
            From::Table => TABLE.into(),
            From::Query { query, name, written } => match written {
                Nesting::Cte if !self.in_view => {
                    let text = self.query(query);
                    self.ctes.push(format!("{name} AS ({text})"));
                    name.clone()
                }
                Nesting::View => {
                    let outer = std::mem::replace(&mut self.in_view, true);
                    let text = self.query(query);
                    self.in_view = outer;
                    self.views.push(format!("CREATE VIEW {name} AS {text}"));
                    name.clone()
                }
                Nesting::Cte | Nesting::Derived => format!("({}) AS {name}", self.query(query)),
            },
            From::Window(_) => panic!("a window over a window goes through a query"),
        }
    }

    fn select(&mut self, select: &Select) -> String {
        let scope = select.from.scope(&self.table);
        let by = match &select.body {
            Body::Groups { window, .. } => *window,
            Body::Rows { .. } | Body::Over { .. } => GroupWindow::No,
        };
        let names: Vec<String> = scope.iter().map(|named| quoted(&named.name)).collect();
        let filter = select.filter.as_ref().map_or(String::new(), |filter| {
            format!(" WHERE {}", self.expr(filter, &scope, &names))
        });
        let Windowed { from, filter, group_by } = match &select.from {
            From::Window(window) => {
                let input = self.from(&window.input);
                let partition = window.partition.iter();
                let partition = partition.map(|expr| self.expr(expr, &scope, &names)).collect();
                let rows = Rows { input, filter, partition };
                self.dialect.window(window, rows, &scope, by)
            }
            from => Windowed { from: self.from(from), filter, group_by: Vec::new() },
        };
        let item = |item: &Item| {
            format!("{} AS {}", self.expr(&item.expr, &scope, &names), quoted(&item.name))
        };
        match &select.body {
            Body::Rows { items, distinct } => {
                let items: Vec<_> = items.iter().map(item).collect();
                let distinct = if *distinct { "DISTINCT " } else { "" };
                format!("SELECT {distinct}{} FROM {from}{filter}", items.join(", "))
            }
            Body::Over { items, time, partition, calls } => {
                let order = self.order(*time, partition, &scope, &names);
                let calls = calls.iter().map(|call| {
                    let text = self.over(call, &order, &scope, &names);
                    format!("{text} AS {}", quoted(call.name()))
                });
                let shown: Vec<_> = items.iter().map(item).chain(calls).collect();
                format!("SELECT {} FROM {from}{filter}", shown.join(", "))
            }
            Body::Groups { keys, window, window_as, calls, having, keys_shown } => {
                let mut shown: Vec<String> = Vec::new();
                let mut values: Vec<String> = Vec::new();
                if *keys_shown {
                    shown.extend(keys.iter().map(item));
                    values.extend(keys.iter().map(|key| self.expr(&key.expr, &scope, &names)));
                }
                for (index, name) in window.names().iter().enumerate() {
                    shown.push(match window_as {
                        Some(names) => format!("{name} AS {}", names[index]),
                        None => (*name).into(),
                    });
                    values.push((*name).into());
                }
                for call in calls {
                    let text = self.call(call, &scope, &names);
                    shown.push(format!("{text} AS {}", quoted(&call.name)));
                    values.push(text);
                }
                let mut grouping: Vec<_> =
                    keys.iter().map(|key| self.expr(&key.expr, &scope, &names)).collect();
                grouping.extend(group_by);
                let grouping = match grouping.is_empty() {
                    true => String::new(),
                    false => format!(" GROUP BY {}", grouping.join(", ")),
                };
                let having = having.as_ref().map_or(String::new(), |having| {
                    let scope = select.scope(&self.table);
                    format!(" HAVING {}", self.expr(having, &scope, &values))
                });
                format!("SELECT {} FROM {from}{filter}{grouping}{having}", shown.join(", "))
            }
        }
    }

    /// Which rows OVER looks at, and in which order.
    fn order(&self, time: usize, partition: &[Expr], scope: &[Named], names: &[String]) -> String {
        let by: Vec<_> = partition.iter().map(|key| self.expr(key, scope, names)).collect();
        let by = match by.is_empty() {
            true => String::new(),
            false => format!("PARTITION BY {} ", by.join(", ")),
        };
        format!("{by}ORDER BY {}{}", names[time], self.dialect.tie())
    }

    /// A function over the rows that `order` tells.
    fn over(&self, call: &OverCall, order: &str, scope: &[Named], names: &[String]) -> String {
        let framed = |rows: &Option<usize>| match rows {
            Some(rows) => {
                format!("OVER ({order} ROWS BETWEEN {} PRECEDING AND CURRENT ROW)", rows - 1)
            }
            None => format!("OVER ({order} ROWS UNBOUNDED PRECEDING)"),
        };
        match call {
            OverCall::Aggregate(call, rows) => {
                let filter = call.filter.as_ref().map_or(String::new(), |filter| {
                    format!(" FILTER (WHERE {})", self.expr(filter, scope, names))
                });
                let argument = call.argument.as_ref();
                let argument = argument.map_or(String::new(), |expr| self.expr(expr, scope, names));
                let text = plain_call(call.function, &argument);
                format!("{text}{filter} {}", framed(rows))
            }
            OverCall::First(column, rows, _) => {
                format!("first_value({}) {}", names[*column], framed(rows))
            }
            OverCall::Lag(column, rows, _) => {
                format!("lag({}, {rows}) OVER ({order})", names[*column])
            }
        }
    }

    fn call(&self, call: &Call, scope: &[Named], names: &[String]) -> String {
        let filter = call.filter.as_ref().map_or(String::new(), |filter| {
            format!(" FILTER (WHERE {})", self.expr(filter, scope, names))
        });
        let ty = call.argument.as_ref().map(|argument| argument.ty(scope));
        let argument = call.argument.as_ref();
        let argument = argument.map_or(String::new(), |expr| self.expr(expr, scope, names));
        self.dialect.call(call.function, &argument, ty.as_ref(), &filter)
    }

    /// `expr`, where column `i` of the scope is written `names[i]`.
    fn expr(&self, expr: &Expr, scope: &[Named], names: &[String]) -> String {
        let text = |expr: &Expr| self.expr(expr, scope, names);
        match expr {
            Expr::Column(column) => names[*column].clone(),
            Expr::Field(column, field) => match &scope[*column].ty {
                Type::Row(fields) => self.dialect.field(&names[*column], &fields[*field].0),
                other => panic!("a field of a {other:?}"),
            },
            Expr::Literal(value, ty) => literal(value, ty),
            Expr::Arithmetic(op, a, b) => {
                self.dialect.arithmetic(*op, &text(a), &text(b), &expr.ty(scope))
            }
            Expr::Compare(op, a, b) => format!("({} {} {})", text(a), op.symbol(), text(b)),
            Expr::And(a, b) => format!("({} AND {})", text(a), text(b)),
            Expr::Or(a, b) => format!("({} OR {})", text(a), text(b)),
            Expr::Not(a) => format!("(NOT {})", text(a)),
            Expr::IsNull(a) => format!("({} IS NULL)", text(a)),
            Expr::Case(branches, otherwise) => {
                let branches: String = branches
                    .iter()
                    .map(|(when, then)| format!(" WHEN {} THEN {}", text(when), text(then)))
                    .collect();
                let otherwise = otherwise
                    .as_ref()
                    .map_or(String::new(), |otherwise| format!(" ELSE {}", text(otherwise)));
                format!("CASE{branches}{otherwise} END")
            }
            Expr::Coalesce(a, b) => format!("coalesce({}, {})", text(a), text(b)),
            Expr::Upper(a) => format!("upper({})", text(a)),
            Expr::Length(a) => format!("character_length({})", text(a)),
            Expr::Concat(a, b) => format!("({} || {})", text(a), text(b)),
        }
    }
}

fn literal(value: &Value, ty: &Type) -> String {
    match (value, ty) {
        (Value::Null, ty) => format!("CAST(NULL AS {})", type_name(ty)),
        (Value::Int(number), Type::BigInt) if *number >= 0 => number.to_string(),
        (Value::Int(number), Type::BigInt) => format!("({number})"),
        (Value::Int(number), ty) => format!("CAST({number} AS {})", type_name(ty)),
        (Value::Decimal(digits, scale), ty) => {
            format!("CAST('{}' AS {})", crate::encode::decimal(*digits, *scale), type_name(ty))
        }
        (Value::Double(number), _) => format!("CAST({number:?} AS DOUBLE)"),
        (Value::Text(text), _) => format!("'{}'", text.replace('\'', "''")),
        (Value::Bool(truth), _) => truth.to_string(),
        (value, _) => panic!("{value:?} is not written as a literal"),
    }
}
