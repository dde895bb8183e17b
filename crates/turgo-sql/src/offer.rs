//! What is refused by name before anything is planned, at its place in the text: syntax whose
//! meaning is not there yet, and functions nobody knows.

mod over;

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{
    Distinct, Expr, Function, FunctionArgumentClause, FunctionArguments, GroupByExpr, ObjectName,
    Query, Select, SelectFlavor, SetExpr, SetOperator, Spanned, TableFactor, Visit, Visitor,
};
use datafusion_sql::sqlparser::tokenizer::Span;

use crate::diagnose::span_bytes;
use crate::error::{Result, SqlError};
use crate::functions::{Functions, is_marker};
use crate::names::nearest;

/// Checks a tree: a query, or an expression of a declaration.
///
/// # Errors
/// The first construct that is not there yet, the first function that is unknown.
pub(crate) fn check(tree: &impl Visit, text: &str, functions: &Functions) -> Result<()> {
    match tree.visit(&mut Offer { text, functions }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Offer<'a> {
    text: &'a str,
    functions: &'a Functions,
}

type Flow = ControlFlow<SqlError>;

impl Offer<'_> {
    fn refuse(&self, what: &str, span: Span) -> Flow {
        self.stop(SqlError::new(format!("{what} is not there yet")), span)
    }

    fn refuse_many(&self, what: &str, span: Span) -> Flow {
        self.stop(SqlError::new(format!("{what} are not there yet")), span)
    }

    fn stop(&self, error: SqlError, span: Span) -> Flow {
        ControlFlow::Break(match span_bytes(self.text, span) {
            Some(span) => error.at(span),
            None => error,
        })
    }

    /// Refuses the first construct that is there: DataFusion would pass over it in silence.
    fn first_of(&self, constructs: &[(bool, &str)], span: Span) -> Flow {
        match constructs.iter().find(|(there, _)| *there) {
            Some((_, what)) => self.refuse(what, span),
            None => Flow::Continue(()),
        }
    }

    fn set_expr(&self, body: &SetExpr) -> Flow {
        if let SetExpr::SetOperation { left, op, right, .. } = body {
            if *op != SetOperator::Union {
                return self.refuse(&op.to_string(), body.span());
            }
            self.set_expr(left)?;
            self.set_expr(right)?;
        }
        Flow::Continue(())
    }

    fn function(&self, function: &Function) -> Flow {
        let name = function.name.to_string().to_lowercase();
        let span = function.name.span();
        if let Some(over) = &function.over
            && let Err((error, span)) = over::check(function, &name, over)
        {
            return self.stop(error, span);
        }
        if !function.within_group.is_empty() {
            return self.refuse("WITHIN GROUP", span);
        }
        if let FunctionArguments::List(list) = &function.args
            && list.clauses.iter().any(|c| matches!(c, FunctionArgumentClause::OrderBy(_)))
        {
            return self.refuse("an aggregate with ORDER BY", span);
        }
        // What stands for a window has the place of the window's name, not of its own.
        let hidden = is_marker(&name) && self.wrote(&name, span);
        let with_over = self.functions.window.contains_key(&name);
        let known = self.functions.contains(&name);
        if with_over && !known && function.over.is_none() {
            let error = SqlError::new(format!("`{name}` needs OVER"));
            return self.stop(error.help(over::HELP), span);
        }
        if hidden || !(known || with_over) {
            let error = SqlError::new(format!("there is no function `{name}`"));
            let error = match nearest(&name, self.functions.names()) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help("SHOW FUNCTIONS lists them"),
            };
            return self.stop(error, span);
        }
        Flow::Continue(())
    }

    /// Whether `name` stands at `span`, whatever its case.
    fn wrote(&self, name: &str, span: Span) -> bool {
        span_bytes(self.text, span)
            .and_then(|span| self.text.get(span))
            .is_some_and(|written| written.eq_ignore_ascii_case(name))
    }

    fn group_by(&self, group_by: &GroupByExpr) -> Flow {
        match group_by {
            GroupByExpr::All(modifiers) | GroupByExpr::Expressions(_, modifiers)
                if !modifiers.is_empty() =>
            {
                self.refuse("GROUP BY ... WITH ROLLUP, CUBE or TOTALS", group_by.span())
            }
            _ => Flow::Continue(()),
        }
    }
}

