//! SUM: exact for integers and decimals, in floating point for floats.
//!
//! A sum is only as narrow as its result type when it is read: on the way there it may exceed it.
//! A sum over no values is NULL.

use std::fmt::Debug;
use std::marker::PhantomData;

use arrow::array::PrimitiveArray;
use arrow::datatypes::{
    DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, FieldRef, Float16Type,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};

use super::Accumulate;
use super::total::{Addend, Fit, Outcome, Total, Totals};
use crate::error::{EngineError, Result};
use crate::types::sql_type;

/// SUM of a column of type `argument`.
pub(super) fn accumulator(argument: &DataType, field: &FieldRef) -> Result<Box<dyn Accumulate>> {
    match argument {
        DataType::Int8 => sum::<Int8Type, Int64Type>(argument, field),
        DataType::Int16 => sum::<Int16Type, Int64Type>(argument, field),
        DataType::Int32 => sum::<Int32Type, Int64Type>(argument, field),
        DataType::Int64 => sum::<Int64Type, Int64Type>(argument, field),
        DataType::UInt8 => sum::<UInt8Type, UInt64Type>(argument, field),
        DataType::UInt16 => sum::<UInt16Type, UInt64Type>(argument, field),
        DataType::UInt32 => sum::<UInt32Type, UInt64Type>(argument, field),
        DataType::UInt64 => sum::<UInt64Type, UInt64Type>(argument, field),
        DataType::Decimal32(..) => sum::<Decimal32Type, Decimal32Type>(argument, field),
        DataType::Decimal64(..) => sum::<Decimal64Type, Decimal64Type>(argument, field),
        DataType::Decimal128(..) => sum::<Decimal128Type, Decimal128Type>(argument, field),
        DataType::Decimal256(..) => sum::<Decimal256Type, Decimal256Type>(argument, field),
        DataType::Float16 => sum::<Float16Type, Float64Type>(argument, field),
        DataType::Float32 => sum::<Float32Type, Float64Type>(argument, field),
        DataType::Float64 => sum::<Float64Type, Float64Type>(argument, field),
        other => Err(EngineError::Unsupported(format!("SUM does not take {}", sql_type(other)))),
    }
}

/// Precision and scale of a decimal type; of any other, none to check and 0.
pub(super) fn precision_and_scale(data_type: &DataType) -> (u8, i8) {
    match *data_type {
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => (precision, scale),
        _ => (0, 0),
    }
}

fn sum<A, R>(argument: &DataType, field: &FieldRef) -> Result<Box<dyn Accumulate>>
where
    A: Addend,
    R: Fit<A::Total>,
{
    let result = field.data_type();
    let (_, scale) = precision_and_scale(argument);
    let (precision, scale_result) = precision_and_scale(result);
    if !PrimitiveArray::<R>::is_compatible(result) || scale != scale_result {
        return Err(EngineError::internal(format!("SUM of {argument} as {result}")));
    }
    let outcome = Sum::<R> { field: FieldRef::clone(field), precision, scale, result: PhantomData };
    Ok(Box::new(Totals::<A, _>::new(outcome, scale, result.clone())))
}

/// The total itself, as `R`.
#[derive(Debug)]
struct Sum<R> {
    field: FieldRef,
    precision: u8,
    scale: i8,
    result: PhantomData<R>,
}

impl<T: Total, R: Fit<T>> Outcome<T> for Sum<R> {
    type Weight = bool;
    type Result = R;

    #[inline]
    fn finish(&self, total: T, _seen: bool) -> Result<R::Native> {
        R::fit(total, self.precision)
            .ok_or_else(|| too_large("SUM", &self.field, &total.display(self.scale)))
    }
}

/// The error for a result that its type cannot hold.
#[cold]
pub(super) fn too_large(function: &str, field: &FieldRef, value: &str) -> EngineError {
    let wider = match field.data_type() {
        DataType::Decimal256(..) => "DOUBLE".to_owned(),
        DataType::Decimal128(38, scale) => format!("DECIMAL(76, {scale})"),
        data_type => format!("DECIMAL(38, {})", precision_and_scale(data_type).1),
    };
    EngineError::data(format!(
        "{function} in column \"{}\" is {value}, which does not fit {}; cast the argument to {wider}",
        field.name(),
        sql_type(field.data_type())
    ))
}
