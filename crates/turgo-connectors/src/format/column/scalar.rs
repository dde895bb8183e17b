//! Columns of scalar types: what text each accepts.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType};
use arrow::compute;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, Time32MillisecondType, Time32SecondType,
    Time64MicrosecondType, Time64NanosecondType, TimeUnit, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use turgo_engine::types::fraction_digits;

use super::values::{self, Primitives};
use super::{Column, Fault, Input, ReadColumn, mismatch};
use crate::format::datetime::Instants;
use crate::format::number::{NOT_A_NUMBER, Why};
use crate::format::{base64, datetime, number};

/// A column of a scalar type, `None` where `data_type` is not one that text formats carry.
pub(crate) fn scalar(data_type: &DataType) -> Option<Column> {
    use DataType as T;
    Some(match data_type {
        T::Int64 | T::Timestamp(..) => Column::Long(Longs::new(data_type)),
        T::Utf8 | T::LargeUtf8 | T::Utf8View => Column::Text(Texts::new(data_type)),
        T::Boolean => Column::Other(Box::new(Booleans(values::Booleans::new()))),
        T::Int8 => integers::<Int8Type>(data_type),
        T::Int16 => integers::<Int16Type>(data_type),
        T::Int32 => integers::<Int32Type>(data_type),
        T::UInt8 => integers::<UInt8Type>(data_type),
        T::UInt16 => integers::<UInt16Type>(data_type),
        T::UInt32 => integers::<UInt32Type>(data_type),
        T::UInt64 => integers::<UInt64Type>(data_type),
        T::Float32 => read_by::<Float32Type>(data_type, |input| {
            numeric(input, number::float32).or_else(|why| Ok(not_finite(input).ok_or(why)? as f32))
        }),
        T::Float64 => read_by::<Float64Type>(data_type, |input| {
            numeric(input, number::float64).or_else(|why| not_finite(input).ok_or(why))
        }),
        &T::Decimal128(precision, scale) => read_by::<Decimal128Type>(data_type, move |input| {
            numeric(input, |text| number::decimal128(text, precision, scale))
        }),
        &T::Decimal256(precision, scale) => read_by::<Decimal256Type>(data_type, move |input| {
            numeric(input, |text| number::decimal256(text, precision, scale))
        }),
        T::Binary | T::LargeBinary | T::BinaryView => {
            Column::Other(Box::new(Binaries(values::Bytes::new(), data_type.clone())))
        }
        T::Date32 => read_by::<Date32Type>(data_type, |input| datetime::date(textual(input)?)),
        T::Time32(TimeUnit::Second) => times::<Time32SecondType>(data_type, 0),
        T::Time32(TimeUnit::Millisecond) => times::<Time32MillisecondType>(data_type, 3),
        T::Time64(TimeUnit::Microsecond) => times::<Time64MicrosecondType>(data_type, 6),
        T::Time64(TimeUnit::Nanosecond) => times::<Time64NanosecondType>(data_type, 9),
        _ => return None,
    })
}

/// The text of a number, read by `read`.
fn numeric<T>(input: Input<'_>, read: impl Fn(&str) -> Result<T, Why>) -> Result<T, Why> {
    match input {
        Input::Number(text) | Input::Field(text) => read(text),
        _ => Err(NOT_A_NUMBER),
    }
}

/// The text of a string.
fn textual<'a>(input: Input<'a>) -> Result<&'a str, Why> {
    match input {
        Input::Text(text) | Input::Field(text) => Ok(text),
        _ => Err(""),
    }
}

