//! Windows as functions in GROUP BY: `GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND)`.
//!
//! The tree is rewritten: the relation behind FROM becomes a derived table with the columns of the
//! window, the grouping becomes these columns, and TUMBLE_START and its like become a reference to
//! one of them. A window function that is left anywhere else is an error.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    GroupByExpr, Ident, ObjectName, ObjectNamePart, Query, Select, SelectItem, SetExpr, Spanned,
    TableAlias, TableFactor, Value, VisitMut, VisitorMut, visit_expressions_mut,
};
use datafusion_sql::sqlparser::tokenizer::Span;

use super::{Window, wrong_count};
use crate::error::{Result, SqlError};
use crate::parse::lines::LineIndex;
use crate::parse::{not_yet, query};
use crate::statement::marker;

/// Rewrites every grouping by a window in `query`.
pub(in crate::parse) fn rewrite(query: &mut Query, lines: &LineIndex<'_>) -> Result<()> {
    match query.visit(&mut Rewriter { lines }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => reject(query, lines),
    }
}

/// Refuses the window functions in `tree`.
pub(in crate::parse) fn reject(tree: &mut impl VisitMut, lines: &LineIndex<'_>) -> Result<()> {
    let flow = visit_expressions_mut(tree, |expr| match stray(expr, lines) {
        Some(error) => ControlFlow::Break(error),
        None => ControlFlow::Continue(()),
    });
    match flow {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Rewriter<'a> {
    lines: &'a LineIndex<'a>,
}

impl VisitorMut for Rewriter<'_> {
    type Break = SqlError;

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        match self.query(query) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl Rewriter<'_> {
    fn query(&self, query: &mut Query) -> Result<()> {
        let window = self.body(&mut query.body)?;
        if let (Some(window), Some(order_by)) = (window, &mut query.order_by) {
            window.replace_parts(order_by, self.lines)?;
        }
        Ok(())
    }

    /// The window `body` groups by, if it is one SELECT.
    fn body(&self, body: &mut SetExpr) -> Result<Option<Grouping>> {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left)?;
                self.body(right)?;
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn select(&self, select: &mut Select) -> Result<Option<Grouping>> {
        let GroupByExpr::Expressions(keys, _) = &mut select.group_by else { return Ok(None) };
        let mut found: Option<(usize, Grouping)> = None;
        for (at, key) in keys.iter().enumerate() {
            let Some(grouping) = Grouping::read(key, self.lines)? else { continue };
            if found.is_some() {
                let error = SqlError::new("there are two windows in one GROUP BY")
                    .help("group by one of them");
                return Err(place(error, grouping.place, self.lines));
            }
            found = Some((at, grouping));
        }
        let Some((at, grouping)) = found else { return Ok(None) };
        let columns = marker::COLUMNS.map(|(_, column)| grouping.column(column));
        keys.splice(at..=at, columns);
        grouping.replace_parts(select, self.lines)?;
        let [from] = &mut select.from[..] else {
            return Err(self.needs_one_table(&grouping));
        };
        if !from.joins.is_empty() {
            return Err(self.needs_one_table(&grouping));
        }
        grouping.derive(&mut from.relation);
        Ok(Some(grouping))
    }

    fn needs_one_table(&self, grouping: &Grouping) -> SqlError {
        let name = grouping.window.name();
        let what = format!("GROUP BY {name}(...) over anything but one table");
        place(not_yet(&what, 0..0), grouping.place, self.lines)
            .help("put the join into a subquery, or window one table with FROM TABLE(...)")
    }
}

/// A window in a GROUP BY.
struct Grouping {
    window: Window,
    /// The place of its name.
    place: Span,
    /// The time column, then the slide of a HOP or the step of a CUMULATE, then the size, or the gap
    /// of a SESSION.
    arguments: Vec<Expr>,
}

impl Grouping {
    fn read(key: &Expr, lines: &LineIndex<'_>) -> Result<Option<Self>> {
        let Expr::Function(function) = key else { return Ok(None) };
        let Some((name, place_of)) = function_name(function) else { return Ok(None) };
        let Some(window) = Window::from_word(name) else { return Ok(None) };
        // All but the table.
        let wanted = window.arguments().len() - 1;
        let span = lines.span_to_bytes(key.span()).unwrap_or(0..0);
        let Some(arguments) = plain_arguments(function) else {
            return Err(wrong_count(window, wanted, 0, window.as_group(), span));
        };
        if arguments.len() != wanted {
            return Err(wrong_count(window, wanted, arguments.len(), window.as_group(), span));
        }
        let wrong = |what: &str, at: &Expr| {
            let error = SqlError::new(what).help(format!("write {}", window.as_group()));
            let at = if at.span() == Span::empty() { key.span() } else { at.span() };
            place(error, at, lines)
        };
        if !matches!(arguments[0], Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
            let what = format!("the first argument of {} is a column", window.name());
            return Err(wrong(&what, &arguments[0]));
        }
        if let Some(other) = arguments[1..].iter().find(|a| !matches!(a, Expr::Interval(_))) {
            return Err(wrong("an INTERVAL is expected here", other));
        }
        Ok(Some(Self { window, place: place_of, arguments }))
    }

    fn column(&self, name: &str) -> Expr {
        Expr::Identifier(Ident::with_span(self.place, name))
    }

