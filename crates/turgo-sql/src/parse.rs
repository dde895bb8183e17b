//! From the text of a script to its statements.
//!
//! The text is cut into tokens once, each with its place. Statements of our own grammar (CREATE
//! TABLE, SHOW, SET, ...) are read from the tokens; queries have their windows and their EMIT
//! clause rewritten and are then read by sqlparser. Whatever is added to a query has the place of
//! the words it stands for, so every error, also one the planner finds later, points at what the
//! user wrote.
//!
//! Not here: whether tables, columns and functions exist, and what types they have.

mod command;
mod create;
mod cursor;
mod emission;
pub(crate) mod file;
mod lexicon;
mod lines;
mod nearest;
mod query;
mod refused;
#[cfg(test)]
mod tests;
pub mod typed;
mod types;
mod window;

use std::ops::Range;

use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan, TokenizerError};

use self::cursor::{Cursor, is_word};
pub use self::lines::LineIndex;
pub use self::nearest::nearest;
pub(crate) use self::window::group::name_of;
use crate::error::{Result, SqlError};
use crate::statement::{Name, Statement, StatementKind};

/// The words a statement begins with.
const STATEMENTS: [&str; 12] = [
    "SELECT", "WITH", "VALUES", "FROM", "INSERT", "CREATE", "DROP", "EXPLAIN", "SHOW", "DESCRIBE",
    "DESC", "SET",
];

/// The words of statements that are to come, or are no business of a stream.
const LATER: [&str; 22] = [
    "UPDATE", "DELETE", "MERGE", "ALTER", "TRUNCATE", "RESET", "USE", "ANALYZE", "LOAD", "UNLOAD",
    "COPY", "CALL", "EXECUTE", "PREPARE", "BEGIN", "COMMIT", "ROLLBACK", "GRANT", "REVOKE", "STOP",
    "REPLACE", "UPSERT",
];

/// Stack for reading a script. The grammar recurses up to fifty levels deep and takes up to
/// 200 KiB a level in a debug build; a thread of a caller may have 2 MiB in all.
const STACK_BYTES: usize = 32 << 20;

/// Reads all statements of `text`, which are separated by semicolons.
///
/// # Errors
///
/// The first error in the text, with its place.
pub fn parse(text: &str) -> Result<Vec<Statement>> {
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new()
            .name("turgo-parse".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || script(text))
            .map_err(|error| SqlError::new(format!("cannot start a thread to parse: {error}")))?;
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn script(text: &str) -> Result<Vec<Statement>> {
    let lines = LineIndex::new(text);
    let (tokens, stopped) = lexicon::tokenize(text);
    let mut parts: Vec<&[TokenWithSpan]> =
        tokens.split(|token| token.token == Token::SemiColon).collect();
    if stopped.is_some() {
        // The statement in which reading stopped is not whole.
        parts.pop();
    }
    let statements = parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| statement(&Cursor::new(&lines, part, text.len())))
        .collect::<Result<_>>()?;
    match stopped {
        Some(error) => {
            let read = tokens.last().and_then(|token| lines.span_to_bytes(token.span));
            Err(lexical_error(&error, &lines, read.map_or(0, |span| span.end)))
        }
        None => Ok(statements),
    }
}

/// The error for what is no token; `read` is where the last whole token ends.
fn lexical_error(error: &TokenizerError, lines: &LineIndex<'_>, read: usize) -> SqlError {
    let text = lines.text();
    let found = lines.offset(error.location.line, error.location.column);
    if error.message.to_lowercase().contains("comment") {
        let start = text[read..].find("/*").map_or(found, |at| read + at);
        let end = (start + 2).min(text.len());
        return SqlError::new("a comment is never closed").at(start..end).help("close it with */");
    }
    let start = found;
    let end = start + text[start..].chars().next().map_or(0, char::len_utf8);
    let quote = text[start..end].chars().next();
    let known = SqlError::new(match quote {
        Some('"' | '`') => "a quoted name is never closed",
        Some('\'') => "a string is never closed",
        _ => error.message.trim_end_matches('.'),
    });
    let known = known.at(start..end);
    match quote {
        Some(quote @ ('"' | '`' | '\'')) => known.help(format!("close it with {quote}")),
        _ => known,
    }
}

