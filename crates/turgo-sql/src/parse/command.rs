//! Statements without a query of their own: DROP, SHOW, DESCRIBE, SET.

use datafusion_sql::sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::nearest::nearest;
use super::not_yet;
use crate::error::Result;
use crate::statement::{Name, StatementKind};

/// Reads what follows `DROP`.
pub(super) fn drop(mut cursor: Cursor<'_>) -> Result<StatementKind> {
    let _session_long = cursor.eat(&["TEMPORARY"]) || cursor.eat(&["TEMP"]);
    let view = cursor.eat(&["VIEW"]);
    if !view && !cursor.eat(&["TABLE"]) {
        return Err(cursor.unexpected("TABLE or VIEW"));
    }
    let if_exists = cursor.eat(&["IF", "EXISTS"]);
    let name = cursor.table_name("the name to drop")?;
    if cursor.peek() == Some(&Token::Comma) {
        return Err(not_yet("dropping several at once", cursor.span()).help("write one DROP each"));
    }
    cursor.finish()?;
    Ok(StatementKind::Drop { name, view, if_exists })
}

/// Reads what follows `SHOW`.
pub(super) fn show(mut cursor: Cursor<'_>) -> Result<StatementKind> {
    const WHAT: [&str; 6] = ["TABLES", "VIEWS", "FUNCTIONS", "ALL", "CREATE TABLE", "COLUMNS FROM"];
    let start = cursor.clone();
    let kind = if cursor.eat(&["TABLES"]) {
        StatementKind::ShowTables
    } else if cursor.eat(&["VIEWS"]) {
        StatementKind::ShowViews
    } else if cursor.eat(&["FUNCTIONS"]) {
        StatementKind::ShowFunctions
    } else if cursor.eat(&["ALL"]) {
        StatementKind::ShowSettings
    } else if cursor.eat(&["CREATE", "TABLE"]) {
        match is_file(&cursor) {
            true => StatementKind::ShowCreateFile(cursor.string("a path")?),
            false => StatementKind::ShowCreate(cursor.table_name("the name of a table")?),
        }
    } else if cursor.eat(&["COLUMNS"]) {
        if !cursor.eat(&["IN"]) {
            cursor.expect("FROM")?;
        }
        described(&mut cursor)?
    } else if cursor.are(&["CREATE", "VIEW"]) {
        return Err(not_yet("SHOW CREATE VIEW", cursor.bytes_of(&cursor.rest()[..2])));
    } else {
        let error = start.unexpected(&WHAT.join(", "));
        return Err(match nearest(start.text(start.span()), WHAT) {
            Some(word) => error.help(format!("did you mean SHOW {word}?")),
            None => error,
        });
    };
    cursor.finish()?;
    Ok(kind)
}

/// Reads what follows `DESCRIBE` or `DESC`.
pub(super) fn describe(mut cursor: Cursor<'_>) -> Result<StatementKind> {
    cursor.eat(&["TABLE"]);
    let kind = described(&mut cursor)?;
    cursor.finish()?;
    Ok(kind)
}

fn described(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    Ok(match is_file(cursor) {
        true => StatementKind::DescribeFile(cursor.string("a path")?),
        false => StatementKind::Describe(cursor.table_name("the name of a table or view")?),
    })
}

fn is_file(cursor: &Cursor<'_>) -> bool {
    matches!(cursor.peek(), Some(Token::SingleQuotedString(_)))
}

/// Reads what follows `SET`: nothing, `'key' = 'value'` or `key = value`.
pub(super) fn set(mut cursor: Cursor<'_>) -> Result<StatementKind> {
    if cursor.rest().is_empty() {
        return Ok(StatementKind::ShowSettings);
    }
    let equals = cursor.rest().iter().position(|token| token.token == Token::Eq);
    let Some(equals) = equals.filter(|at| *at > 0) else {
        if equals.is_none() {
            cursor.skip(1);
        }
        let error = if equals.is_none() {
            cursor.unexpected("`=`")
        } else {
            cursor.unexpected("a setting")
        };
        return Err(error.help("write SET 'key' = 'value'"));
    };
    let key = setting(&cursor.take(equals), "a setting")?;
    cursor.skip(equals + 1);
    let value = setting(&cursor, "a value")?;
    Ok(StatementKind::Set { key, value })
}

/// One string, or the text as it is written, such as `sink.parallelism` or `10`.
fn setting(cursor: &Cursor<'_>, what: &str) -> Result<Name> {
    let mut inner = cursor.clone();
    match inner.peek() {
        Some(Token::SingleQuotedString(_)) => {
            let name = inner.string(what)?;
            inner.finish().map_err(|error| error.help("write SET 'key' = 'value'"))?;
            Ok(name)
        }
        Some(_) => {
            let span = cursor.rest_span();
            let value = cursor.text(span.clone()).to_owned();
            if value.contains(char::is_whitespace) {
                return Err(cursor
                    .unexpected(&format!("{what} in one word"))
                    .help("write SET 'key' = 'value', with quotes"));
            }
            Ok(Name { value, span })
        }
        None => Err(cursor.unexpected(what).help("write SET 'key' = 'value'")),
    }
}