    /// Replaces TUMBLE_START(...) and its like in `tree`.
    fn replace_parts(&self, tree: &mut impl VisitMut, lines: &LineIndex<'_>) -> Result<()> {
        let flow = visit_expressions_mut(tree, |expr| match self.part(expr, lines) {
            Ok(Some(column)) => {
                *expr = column;
                ControlFlow::Continue(())
            }
            Ok(None) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        });
        match flow {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(()),
        }
    }

    /// The column `expr` stands for, if it is a function of this window.
    fn part(&self, expr: &Expr, lines: &LineIndex<'_>) -> Result<Option<Expr>> {
        let Expr::Function(function) = expr else { return Ok(None) };
        let Some((name, span)) = function_name(function) else { return Ok(None) };
        let Some((window, column)) = part_of(name) else { return Ok(None) };
        let Some(column) = column else { return Ok(None) };
        let same = plain_arguments(function).is_some_and(|arguments| {
            let text = |expr: &Expr| expr.to_string().to_lowercase();
            arguments.iter().map(text).eq(self.arguments.iter().map(text))
        });
        if window != self.window || !same {
            let error = SqlError::new(format!("{name} is not of the window in GROUP BY"))
                .help(format!("use the column {column}"));
            return Err(place(error, span, lines));
        }
        Ok(Some(Expr::Identifier(Ident::with_span(span, column))))
    }

    /// Puts `(SELECT *, START(...) AS window_start, ... FROM relation) AS name` in place of
    /// `relation`.
    fn derive(&self, relation: &mut TableFactor) {
        let mut query = query::constant("SELECT * FROM t");
        let SetExpr::Select(select) = query.body.as_mut() else {
            unreachable!("the constant query is a SELECT")
        };
        let alias = name_of(relation).map(|name| TableAlias {
            explicit: true,
            name: name.clone(),
            columns: Vec::new(),
            at: None,
        });
        std::mem::swap(&mut select.from[0].relation, relation);
        let size = self.arguments.last().expect("a window has a size");
        let kind = self
            .window
            .marker(true)
            .map(|kind| Expr::Value(Value::SingleQuotedString(kind.into()).with_empty_span()));
        let mut arguments = vec![&self.arguments[0], &self.arguments[1], size];
        arguments.extend(&kind);
        for (function, column) in marker::COLUMNS {
            select.projection.push(SelectItem::ExprWithAlias {
                expr: call(Ident::with_span(self.place, function), &arguments),
                alias: Ident::with_span(self.place, column),
            });
        }
        *relation = TableFactor::Derived { lateral: false, subquery: query, alias, sample: None };
    }
}

/// The name other clauses know `relation` by.
pub(crate) fn name_of(relation: &TableFactor) -> Option<&Ident> {
    match relation {
        TableFactor::Table { alias: None, name, .. } => name.0.last()?.as_ident(),
        TableFactor::Table { alias, .. } | TableFactor::Derived { alias, .. } => {
            Some(&alias.as_ref()?.name)
        }
        _ => None,
    }
}

fn call(name: Ident, arguments: &[&Expr]) -> Expr {
    let argument = |expr: &&Expr| FunctionArg::Unnamed(FunctionArgExpr::Expr((*expr).clone()));
    Expr::Function(Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: arguments.iter().map(argument).collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// The unqualified, unquoted name of `function` and its place.
fn function_name(function: &Function) -> Option<(&str, Span)> {
    match &function.name.0[..] {
        [ObjectNamePart::Identifier(name)] if name.quote_style.is_none() => {
            Some((&name.value, name.span))
        }
        _ => None,
    }
}

/// The arguments of `function`, if they are expressions and nothing else.
fn plain_arguments(function: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let plain = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    });
    plain.collect()
}

/// The window a function such as TUMBLE_START is of, and the column it stands for; no column for
/// one that is not there yet.
fn part_of(name: &str) -> Option<(Window, Option<&'static str>)> {
    let upper = name.to_ascii_uppercase();
    let (window, part) = upper.split_once('_')?;
    let column = match part {
        "START" => Some("window_start"),
        "END" => Some("window_end"),
        "ROWTIME" => Some("window_time"),
        "PROCTIME" => None,
        _ => return None,
    };
    Some((Window::from_word(window)?, column))
}

/// The error for a window function that is none of a grouping.
fn stray(expr: &Expr, lines: &LineIndex<'_>) -> Option<SqlError> {
    let Expr::Function(function) = expr else { return None };
    let (name, span) = function_name(function)?;
    let error = if let Some(window) = Window::from_word(name) {
        SqlError::new(format!(
            "{} is a window: it belongs in GROUP BY or behind FROM",
            window.name()
        ))
        .help(format!(
            "write GROUP BY {}, and window_start, window_end or window_time elsewhere",
            window.as_group()
        ))
    } else {
        let (window, column) = part_of(name)?;
        let upper = name.to_ascii_uppercase();
        if column.is_some() {
            SqlError::new(format!("{upper} needs {} in GROUP BY", window.name()))
                .help(format!("write GROUP BY {}", window.as_group()))
        } else {
            not_yet(&upper, 0..0).help("windows are over event time")
        }
    };
    Some(place(error, span, lines))
}

/// `error` at `span` instead of where it was.
fn place(mut error: SqlError, span: Span, lines: &LineIndex<'_>) -> SqlError {
    error.span = lines.span_to_bytes(span);
    error
}
