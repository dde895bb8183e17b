//! Writing NDJSON: every column in order, NULL as `null`. JSON has no word for floats that are not
//! finite: a person is shown `null`, for a program they are an error.

use std::cell::Cell;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Schema};
use turgo_engine::io::{Block, Encode};
use turgo_engine::message::Batch;
use turgo_engine::{EngineError, Result};

use crate::format::text::{self, OPERATION, Reader, Shape, WriteValue};

/// Encodes rows as objects, one per line; with the operation as first member where `changes`.
#[derive(Debug)]
pub(crate) struct JsonEncoder {
    changes: bool,
    reader: Reader,
    names: Vec<String>,
    /// The keys as they are written, with quotes and colon.
    keys: Vec<Vec<u8>>,
}

impl JsonEncoder {
    /// An encoder of rows of `schema`.
    ///
    /// # Errors
    /// `Unsupported` where a changelog's operation has no name left.
    pub(crate) fn new(schema: &Schema, changes: bool, reader: Reader) -> Result<Self> {
        text::check_operation(schema, changes)?;
        let names = schema.fields().iter().map(|field| field.name().clone());
        let keys = schema.fields().iter().map(|field| key(field.name())).collect();
        Ok(Self { changes, reader, names: names.collect(), keys })
    }
}

impl Encode for JsonEncoder {
    fn encode(&mut self, batch: &Batch) -> Result<Block> {
        let lost = Lost::default();
        let note = (self.reader == Reader::Program).then_some(&lost);
        let columns = batch.rows.columns().iter().map(|column| value(column.as_ref(), note));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let mut out = Vec::new();
        for row in 0..batch.len() {
            out.push(b'{');
            if self.changes {
                out.extend_from_slice(&key(OPERATION));
                quote(batch.change(row).symbol(), &mut out);
            }
            for (index, (key, write)) in self.keys.iter().zip(&columns).enumerate() {
                if index > 0 || self.changes {
                    out.push(b',');
                }
                out.extend_from_slice(key);
                write(row, &mut out);
                if let Some(float) = lost.get() {
                    return Err(no_word(&self.names[index], float));
                }
            }
            out.extend_from_slice(b"}\n");
        }
        Ok(Block::Bytes(out))
    }
}

/// A float that was written as `null`.
pub(crate) type Lost = Cell<Option<f64>>;

fn no_word(column: &str, float: f64) -> EngineError {
    EngineError::data(format!(
        "column `{column}`: JSON has no word for the float {float}; put another value or NULL in its \
         place with CASE, or use 'format' = 'csv'"
    ))
}

/// A writer of a column's values, NULL included; it notes in `lost` that it had to leave one out.
///
/// # Errors
/// Where there is no text for a type.
pub(crate) fn value<'a>(array: &'a dyn Array, lost: Option<&'a Lost>) -> Result<WriteValue<'a>> {
    let write = not_null(array, lost)?;
    let nulls = array.logical_nulls();
    Ok(Box::new(move |row, out| match nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
        true => out.extend_from_slice(b"null"),
        false => write(row, out),
    }))
}

fn not_null<'a>(array: &'a dyn Array, lost: Option<&'a Lost>) -> Result<WriteValue<'a>> {
    Ok(match array.data_type() {
        DataType::Float32 => {
            let floats = array.as_primitive::<Float32Type>();
            finite(array, |row| f64::from(floats.value(row)), lost)?
        }
        DataType::Float64 => {
            let floats = array.as_primitive::<Float64Type>();
            finite(array, |row| floats.value(row), lost)?
        }
        DataType::Struct(_) => object(array, lost)?,
        DataType::Map(..) if array.as_map().keys().data_type() == &DataType::Utf8 => {
            map(array, lost)?
        }
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            let write = value(lists.values().as_ref(), lost)?;
            let offsets = lists.value_offsets();
            Box::new(move |row, out| {
                list(offsets[row] as usize..offsets[row + 1] as usize, &write, out)
            })
        }
        DataType::LargeList(_) => {
            let lists = array.as_list::<i64>();
            let write = value(lists.values().as_ref(), lost)?;
            let offsets = lists.value_offsets();
            Box::new(move |row, out| {
                list(offsets[row] as usize..offsets[row + 1] as usize, &write, out)
            })
        }
        _ => match text::scalar(array)? {
            (Shape::Bare, write) => write,
            (Shape::Text, write) => Box::new(move |row, out| {
                out.push(b'"');
                let start = out.len();
                write(row, out);
                escape(out, start);
                out.push(b'"');
            }),
        },
    })
}

fn finite<'a>(
    array: &'a dyn Array,
    float: impl Fn(usize) -> f64 + 'a,
    lost: Option<&'a Lost>,
) -> Result<WriteValue<'a>> {
    let (_, write) = text::scalar(array)?;
    Ok(Box::new(move |row, out| {
        let float = float(row);
        if float.is_finite() {
            return write(row, out);
        }
        out.extend_from_slice(b"null");
        if let Some(lost) = lost {
            lost.set(Some(float));
        }
    }))
}

fn map<'a>(array: &'a dyn Array, lost: Option<&'a Lost>) -> Result<WriteValue<'a>> {
    let maps = array.as_map();
    let key = value(maps.keys().as_ref(), lost)?;
    let value = value(maps.values().as_ref(), lost)?;
    let offsets = maps.value_offsets();
    let member = move |entry, out: &mut Vec<u8>| {
        key(entry, out);
        out.push(b':');
        value(entry, out);
    };
    Ok(Box::new(move |row, out| {
        out.push(b'{');
        for entry in offsets[row] as usize..offsets[row + 1] as usize {
            if entry > offsets[row] as usize {
                out.push(b',');
            }
            member(entry, out);
        }
        out.push(b'}');
    }))
}

fn object<'a>(array: &'a dyn Array, lost: Option<&'a Lost>) -> Result<WriteValue<'a>> {
    let rows = array.as_struct();
    let mut members = Vec::with_capacity(rows.num_columns());
    for (field, column) in rows.fields().iter().zip(rows.columns()) {
        members.push((key(field.name()), value(column.as_ref(), lost)?));
    }
    Ok(Box::new(move |row, out| {
        out.push(b'{');
        for (index, (key, write)) in members.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(key);
            write(row, out);
        }
        out.push(b'}');
    }))
}

fn list(rows: std::ops::Range<usize>, write: &WriteValue<'_>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, row) in rows.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(row, out);
    }
    out.push(b']');
}

fn key(name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 3);
    quote(name, &mut key);
    key.push(b':');
    key
}

fn quote(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    out.extend_from_slice(text.as_bytes());
    escape(out, start);
    out.push(b'"');
}

/// Escapes what has been written from `start` on, where it needs that.
fn escape(out: &mut Vec<u8>, start: usize) {
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
    let Some(first) = out[start..].iter().position(special) else { return };
    for byte in out.split_off(start + first) {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            ..0x20 => {
                let hex = |digit: u8| b"0123456789abcdef"[usize::from(digit)];
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[hex(byte >> 4), hex(byte & 15)]);
            }
            _ => out.push(byte),
        }
    }
}
