//! Running totals: what SUM and AVG share.
//!
//! A [`Totals`] adds an argument column into one wide total per group and remembers beside it a
//! [`Weight`]: whether there was a value at all (SUM), or how many (AVG). What a total turns into
//! when it is read is the function's [`Outcome`].
//!
//! Integers add up in 128 bits, `Decimal128` and `Decimal256` in 256, so that no order of additions
//! loses a digit: 2^64 rows of the largest 64-bit integer fit. The checks are there because merged
//! states come from outside.

mod number;
mod weight;

use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, NullBufferBuilder, PrimitiveArray};
use arrow::datatypes::{ArrowPrimitiveType, DataType, FieldRef};

use super::Accumulate;
use super::columns::{for_each_selected, is_selected, only, primitive, selected, unexpected};
use super::frames::{self, Frames, Sums};
use crate::error::{EngineError, Result};

pub(super) use number::{Addend, Fit, Total};
pub(super) use weight::Weight;

/// What a total turns into when it is read.
pub(super) trait Outcome<T: Total>: Debug + Send + 'static {
    /// What must be remembered beside the total.
    type Weight: Weight;
    /// The result type.
    type Result: ArrowPrimitiveType;
    /// The result for a group that has values.
    ///
    /// # Errors
    /// `Data` where it does not fit.
    fn finish(
        &self,
        total: T,
        weight: Self::Weight,
    ) -> Result<<Self::Result as ArrowPrimitiveType>::Native>;
}

/// One total and weight for each group.
#[derive(Debug)]
pub(super) struct Totals<A: Addend, O: Outcome<A::Total>> {
    totals: Vec<A::Total>,
    weights: Vec<O::Weight>,
    outcome: O,
    carrier: DataType,
    result: DataType,
}

impl<A: Addend, O: Outcome<A::Total>> Totals<A, O> {
    /// No groups yet. `scale` is that of a decimal argument, `result` the result's type.
    pub(super) fn new(outcome: O, scale: i8, result: DataType) -> Self {
        let carrier = A::Total::carrier(scale);
        Self { totals: Vec::new(), weights: Vec::new(), outcome, carrier, result }
    }

    fn resize(&mut self, total: usize) {
        debug_assert!(total >= self.totals.len(), "groups do not go away");
        let total = total.max(self.totals.len());
        self.totals.resize(total, A::Total::ZERO);
        self.weights.resize(total, O::Weight::default());
    }

    #[inline]
    fn add(&mut self, group: u32, value: A::Total, weight: O::Weight) -> Result<()> {
        let group = group as usize;
        let Some(total) = self.totals[group].plus(value) else { return Err(overflow()) };
        self.totals[group] = total;
        self.weights[group] = self.weights[group].plus(weight);
        Ok(())
    }

    /// Adds values to the only group there is, in their order.
    fn add_all(&mut self, values: &[A::Native]) -> Result<()> {
        let (mut total, mut weight) = (self.totals[0], self.weights[0]);
        for &value in values {
            let Some(sum) = total.plus(A::widen(value)) else { return Err(overflow()) };
            (total, weight) = (sum, weight.plus(O::Weight::ONE));
        }
        (self.totals[0], self.weights[0]) = (total, weight);
        Ok(())
    }

