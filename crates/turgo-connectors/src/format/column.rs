//! Columns being read: typed builders fed with values as a format found them.
//!
//! - V1. [`ReadColumn::append`] appends exactly one value, also where it fails. A bad value thus
//!   never shifts its neighbours; the caller drops the row.
//!
//! What a type accepts is decided here once for all formats; [`Input`] says how much a format
//! knows of a value (JSON tells a number from a string, CSV does not).

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, ArrowPrimitiveType, BinaryBuilder, BooleanBuilder, PrimitiveBuilder,
    StringBuilder,
};
use arrow::compute;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, Field, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType, Time32SecondType,
    Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};

use super::number::{NOT_A_NUMBER, Why};
use super::{base64, datetime, number};

/// A value that is not NULL, as a format found it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Input<'a> {
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it is written.
    Number(&'a str),
    /// A string, its escapes resolved.
    Text(&'a str),
    /// A text of unknown kind: a CSV field.
    Field(&'a str),
    /// An object or an array, as it is written.
    Nested(&'a str),
}

impl Input<'_> {
    /// The value for a message, cut where it is long.
    fn shown(&self) -> String {
        const CHARS_MAX: usize = 60;
        let cut = |text: &str| match text.char_indices().nth(CHARS_MAX) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        };
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Number(text) | Self::Nested(text) => cut(text),
            Self::Text(text) | Self::Field(text) => format!("{:?}", cut(text)),
        }
    }
}

/// Why a value was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The column, with fields and elements inside it: `bid.items[2]`.
    path: String,
    /// What is wrong.
    what: String,
}

impl Fault {
    /// A fault whose column the callers fill in.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { path: String::new(), what: what.into() }
    }

    /// The same, inside field `name`.
    pub(crate) fn within(self, name: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with(['[', '.']) { "" } else { "." };
        Self { path: format!("{name}{dot}{}", self.path), what: self.what }
    }

    /// As [`turgo_engine::io::Rejected::reason`] wants it.
    pub(crate) fn reason(self) -> String {
        format!("column `{}`: {}", self.path, self.what)
    }
}

