//! AVG: the exact sum, divided once.
//!
//! - Of integers: the 64-bit float nearest to the exact quotient (DataFusion casts to float first
//!   and rounds at every addition).
//! - Of decimals: DataFusion's result type (four more digits after the point, as far as the type
//!   has room), truncated towards zero as DataFusion does.
//! - Of floats: the floating-point sum over the count.
//!
//! An average over no values is NULL.

use std::fmt::Debug;
use std::marker::PhantomData;

use arrow::array::PrimitiveArray;
use arrow::datatypes::{
    DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, FieldRef, Float16Type,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type, i256,
};

use super::Accumulate;
use super::sum::{precision_and_scale, too_large};
use super::total::{Addend, Fit, Outcome, Total, Totals};
use crate::error::{EngineError, Result};
use crate::types::sql_type;

/// AVG of a column of type `argument`.
pub(super) fn accumulator(argument: &DataType, field: &FieldRef) -> Result<Box<dyn Accumulate>> {
    match argument {
        DataType::Int8 => of_integers::<Int8Type>(field),
        DataType::Int16 => of_integers::<Int16Type>(field),
        DataType::Int32 => of_integers::<Int32Type>(field),
        DataType::Int64 => of_integers::<Int64Type>(field),
        DataType::UInt8 => of_integers::<UInt8Type>(field),
        DataType::UInt16 => of_integers::<UInt16Type>(field),
        DataType::UInt32 => of_integers::<UInt32Type>(field),
        DataType::UInt64 => of_integers::<UInt64Type>(field),
        DataType::Decimal32(..) => of_decimals::<Decimal32Type>(argument, field),
        DataType::Decimal64(..) => of_decimals::<Decimal64Type>(argument, field),
        DataType::Decimal128(..) => of_decimals::<Decimal128Type>(argument, field),
        DataType::Decimal256(..) => of_decimals::<Decimal256Type>(argument, field),
        DataType::Float16 => of_floats::<Float16Type>(field),
        DataType::Float32 => of_floats::<Float32Type>(field),
        DataType::Float64 => of_floats::<Float64Type>(field),
        other => Err(EngineError::Unsupported(format!("AVG does not take {}", sql_type(other)))),
    }
}

fn of_integers<A: Addend<Total = i128>>(field: &FieldRef) -> Result<Box<dyn Accumulate>> {
    let result = expect::<Float64Type>(field)?;
    Ok(Box::new(Totals::<A, _>::new(MeanOfIntegers, 0, result)))
}

fn of_floats<A: Addend<Total = f64>>(field: &FieldRef) -> Result<Box<dyn Accumulate>> {
    let result = expect::<Float64Type>(field)?;
    Ok(Box::new(Totals::<A, _>::new(MeanOfFloats, 0, result)))
}

fn of_decimals<A>(argument: &DataType, field: &FieldRef) -> Result<Box<dyn Accumulate>>
where
    A: Addend<Total: Into<i256>> + Fit<i256>,
{
    let result = expect::<A>(field)?;
    let (_, scale) = precision_and_scale(argument);
    let (precision, scale_result) = precision_and_scale(&result);
    let digits_more = u32::try_from(i32::from(scale_result) - i32::from(scale))
        .map_err(|_| EngineError::internal(format!("AVG of {argument} as {result}")))?;
    let outcome = MeanOfDecimals::<A> {
        field: FieldRef::clone(field),
        precision,
        scale,
        more: i256::from(10)
            .checked_pow(digits_more)
            .ok_or_else(|| EngineError::internal(format!("AVG of {argument} as {result}")))?,
        result: PhantomData,
    };
    Ok(Box::new(Totals::<A, _>::new(outcome, scale, result)))
}

/// The field's type, which must be an `R`.
fn expect<R: arrow::datatypes::ArrowPrimitiveType>(field: &FieldRef) -> Result<DataType> {
    let result = field.data_type();
    if PrimitiveArray::<R>::is_compatible(result) {
        Ok(result.clone())
    } else {
        Err(EngineError::internal(format!("AVG as {result}")))
    }
}

#[derive(Debug)]
struct MeanOfIntegers;

impl Outcome<i128> for MeanOfIntegers {
    type Weight = i64;
    type Result = Float64Type;

    fn finish(&self, total: i128, count: i64) -> Result<f64> {
        let mean = divide(total.unsigned_abs(), count.unsigned_abs());
        Ok(if total < 0 { -mean } else { mean })
    }
}

/// The float nearest to `dividend / divisor`, ties to even. The divisor is not 0.
pub(super) fn divide(dividend: u128, divisor: u64) -> f64 {
    if dividend == 0 {
        return 0.0;
    }
    // With its highest bit set, the dividend leaves a quotient of at least 64 bits. A float keeps
    // 53 of them and rounds by the rest, of which the last bit may stand for all that follow.
    let shift = dividend.leading_zeros();
    let dividend = dividend << shift;
    let quotient = dividend / u128::from(divisor);
    let exact = dividend.is_multiple_of(u128::from(divisor));
    let rounded = (quotient | u128::from(!exact)) as f64;
    rounded / 2f64.powi(shift as i32)
}

#[derive(Debug)]
struct MeanOfFloats;

impl Outcome<f64> for MeanOfFloats {
    type Weight = i64;
    type Result = Float64Type;

    fn finish(&self, total: f64, count: i64) -> Result<f64> {
        Ok(total / count as f64)
    }
}

#[derive(Debug)]
struct MeanOfDecimals<R> {
    field: FieldRef,
    precision: u8,
    scale: i8,
    /// Ten to the power of the digits that the result has more than the argument.
    more: i256,
    result: PhantomData<R>,
}

impl<T: Total + Into<i256>, R: Fit<i256>> Outcome<T> for MeanOfDecimals<R> {
    type Weight = i64;
    type Result = R;

    fn finish(&self, total: T, count: i64) -> Result<R::Native> {
        let (sum, count) = (total.into(), i256::from(count));
        // The quotient and the remainder are scaled apart: scaling the sum could overflow where the
        // average does not.
        let scaled = || {
            let whole = sum.checked_div(count)?.checked_mul(self.more)?;
            let rest = sum.checked_rem(count)?.checked_mul(self.more)?.checked_div(count)?;
            whole.checked_add(rest)
        };
        scaled().and_then(|mean| R::fit(mean, self.precision)).ok_or_else(|| {
            let value = format!("{} / {count}", total.display(self.scale));
            too_large("AVG", &self.field, &value)
        })
    }
}
