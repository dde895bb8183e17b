//! Writing CSV: fields are quoted where they must be, NULL is the bare null text.

use arrow::array::Array;
use arrow::datatypes::{DataType, Schema};
use turgo_engine::io::{Block, Encode};
use turgo_engine::message::Batch;
use turgo_engine::types::sql_type;
use turgo_engine::{EngineError, Result};

use super::Dialect;
use crate::format::json;
use crate::format::text::{self, OPERATION, Reader, Shape, WriteValue};

/// Encodes rows as records, with the operation as first field where `changes`.
#[derive(Debug)]
pub(crate) struct CsvEncoder {
    dialect: Dialect,
    changes: bool,
    /// A record of one NULL would be an empty line, which readers skip.
    null_is_lost: bool,
}

impl CsvEncoder {
    /// An encoder of rows of `schema`.
    ///
    /// # Errors
    /// `Unsupported` where a column's type cannot be written, or a changelog's operation has no
    /// name left.
    pub(crate) fn new(
        schema: &Schema,
        dialect: &Dialect,
        changes: bool,
        reader: Reader,
    ) -> Result<Self> {
        text::check_operation(schema, changes)?;
        let nested = schema.fields().iter().find(|field| field.data_type().is_nested());
        if let (Some(field), Reader::Program) = (nested, reader) {
            return Err(EngineError::Unsupported(format!(
                "column `{}`: the format csv cannot carry {}; use 'format' = 'json'",
                field.name(),
                sql_type(field.data_type())
            )));
        }
        let null_is_lost = reader == Reader::Program
            && dialect.null.is_empty()
            && schema.fields().len() + usize::from(changes) == 1;
        Ok(Self { dialect: dialect.clone(), changes, null_is_lost })
    }
}

impl Encode for CsvEncoder {
    fn encode(&mut self, batch: &Batch) -> Result<Block> {
        let columns = batch.rows.columns();
        if self.null_is_lost && columns.iter().any(|column| column.logical_null_count() > 0) {
            return Err(EngineError::data(
                "a NULL in CSV of one column would be an empty line, which readers skip; \
                 set 'csv.null', for example to 'NULL'",
            ));
        }
        let fields = columns.iter().map(|column| field(column.as_ref(), &self.dialect));
        let fields = fields.collect::<Result<Vec<_>>>()?;
        let mut out = Vec::new();
        for row in 0..batch.len() {
            if self.changes {
                out.extend_from_slice(batch.change(row).symbol().as_bytes());
            }
            for (index, write) in fields.iter().enumerate() {
                if index > 0 || self.changes {
                    out.push(self.dialect.delimiter);
                }
                write(row, &mut out);
            }
            out.push(b'\n');
        }
        Ok(Block::Bytes(out))
    }
}

/// The header record of rows of `schema`.
pub(crate) fn header(schema: &Schema, dialect: &Dialect, changes: bool) -> Vec<u8> {
    let names = changes.then_some(OPERATION).into_iter();
    let names = names.chain(schema.fields().iter().map(|field| field.name().as_str()));
    let mut out = Vec::new();
    for (index, name) in names.enumerate() {
        if index > 0 {
            out.push(dialect.delimiter);
        }
        let start = out.len();
        out.extend_from_slice(name.as_bytes());
        quote(&mut out, start, dialect);
    }
    out.push(b'\n');
    out
}

/// A writer of a column's values, NULL included.
fn field<'a>(array: &'a dyn Array, dialect: &'a Dialect) -> Result<WriteValue<'a>> {
    let (shape, write) = match array.data_type() {
        DataType::Struct(_) | DataType::List(_) | DataType::LargeList(_) => {
            (Shape::Text, json::write::value(array, None)?)
        }
        _ => text::scalar(array)?,
    };
    let nulls = array.logical_nulls();
    Ok(Box::new(move |row, out| {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            out.extend_from_slice(dialect.null.as_bytes());
            return;
        }
        let start = out.len();
        write(row, out);
        if shape == Shape::Text || out[start..] == *dialect.null.as_bytes() {
            quote(out, start, dialect);
        }
    }))
}

/// Quotes what has been written from `start` on, where it needs that.
fn quote(out: &mut Vec<u8>, start: usize, dialect: &Dialect) {
    let text = &out[start..];
    let special = |byte: &u8| matches!(byte, b'"' | b'\n' | b'\r') || *byte == dialect.delimiter;
    if !text.iter().any(special) && *text != *dialect.null.as_bytes() && !text.is_empty() {
        return;
    }
    let text = out.split_off(start);
    out.push(b'"');
    for byte in text {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}
