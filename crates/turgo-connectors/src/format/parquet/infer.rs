//! The columns of a file that nobody declared: its footer says what they are.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};
use parquet::file::reader::ChunkReader;
use turgo_engine::Result;
use turgo_engine::types::sql_type;

use super::file::footer;
use crate::format::infer::Refused;

/// The columns of the file `name`.
///
/// # Errors
/// Where it cannot be read; inside, where it has columns that no declaration could name.
pub(crate) fn infer(name: &str, file: &impl ChunkReader) -> Result<Result<Fields, Refused>> {
    let (metadata, _) = footer(name, file)?;
    let there = metadata.schema().fields();
    let refused = |what: String| Refused {
        what,
        remedy: "declare the other columns with CREATE TABLE".into(),
    };
    let column = |(index, field): (usize, &FieldRef)| {
        let column = field.name();
        if there[..index].iter().any(|before| before.name() == column) {
            return Err(refused(format!("{name} has column `{column}` twice")));
        }
        let declared = declared_type(field.data_type()).ok_or_else(|| {
            let stored = sql_type(field.data_type());
            refused(format!("column `{column}` of {name} is of type {stored}, which is not read"))
        })?;
        Ok(Field::new(column, declared, true))
    };
    Ok(there.iter().enumerate().map(column).collect())
}

/// The type to declare for a column of a file; `None`: there is none.
pub(super) fn declared_type(stored: &DataType) -> Option<DataType> {
    use DataType as T;
    let inner = |field: &FieldRef, name: &str, nullable: bool| {
        Some(Field::new(name, declared_type(field.data_type())?, nullable))
    };
    Some(match stored {
        T::Boolean
        | T::Float32
        | T::Float64
        | T::Utf8
        | T::Binary
        | T::Date32
        | T::Decimal128(_, 0..)
        | T::Decimal256(_, 0..)
        | T::Time32(TimeUnit::Millisecond)
        | T::Time64(_)
        | T::Timestamp(_, None) => stored.clone(),
        integer if integer.is_integer() => integer.clone(),
        T::Timestamp(unit, Some(_)) => T::Timestamp(*unit, Some("+00:00".into())),
        T::Float16 => T::Float32,
        T::FixedSizeBinary(_) => T::Binary,
        T::Null => T::Utf8,
        T::List(item) => T::List(Arc::new(inner(item, Field::LIST_FIELD_DEFAULT_NAME, true)?)),
        T::Struct(fields) => {
            let fields = fields.iter().map(|field| inner(field, field.name(), true));
            T::Struct(fields.collect::<Option<_>>()?)
        }
        T::Map(entries, false) => {
            let T::Struct(pair) = entries.data_type() else { return None };
            let [key, value] = pair.as_ref() else { return None };
            let pair = Fields::from(vec![inner(key, "key", false)?, inner(value, "value", true)?]);
            T::Map(Arc::new(Field::new("entries", T::Struct(pair), false)), false)
        }
        _ => return None,
    })
}
