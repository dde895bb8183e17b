//! `EMIT FINAL` and `EMIT CHANGES [EVERY ...]` at the end of a statement that reads results.
//!
//! `emit` is no reserved word: only an unquoted EMIT followed by FINAL or CHANGES, where a query
//! may be complete, is the clause. A column or a table of that name is left alone.

use std::num::NonZeroU64;
use std::ops::Range;
use std::time::Duration;

use arrow::compute::kernels::cast_utils::parse_interval_month_day_nano;
use datafusion_sql::sqlparser::ast::{Expr, Value};
use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};
use turgo_engine::graph::Every;

use super::cursor::{Cursor, is_word};
use super::query;
use crate::error::{Result, SqlError};
use crate::statement::Emit;

/// The words after which EMIT is a name.
const INCOMPLETE: [&str; 16] = [
    "FROM", "JOIN", "SELECT", "DISTINCT", "AS", "BY", "WHERE", "ON", "AND", "OR", "NOT", "HAVING",
    "CASE", "WHEN", "THEN", "ELSE",
];

/// How EVERY is written.
const EXAMPLE: &str = "write EVERY INTERVAL '1' SECOND, or EVERY 1000 ROWS";

/// What EMIT says, and where.
pub(super) type Clause = (Emit, Range<usize>);

/// The query without its EMIT clause, and the clause.
pub(super) fn cut<'a>(cursor: &Cursor<'a>) -> Result<(Cursor<'a>, Option<Clause>)> {
    let tokens = cursor.rest();
    let mut depth = 0usize;
    for at in 0..tokens.len() {
        match tokens[at].token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        let Some(emit) = clause_at(tokens, at) else { continue };
        let span = cursor.bytes_of(&tokens[at..at + 2]);
        match tokens.get(at + 2).map(|token| &token.token) {
            None if depth == 0 => return Ok((cursor.take(at), Some((emit, span)))),
            Some(Token::RParen) if depth > 0 => return Err(misplaced(span)),
            Some(word) if is_word(word, "EVERY") => {
                let span = span.start..cursor.end();
                if depth > 0 {
                    return Err(misplaced(span));
                }
                if emit == Emit::Final {
                    return Err(SqlError::new("EMIT FINAL emits once, so not EVERY so often")
                        .at(span)
                        .help("write EMIT FINAL, or EMIT CHANGES EVERY"));
                }
                let mut rest = cursor.clone();
                rest.skip(at + 3);
                let emit = Emit::Changes(Some(every(rest)?));
                return Ok((cursor.take(at), Some((emit, span))));
            }
            _ => {}
        }
    }
    Ok((cursor.clone(), None))
}

/// Refuses EMIT at the end of a query that is only given a name.
pub(super) fn forbid(cursor: &Cursor<'_>) -> Result<()> {
    match cut(cursor)? {
        (_, Some((_, span))) => Err(misplaced(span)),
        (_, None) => Ok(()),
    }
}

/// A remedy for an error at `tokens[at]`, if it stands right behind the word EMIT.
pub(super) fn remedy(tokens: &[TokenWithSpan], at: usize) -> Option<&'static str> {
    let before = at.checked_sub(1).map(|before| &tokens[before].token)?;
    is_word(before, "EMIT")
        .then_some("EMIT FINAL or EMIT CHANGES ends the statement, nothing follows it")
}

fn misplaced(span: Range<usize>) -> SqlError {
    SqlError::new("EMIT belongs at the end of the statement that reads the results")
        .at(span)
        .help("move it to the end of the SELECT or INSERT")
}

fn clause_at(tokens: &[TokenWithSpan], at: usize) -> Option<Emit> {
    if at == 0 || !is_word(&tokens[at].token, "EMIT") || !complete(&tokens[at - 1].token) {
        return None;
    }
    let next = &tokens.get(at + 1)?.token;
    if is_word(next, "FINAL") {
        Some(Emit::Final)
    } else {
        is_word(next, "CHANGES").then_some(Emit::Changes(None))
    }
}

/// What follows EVERY, to the end of the statement: `INTERVAL '1' SECOND`, or `1000 ROWS`.
fn every(mut rest: Cursor<'_>) -> Result<Every> {
    let wrong = |error: SqlError| error.help(EXAMPLE);
    if rest.is("INTERVAL") {
        return Ok(Every::Time(interval(&rest)?));
    }
    let place = rest.span();
    let Some(Token::Number(number, _)) = rest.peek() else {
        return Err(wrong(rest.unexpected("an interval or a number of rows")));
    };
    rest.skip(1);
    if !rest.eat(&["ROWS"]) && !rest.eat(&["ROW"]) {
        return Err(wrong(rest.unexpected("ROWS")));
    }
    rest.finish().map_err(wrong)?;
    let rows = number.parse().ok().and_then(NonZeroU64::new).map(Every::Rows);
    rows.ok_or_else(|| {
        wrong(SqlError::new(format!("{number} is not a number of rows from 1 on")).at(place))
    })
}

/// An interval of the clock.
fn interval(rest: &Cursor<'_>) -> Result<Duration> {
    let bad = |message: &str| SqlError::new(message).at(rest.rest_span()).help(EXAMPLE);
    let Expr::Interval(interval) = query::expression(rest)? else {
        return Err(bad("EVERY takes an interval and nothing else"));
    };
    let text = match *interval.value {
        Expr::Value(value) => match value.value {
            Value::SingleQuotedString(text) | Value::Number(text, _) => Some(text),
            _ => None,
        },
        _ => None,
    };
    let text = text.ok_or_else(|| bad("EVERY takes a constant interval"))?;
    let unit = interval.leading_field.map_or(String::new(), |unit| format!(" {unit}"));
    let length = parse_interval_month_day_nano(&format!("{text}{unit}"))
        .map_err(|_| bad(&format!("`{text}{unit}` is not an interval")))?;
    if length.months != 0 {
        return Err(bad("EVERY cannot be in months or years, which differ in length"));
    }
    let nanos = i128::from(length.days) * 86_400_000_000_000 + i128::from(length.nanoseconds);
    match u64::try_from(nanos / 1_000_000) {
        Ok(millis) if millis > 0 => Ok(Duration::from_millis(millis)),
        _ => Err(bad("EVERY takes an interval of a millisecond or more")),
    }
}

/// Whether a query may be complete behind this token.
pub(super) fn complete(token: &Token) -> bool {
    match token {
        Token::Word(_) => !INCOMPLETE.iter().any(|word| is_word(token, word)),
        Token::RParen | Token::RBracket | Token::Number(..) => true,
        Token::SingleQuotedString(_)
        | Token::NationalStringLiteral(_)
        | Token::EscapedStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::DollarQuotedString(_)
        | Token::HexStringLiteral(_) => true,
        // `count(*) FROM t` ends in a name; a bare `SELECT *` reads nothing but is a query.
        Token::Mul => true,
        _ => false,
    }
}
