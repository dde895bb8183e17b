//! SQL types to Arrow types.
//!
//! Lengths of strings and byte strings are read and carry no meaning: `VARCHAR(10)` holds any
//! text. `TIMESTAMP` alone has microseconds, `DECIMAL` alone is `DECIMAL(10, 0)`.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use datafusion_sql::sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::nearest::nearest;
use crate::error::{Result, SqlError};

const NAMES: [&str; 28] = [
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INT",
    "INTEGER",
    "BIGINT",
    "FLOAT",
    "REAL",
    "DOUBLE",
    "DECIMAL",
    "NUMERIC",
    "CHAR",
    "VARCHAR",
    "STRING",
    "TEXT",
    "BYTES",
    "BINARY",
    "VARBINARY",
    "BLOB",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
    "ROW",
    "ARRAY",
    "MAP",
    "DEC",
    "BOOL",
];

/// Types within types: more than this is a mistake, and reading it would use up the stack.
const DEPTH_MAX: usize = 32;

/// Reads a type.
pub(super) fn data_type(cursor: &mut Cursor<'_>) -> Result<DataType> {
    nested(cursor, 0)
}

fn nested(cursor: &mut Cursor<'_>, depth: usize) -> Result<DataType> {
    let start = cursor.clone();
    if depth > DEPTH_MAX {
        return Err(
            SqlError::new(format!("types are nested more than {DEPTH_MAX} deep")).at(start.span())
        );
    }
    let name = cursor.name("a type")?;
    let data_type = match name.value.to_uppercase().as_str() {
        "BOOLEAN" | "BOOL" => DataType::Boolean,
        "TINYINT" => integer(cursor, DataType::Int8, DataType::UInt8),
        "SMALLINT" => integer(cursor, DataType::Int16, DataType::UInt16),
        "INT" | "INTEGER" => integer(cursor, DataType::Int32, DataType::UInt32),
        "BIGINT" => integer(cursor, DataType::Int64, DataType::UInt64),
        "FLOAT" | "REAL" => DataType::Float32,
        "DOUBLE" => {
            cursor.eat(&["PRECISION"]);
            DataType::Float64
        }
        "DECIMAL" | "NUMERIC" | "DEC" => decimal(cursor)?,
        "CHAR" | "VARCHAR" | "STRING" | "TEXT" => {
            length(cursor)?;
            DataType::Utf8
        }
        "BYTES" | "BINARY" | "VARBINARY" | "BLOB" => {
            length(cursor)?;
            DataType::Binary
        }
        "DATE" => DataType::Date32,
        "TIME" => time(cursor)?,
        "TIMESTAMP" => timestamp(cursor)?,
        "TIMESTAMP_LTZ" => DataType::Timestamp(precision(cursor)?, Some("+00:00".into())),
        "ROW" => row(cursor, depth)?,
        "ARRAY" => {
            cursor.expect_token(&Token::Lt)?;
            let item = nested(cursor, depth + 1)?;
            cursor.expect_close_angle()?;
            DataType::List(Arc::new(Field::new_list_field(item, true)))
        }
        "MAP" => map(cursor, depth)?,
        other @ ("MULTISET" | "INTERVAL") => {
            return Err(SqlError::new(format!("the type {other} is not there yet")).at(name.span));
        }
        _ => return Err(unknown(&start)),
    };
    Ok(data_type)
}

fn unknown(at: &Cursor<'_>) -> SqlError {
    let written = at.text(at.span());
    let error = SqlError::new(format!("there is no type `{written}`")).at(at.span());
    match nearest(written, NAMES) {
        Some(name) => error.help(format!("did you mean {name}?")),
        None => error.help(
            "the types are BOOLEAN, TINYINT to BIGINT, FLOAT, DOUBLE, DECIMAL, VARCHAR, BYTES, \
             DATE, TIME, TIMESTAMP, TIMESTAMP_LTZ, ROW, ARRAY and MAP",
        ),
    }
}

fn integer(cursor: &mut Cursor<'_>, signed: DataType, unsigned: DataType) -> DataType {
    if cursor.eat(&["UNSIGNED"]) { unsigned } else { signed }
}

/// A whole number from `min` to `max`.
fn number(cursor: &mut Cursor<'_>, what: &str, min: u8, max: u8) -> Result<u8> {
    let wanted = format!("{what} from {min} to {max}");
    let Some(Token::Number(digits, _)) = cursor.peek() else {
        return Err(cursor.unexpected(&wanted));
    };
    match digits.parse() {
        Ok(value) if (min..=max).contains(&value) => {
            cursor.skip(1);
            Ok(value)
        }
        _ => Err(cursor.unexpected(&wanted)),
    }
}

