//! Column types in the words of SQL: every message and table names them so, never as Arrow does.

use arrow::datatypes::{DataType, FieldRef, TimeUnit};

/// The type as `CREATE TABLE` writes it: `BIGINT`, `DECIMAL(10, 2)`, `ROW<a INT, b VARCHAR>`.
///
/// Types that SQL has no word for keep Arrow's.
pub fn sql_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "BOOLEAN".into(),
        DataType::Int8 => "TINYINT".into(),
        DataType::Int16 => "SMALLINT".into(),
        DataType::Int32 => "INT".into(),
        DataType::Int64 => "BIGINT".into(),
        DataType::UInt8 => "TINYINT UNSIGNED".into(),
        DataType::UInt16 => "SMALLINT UNSIGNED".into(),
        DataType::UInt32 => "INT UNSIGNED".into(),
        DataType::UInt64 => "BIGINT UNSIGNED".into(),
        DataType::Float32 => "FLOAT".into(),
        DataType::Float64 => "DOUBLE".into(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "VARCHAR".into(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "VARBINARY".into(),
        DataType::Date32 => "DATE".into(),
        DataType::Time32(unit) | DataType::Time64(unit) => {
            format!("TIME({})", fraction_digits(*unit))
        }
        DataType::Timestamp(unit, None) => format!("TIMESTAMP({})", fraction_digits(*unit)),
        DataType::Timestamp(unit, Some(_)) => format!("TIMESTAMP_LTZ({})", fraction_digits(*unit)),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => format!("DECIMAL({precision}, {scale})"),
        DataType::Interval(_) => "INTERVAL".into(),
        DataType::List(item) => format!("ARRAY<{}>", sql_type(item.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                let [key, value] = [0, 1].map(|at| sql_type(pair[at].data_type()));
                format!("MAP<{key}, {value}>")
            }
            other => other.to_string(),
        },
        DataType::Struct(fields) => {
            let field = |field: &FieldRef| {
                format!("{} {}", identifier(field.name()), sql_type(field.data_type()))
            };
            format!("ROW<{}>", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// `name` as SQL writes it: in double quotes where it would otherwise be folded or end early.
pub fn identifier(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    match name.chars().all(plain) && name.starts_with(|c: char| !c.is_ascii_digit()) {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// Digits of a second's fraction that `unit` counts in.
pub fn fraction_digits(unit: TimeUnit) -> u32 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}
