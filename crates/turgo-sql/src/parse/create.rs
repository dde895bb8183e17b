//! `CREATE TABLE` and `CREATE VIEW`, in the words Flink users know.

use std::collections::BTreeMap;
use std::ops::Range;

use datafusion_sql::sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::nearest::nearest;
use super::{not_yet, query, types};
use crate::error::{Result, SqlError};
use crate::statement::{
    ColumnDef, ColumnKind, CreateTable, Name, OptionDef, StatementKind, Watermark,
};

/// What can be created one day, and is refused until then.
const LATER: [&str; 9] =
    ["STREAM", "FUNCTION", "CATALOG", "DATABASE", "SCHEMA", "INDEX", "MODEL", "TYPE", "SEQUENCE"];

/// What may follow a column's type one day.
const COLUMN_LATER: [&str; 7] =
    ["PRIMARY", "UNIQUE", "CHECK", "DEFAULT", "METADATA", "COMMENT", "REFERENCES"];

/// Reads what follows `CREATE`.
pub(super) fn create(mut cursor: Cursor<'_>) -> Result<StatementKind> {
    let or_replace = cursor.eat(&["OR", "REPLACE"]);
    let _session_long = cursor.eat(&["TEMPORARY"]) || cursor.eat(&["TEMP"]);
    if cursor.eat(&["TABLE"]) {
        return table(cursor, or_replace).map(StatementKind::CreateTable);
    }
    if cursor.eat(&["VIEW"]) {
        return view(cursor, or_replace);
    }
    for (words, remedy) in [
        (&["MATERIALIZED", "VIEW"][..], "CREATE VIEW names a query"),
        (&["EXTERNAL", "TABLE"][..], "write CREATE TABLE ... WITH ('connector' = ...)"),
    ] {
        if cursor.are(words) {
            let span = cursor.bytes_of(&cursor.rest()[..words.len()]);
            return Err(not_yet(&format!("CREATE {}", words.join(" ")), span).help(remedy));
        }
    }
    if let Some(later) = LATER.iter().find(|word| cursor.is(word)) {
        let error = not_yet(&format!("CREATE {later}"), cursor.span());
        return Err(if *later == "STREAM" { error.help("use CREATE VIEW") } else { error });
    }
    let error = cursor.unexpected("TABLE or VIEW");
    let written = cursor.text(cursor.span());
    Err(match nearest(written, ["TABLE", "VIEW"]) {
        Some(word) => error.help(format!("did you mean CREATE {word}?")),
        None => error,
    })
}

fn view(mut cursor: Cursor<'_>, or_replace: bool) -> Result<StatementKind> {
    refuse(&cursor, &["IF"], "CREATE VIEW IF NOT EXISTS", "use CREATE OR REPLACE VIEW")?;
    let name = cursor.table_name("a name for the view")?;
    if cursor.peek() == Some(&Token::LParen) {
        return Err(not_yet("a list of column names of a view", cursor.span())
            .help("name the columns in the query: SELECT a AS b"));
    }
    cursor.expect("AS")?;
    let query = query::plain(&cursor)?;
    Ok(StatementKind::CreateView { name, or_replace, query })
}

fn refuse(cursor: &Cursor<'_>, words: &[&str], what: &str, remedy: &str) -> Result<()> {
    if cursor.are(words) { Err(not_yet(what, cursor.span()).help(remedy)) } else { Ok(()) }
}

fn table(mut cursor: Cursor<'_>, or_replace: bool) -> Result<CreateTable> {
    let if_not_exists = cursor.eat(&["IF", "NOT", "EXISTS"]);
    let name = cursor.table_name("a name for the table")?;
    refuse(&cursor, &["AS"], "CREATE TABLE ... AS", "use CREATE VIEW, or CREATE TABLE and INSERT")?;
    refuse(&cursor, &["LIKE"], "CREATE TABLE ... LIKE", "write the columns out")?;
    let (columns, watermark) = match cursor.is("WITH") {
        true => (Vec::new(), None),
        false => body(&mut cursor)?,
    };
    refuse(&cursor, &["PARTITIONED"], "PARTITIONED BY", "leave it out")?;
    refuse(&cursor, &["COMMENT"], "COMMENT", "write a -- comment")?;
    let options = if cursor.eat(&["WITH"]) { options(&mut cursor)? } else { BTreeMap::new() };
    refuse(&cursor, &["AS"], "CREATE TABLE ... AS", "use CREATE VIEW, or CREATE TABLE and INSERT")?;
    cursor.finish()?;
    Ok(CreateTable { name, or_replace, if_not_exists, columns, watermark, options })
}

/// The columns and the watermark, in parentheses; one of them at least.
fn body(cursor: &mut Cursor<'_>) -> Result<(Vec<ColumnDef>, Option<Watermark>)> {
    cursor.expect_token(&Token::LParen)?;
    if cursor.peek() == Some(&Token::RParen) {
        return Err(SqlError::new("a table needs at least one column").at(cursor.span()));
    }
    let mut columns: Vec<ColumnDef> = Vec::new();
    let mut watermark: Option<Watermark> = None;
    loop {
        if cursor.are(&["WATERMARK", "FOR"]) {
            let found = read_watermark(cursor)?;
            if watermark.is_some() {
                return Err(SqlError::new("a table has one watermark, this is its second")
                    .at(found.span)
                    .help("keep one of them"));
            }
            watermark = Some(found);
        } else {
            let column = read_column(cursor)?;
            if columns.iter().any(|other| other.name.value == column.name.value) {
                let message = format!("there are two columns `{}`", column.name.value);
                return Err(SqlError::new(message).at(column.name.span).help("rename one of them"));
            }
            columns.push(column);
        }
        if !cursor.eat_token(&Token::Comma) {
            break;
        }
    }
    if cursor.peek() != Some(&Token::RParen) {
        return Err(after_column(cursor));
    }
    cursor.skip(1);
    // Columns that are to be inferred are not known here.
    let declared = columns.iter().any(|column| matches!(column.kind, ColumnKind::Physical { .. }));
    if let Some(watermark) = watermark.as_ref().filter(|_| declared) {
        check_watermark(&watermark.column, &columns)?;
    }
    Ok((columns, watermark))
}