/// The floats that only CSV can carry, as its encoder writes them.
fn not_finite(input: Input<'_>) -> Option<f64> {
    match input {
        Input::Field("NaN") => Some(f64::NAN),
        Input::Field("Infinity") => Some(f64::INFINITY),
        Input::Field("-Infinity") => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn integers<T: ArrowPrimitiveType<Native: TryFrom<i128>>>(data_type: &DataType) -> Column {
    read_by::<T>(data_type, |input| numeric(input, number::integer))
}

fn times<T: ArrowPrimitiveType<Native: TryFrom<i64>>>(data_type: &DataType, digits: u32) -> Column {
    read_by::<T>(data_type, move |input| {
        let time = datetime::time(textual(input)?, digits)?;
        T::Native::try_from(time).map_err(|_| number::OUT_OF_RANGE)
    })
}

fn read_by<T: ArrowPrimitiveType>(
    data_type: &DataType,
    read: impl Fn(Input<'_>) -> Result<T::Native, Why> + Send + 'static,
) -> Column {
    let values = Primitives::<T>::new();
    Column::Other(Box::new(ReadBy { values, read, data_type: data_type.clone() }))
}

/// Values of one width, each read by `read`.
struct ReadBy<T: ArrowPrimitiveType, R> {
    values: Primitives<T>,
    read: R,
    data_type: DataType,
}

impl<T: ArrowPrimitiveType, R> ReadColumn for ReadBy<T, R>
where
    R: Fn(Input<'_>) -> Result<T::Native, Why> + Send,
{
    fn append(&mut self, input: Input<'_>) -> Result<(), Fault> {
        let value = (self.read)(input);
        self.values.push_option(value.ok());
        value.map(drop).map_err(|why| mismatch(&input, &self.data_type, why))
    }

    fn append_null(&mut self) {
        self.values.push_option(None);
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.values.finish().with_data_type(self.data_type.clone()))
    }
}

/// `BIGINT`; `TIMESTAMP`, from text or a whole number of units since 1970.
pub(crate) struct Longs {
    values: Primitives<Int64Type>,
    data_type: DataType,
    instants: Instants,
}

impl Longs {
    fn new(data_type: &DataType) -> Self {
        Self {
            values: Primitives::new(),
            data_type: data_type.clone(),
            instants: Instants::default(),
        }
    }

    /// Appends the `TIMESTAMP` a text of the usual form stands for; false where it is none.
    #[inline]
    pub(crate) fn push_text(&mut self, text: &[u8]) -> bool {
        let DataType::Timestamp(unit, _) = &self.data_type else { return false };
        let value = self.instants.read(text, fraction_digits(*unit));
        value.inspect(|value| self.values.push(*value)).is_some()
    }

    /// Appends the value of an integer's text: a `BIGINT`, or the units of a `TIMESTAMP`.
    #[inline]
    pub(crate) fn push(&mut self, value: i64) {
        self.values.push(value);
    }

    fn read(&self, input: Input<'_>) -> Result<i64, Why> {
        let DataType::Timestamp(unit, _) = &self.data_type else {
            return numeric(input, number::integer);
        };
        let digits = fraction_digits(*unit);
        match input {
            Input::Number(text) => number::integer(text),
            Input::Text(text) => datetime::timestamp(text, digits),
            Input::Field(text) => {
                let unsigned = text.strip_prefix('-').unwrap_or(text);
                match unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
                    true => number::integer(text),
                    false => datetime::timestamp(text, digits),
                }
            }
            _ => Err(""),
        }
    }
}

impl ReadColumn for Longs {
    fn append(&mut self, input: Input<'_>) -> Result<(), Fault> {
        let value = self.read(input);
        self.values.push_option(value.ok());
        value.map(drop).map_err(|why| mismatch(&input, &self.data_type, why))
    }

    fn append_null(&mut self) {
        self.values.push_option(None);
    }

    #[inline]
    fn len(&self) -> usize {
        self.values.len()
    }

    fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
    }

    fn finish(&mut self) -> ArrayRef {
        converted(Arc::new(self.values.finish()), &self.data_type)
    }
}

/// `VARCHAR`; built as `Utf8` and turned into the column's own string type at the end.
pub(crate) struct Texts {
    values: values::Bytes,
    data_type: DataType,
}

impl Texts {
    fn new(data_type: &DataType) -> Self {
        Self { values: values::Bytes::new(), data_type: data_type.clone() }
    }

    /// Appends a text that is known to be UTF-8.
    #[inline]
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.values.push(text);
    }
}

impl ReadColumn for Texts {
    fn append(&mut self, input: Input<'_>) -> Result<(), Fault> {
        match textual(input) {
            Ok(text) => {
                self.values.push(text.as_bytes());
                Ok(())
            }
            Err(why) => {
                self.values.push_null();
                Err(mismatch(&input, &self.data_type, why))
            }
        }
    }

    fn append_null(&mut self) {
        self.values.push_null();
    }

    #[inline]
    fn len(&self) -> usize {
        self.values.len()
    }

    fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
    }

    fn finish(&mut self) -> ArrayRef {
        converted(Arc::new(self.values.finish_text()), &self.data_type)
    }
}

struct Booleans(values::Booleans);

impl ReadColumn for Booleans {
    fn append(&mut self, input: Input<'_>) -> Result<(), Fault> {
        let value = match input {
            Input::Bool(value) => Some(value),
            Input::Field(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Input::Field(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        };
        self.0.push_option(value);
        value.map(drop).ok_or_else(|| mismatch(&input, &DataType::Boolean, ""))
    }

    fn append_null(&mut self) {
        self.0.push_option(None);
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// `VARBINARY`, from base64; built as `Binary` and turned into the column's own type at the end.
struct Binaries(values::Bytes, DataType);

impl ReadColumn for Binaries {
    fn append(&mut self, input: Input<'_>) -> Result<(), Fault> {
        match textual(input).and_then(|text| base64::decode(text).ok_or("expected base64")) {
            Ok(bytes) => {
                self.0.push(&bytes);
                Ok(())
            }
            Err(why) => {
                self.0.push_null();
                Err(mismatch(&input, &self.1, why))
            }
        }
    }

    fn append_null(&mut self) {
        self.0.push_null();
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }

    fn finish(&mut self) -> ArrayRef {
        converted(Arc::new(self.0.finish_binary()), &self.1)
    }
}

/// The same values as `data_type`; between a long and a timestamp that is but another name.
fn converted(array: ArrayRef, data_type: &DataType) -> ArrayRef {
    match array.data_type() == data_type {
        true => array,
        false => compute::cast(&array, data_type).expect("the forms of a type convert"),
    }
}
