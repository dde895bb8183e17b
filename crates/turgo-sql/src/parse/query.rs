//! Queries and expressions: sqlparser's grammar between our rewritings, and its errors in our
//! words.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{
    DataType, Expr, Query, SetExpr, Spanned, TypedString, VisitMut, VisitorMut,
    visit_expressions_mut,
};
use datafusion_sql::sqlparser::dialect::GenericDialect;
use datafusion_sql::sqlparser::parser::{Parser, ParserError};
use datafusion_sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::cursor::{Cursor, is_word};
use super::lines::LineIndex;
use super::nearest::nearest;
use super::window::{buffer, clause, group, interval, table};
use super::{emission, file, not_yet, refused};
use crate::error::{Result, SqlError};
use crate::statement::StreamQuery;

const DIALECT: GenericDialect = GenericDialect {};

/// Words that begin a clause, as far as they are worth suggesting.
const CLAUSES: [&str; 9] =
    ["FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "JOIN", "EMIT"];

/// Reads a query with its EMIT clause to the end of the statement.
pub(super) fn stream(cursor: &Cursor<'_>) -> Result<StreamQuery> {
    let (body, emit) = emission::cut(cursor)?;
    let query = read(&body)?;
    let (emit, emit_span) = emit.unzip();
    Ok(StreamQuery { query, emit, emit_span })
}

/// Reads a query that is only given a name, so says nothing about when its results are emitted.
pub(super) fn plain(cursor: &Cursor<'_>) -> Result<Box<Query>> {
    emission::forbid(cursor)?;
    read(cursor)
}

/// Reads an expression to the end of the tokens.
pub(super) fn expression(cursor: &Cursor<'_>) -> Result<Expr> {
    refused::check(cursor)?;
    let mut expr = run(cursor, cursor.rest().to_vec(), Parser::parse_expr)?;
    group::reject(&mut expr, cursor.lines()).map_err(|error| error.at(cursor.rest_span()))?;
    spell_out_literals(&mut expr, cursor)?;
    Ok(expr)
}

/// A query of ours.
///
/// # Panics
///
/// If `text` is no query.
pub(super) fn constant(text: &str) -> Box<Query> {
    let mut parser = Parser::new(&DIALECT).try_with_sql(text).expect("a constant has tokens");
    parser.parse_query().expect("a constant is a query")
}

fn read(cursor: &Cursor<'_>) -> Result<Box<Query>> {
    refused::check(cursor)?;
    let tokens = clause::rewrite(cursor)?;
    let tokens = buffer::rewrite(&cursor.over(&tokens))?;
    let tokens = table::rewrite(&cursor.over(&tokens))?;
    let mut query = run(cursor, tokens, Parser::parse_query)?;
    if let ControlFlow::Break(error) = query.visit(&mut Unsupported { lines: cursor.lines() }) {
        return Err(error.at(cursor.rest_span()));
    }
    file::name(&mut query, cursor.rest());
    group::rewrite(&mut query, cursor.lines()).map_err(|error| error.at(cursor.rest_span()))?;
    spell_out_literals(query.as_mut(), cursor)?;
    Ok(query)
}

/// Runs `parse` over all of `tokens`, which stand for those of `cursor`.
fn run<T>(
    cursor: &Cursor<'_>,
    tokens: Vec<TokenWithSpan>,
    parse: impl FnOnce(&mut Parser<'static>) -> Result<T, ParserError>,
) -> Result<T> {
    let mut parser = Parser::new(&DIALECT).with_tokens_with_locations(tokens);
    let parsed = parse(&mut parser).and_then(|parsed| match parser.peek_token() {
        TokenWithSpan { token: Token::EOF, .. } => Ok(parsed),
        found => parser.expected("the end of the statement", found),
    });
    parsed.map_err(|error| syntax_error(cursor, &error))
}

/// sqlparser's error at the token it speaks of, with a remedy for the slips we know.
fn syntax_error(cursor: &Cursor<'_>, error: &ParserError) -> SqlError {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
        ParserError::RecursionLimitExceeded => return refused::too_deep().at(cursor.rest_span()),
    };
    let (message, location) = split_location(text);
    let tokens = cursor.rest();
    let at = location
        .and_then(|location| tokens.iter().position(|token| token.span.start == location))
        .unwrap_or(tokens.len());
    let span = match (tokens.get(at), location) {
        (Some(token), _) => cursor.bytes(token),
        (None, Some(location)) => {
            let start = cursor.lines().offset(location.line, location.column);
            start..start
        }
        (None, None) => cursor.end()..cursor.end(),
    };
    let message = match message.strip_prefix("Expected: ").and_then(|m| m.rsplit_once(", found: "))
    {
        Some((expected, "EOF")) => {
            format!("expected {}, found the end of the statement", quoted(expected))
        }
        Some((expected, found)) => format!("expected {}, found `{found}`", quoted(expected)),
        None => lower_first(message),
    };
    let error = SqlError::new(message).at(span);
    match emission::remedy(tokens, at) {
        Some(remedy) => error.help(remedy),
        None => match misspelt_clause(tokens, at) {
            Some(clause) => error.help(format!("did you mean {clause}?")),
            None => error,
        },
    }
}

/// A message without sqlparser's ` at Line: 1, Column: 2`, and that place.
fn split_location(text: &str) -> (&str, Option<Location>) {
    let parsed = text.rsplit_once(" at Line: ").and_then(|(message, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        Some((message, Location::new(line.parse().ok()?, column.parse().ok()?)))
    });
    parsed.map_or((text, None), |(message, location)| (message, Some(location)))
}

/// A sign in quotes; words speak for themselves.
fn quoted(expected: &str) -> String {
    match expected.chars().any(char::is_alphabetic) {
        true => expected.to_owned(),
        false => format!("`{expected}`"),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// The clause that the word at `at` or one of the two before it was probably meant to begin: what
/// is misspelt reads as an alias, so the error comes a word later.
fn misspelt_clause(tokens: &[TokenWithSpan], at: usize) -> Option<&'static str> {
    (at.saturating_sub(2)..=at).rev().find_map(|at| match &tokens.get(at)?.token {
        Token::Word(word) if word.quote_style.is_none() && word.value.len() > 3 => {
            let clause = nearest(&word.value, CLAUSES)?;
            (!is_word(&tokens[at].token, clause)).then_some(clause)
        }
        _ => None,
    })
}

fn spell_out_literals(tree: &mut impl VisitMut, cursor: &Cursor<'_>) -> Result<()> {
    let flow = visit_expressions_mut(tree, |expr| {
        if let Expr::TypedString(literal) = expr {
            in_microseconds(literal);
        }
        let Expr::Interval(interval) = expr else { return ControlFlow::Continue(()) };
        let span = cursor.lines().span_to_bytes(interval.value.span());
        match interval::spell_out(interval) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error.at(span.unwrap_or(cursor.rest_span()))),
        }
    });
    match flow {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Gives a literal such as `TIMESTAMP '3000-01-01'` microseconds, unless its fraction is finer. Without
/// digits it would have nanoseconds, which hold the years from 1677 to 2262 only, and so would what
/// it is compared with.
fn in_microseconds(literal: &mut TypedString) {
    let DataType::Timestamp(digits @ None, _) = &mut literal.data_type else { return };
    let Some(text) = literal.value.clone().into_string() else { return };
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    if fraction.bytes().take_while(u8::is_ascii_digit).count() <= 6 {
        *digits = Some(6);
    }
}

/// Finds what sqlparser reads in a query and the planner would leave out in silence.
struct Unsupported<'a> {
    lines: &'a LineIndex<'a>,
}

impl VisitorMut for Unsupported<'_> {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        let what = match query.body.as_ref() {
            SetExpr::Insert(_) => Some("INSERT inside a query"),
            SetExpr::Update(_) => Some("UPDATE inside a query"),
            SetExpr::Delete(_) => Some("DELETE inside a query"),
            SetExpr::Merge(_) => Some("MERGE inside a query"),
            _ if query.settings.is_some() => Some("SETTINGS in a query"),
            _ if query.format_clause.is_some() => Some("FORMAT in a query"),
            _ if query.for_clause.is_some() => Some("FOR XML, JSON or BROWSE in a query"),
            _ if !query.locks.is_empty() => Some("FOR UPDATE or FOR SHARE in a query"),
            _ => None,
        };
        match what {
            Some(what) => {
                let mut error = not_yet(what, 0..0);
                error.span = self.lines.span_to_bytes(query.span());
                ControlFlow::Break(error)
            }
            None => ControlFlow::Continue(()),
        }
    }
}