/// A column being read.
pub(crate) trait ReadColumn: Send {
    /// Appends a value; V1.
    fn append(&mut self, input: Input<'_>) -> Result<(), Fault>;

    /// Appends NULL.
    fn append_null(&mut self);

    /// Values appended since the last [`ReadColumn::finish`].
    fn len(&self) -> usize;

    /// The values as an array; the column is empty afterwards.
    fn finish(&mut self) -> ArrayRef;
}

/// A column with its name and whether it may be NULL.
pub(crate) struct Slot {
    name: String,
    nullable: bool,
    column: Box<dyn ReadColumn>,
}

impl Slot {
    /// The slot of `field`, whose values go to `column`.
    pub(crate) fn new(field: &Field, column: Box<dyn ReadColumn>) -> Self {
        Self { name: field.name().clone(), nullable: field.is_nullable(), column }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Appends a value, `None` for NULL; V1.
    pub(crate) fn append(&mut self, input: Option<Input<'_>>) -> Result<(), Fault> {
        match input {
            Some(input) => self.column.append(input).map_err(|fault| fault.within(&self.name)),
            None => {
                self.column.append_null();
                match self.nullable {
                    true => Ok(()),
                    false => Err(Fault::new("it is NULL and declared NOT NULL").within(&self.name)),
                }
            }
        }
    }

    /// Appends NULL whether it is allowed or not: for rows that are dropped.
    pub(crate) fn pad(&mut self) {
        self.column.append_null();
    }

    /// Values appended since the last [`Slot::finish`].
    pub(crate) fn len(&self) -> usize {
        self.column.len()
    }

    /// The values as an array; the column is empty afterwards.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        self.column.finish()
    }
}

/// A column of a scalar type, `None` where `data_type` is not one that text formats carry.
pub(crate) fn scalar(data_type: &DataType) -> Option<Box<dyn ReadColumn>> {
    use DataType as T;
    Some(match data_type {
        T::Boolean => Box::new(Booleans(BooleanBuilder::new())),
        T::Int8 => integers::<Int8Type>(data_type),
        T::Int16 => integers::<Int16Type>(data_type),
        T::Int32 => integers::<Int32Type>(data_type),
        T::Int64 => integers::<Int64Type>(data_type),
        T::UInt8 => integers::<UInt8Type>(data_type),
        T::UInt16 => integers::<UInt16Type>(data_type),
        T::UInt32 => integers::<UInt32Type>(data_type),
        T::UInt64 => integers::<UInt64Type>(data_type),
        T::Float32 => primitive::<Float32Type>(data_type, |input| {
            numeric(input, number::float32).or_else(|why| Ok(not_finite(input).ok_or(why)? as f32))
        }),
        T::Float64 => primitive::<Float64Type>(data_type, |input| {
            numeric(input, number::float64).or_else(|why| not_finite(input).ok_or(why))
        }),
        &T::Decimal128(precision, scale) => primitive::<Decimal128Type>(data_type, move |input| {
            numeric(input, |text| number::decimal128(text, precision, scale))
        }),
        &T::Decimal256(precision, scale) => primitive::<Decimal256Type>(data_type, move |input| {
            numeric(input, |text| number::decimal256(text, precision, scale))
        }),
        T::Utf8 | T::LargeUtf8 | T::Utf8View => {
            Box::new(Texts(StringBuilder::new(), data_type.clone()))
        }
        T::Binary | T::LargeBinary | T::BinaryView => {
            Box::new(Binaries(BinaryBuilder::new(), data_type.clone()))
        }
        T::Date32 => primitive::<Date32Type>(data_type, |input| datetime::date(textual(input)?)),
        T::Time32(TimeUnit::Second) => times::<Time32SecondType>(data_type, 0),
        T::Time32(TimeUnit::Millisecond) => times::<Time32MillisecondType>(data_type, 3),
        T::Time64(TimeUnit::Microsecond) => times::<Time64MicrosecondType>(data_type, 6),
        T::Time64(TimeUnit::Nanosecond) => times::<Time64NanosecondType>(data_type, 9),
        T::Timestamp(unit, _) => match unit {
            TimeUnit::Second => timestamps::<TimestampSecondType>(data_type, 0),
            TimeUnit::Millisecond => timestamps::<TimestampMillisecondType>(data_type, 3),
            TimeUnit::Microsecond => timestamps::<TimestampMicrosecondType>(data_type, 6),
            TimeUnit::Nanosecond => timestamps::<TimestampNanosecondType>(data_type, 9),
        },
        _ => return None,
    })
}

/// A type as SQL spells it.
pub(crate) fn sql_name(data_type: &DataType) -> Cow<'static, str> {
    use DataType as T;
    Cow::Borrowed(match data_type {
        T::Boolean => "BOOLEAN",
        T::Int8 => "TINYINT",
        T::Int16 => "SMALLINT",
        T::Int32 => "INT",
        T::Int64 => "BIGINT",
        T::UInt8 => "TINYINT UNSIGNED",
        T::UInt16 => "SMALLINT UNSIGNED",
        T::UInt32 => "INT UNSIGNED",
        T::UInt64 => "BIGINT UNSIGNED",
        T::Float32 => "FLOAT",
        T::Float64 => "DOUBLE",
        T::Utf8 | T::LargeUtf8 | T::Utf8View => "VARCHAR",
        T::Binary | T::LargeBinary | T::BinaryView => "VARBINARY",
        T::Date32 => "DATE",
        T::Time32(_) | T::Time64(_) => "TIME",
        T::Decimal128(precision, scale) | T::Decimal256(precision, scale) => {
            return Cow::Owned(format!("DECIMAL({precision}, {scale})"));
        }
        T::Timestamp(unit, _) => {
            let digits = digits_of(*unit);
            return Cow::Owned(format!("TIMESTAMP({digits})"));
        }
        T::Struct(_) => "ROW",
        T::List(_) => "ARRAY",
        T::Map(..) => "MAP",
        other => return Cow::Owned(other.to_string()),
    })
}

/// Fraction digits of a second in `unit`.
pub(crate) fn digits_of(unit: TimeUnit) -> u32 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

