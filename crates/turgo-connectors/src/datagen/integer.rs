//! Whole numbers, counted or random, and what is stored as them.

use arrow::array::ArrowPrimitiveType;
use arrow::datatypes::DataType;

use crate::random::{Rows, below};
use crate::synthetic::Make;
use crate::synthetic::columns::numbers;

/// The first and the last of a range of numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) from: i128,
    pub(super) to: i128,
}

impl Span {
    /// How many numbers there are from the first to the last in steps of `step`.
    pub(super) fn steps(self, step: i128) -> u64 {
        let steps = self.width() / step.unsigned_abs();
        u64::try_from(steps).map_or(u64::MAX, |steps| steps.saturating_add(1))
    }

    /// The difference of its ends, at most 2 * (10^38 - 1): more than `i128` holds.
    fn width(self) -> u128 {
        self.to.wrapping_sub(self.from).cast_unsigned()
    }
}

/// The smallest and the largest number of a type; those of 64 bits where it is none.
pub(super) fn range_of(data_type: &DataType) -> [i128; 2] {
    match data_type {
        DataType::Int8 => [i8::MIN.into(), i8::MAX.into()],
        DataType::Int16 => [i16::MIN.into(), i16::MAX.into()],
        DataType::Int32 => [i32::MIN.into(), i32::MAX.into()],
        DataType::UInt8 => [0, u8::MAX.into()],
        DataType::UInt16 => [0, u16::MAX.into()],
        DataType::UInt32 => [0, u32::MAX.into()],
        DataType::UInt64 => [0, u64::MAX.into()],
        _ => [i64::MIN.into(), i64::MAX.into()],
    }
}

/// Numbers of `span`, each as likely as the others.
pub(super) fn random<T: ArrowPrimitiveType>(span: Span, random: Rows) -> Make
where
    T::Native: TryFrom<i128>,
{
    let count = span.width() + 1;
    Box::new(move |rows| {
        numbers::<T>(rows, |row| {
            let offset = match u64::try_from(count) {
                Ok(count) => u128::from(below(random.bits(row), count)),
                Err(_) => {
                    let mut random = random.of(row);
                    (u128::from(random.next()) << 64 | u128::from(random.next())) % count
                }
            };
            native::<T>(span.from.wrapping_add(offset.cast_signed()))
        })
    })
}

/// Numbers of `span` from its first on, in steps of `step`; behind the last one, the last one.
pub(super) fn sequence<T: ArrowPrimitiveType>(span: Span, step: i128) -> Make
where
    T::Native: TryFrom<i128>,
{
    let value = move |row| (span.from + i128::from(row) * step).min(span.to);
    Box::new(move |rows| numbers::<T>(rows, |row| native::<T>(value(row))))
}

fn native<T: ArrowPrimitiveType>(value: i128) -> T::Native
where
    T::Native: TryFrom<i128>,
{
    T::Native::try_from(value).unwrap_or_else(|_| unreachable!("options are within the type"))
}
