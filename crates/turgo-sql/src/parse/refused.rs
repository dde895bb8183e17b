//! What is refused before sqlparser reads a query: constructs that are not there yet, and texts
//! so deep or so long that reading them would use up the stack.

use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::cursor::{Cursor, is_word};
use super::not_yet;
use crate::error::{Result, SqlError};

/// Brackets and CASEs within each other.
const DEPTH_MAX: usize = 48;

/// Operators and set operations in a row: each makes the tree of the query one level deeper.
const CHAIN_MAX: usize = 500;

/// Checks the tokens not yet read.
pub(super) fn check(cursor: &Cursor<'_>) -> Result<()> {
    size(cursor)?;
    for at in 0..cursor.rest().len() {
        construct(cursor, at)?;
    }
    Ok(())
}

fn construct(cursor: &Cursor<'_>, at: usize) -> Result<()> {
    let rest = &cursor.rest()[at..];
    let words = |words: &[&str]| {
        rest.len() >= words.len() && rest.iter().zip(words).all(|(t, word)| is_word(&t.token, word))
    };
    let paren = |n: usize| rest.get(n).is_some_and(|token| token.token == Token::LParen);
    let refuse = |what: &str, count: usize| Err(not_yet(what, cursor.bytes_of(&rest[..count])));
    if words(&["FOR", "SYSTEM_TIME", "AS", "OF"]) {
        return refuse("FOR SYSTEM_TIME AS OF", 4);
    }
    if words(&["MATCH_RECOGNIZE"]) && paren(1) {
        return refuse("MATCH_RECOGNIZE", 1);
    }
    Ok(())
}

fn size(cursor: &Cursor<'_>) -> Result<()> {
    // What is open, innermost last; the outermost is the statement itself.
    let mut open = vec![Open::default()];
    // `ARRAY<` and its like since the last closing bracket: depth of a type, seen from above.
    let mut types = 0usize;
    for (at, token) in cursor.rest().iter().enumerate() {
        let innermost = open.last_mut().expect("the outermost is never closed");
        match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                innermost.operators += usize::from(token.token == Token::LBracket);
                open.push(Open::default());
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                types = 0;
                let bracket = open.iter().rposition(|open| !open.case).unwrap_or_default();
                open.truncate(bracket.max(1));
            }
            Token::Comma => innermost.operators = 0,
            Token::Lt if is_type_word(cursor.rest(), at) => types += 1,
            word if is_word(word, "CASE") => open.push(Open { case: true, operators: 0 }),
            word if is_word(word, "END") && innermost.case => {
                open.pop();
            }
            other => innermost.operators += usize::from(is_operator(other)),
        }
        if open.last().is_some_and(|innermost| innermost.operators > CHAIN_MAX) {
            let message = format!("the expression has more than {CHAIN_MAX} operators in a row");
            return Err(SqlError::new(message)
                .at(cursor.bytes(token))
                .help("use IN (...), or split it with parentheses"));
        }
        if open.len() > DEPTH_MAX || types > DEPTH_MAX {
            return Err(too_deep().at(cursor.bytes(token)));
        }
    }
    Ok(())
}

/// A bracket or a CASE that is open.
#[derive(Debug, Default)]
struct Open {
    case: bool,
    /// Operators seen in it, but for those in what it holds.
    operators: usize,
}

/// The error for what is nested too deeply, without a place.
pub(super) fn too_deep() -> SqlError {
    SqlError::new("the statement is nested too deeply")
        .help("name parts of it with WITH or CREATE VIEW")
}

fn is_type_word(tokens: &[TokenWithSpan], at: usize) -> bool {
    at.checked_sub(1).is_some_and(|before| {
        ["ARRAY", "MAP", "STRUCT"].iter().any(|word| is_word(&tokens[before].token, word))
    })
}

fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(_) => ["AND", "OR", "NOT", "UNION", "EXCEPT", "INTERSECT", "IS", "IN", "LIKE"]
            .iter()
            .any(|word| is_word(token, word)),
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::HexStringLiteral(_)
        | Token::Period
        | Token::LParen
        | Token::RParen => false,
        _ => true,
    }
}