    fn value(&self, group: u32) -> Result<Option<<O::Result as ArrowPrimitiveType>::Native>> {
        match self.weights.get(group as usize) {
            Some(&weight) if !weight.is_empty() => {
                self.outcome.finish(self.totals[group as usize], weight).map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// A column of type `data_type`.
fn column<T: ArrowPrimitiveType>(
    data_type: &DataType,
    rows: usize,
    results: impl Iterator<Item = Result<Option<T::Native>>>,
) -> Result<ArrayRef> {
    let (mut values, mut nulls) = (Vec::with_capacity(rows), NullBufferBuilder::new(rows));
    for result in results {
        let value = result?;
        nulls.append(value.is_some());
        values.push(value.unwrap_or_default());
    }
    let column = PrimitiveArray::<T>::new(values.into(), nulls.finish());
    Ok(Arc::new(column.with_data_type(data_type.clone())))
}

/// The error for a total that nothing can hold.
#[cold]
pub(super) fn overflow() -> EngineError {
    EngineError::data("a running total needs more than 256 bits; cast the argument to a float")
}

impl<A: Addend, O: Outcome<A::Total>> Accumulate for Totals<A, O> {
    fn state_fields(&self) -> Vec<FieldRef> {
        O::Weight::fields(self.carrier.clone())
    }

    fn update(
        &mut self,
        groups: &[u32],
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.resize(total);
        let values = primitive::<A>(only(args)?)?;
        match selected(values.nulls(), filter) {
            None if self.totals.len() == 1 => self.add_all(values.values()),
            None => groups
                .iter()
                .zip(values.values())
                .try_for_each(|(&group, &value)| self.add(group, A::widen(value), O::Weight::ONE)),
            Some(selected) => selected.set_indices().try_for_each(|row| {
                self.add(groups[row], A::widen(values.values()[row]), O::Weight::ONE)
            }),
        }
    }

    fn update_reading(
        &mut self,
        groups: &[u32],
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<ArrayRef> {
        self.resize(total);
        let values = primitive::<A>(only(args)?)?;
        let selected = selected(values.nulls(), filter);
        let result = self.result.clone();
        if selected.is_none() {
            // Every group has a value by then.
            let rows = groups.iter().zip(values.values());
            let after = rows.map(|(&group, &value)| {
                self.add(group, A::widen(value), O::Weight::ONE)?;
                self.outcome.finish(self.totals[group as usize], self.weights[group as usize])
            });
            let mut results = Vec::with_capacity(groups.len());
            for value in after {
                results.push(value?);
            }
            let column = PrimitiveArray::<O::Result>::new(results.into(), None);
            return Ok(Arc::new(column.with_data_type(result)));
        }
        let rows = groups.iter().zip(values.values()).enumerate();
        let results = rows.map(|(row, (&group, &value))| {
            if is_selected(selected.as_ref(), row) {
                self.add(group, A::widen(value), O::Weight::ONE)?;
            }
            self.value(group)
        });
        column::<O::Result>(&result, groups.len(), results)
    }

    fn merge(&mut self, groups: &[u32], states: &[ArrayRef], total: usize) -> Result<()> {
        self.resize(total);
        let (totals, weights) = O::Weight::split(states)?;
        if totals.data_type() != &self.carrier {
            return Err(unexpected(totals));
        }
        let totals = primitive::<<A::Total as Total>::Carrier>(totals)?;
        for ((&group, &value), &weight) in groups.iter().zip(totals.values()).zip(&weights) {
            // The bits under a NULL total are nobody's.
            if !weight.is_empty() {
                self.add(group, value, weight)?;
            }
        }
        Ok(())
    }

    fn read(&mut self, groups: &[u32]) -> Result<ArrayRef> {
        let results = groups.iter().map(|&group| self.value(group));
        column::<O::Result>(&self.result, groups.len(), results)
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(O::Weight::columns::<<A::Total as Total>::Carrier>(
            self.totals.clone(),
            &self.weights,
            self.carrier.clone(),
        ))
    }

    fn row_states(
        &self,
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        rows: usize,
    ) -> Result<Option<Vec<ArrayRef>>> {
        let values = primitive::<A>(only(args)?)?;
        let mut totals = vec![A::Total::ZERO; rows];
        let mut weights = vec![O::Weight::default(); rows];
        for_each_selected(selected(values.nulls(), filter).as_ref(), rows, |row| {
            totals[row] = A::widen(values.values()[row]);
            weights[row] = O::Weight::ONE;
        });
        let carrier = self.carrier.clone();
        Ok(Some(O::Weight::columns::<<A::Total as Total>::Carrier>(totals, &weights, carrier)))
    }

    fn over(self: Box<Self>, rows: Option<NonZeroUsize>) -> Option<Box<dyn Frames>> {
        Some(frames::of(Sums::<A, O>::new(self.outcome, self.carrier, self.result), rows))
    }

    fn clear(&mut self) -> bool {
        self.totals.clear();
        self.weights.clear();
        true
    }

    fn bytes(&self) -> usize {
        self.totals.capacity() * size_of::<A::Total>()
            + self.weights.capacity() * size_of::<O::Weight>()
    }
}