fn statement(cursor: &Cursor<'_>) -> Result<Statement> {
    let span = cursor.rest_span();
    let mut after = cursor.clone();
    after.skip(1);
    let kind = if begins_query(cursor) {
        StatementKind::Select(query::stream(cursor)?)
    } else if cursor.is("INSERT") {
        insert(after)?
    } else if cursor.is("CREATE") {
        create::create(after)?
    } else if cursor.is("DROP") {
        command::drop(after)?
    } else if cursor.is("SHOW") {
        command::show(after)?
    } else if cursor.is("DESCRIBE") || cursor.is("DESC") {
        command::describe(after)?
    } else if cursor.is("SET") {
        command::set(after)?
    } else if cursor.is("EXPLAIN") {
        explain(&after)?
    } else {
        return Err(unknown(cursor));
    };
    Ok(Statement { kind, span })
}

/// Whether a query begins here.
fn begins_query(cursor: &Cursor<'_>) -> bool {
    cursor.peek() == Some(&Token::LParen)
        || ["SELECT", "WITH", "VALUES", "FROM"].iter().any(|word| cursor.is(word))
}

fn unknown(cursor: &Cursor<'_>) -> SqlError {
    if let Some(later) = LATER.iter().find(|word| cursor.is(word)) {
        return not_yet(later, cursor.span());
    }
    let error = cursor.unexpected("a statement");
    let Some(Token::Word(_)) = cursor.peek() else {
        return error.help(format!("a statement begins with {}", STATEMENTS.join(", ")));
    };
    let written = cursor.text(cursor.span());
    match nearest(written, STATEMENTS.into_iter().chain(LATER)) {
        Some(word) => error.help(format!("did you mean {word}?")),
        None => error.help(format!("a statement begins with {}", STATEMENTS.join(", "))),
    }
}

fn explain(cursor: &Cursor<'_>) -> Result<StatementKind> {
    for word in ["ANALYZE", "VERBOSE", "FORMAT"] {
        if cursor.is(word) {
            return Err(not_yet(&format!("EXPLAIN {word}"), cursor.span())
                .help("write EXPLAIN SELECT ... or EXPLAIN INSERT ..."));
        }
    }
    if !begins_query(cursor) && !cursor.is("INSERT") {
        return Err(cursor
            .unexpected("a SELECT or an INSERT")
            .help("write EXPLAIN SELECT ... or EXPLAIN INSERT ..."));
    }
    Ok(StatementKind::Explain(Box::new(statement(cursor)?)))
}

/// Reads what follows `INSERT`.
fn insert(mut cursor: Cursor<'_>) -> Result<StatementKind> {
    if cursor.is("OVERWRITE") {
        return Err(not_yet("INSERT OVERWRITE", cursor.span()).help("use INSERT INTO"));
    }
    cursor.expect("INTO")?;
    let table = cursor.table_name("the name of a table").map_err(|error| {
        error.help("declare the output with CREATE TABLE ... WITH (...) and write its name here")
    })?;
    let mut columns = Vec::new();
    if cursor.peek() == Some(&Token::LParen) && !query_in_parentheses(&cursor) {
        cursor.skip(1);
        columns = column_names(&mut cursor)?;
    }
    if !begins_query(&cursor) {
        return Err(cursor.unexpected("SELECT or VALUES"));
    }
    let query = query::stream(&cursor)?;
    Ok(StatementKind::Insert { table, columns, query })
}

/// Whether the parenthesis here holds a query, not names.
fn query_in_parentheses(cursor: &Cursor<'_>) -> bool {
    cursor.peek_nth(1).is_some_and(|token| {
        *token == Token::LParen
            || ["SELECT", "WITH", "VALUES", "FROM"].iter().any(|word| is_word(token, word))
    })
}

fn column_names(cursor: &mut Cursor<'_>) -> Result<Vec<Name>> {
    let mut columns: Vec<Name> = Vec::new();
    loop {
        let column = cursor.name("a column name")?;
        if columns.iter().any(|other| other.value == column.value) {
            let message = format!("the column `{}` is named twice", column.value);
            return Err(SqlError::new(message).at(column.span).help("name it once"));
        }
        columns.push(column);
        if !cursor.eat_token(&Token::Comma) {
            break;
        }
    }
    if cursor.peek() != Some(&Token::RParen) {
        return Err(cursor.unexpected("`,` or `)`"));
    }
    cursor.skip(1);
    Ok(columns)
}

/// The error for what is to come.
fn not_yet(what: &str, span: Range<usize>) -> SqlError {
    SqlError::new(format!("{what} is not there yet")).at(span)
}
