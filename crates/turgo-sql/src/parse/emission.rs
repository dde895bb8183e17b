//! `EMIT FINAL` and `EMIT CHANGES` at the end of a statement that reads results.
//!
//! `emit` is no reserved word: only an unquoted EMIT followed by FINAL or CHANGES, where a query
//! may be complete, is the clause. A column or a table of that name is left alone.

use std::ops::Range;

use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::cursor::{Cursor, is_word};
use super::not_yet;
use crate::error::{Result, SqlError};
use crate::statement::Emit;

/// The words after which EMIT is a name.
const INCOMPLETE: [&str; 16] = [
    "FROM", "JOIN", "SELECT", "DISTINCT", "AS", "BY", "WHERE", "ON", "AND", "OR", "NOT", "HAVING",
    "CASE", "WHEN", "THEN", "ELSE",
];

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
                return Err(not_yet("EMIT CHANGES EVERY", span).help("use EMIT CHANGES"));
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
        is_word(next, "CHANGES").then_some(Emit::Changes)
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