/// What may stand beside a table's name and has no meaning yet.
fn ignored(table: &TableFactor) -> Vec<(bool, &'static str)> {
    match table {
        TableFactor::Table {
            sample,
            version,
            with_hints,
            index_hints,
            partitions,
            json_path,
            with_ordinality,
            ..
        } => vec![
            (sample.is_some(), "TABLESAMPLE"),
            (version.is_some(), "FOR SYSTEM_TIME AS OF"),
            (!with_hints.is_empty() || !index_hints.is_empty(), "a hint for a table"),
            (!partitions.is_empty(), "PARTITION"),
            (json_path.is_some(), "a path behind a table"),
            (*with_ordinality, "WITH ORDINALITY"),
        ],
        TableFactor::Derived { sample, .. } => vec![(sample.is_some(), "TABLESAMPLE")],
        _ => Vec::new(),
    }
}

impl Visitor for Offer<'_> {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &Query) -> Flow {
        if let Some(with) = &query.with
            && with.recursive
        {
            return self.refuse("WITH RECURSIVE", with.span());
        }
        if let Some(order_by) = &query.order_by {
            return self.refuse("ORDER BY", order_by.span());
        }
        if let Some(limit) = &query.limit_clause {
            return self.refuse("LIMIT", limit.span());
        }
        let ignored =
            [(query.fetch.is_some(), "FETCH FIRST"), (!query.pipe_operators.is_empty(), "|>")];
        self.first_of(&ignored, query.span())?;
        self.set_expr(&query.body)
    }

    fn pre_visit_select(&mut self, select: &Select) -> Flow {
        if let [_, second, ..] = select.from.as_slice() {
            return self.refuse("JOIN", second.span());
        }
        if let Some(join) = select.from.iter().flat_map(|from| &from.joins).next() {
            return self.refuse("JOIN", join.span());
        }
        if let Some(Distinct::On(_)) = select.distinct {
            return self.refuse("DISTINCT ON", select.select_token.0.span);
        }
        if let Some(qualify) = &select.qualify {
            return self.refuse("QUALIFY", qualify.span());
        }
        let ignored = [
            (select.into.is_some(), "SELECT INTO"),
            (select.top.is_some(), "TOP"),
            (select.select_modifiers.is_some(), "a modifier of SELECT"),
            (select.value_table_mode.is_some(), "SELECT AS VALUE or STRUCT"),
            (select.exclude.is_some(), "EXCLUDE behind the columns"),
            (!select.lateral_views.is_empty(), "LATERAL VIEW"),
            (select.prewhere.is_some(), "PREWHERE"),
            (!select.connect_by.is_empty(), "CONNECT BY"),
            (!select.cluster_by.is_empty(), "CLUSTER BY"),
            (!select.distribute_by.is_empty(), "DISTRIBUTE BY"),
            (!select.sort_by.is_empty(), "SORT BY"),
        ];
        self.first_of(&ignored, select.span())?;
        if select.flavor == SelectFlavor::FromFirstNoSelect {
            let error = SqlError::new("FROM without SELECT names no columns")
                .help("write SELECT * FROM ...");
            return self.stop(error, select.span());
        }
        self.group_by(&select.group_by)
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> Flow {
        self.first_of(&ignored(table), table.span())?;
        match table {
            TableFactor::Table { args: None, .. } | TableFactor::Derived { lateral: false, .. } => {
                Flow::Continue(())
            }
            TableFactor::Table { name, .. } | TableFactor::Function { name, .. } => {
                self.refuse(&format!("the table function {name}"), name.span())
            }
            TableFactor::Derived { .. } => self.refuse("LATERAL", table.span()),
            TableFactor::NestedJoin { .. } => self.refuse("JOIN", table.span()),
            TableFactor::UNNEST { .. } => self.refuse("UNNEST", table.span()),
            _ => self.refuse("this form of FROM", table.span()),
        }
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> Flow {
        if relation.0.len() > 1 {
            let error = SqlError::new(format!("`{relation}` has more than one part"))
                .help("tables and views have plain names; the path of a file is quoted: 'a.csv'");
            return self.stop(error, relation.span());
        }
        Flow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> Flow {
        match expr {
            Expr::Function(function) => self.function(function),
            Expr::Subquery(_)
            | Expr::Exists { .. }
            | Expr::InSubquery { .. }
            | Expr::AnyOp { .. }
            | Expr::AllOp { .. } => self.refuse_many("subqueries in expressions", expr.span()),
            Expr::Rollup(_) => self.refuse("ROLLUP", expr.span()),
            Expr::Cube(_) => self.refuse("CUBE", expr.span()),
            Expr::GroupingSets(_) => self.refuse_many("GROUPING SETS", expr.span()),
            _ => Flow::Continue(()),
        }
    }
}
