//! The aggregates as states that add up: what their kernels keep per group, per row.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowNativeTypeOp, BooleanArray, Int64Array, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, FieldRef, Int64Type};

use super::Fold;
use crate::error::Result;
use crate::state::columns::{is_selected, only, primitive, selected};
use crate::state::min_max::state_field;
use crate::state::total::{Addend, Outcome, Total, Weight, overflow};

/// COUNT.
#[derive(Debug)]
pub(in crate::state) struct Counts {
    /// Leave out rows where an argument is NULL.
    pub(in crate::state) values_only: bool,
}

impl Fold for Counts {
    type State = i64;
    type Result = Int64Type;

    fn empty(&self) -> i64 {
        0
    }

    fn join(&self, earlier: &i64, later: &i64) -> Result<i64> {
        Ok(earlier + later)
    }

    fn states<'a>(
        &self,
        args: &'a [ArrayRef],
        filter: Option<&'a BooleanArray>,
    ) -> Result<impl Fn(usize) -> i64 + 'a> {
        let nulls = args.iter().filter(|_| self.values_only).fold(None, |nulls, arg| {
            NullBuffer::union(nulls.as_ref(), arg.logical_nulls().as_ref())
        });
        let selected = selected(nulls.as_ref(), filter);
        Ok(move |row| i64::from(is_selected(selected.as_ref(), row)))
    }

    fn value(&self, state: &i64, _rows: usize) -> Result<Option<i64>> {
        Ok(Some(*state))
    }

    fn result(&self) -> DataType {
        DataType::Int64
    }

    fn state_fields(&self) -> Vec<FieldRef> {
        vec![Arc::new(Field::new("count", DataType::Int64, false))]
    }

    fn columns(&self, states: Vec<i64>) -> Vec<ArrayRef> {
        vec![Arc::new(Int64Array::from(states))]
    }

    fn read_columns(&self, columns: &[ArrayRef]) -> Result<Vec<i64>> {
        Ok(primitive::<Int64Type>(only(columns)?)?.values().to_vec())
    }
}

/// SUM and AVG.
#[derive(Debug)]
pub(in crate::state) struct Sums<A, O> {
    outcome: O,
    carrier: DataType,
    result: DataType,
    addend: PhantomData<A>,
}

impl<A: Addend, O: Outcome<A::Total>> Sums<A, O> {
    /// States travel in columns of type `carrier`, values in those of type `result`.
    pub(in crate::state) fn new(outcome: O, carrier: DataType, result: DataType) -> Self {
        Self { outcome, carrier, result, addend: PhantomData }
    }
}

impl<A: Addend, O: Outcome<A::Total> + 'static> Fold for Sums<A, O> {
    type State = (A::Total, O::Weight);
    type Result = O::Result;

    fn empty(&self) -> Self::State {
        (A::Total::ZERO, O::Weight::default())
    }

    #[inline]
    fn join(&self, earlier: &Self::State, later: &Self::State) -> Result<Self::State> {
        match earlier.0.plus(later.0) {
            Some(total) => Ok((total, earlier.1.plus(later.1))),
            None => Err(overflow()),
        }
    }

    fn states<'a>(
        &self,
        args: &'a [ArrayRef],
        filter: Option<&'a BooleanArray>,
    ) -> Result<impl Fn(usize) -> Self::State + 'a> {
        let values = primitive::<A>(only(args)?)?;
        let selected = selected(values.nulls(), filter);
        Ok(move |row| match is_selected(selected.as_ref(), row) {
            true => (A::widen(values.values()[row]), O::Weight::ONE),
            false => (A::Total::ZERO, O::Weight::default()),
        })
    }

    #[inline]
    fn value(
        &self,
        (total, weight): &Self::State,
        _rows: usize,
    ) -> Result<Option<<O::Result as ArrowPrimitiveType>::Native>> {
        match weight.is_empty() {
            true => Ok(None),
            false => self.outcome.finish(*total, *weight).map(Some),
        }
    }

    fn result(&self) -> DataType {
        self.result.clone()
    }

    fn state_fields(&self) -> Vec<FieldRef> {
        O::Weight::fields(self.carrier.clone())
    }

    fn columns(&self, states: Vec<Self::State>) -> Vec<ArrayRef> {
        let (totals, weights): (Vec<_>, Vec<_>) = states.into_iter().unzip();
        let carrier = self.carrier.clone();
        O::Weight::columns::<<A::Total as Total>::Carrier>(totals, &weights, carrier)
    }

    fn read_columns(&self, columns: &[ArrayRef]) -> Result<Vec<Self::State>> {
        let (totals, weights) = O::Weight::split(columns)?;
        let totals = primitive::<<A::Total as Total>::Carrier>(totals)?;
        Ok(totals.values().iter().copied().zip(weights).collect())
    }
}

/// MIN and MAX, in the total order of their kernels.
#[derive(Debug)]
pub(in crate::state) struct Extremes<T, const MAX: bool> {
    data_type: DataType,
    values: PhantomData<T>,
}

impl<T: ArrowPrimitiveType, const MAX: bool> Extremes<T, MAX> {
    /// Of values of type `data_type`.
    pub(in crate::state) fn new(data_type: DataType) -> Self {
        Self { data_type, values: PhantomData }
    }
}

impl<T: ArrowPrimitiveType + Debug + Send, const MAX: bool> Fold for Extremes<T, MAX> {
    type State = Option<T::Native>;
    type Result = T;

    fn empty(&self) -> Self::State {
        None
    }

    #[inline]
    fn join(&self, earlier: &Self::State, later: &Self::State) -> Result<Self::State> {
        Ok(match (*earlier, *later) {
            (Some(a), Some(b)) => Some(if a.is_gt(b) == MAX { a } else { b }),
            (a, b) => a.or(b),
        })
    }

    fn states<'a>(
        &self,
        args: &'a [ArrayRef],
        filter: Option<&'a BooleanArray>,
    ) -> Result<impl Fn(usize) -> Self::State + 'a> {
        let values = primitive::<T>(only(args)?)?;
        let selected = selected(values.nulls(), filter);
        Ok(move |row| is_selected(selected.as_ref(), row).then(|| values.values()[row]))
    }

    fn value(&self, state: &Self::State, _rows: usize) -> Result<Option<T::Native>> {
        Ok(*state)
    }

    fn result(&self) -> DataType {
        self.data_type.clone()
    }

    fn state_fields(&self) -> Vec<FieldRef> {
        vec![state_field(self.data_type.clone())]
    }

    fn columns(&self, states: Vec<Self::State>) -> Vec<ArrayRef> {
        let values: PrimitiveArray<T> = states.into_iter().collect();
        vec![Arc::new(values.with_data_type(self.data_type.clone()))]
    }

    fn read_columns(&self, columns: &[ArrayRef]) -> Result<Vec<Self::State>> {
        Ok(primitive::<T>(only(columns)?)?.iter().collect())
    }
}
