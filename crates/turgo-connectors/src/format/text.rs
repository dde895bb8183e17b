//! Scalars as text, shared by the encoders.
//!
//! A writer is made per array and batch, so that the type is looked at once, not once per value.

use std::io::Write;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, Time32MillisecondType, Time32SecondType,
    Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use turgo_engine::Result;
use turgo_engine::types::fraction_digits;

use super::{base64, datetime};

/// Appends the value of a row, which is not NULL.
pub(crate) type WriteValue<'a> = Box<dyn Fn(usize, &mut Vec<u8>) + 'a>;

/// Who reads what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// A program, which must get back what was written: what a format cannot carry is refused.
    Program,
    /// Somebody at a terminal: nothing is refused. CSV shows nested values as JSON, JSON shows floats
    /// that are not finite as `null`.
    Person,
}

/// How a format without types has to treat what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A number or a boolean: no character that needs quotes.
    Bare,
    /// Any text.
    Text,
}

/// `write!` into memory.
macro_rules! put {
    ($out:expr, $($format:tt)*) => {
        write!($out, $($format)*).expect("a Vec takes every byte")
    };
}

macro_rules! displayed {
    ($array:expr, $type:ty, $format:literal) => {{
        let array = $array.as_primitive::<$type>();
        (Shape::Bare, Box::new(move |row, out| put!(out, $format, array.value(row))))
    }};
}

/// A writer of a scalar column. Types that no declaration names, such as intervals, are written as
/// Arrow shows them.
///
/// # Errors
/// Where Arrow has no text for a type.
pub(crate) fn scalar(array: &dyn Array) -> Result<(Shape, WriteValue<'_>)> {
    use DataType as T;
    Ok(match array.data_type() {
        T::Boolean => {
            let array = array.as_boolean();
            (Shape::Bare, Box::new(|row, out| put!(out, "{}", array.value(row))))
        }
        T::Int8 => displayed!(array, Int8Type, "{}"),
        T::Int16 => displayed!(array, Int16Type, "{}"),
        T::Int32 => displayed!(array, Int32Type, "{}"),
        T::Int64 => displayed!(array, Int64Type, "{}"),
        T::UInt8 => displayed!(array, UInt8Type, "{}"),
        T::UInt16 => displayed!(array, UInt16Type, "{}"),
        T::UInt32 => displayed!(array, UInt32Type, "{}"),
        T::UInt64 => displayed!(array, UInt64Type, "{}"),
        T::Float32 => {
            let array = array.as_primitive::<Float32Type>();
            // Debug is the shortest text that reads back, with an exponent where it is shorter.
            let write = |row, out: &mut Vec<u8>| match array.value(row) {
                value if value.is_finite() => put!(out, "{value:?}"),
                value => not_finite(f64::from(value), out),
            };
            (Shape::Bare, Box::new(write))
        }
        T::Float64 => {
            let array = array.as_primitive::<Float64Type>();
            let write = |row, out: &mut Vec<u8>| match array.value(row) {
                value if value.is_finite() => put!(out, "{value:?}"),
                value => not_finite(value, out),
            };
            (Shape::Bare, Box::new(write))
        }
        T::Decimal128(..) => {
            let array = array.as_primitive::<Decimal128Type>();
            (Shape::Bare, Box::new(|row, out| put!(out, "{}", array.value_as_string(row))))
        }
        T::Decimal256(..) => {
            let array = array.as_primitive::<Decimal256Type>();
            (Shape::Bare, Box::new(|row, out| put!(out, "{}", array.value_as_string(row))))
        }
        T::Utf8 | T::LargeUtf8 | T::Utf8View => (Shape::Text, string(array)),
        T::Binary | T::LargeBinary | T::BinaryView => (Shape::Text, binary(array)),
        T::Date32 | T::Time32(_) | T::Time64(_) | T::Timestamp(..) => (Shape::Text, when(array)),
        _ => {
            let formatter = ArrayFormatter::try_new(array, &FormatOptions::default())?;
            (Shape::Text, Box::new(move |row, out| put!(out, "{}", formatter.value(row))))
        }
    })
}

fn not_finite(value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(match value {
        f64::INFINITY => b"Infinity",
        f64::NEG_INFINITY => b"-Infinity",
        _ => b"NaN",
    });
}

fn string(array: &dyn Array) -> WriteValue<'_> {
    match array.data_type() {
        DataType::LargeUtf8 => {
            let array = array.as_string::<i64>();
            Box::new(|row, out| out.extend_from_slice(array.value(row).as_bytes()))
        }
        DataType::Utf8View => {
            let array = array.as_string_view();
            Box::new(|row, out| out.extend_from_slice(array.value(row).as_bytes()))
        }
        _ => {
            let array = array.as_string::<i32>();
            Box::new(|row, out| out.extend_from_slice(array.value(row).as_bytes()))
        }
    }
}

fn binary(array: &dyn Array) -> WriteValue<'_> {
    match array.data_type() {
        DataType::LargeBinary => {
            let array = array.as_binary::<i64>();
            Box::new(|row, out| base64::encode(array.value(row), out))
        }
        DataType::BinaryView => {
            let array = array.as_binary_view();
            Box::new(|row, out| base64::encode(array.value(row), out))
        }
        _ => {
            let array = array.as_binary::<i32>();
            Box::new(|row, out| base64::encode(array.value(row), out))
        }
    }
}

macro_rules! timed {
    ($array:expr, $type:ty, $write:expr) => {{
        let array = $array.as_primitive::<$type>();
        Box::new(move |row, out| $write(i64::from(array.value(row)), out))
    }};
}

/// Dates, times of day and instants.
fn when(array: &dyn Array) -> WriteValue<'_> {
    use DataType as T;
    use TimeUnit as U;
    let of_day = |digits| move |value, out: &mut Vec<u8>| datetime::write_time(value, digits, out);
    match array.data_type() {
        T::Time32(U::Second) => timed!(array, Time32SecondType, of_day(0)),
        T::Time32(_) => timed!(array, Time32MillisecondType, of_day(3)),
        T::Time64(U::Microsecond) => timed!(array, Time64MicrosecondType, of_day(6)),
        T::Time64(_) => timed!(array, Time64NanosecondType, of_day(9)),
        T::Timestamp(unit, zone) => {
            let (digits, zone) = (fraction_digits(*unit), zone.is_some());
            let write = move |value, out: &mut Vec<u8>| {
                datetime::write_timestamp(value, digits, zone, out);
            };
            match unit {
                U::Second => timed!(array, TimestampSecondType, write),
                U::Millisecond => timed!(array, TimestampMillisecondType, write),
                U::Microsecond => timed!(array, TimestampMicrosecondType, write),
                U::Nanosecond => timed!(array, TimestampNanosecondType, write),
            }
        }
        _ => timed!(array, Date32Type, datetime::write_date),
    }
}

/// Refuses a column that bears the name of the operation's.
///
/// # Errors
/// `Unsupported` where `changes` and there is such a column.
pub(crate) fn check_operation(schema: &arrow::datatypes::Schema, changes: bool) -> Result<()> {
    match changes && schema.column_with_name(OPERATION).is_some() {
        true => Err(turgo_engine::EngineError::Unsupported(format!(
            "column `{OPERATION}` has the name of the changelog's operation; give it another with AS"
        ))),
        false => Ok(()),
    }
}

/// The name of the first column of a changelog: `+I`, `-U`, `+U` or `-D`.
pub(crate) const OPERATION: &str = "op";
