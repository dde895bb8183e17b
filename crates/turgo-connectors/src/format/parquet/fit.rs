//! How a column of a file becomes the declared one: not at all, always, or value by value.
//!
//! As in every format a value is read exactly or rejected with its row (F1 of [`crate::format`]).

use arrow::array::{Array, ArrayRef};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef};
use turgo_engine::Result;

/// How values become those of a declared type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// They are.
    Same,
    /// Every value has an equal one in the type.
    Always,
    /// Some values may have none.
    Checked,
}

impl Fit {
    /// The way from `stored` to `declared`; `None`: there is none that keeps values as they are.
    pub(super) fn of(stored: &DataType, declared: &DataType) -> Option<Self> {
        use DataType as T;
        if stored == declared {
            return Some(Self::Same);
        }
        let always = |always: bool| Some(if always { Self::Always } else { Self::Checked });
        match (stored, declared) {
            (T::Null, _) | (T::FixedSizeBinary(_), T::Binary) => Some(Self::Always),
            (from, to) if from.is_integer() && to.is_integer() => {
                let ((min, max), (low, high)) = (integers(from)?, integers(to)?);
                always(low <= min && max <= high)
            }
            // 53 and 24 bits hold these.
            (from, T::Float64) if from.is_integer() => within(from, 53),
            (from, T::Float32) if from.is_integer() => within(from, 24),
            (T::Float16, T::Float32 | T::Float64) | (T::Float32, T::Float64) => Some(Self::Always),
            (from, T::Decimal128(..) | T::Decimal256(..)) if from.is_integer() => {
                Some(Self::Checked)
            }
            (T::Decimal128(..) | T::Decimal256(..), to) if to.is_integer() => Some(Self::Checked),
            (from, to) if from.is_decimal() && to.is_decimal() => {
                let ((digits, scale), (to_digits, to_scale)) = (decimal(from)?, decimal(to)?);
                let whole = |digits: u8, scale: i8| i16::from(digits) - i16::from(scale);
                always(scale <= to_scale && whole(digits, scale) <= whole(to_digits, to_scale))
            }
            (T::Timestamp(from, _), T::Timestamp(to, _)) => always(from == to),
            (T::Time32(_) | T::Time64(_), T::Time32(_) | T::Time64(_)) => Some(Self::Checked),
            // Texts of old writers do not say that they are UTF-8.
            (T::Binary, T::Utf8) => Some(Self::Checked),
            (T::List(from), T::List(to)) => Self::inner(from, to),
            (T::Map(from, false), T::Map(to, false)) => {
                let (T::Struct(from), T::Struct(to)) = (from.data_type(), to.data_type()) else {
                    return None;
                };
                match (from.as_ref(), to.as_ref()) {
                    ([key, value], [to_key, to_value]) => {
                        Self::inner(key, to_key)?;
                        Self::inner(value, to_value)
                    }
                    _ => None,
                }
            }
            (T::Struct(from), T::Struct(to)) => {
                let field = |to: &FieldRef| {
                    let mut named = from.iter().filter(|from| from.name() == to.name());
                    let (from, None) = (named.next()?, named.next()) else { return None };
                    Self::inner(from, to)
                };
                to.iter().all(|to| field(to).is_some()).then_some(Self::Always)
            }
            _ => None,
        }
    }

    /// The way of what is inside a value: it cannot be rejected by itself.
    fn inner(stored: &Field, declared: &Field) -> Option<Self> {
        let fit = Self::of(stored.data_type(), declared.data_type())?;
        let null = stored.is_nullable() && !declared.is_nullable();
        (fit != Self::Checked && !null).then_some(Self::Always)
    }

    /// `values` as `declared`, and the rows of those that have no equal there.
    pub(super) fn convert(
        self,
        values: &ArrayRef,
        declared: &DataType,
    ) -> Result<(ArrayRef, Vec<usize>)> {
        // What cannot be converted becomes NULL.
        let options = CastOptions { safe: true, ..CastOptions::default() };
        match self {
            Self::Same => Ok((ArrayRef::clone(values), Vec::new())),
            Self::Always => Ok((cast_with_options(values, declared, &options)?, Vec::new())),
            Self::Checked => {
                let converted = cast_with_options(values, declared, &options)?;
                let back = cast_with_options(&converted, values.data_type(), &options)?;
                let equal = not_distinct(values, &back)?;
                let other = (0..values.len()).filter(|row| !equal.value(*row)).collect();
                Ok((converted, other))
            }
        }
    }
}

/// The range of an integer type.
fn integers(data_type: &DataType) -> Option<(i128, i128)> {
    let bits = 8 * data_type.primitive_width()? as u32;
    Some(match data_type.is_signed_integer() {
        true => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        false => (0, (1 << bits) - 1),
    })
}

/// The way of integers to floats that hold `bits` of them.
fn within(integer: &DataType, bits: u32) -> Option<Fit> {
    let (min, max) = integers(integer)?;
    (-(1 << bits) <= min && max <= 1 << bits).then_some(Fit::Always)
}

fn decimal(data_type: &DataType) -> Option<(u8, i8)> {
    match data_type {
        DataType::Decimal128(digits, scale) | DataType::Decimal256(digits, scale) => {
            Some((*digits, *scale))
        }
        _ => None,
    }
}
