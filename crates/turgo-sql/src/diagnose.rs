//! DataFusion's errors in our words: what is wrong, the word at fault, the nearest name.

mod reword;

use std::ops::ControlFlow;
use std::ops::Range;

use datafusion_common::{Column, DataFusionError, SchemaError};
use datafusion_sql::sqlparser::ast::{Ident, ObjectName, Query, Visit, Visitor};
use datafusion_sql::sqlparser::tokenizer::{Location, Span};
use turgo_engine::error::plain;

use crate::error::SqlError;
use crate::names::suggest_column;
use crate::parse::LineIndex;
use crate::statement::marker;

use self::reword::reword;

/// The bytes of `text` that a parser's span covers; `None` for empty spans.
pub(crate) fn span_bytes(text: &str, span: Span) -> Option<Range<usize>> {
    LineIndex::new(text).span_to_bytes(span)
}

/// An error of ours, to be carried through DataFusion's planner.
pub(crate) fn carry(error: SqlError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// What `error` says about the statement `text`, of which `query` is the tree, if there is one.
pub(crate) fn diagnose(error: &DataFusionError, text: &str, query: Option<&Query>) -> SqlError {
    let root = error.find_root();
    let mut said = reword(&root.message()).unwrap_or_else(|| translate(root));
    if said.span.is_none() {
        said.span = diagnosed_span(error).and_then(|span| span_bytes(text, span));
    }
    if said.span.is_none()
        && let Some(query) = query
    {
        said.span = quoted_names(&said.message)
            .find_map(|name| find_ident(query, name))
            .or_else(|| about_a_window(&said).then(|| find_ident(query, marker::START)).flatten())
            .and_then(|span| span_bytes(text, span));
    }
    said
}

/// Whether an error is about how a window is written: its place is that of TUMBLE or HOP then, which
/// the window's functions carry.
fn about_a_window(error: &SqlError) -> bool {
    error.message.split(' ').any(|word| word == "window")
}

fn translate(root: &DataFusionError) -> SqlError {
    match root {
        DataFusionError::External(inner) => match inner.downcast_ref::<SqlError>() {
            Some(ours) => ours.clone(),
            None => SqlError::new(inner.to_string()),
        },
        DataFusionError::SchemaError(inner, _) => schema_error(inner),
        DataFusionError::Diagnostic(diagnostic, _) => SqlError::new(diagnostic.message.clone()),
        DataFusionError::Collection(errors) => match errors.first() {
            Some(first) => translate(first.find_root()),
            None => SqlError::new("the statement cannot be planned"),
        },
        DataFusionError::NotImplemented(_) => {
            SqlError::new(format!("not there yet: {}", bare_message(root)))
        }
        DataFusionError::Internal(_) => SqlError::new(format!(
            "internal error: {}; please report it with the query",
            bare_message(root)
        )),
        DataFusionError::Plan(message) => match repeated_name(message) {
            Some(name) => two_columns(name),
            None => SqlError::new(bare_message(root)),
        },
        _ => SqlError::new(bare_message(root)),
    }
}

/// The column that a SELECT computes twice, from the words DataFusion says it in.
fn repeated_name(message: &str) -> Option<&str> {
    let rest = message
        .strip_prefix("Projections require unique expression names but the expression \"")?;
    let name = rest.split('"').next()?;
    Some(name.rsplit_once(" AS ").map_or(name, |(_, alias)| alias))
}

fn two_columns(name: &str) -> SqlError {
    SqlError::new(format!("two columns are named `{name}`"))
        .help("give one of them another name with AS")
}

/// The message without DataFusion's prefix and stack, as a sentence without a full stop.
fn bare_message(error: &DataFusionError) -> String {
    let message = error.message().into_owned();
    let message = message.split(DataFusionError::BACK_TRACE_SEP).next().unwrap_or_default();
    plain(message.trim().trim_end_matches('.'))
}

fn schema_error(error: &SchemaError) -> SqlError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let place = field.relation.as_ref().map(|table| format!(" in `{table}`"));
            let said = SqlError::new(format!(
                "there is no column `{}`{}",
                field.name,
                place.unwrap_or_default()
            ));
            let mut names: Vec<_> = valid_fields.iter().map(|column| column.name()).collect();
            names.dedup();
            match suggest_column(&field.name, names.iter().copied()) {
                Some(help) => said.help(help),
                None => said,
            }
        }
        SchemaError::AmbiguousReference { field } => {
            SqlError::new(format!("column `{}` is ambiguous", field.name))
                .help("say which one is meant: table.column")
        }
        SchemaError::DuplicateQualifiedField { name, .. }
        | SchemaError::DuplicateUnqualifiedField { name } => two_columns(name),
    }
}

/// The names a message is about: those in back-quotes.
fn quoted_names(message: &str) -> impl Iterator<Item = &str> {
    message.split('`').skip(1).step_by(2)
}

fn diagnosed_span(error: &DataFusionError) -> Option<Span> {
    error.diagnostic()?.span.map(parser_span)
}

fn parser_span(span: datafusion_common::Span) -> Span {
    let at = |location: datafusion_common::Location| Location::new(location.line, location.column);
    Span::new(at(span.start), at(span.end))
}

/// The bytes of `text` where `column` is named.
pub(crate) fn span_of_column(column: &Column, text: &str) -> Option<Range<usize>> {
    span_bytes(text, parser_span(column.spans().first()?))
}

/// Where the identifier `name` first stands in `query`.
fn find_ident(query: &Query, name: &str) -> Option<Span> {
    struct Find<'a>(&'a str);
    impl Find<'_> {
        fn check<'i>(&self, idents: impl IntoIterator<Item = &'i Ident>) -> ControlFlow<Span> {
            for ident in idents {
                if ident.value.eq_ignore_ascii_case(self.0) && ident.span != Span::empty() {
                    return ControlFlow::Break(ident.span);
                }
            }
            ControlFlow::Continue(())
        }
    }
    impl Visitor for Find<'_> {
        type Break = Span;

        fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<Span> {
            self.check(relation.0.iter().filter_map(|part| part.as_ident()))
        }

        fn pre_visit_expr(
            &mut self,
            expr: &datafusion_sql::sqlparser::ast::Expr,
        ) -> ControlFlow<Span> {
            use datafusion_sql::sqlparser::ast::Expr;
            match expr {
                Expr::Identifier(ident) => self.check([ident]),
                Expr::CompoundIdentifier(idents) => self.check(idents),
                Expr::Function(function) => {
                    self.check(function.name.0.iter().filter_map(|part| part.as_ident()))
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    match query.visit(&mut Find(name)) {
        ControlFlow::Break(span) => Some(span),
        ControlFlow::Continue(()) => None,
    }
}
