//! What is remembered beside a total, and how both travel in state columns.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, FieldRef, Int64Type};

use crate::error::{EngineError, Result};
use crate::state::columns::{only, primitive};

/// Whether values were added, or how many.
pub(in crate::state) trait Weight:
    Copy + Debug + Default + Send + 'static
{
    /// The weight of one value.
    const ONE: Self;
    /// Both together.
    fn plus(self, other: Self) -> Self;
    /// No value was added.
    fn is_empty(self) -> bool;
    /// The state columns, the total's first.
    fn fields(carrier: DataType) -> Vec<FieldRef>;
    /// The state columns of these totals and weights; the total's has the type `carrier`.
    fn columns<C: ArrowPrimitiveType>(
        totals: Vec<C::Native>,
        weights: &[Self],
        carrier: DataType,
    ) -> Vec<ArrayRef>;
    /// The total column and the weights of state columns.
    fn split(states: &[ArrayRef]) -> Result<(&ArrayRef, Vec<Self>)>;
}

/// Whether there was a value: travels as the validity of the total.
impl Weight for bool {
    const ONE: Self = true;

    fn plus(self, other: Self) -> Self {
        self | other
    }

    fn is_empty(self) -> bool {
        !self
    }

    fn fields(carrier: DataType) -> Vec<FieldRef> {
        vec![Arc::new(Field::new("total", carrier, true))]
    }

    fn columns<C: ArrowPrimitiveType>(
        totals: Vec<C::Native>,
        weights: &[Self],
        carrier: DataType,
    ) -> Vec<ArrayRef> {
        let totals = PrimitiveArray::<C>::new(totals.into(), Some(NullBuffer::from(weights)));
        vec![Arc::new(totals.with_data_type(carrier))]
    }

    fn split(states: &[ArrayRef]) -> Result<(&ArrayRef, Vec<Self>)> {
        let totals = only(states)?;
        Ok((
            totals,
            match totals.nulls() {
                Some(nulls) => nulls.iter().collect(),
                None => vec![true; totals.len()],
            },
        ))
    }
}

/// How many values there were: travels as a column of its own.
impl Weight for i64 {
    const ONE: Self = 1;

    fn plus(self, other: Self) -> Self {
        self + other
    }

    fn is_empty(self) -> bool {
        self == 0
    }

    fn fields(carrier: DataType) -> Vec<FieldRef> {
        vec![
            Arc::new(Field::new("total", carrier, false)),
            Arc::new(Field::new("count", DataType::Int64, false)),
        ]
    }

    fn columns<C: ArrowPrimitiveType>(
        totals: Vec<C::Native>,
        weights: &[Self],
        carrier: DataType,
    ) -> Vec<ArrayRef> {
        let totals = PrimitiveArray::<C>::new(totals.into(), None).with_data_type(carrier);
        let counts = PrimitiveArray::<Int64Type>::from(weights.to_vec());
        vec![Arc::new(totals), Arc::new(counts)]
    }

    fn split(states: &[ArrayRef]) -> Result<(&ArrayRef, Vec<Self>)> {
        match states {
            [totals, counts] => Ok((totals, primitive::<Int64Type>(counts)?.values().to_vec())),
            _ => Err(EngineError::internal(format!("{} state columns of AVG", states.len()))),
        }
    }
}