/// The error at what follows a complete column.
fn after_column(cursor: &Cursor<'_>) -> SqlError {
    match COLUMN_LATER.iter().find(|word| cursor.is(word)) {
        Some(&"PRIMARY") => not_yet("PRIMARY KEY", cursor.span()).help("leave it out"),
        Some(word) => not_yet(word, cursor.span()).help("leave it out"),
        None => cursor.unexpected("`,` or `)`"),
    }
}

fn check_watermark(column: &Name, columns: &[ColumnDef]) -> Result<()> {
    if columns.iter().any(|other| other.name.value == column.value) {
        return Ok(());
    }
    let error = SqlError::new(format!("there is no column `{}` in this table", column.value))
        .at(column.span.clone());
    Err(match nearest(&column.value, columns.iter().map(|column| column.name.value.as_str())) {
        Some(name) => error.help(format!("did you mean `{name}`?")),
        None => error.help("a watermark is for one of the table's columns"),
    })
}

fn read_watermark(cursor: &mut Cursor<'_>) -> Result<Watermark> {
    let start = cursor.span().start;
    cursor.skip(2);
    let column = cursor.name("the time column")?;
    cursor.expect("AS")?;
    let (expr, span) = expression(cursor)?;
    Ok(Watermark { column, expr, span: start..span.end })
}

fn read_column(cursor: &mut Cursor<'_>) -> Result<ColumnDef> {
    for (words, what) in [
        (&["PRIMARY", "KEY"][..], "PRIMARY KEY"),
        (&["CONSTRAINT"][..], "CONSTRAINT"),
        (&["UNIQUE"][..], "UNIQUE"),
        (&["LIKE"][..], "LIKE"),
    ] {
        let named = words.len() == 2 || !matches!(cursor.peek_nth(2), Some(Token::Comma));
        if cursor.are(words) && named && !is_typed_column(cursor) {
            let span = cursor.bytes_of(&cursor.rest()[..words.len()]);
            return Err(not_yet(what, span).help("leave it out"));
        }
    }
    let name = cursor.name("a column name")?;
    if cursor.eat(&["AS"]) {
        let (expr, _) = expression(cursor)?;
        return Ok(ColumnDef { name, kind: ColumnKind::Computed(expr) });
    }
    if matches!(cursor.peek(), None | Some(Token::Comma | Token::RParen)) {
        return Err(cursor
            .unexpected(&format!("a type for column `{}`", name.value))
            .help(format!("write {} VARCHAR, or {} AS expression", name.value, name.value)));
    }
    let data_type = types::data_type(cursor)?;
    let nullable = types::nullability(cursor);
    Ok(ColumnDef { name, kind: ColumnKind::Physical { data_type, nullable } })
}

/// Whether a column with the next word as its name stands here: `unique INT`.
fn is_typed_column(cursor: &Cursor<'_>) -> bool {
    let mut ahead = cursor.clone();
    ahead.skip(1);
    types::data_type(&mut ahead).is_ok()
        && (types::nullability(&mut ahead) || !ahead.rest().is_empty())
        && matches!(ahead.peek(), Some(Token::Comma | Token::RParen))
}

/// An expression up to the next item of the list, and its place.
fn expression(
    cursor: &mut Cursor<'_>,
) -> Result<(Box<datafusion_sql::sqlparser::ast::Expr>, Range<usize>)> {
    let count = cursor.item_len();
    let inner = cursor.take(count);
    if count == 0 {
        return Err(cursor.unexpected("an expression"));
    }
    let expr = query::expression(&inner)?;
    cursor.skip(count);
    Ok((Box::new(expr), inner.rest_span()))
}

/// `('key' = 'value', ...)`.
fn options(cursor: &mut Cursor<'_>) -> Result<BTreeMap<String, OptionDef>> {
    cursor.expect_token(&Token::LParen)?;
    let mut options = BTreeMap::new();
    loop {
        let key = cursor
            .string("an option in quotes")
            .map_err(|error| error.help("write 'connector' = 'filesystem'"))?;
        cursor.expect_token(&Token::Eq)?;
        let value = cursor.string("a value in quotes").map_err(|error| {
            match cursor.text(cursor.span()) {
                "" | "," | ")" => error,
                written => error.help(format!("write '{written}'")),
            }
        })?;
        let option = OptionDef { key_span: key.span.clone(), value };
        if options.insert(key.value.clone(), option).is_some() {
            return Err(SqlError::new(format!("the option '{}' is given twice", key.value))
                .at(key.span)
                .help("keep one of them"));
        }
        if !cursor.eat_token(&Token::Comma) {
            break;
        }
    }
    if cursor.peek() != Some(&Token::RParen) {
        return Err(cursor.unexpected("`,` or `)`"));
    }
    cursor.skip(1);
    Ok(options)
}