fn length(cursor: &mut Cursor<'_>) -> Result<()> {
    if !cursor.eat_token(&Token::LParen) {
        return Ok(());
    }
    match cursor.peek() {
        Some(Token::Number(digits, _)) if digits.parse::<u64>().is_ok_and(|n| n > 0) => {
            cursor.skip(1);
        }
        _ => return Err(cursor.unexpected("a length of at least 1")),
    }
    cursor.expect_token(&Token::RParen)
}

fn decimal(cursor: &mut Cursor<'_>) -> Result<DataType> {
    if !cursor.eat_token(&Token::LParen) {
        return Ok(DataType::Decimal128(10, 0));
    }
    let precision = number(cursor, "a precision", 1, 76)?;
    let scale =
        if cursor.eat_token(&Token::Comma) { number(cursor, "a scale", 0, precision)? } else { 0 };
    cursor.expect_token(&Token::RParen)?;
    let scale = i8::try_from(scale).expect("a scale is at most 76");
    Ok(match precision {
        ..=38 => DataType::Decimal128(precision, scale),
        _ => DataType::Decimal256(precision, scale),
    })
}

/// `(0)` to `(9)` as a unit of time; microseconds where nothing is said.
fn precision(cursor: &mut Cursor<'_>) -> Result<TimeUnit> {
    if !cursor.eat_token(&Token::LParen) {
        return Ok(TimeUnit::Microsecond);
    }
    let digits = number(cursor, "a precision", 0, 9)?;
    cursor.expect_token(&Token::RParen)?;
    Ok(match digits {
        0 => TimeUnit::Second,
        1..=3 => TimeUnit::Millisecond,
        4..=6 => TimeUnit::Microsecond,
        _ => TimeUnit::Nanosecond,
    })
}

fn time(cursor: &mut Cursor<'_>) -> Result<DataType> {
    let unit = precision(cursor)?;
    cursor.eat(&["WITHOUT", "TIME", "ZONE"]);
    Ok(match unit {
        TimeUnit::Second | TimeUnit::Millisecond => DataType::Time32(TimeUnit::Millisecond),
        TimeUnit::Microsecond | TimeUnit::Nanosecond => DataType::Time64(unit),
    })
}

fn timestamp(cursor: &mut Cursor<'_>) -> Result<DataType> {
    let unit = precision(cursor)?;
    let zoned =
        cursor.eat(&["WITH", "TIME", "ZONE"]) || cursor.eat(&["WITH", "LOCAL", "TIME", "ZONE"]);
    if !zoned {
        cursor.eat(&["WITHOUT", "TIME", "ZONE"]);
    }
    Ok(DataType::Timestamp(unit, zoned.then(|| "+00:00".into())))
}

/// `ROW<a INT, ...>` or `ROW(a INT, ...)`.
fn row(cursor: &mut Cursor<'_>, depth: usize) -> Result<DataType> {
    let angles = cursor.eat_token(&Token::Lt);
    if !angles && !cursor.eat_token(&Token::LParen) {
        return Err(cursor.unexpected("`<` or `(`").help("write ROW<name TYPE, ...>"));
    }
    let mut fields: Vec<Field> = Vec::new();
    loop {
        let name = cursor.name("a field name")?;
        if fields.iter().any(|field| *field.name() == name.value) {
            return Err(SqlError::new(format!("there are two fields `{}`", name.value))
                .at(name.span)
                .help("rename one of them"));
        }
        let data_type = nested(cursor, depth + 1)?;
        let nullable = nullability(cursor);
        fields.push(Field::new(name.value, data_type, nullable));
        if !cursor.eat_token(&Token::Comma) {
            break;
        }
    }
    if angles {
        cursor.expect_close_angle()?;
    } else {
        cursor.expect_token(&Token::RParen)?;
    }
    Ok(DataType::Struct(Fields::from(fields)))
}

fn map(cursor: &mut Cursor<'_>, depth: usize) -> Result<DataType> {
    cursor.expect_token(&Token::Lt)?;
    let key = nested(cursor, depth + 1)?;
    cursor.expect_token(&Token::Comma)?;
    let value = nested(cursor, depth + 1)?;
    cursor.expect_close_angle()?;
    let entry = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
    Ok(DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entry), false)), false))
}

/// Reads `NOT NULL` or `NULL`; whether NULL is allowed.
pub(super) fn nullability(cursor: &mut Cursor<'_>) -> bool {
    let forbidden = cursor.eat(&["NOT", "NULL"]);
    if !forbidden {
        cursor.eat(&["NULL"]);
    }
    !forbidden
}
