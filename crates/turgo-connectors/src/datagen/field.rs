//! What the options of one column say, and the column they make.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, make_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    DataType, Decimal128Type, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use turgo_engine::io::{OptionError, TableSpec};

use super::field_key;
use super::integer::{self, Span};
use crate::format::{datetime, number};
use crate::option;
use crate::random::Rows;
use crate::synthetic::columns::{letters, numbers, texts};
use crate::synthetic::{Make, ROWS_MAX};
use turgo_engine::types::{fraction_digits, sql_type};

/// Letters of a random text where no length is given.
const LENGTH: u64 = 100;
const LENGTH_MAX: u64 = 1 << 16;

/// 2024-01-01 and 2025-01-01, in seconds: where random times lie and sequences of them start.
const YEAR_2024: [i128; 2] = [1_704_067_200, 1_735_689_600];

/// A column, its size in a row, and how many rows it can fill.
pub(super) struct Made {
    pub(super) make: Make,
    pub(super) bytes: usize,
    pub(super) rows: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Random,
    Sequence,
}

/// The options of one column.
pub(super) struct FieldOptions<'a> {
    pub(super) spec: &'a TableSpec,
    pub(super) field: &'a Field,
}

impl FieldOptions<'_> {
    fn key(&self, key: &str) -> String {
        field_key(self.field.name(), key)
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.spec.options.get(&self.key(key)).map(String::as_str)
    }

    fn wrong(&self, key: &str, help: impl Into<String>) -> OptionError {
        option::wrong(&self.key(key), self.get(key).unwrap_or_default(), help)
    }

    /// Refuses options of the column that say nothing for what it is.
    fn only(&self, what: &str, known: &[&str]) -> Result<(), OptionError> {
        let all = ["min", "max", "length", "start", "end", "step"];
        match all.iter().find(|key| self.get(key).is_some() && !known.contains(key)) {
            None => Ok(()),
            Some(key) => Err(OptionError {
                key: Some(self.key(key)),
                message: format!("'{}' has no meaning for {what}", self.key(key)),
                help: Some(match known {
                    [] => "leave it out".into(),
                    known => format!("it has {}", known.join(", ")),
                }),
            }),
        }
    }

    /// The column, with random numbers of `place`.
    pub(super) fn column(&self, place: &[u64]) -> Result<Made, OptionError> {
        let random = Rows::new(place);
        let kind = option::one_of(
            &self.key("kind"),
            self.get("kind").unwrap_or("random"),
            &[("random", Kind::Random), ("sequence", Kind::Sequence)],
        )?;
        let data_type = self.field.data_type();
        let mut made = match data_type {
            DataType::Int8 => self.integer::<Int8Type>(kind, random),
            DataType::Int16 => self.integer::<Int16Type>(kind, random),
            DataType::Int32 => self.integer::<Int32Type>(kind, random),
            DataType::Int64 => self.integer::<Int64Type>(kind, random),
            DataType::UInt8 => self.integer::<UInt8Type>(kind, random),
            DataType::UInt16 => self.integer::<UInt16Type>(kind, random),
            DataType::UInt32 => self.integer::<UInt32Type>(kind, random),
            DataType::UInt64 => self.integer::<UInt64Type>(kind, random),
            DataType::Decimal128(..) => self.integer::<Decimal128Type>(kind, random),
            DataType::Timestamp(..) => self.integer::<Int64Type>(kind, random),
            DataType::Utf8 if kind == Kind::Sequence => self.integer::<Int64Type>(kind, random),
            DataType::Utf8 => self.text(random),
            DataType::Float32 => self.float::<Float32Type>(kind, random, |value| value as f32),
            DataType::Float64 => self.float::<Float64Type>(kind, random, |value| value),
            DataType::Boolean => self.boolean(kind, random),
            other => Err(OptionError {
                key: None,
                message: format!(
                    "datagen makes no {} for column `{}`",
                    sql_type(other),
                    self.field.name()
                ),
                help: Some(
                    "it makes BOOLEAN, integers, FLOAT, DOUBLE, DECIMAL up to 38 digits, VARCHAR \
                     and TIMESTAMP"
                        .into(),
                ),
            }),
        }?;
        if *data_type != DataType::Utf8 || kind == Kind::Sequence {
            let data_type = data_type.clone();
            let make = made.make;
            made.make = Box::new(move |rows| typed(&make(rows), &data_type));
        }
        self.with_nulls(made, place)
    }

    /// Whole numbers, and what is stored as them: decimals and times.
    fn integer<T>(&self, kind: Kind, random: Rows) -> Result<Made, OptionError>
    where
        T: ArrowPrimitiveType,
        T::Native: TryFrom<i128>,
    {
        let (known, keys): (&[&str], _) = match kind {
            Kind::Random => (&["min", "max"], ["min", "max"]),
            Kind::Sequence => (&["start", "end", "step"], ["start", "end"]),
        };
        self.only(if kind == Kind::Random { "a random number" } else { "a sequence" }, known)?;
        let defaults = self.range(kind);
        let value = |at: usize| match self.get(keys[at]) {
            None => Ok(defaults[at]),
            Some(text) => self.parse(text).map_err(|help| self.wrong(keys[at], help)),
        };
        let span = Span { from: value(0)?, to: value(1)? };
        if span.from > span.to {
            let key = if self.get(keys[1]).is_some() { keys[1] } else { keys[0] };
            let help = format!("'{}' is at most '{}'", self.key(keys[0]), self.key(keys[1]));
            return Err(self.wrong(key, help));
        }
        let bytes = size_of::<T::Native>();
        match kind {
            Kind::Random => {
                Ok(Made { make: integer::random::<T>(span, random), bytes, rows: ROWS_MAX })
            }
            Kind::Sequence => {
                let step = i128::from(self.step()?);
                let make = integer::sequence::<T>(span, step);
                Ok(Made { make, bytes, rows: self.sequence_rows(span.steps(step))? })
            }
        }
    }

    /// How many rows a sequence with `steps` values fills; without an end, one that lasts goes on
    /// for ever, and one that does not has to say so.
    fn sequence_rows(&self, steps: u64) -> Result<u64, OptionError> {
        /// At ten million rows a second, a day.
        const LASTS: u64 = 1 << 40;
        if self.get("end").is_some() || self.spec.options.contains_key("number-of-rows") {
            return Ok(steps.min(ROWS_MAX));
        }
        if steps >= LASTS {
            return Ok(ROWS_MAX);
        }
        let (name, key) = (sql_type(self.field.data_type()), self.key("end"));
        Err(OptionError {
            key: Some(self.key("kind")),
            message: format!("a sequence of {name} ends after {steps} rows"),
            help: Some(format!("say so with '{key}', or give 'number-of-rows'")),
        })
    }

    /// The distance of two values of a sequence: in the unit of the column, but for times, which
    /// have milliseconds.
    fn step(&self) -> Result<i64, OptionError> {
        let step = option::number(self.spec, &self.key("step"), 1, i64::MAX as u64 / 1_000_000)?;
        let step = step.unwrap_or(1) as i64;
        match self.field.data_type() {
            DataType::Timestamp(unit, _) => match fraction_digits(*unit) {
                0 if step % 1000 != 0 => {
                    Err(self.wrong("step", "whole seconds, in milliseconds: '1000'"))
                }
                0 => Ok(step / 1000),
                digits => Ok(step * 10i64.pow(digits - 3)),
            },
            _ => Ok(step),
        }
    }

    /// The ends of a column's values where nothing else is said.
    fn range(&self, kind: Kind) -> [i128; 2] {
        let from = |low: i128| if kind == Kind::Sequence { 0 } else { low };
        match self.field.data_type() {
            DataType::Decimal128(precision, _) => {
                let end = 10i128.pow(u32::from(*precision)) - 1;
                [from(-end), end]
            }
            DataType::Timestamp(unit, _) => {
                let second = 10i128.pow(fraction_digits(*unit));
                let end = if kind == Kind::Sequence {
                    i128::from(i64::MAX)
                } else {
                    YEAR_2024[1] * second - 1
                };
                [YEAR_2024[0] * second, end]
            }
            other => {
                let [low, high] = integer::range_of(other);
                [from(low), high]
            }
        }
    }

    /// A value of the column, as the number it is stored as.
    fn parse(&self, text: &str) -> Result<i128, String> {
        let data_type = self.field.data_type();
        let name = sql_type(data_type);
        let reason = |why: &str| match why {
            number::NOT_A_NUMBER => format!("a {name}"),
            why => format!("a {name}: {why}"),
        };
        match data_type {
            DataType::Timestamp(unit, _) => {
                datetime::timestamp(text, fraction_digits(*unit)).map(i128::from).map_err(reason)
            }
            DataType::Decimal128(precision, scale) => {
                number::decimal128(text, *precision, *scale).map_err(reason)
            }
            other => {
                let [low, high] = integer::range_of(other);
                match number::integer::<i128>(text) {
                    Ok(value) if (low..=high).contains(&value) => Ok(value),
                    _ => Err(format!("a whole number from {low} to {high}")),
                }
            }
        }
    }

    fn text(&self, random: Rows) -> Result<Made, OptionError> {
        self.only("a random text", &["length"])?;
        let length = option::number(self.spec, &self.key("length"), 1, LENGTH_MAX)?;
        let length = length.unwrap_or(LENGTH) as usize;
        let write = move |row, out: &mut Vec<u8>| letters(&mut random.of(row), length, out);
        let make: Make = Box::new(move |rows| texts(rows, length, write));
        Ok(Made { make, bytes: length, rows: ROWS_MAX })
    }

    fn float<T: ArrowPrimitiveType>(
        &self,
        kind: Kind,
        random: Rows,
        narrow: fn(f64) -> T::Native,
    ) -> Result<Made, OptionError> {
        self.never_a_sequence(kind)?;
        self.only("a random number", &["min", "max"])?;
        let value = |key: &str, default: f64| match self.get(key) {
            None => Ok(default),
            Some(text) => match number::float64(text) {
                Ok(value) if value.is_finite() => Ok(value),
                _ => Err(self.wrong(key, "a finite number")),
            },
        };
        let (min, max) = (value("min", 0.0)?, value("max", 1.0)?);
        if min > max {
            let help = format!("'{}' is at most '{}'", self.key("min"), self.key("max"));
            return Err(self.wrong(if self.get("max").is_some() { "max" } else { "min" }, help));
        }
        let make: Make = Box::new(move |rows| {
            numbers::<T>(rows, |row| {
                let share = (random.bits(row) >> 11) as f64 / (1u64 << 53) as f64;
                // Weighed, because the difference of the ends may be more than a float holds.
                narrow((min * (1.0 - share) + max * share).clamp(min, max))
            })
        });
        Ok(Made { make, bytes: 8, rows: ROWS_MAX })
    }

    fn boolean(&self, kind: Kind, random: Rows) -> Result<Made, OptionError> {
        self.never_a_sequence(kind)?;
        self.only("a random BOOLEAN", &[])?;
        let make: Make = Box::new(move |rows| {
            let values = rows.map(|row| random.bits(row) & 1 == 1).collect::<Vec<_>>();
            Arc::new(arrow::array::BooleanArray::from(values))
        });
        Ok(Made { make, bytes: 1, rows: ROWS_MAX })
    }

    fn never_a_sequence(&self, kind: Kind) -> Result<(), OptionError> {
        match kind {
            Kind::Random => Ok(()),
            Kind::Sequence => {
                let name = sql_type(self.field.data_type());
                Err(self.wrong("kind", format!("a {name} is 'random'")))
            }
        }
    }

    /// The column with a share of NULLs.
    fn with_nulls(&self, made: Made, place: &[u64]) -> Result<Made, OptionError> {
        let Some(text) = self.get("null-rate") else { return Ok(made) };
        let share = match number::float64(text) {
            Ok(share) if (0.0..=1.0).contains(&share) => share,
            _ => return Err(self.wrong("null-rate", "a share from 0 to 1")),
        };
        if share > 0.0 && !self.field.is_nullable() {
            let help = format!("column `{}` is NOT NULL", self.field.name());
            return Err(self.wrong("null-rate", help));
        }
        // Another stream than the values': which rows are NULL has nothing to do with them.
        let random = Rows::new(&[place, &[1]].concat());
        let make: Make = Box::new(move |rows| {
            let nulls = rows.clone().map(|row| !random.of(row).chance(share));
            with_nulls(&(made.make)(rows.clone()), nulls.collect())
        });
        Ok(Made { make, ..made })
    }
}

/// Whole numbers as a column of `data_type`.
fn typed(values: &ArrayRef, data_type: &DataType) -> ArrayRef {
    match data_type {
        DataType::Utf8 => arrow::compute::cast(values, data_type).expect("numbers have texts"),
        _ => {
            let data = values.to_data().into_builder().data_type(data_type.clone());
            make_array(data.build().expect("the values are stored as numbers of that width"))
        }
    }
}

fn with_nulls(values: &ArrayRef, nulls: NullBuffer) -> ArrayRef {
    let data = values.to_data().into_builder().nulls(Some(nulls));
    make_array(data.build().expect("there is a bit for every row"))
}