/// The fault of a value that is not of a type.
pub(crate) fn mismatch(input: &Input<'_>, data_type: &DataType, why: Why) -> Fault {
    let name = sql_name(data_type);
    let article = if name.starts_with(['A', 'I']) { "an" } else { "a" };
    let colon = if why.is_empty() { "" } else { ": " };
    Fault::new(format!("{} is not {article} {name}{colon}{why}", input.shown()))
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

fn integers<T: ArrowPrimitiveType<Native: TryFrom<i128>>>(
    data_type: &DataType,
) -> Box<dyn ReadColumn> {
    primitive::<T>(data_type, |input| numeric(input, number::integer))
}

fn times<T: ArrowPrimitiveType<Native: TryFrom<i64>>>(
    data_type: &DataType,
    digits: u32,
) -> Box<dyn ReadColumn> {
    primitive::<T>(data_type, move |input| {
        let time = datetime::time(textual(input)?, digits)?;
        T::Native::try_from(time).map_err(|_| number::OUT_OF_RANGE)
    })
}

/// Instants: text, or a whole number of units since 1970.
fn timestamps<T: ArrowPrimitiveType<Native = i64>>(
    data_type: &DataType,
    digits: u32,
) -> Box<dyn ReadColumn> {
    primitive::<T>(data_type, move |input| match input {
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
    })
}

fn primitive<T: ArrowPrimitiveType>(
    data_type: &DataType,
    read: impl Fn(Input<'_>) -> Result<T::Native, Why> + Send + 'static,
) -> Box<dyn ReadColumn> {
    let builder = PrimitiveBuilder::<T>::new().with_data_type(data_type.clone());
    Box::new(Primitives { builder, read, data_type: data_type.clone() })
}

struct Primitives<T: ArrowPrimitiveType, R> {
    builder: PrimitiveBuilder<T>,
    read: R,
    data_type: DataType,
}

impl<T: ArrowPrimitiveType, R> ReadColumn for Primitives<T, R>
where
    R: Fn(Input<'_>) -> Result<T::Native, Why> + Send,
{
    #[inline]
    fn append(&mut self, input: Input<'_>) -> Result<(), Fault> {
        match (self.read)(input) {
            Ok(value) => {
                self.builder.append_value(value);
                Ok(())
            }
            Err(why) => {
                self.builder.append_null();
                Err(mismatch(&input, &self.data_type, why))
            }
        }
    }

    fn append_null(&mut self) {
        self.builder.append_null();
    }

    fn len(&self) -> usize {
        self.builder.values_slice().len()
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}

struct Booleans(BooleanBuilder);

impl ReadColumn for Booleans {
    fn append(&mut self, input: Input<'_>) -> Result<(), Fault> {
        let value = match input {
            Input::Bool(value) => Some(value),
            Input::Field(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Input::Field(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        };
        self.0.append_option(value);
        value.map(drop).ok_or_else(|| mismatch(&input, &DataType::Boolean, ""))
    }

    fn append_null(&mut self) {
        self.0.append_null();
    }

    fn len(&self) -> usize {
        ArrayBuilder::len(&self.0)
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// Strings; built as `Utf8` and turned into the column's own string type at the end.
struct Texts(StringBuilder, DataType);

impl ReadColumn for Texts {
    #[inline]
    fn append(&mut self, input: Input<'_>) -> Result<(), Fault> {
        match textual(input) {
            Ok(text) => {
                self.0.append_value(text);
                Ok(())
            }
            Err(why) => {
                self.0.append_null();
                Err(mismatch(&input, &self.1, why))
            }
        }
    }

    fn append_null(&mut self) {
        self.0.append_null();
    }

    fn len(&self) -> usize {
        self.0.offsets_slice().len() - 1
    }

    fn finish(&mut self) -> ArrayRef {
        compute::cast(&self.0.finish(), &self.1).expect("string types convert to each other")
    }
}

/// Bytes, from base64; built as `Binary` and turned into the column's own type at the end.
struct Binaries(BinaryBuilder, DataType);

impl ReadColumn for Binaries {
    fn append(&mut self, input: Input<'_>) -> Result<(), Fault> {
        let bytes = textual(input).and_then(|text| base64::decode(text).ok_or("expected base64"));
        self.0.append_option(bytes.as_ref().ok());
        bytes.map(drop).map_err(|why| mismatch(&input, &self.1, why))
    }

    fn append_null(&mut self) {
        self.0.append_null();
    }

    fn len(&self) -> usize {
        self.0.offsets_slice().len() - 1
    }

    fn finish(&mut self) -> ArrayRef {
        compute::cast(&self.0.finish(), &self.1).expect("binary types convert to each other")
    }
}
