//! Running totals: what SUM and AVG share.
//!
//! A [`Totals`] adds an argument column into one wide total per group and remembers beside it a
//! [`Weight`]: whether there was a value at all (SUM), or how many (AVG). What a total turns into
//! when it is read is the function's [`Outcome`].
//!
//! Integers add up in 128 bits, `Decimal128` and `Decimal256` in 256, so that no order of additions
//! loses a digit: 2^64 rows of the largest 64-bit integer fit. The checks are there because merged
//! states come from outside.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, PrimitiveArray, PrimitiveBuilder};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowNativeType, ArrowPrimitiveType, DataType, Decimal32Type, Decimal64Type, Decimal128Type,
    Decimal256Type, DecimalType, Field, FieldRef, Float16Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type, i256,
};

use super::Accumulate;
use super::columns::{for_each_selected, is_selected, only, primitive, selected, unexpected};
use crate::error::{EngineError, Result};

/// A number wide enough to add up a column.
pub(super) trait Total: ArrowNativeType {
    /// The column type that carries totals in states.
    type Carrier: ArrowPrimitiveType<Native = Self>;
    /// Nothing added yet.
    const ZERO: Self;
    /// The sum; `None` where it does not fit.
    fn plus(self, other: Self) -> Option<Self>;
    /// The type of the state column, for arguments of this scale.
    fn carrier(scale: i8) -> DataType;
    /// The number as people write it.
    fn display(self, scale: i8) -> String;
}

impl Total for i128 {
    type Carrier = Decimal128Type;
    const ZERO: Self = 0;

    fn plus(self, other: Self) -> Option<Self> {
        self.checked_add(other)
    }

    fn carrier(scale: i8) -> DataType {
        DataType::Decimal128(38, scale)
    }

    fn display(self, scale: i8) -> String {
        Decimal128Type::format_decimal(self, 38, scale)
    }
}

impl Total for i256 {
    type Carrier = Decimal256Type;
    const ZERO: Self = i256::ZERO;

    fn plus(self, other: Self) -> Option<Self> {
        self.checked_add(other)
    }

    fn carrier(scale: i8) -> DataType {
        DataType::Decimal256(76, scale)
    }

    fn display(self, scale: i8) -> String {
        Decimal256Type::format_decimal(self, 76, scale)
    }
}

impl Total for f64 {
    type Carrier = Float64Type;
    const ZERO: Self = 0.0;

    fn plus(self, other: Self) -> Option<Self> {
        Some(self + other)
    }

    fn carrier(_scale: i8) -> DataType {
        DataType::Float64
    }

    fn display(self, _scale: i8) -> String {
        self.to_string()
    }
}

/// A column type that can be added up.
pub(super) trait Addend: ArrowPrimitiveType + Debug + Send {
    /// What its values are added into.
    type Total: Total;
    /// The value, unchanged.
    fn widen(value: Self::Native) -> Self::Total;
}

macro_rules! addends {
    ($($addend:ty => $total:ty),* $(,)?) => {
        $(impl Addend for $addend {
            type Total = $total;

            #[inline]
            fn widen(value: Self::Native) -> $total {
                <$total>::from(value)
            }
        })*
    };
}

addends! {
    Int8Type => i128, Int16Type => i128, Int32Type => i128, Int64Type => i128,
    UInt8Type => i128, UInt16Type => i128, UInt32Type => i128, UInt64Type => i128,
    Decimal32Type => i128, Decimal64Type => i128, Decimal128Type => i256, Decimal256Type => i256,
    Float16Type => f64, Float32Type => f64, Float64Type => f64,
}

/// A result type that a total may fit into.
pub(super) trait Fit<T>: ArrowPrimitiveType + Debug + Send {
    /// The total as this type, `None` where it does not fit; `precision` bounds decimals.
    fn fit(total: T, precision: u8) -> Option<Self::Native>;
}

impl Fit<i128> for Int64Type {
    fn fit(total: i128, _precision: u8) -> Option<i64> {
        total.try_into().ok()
    }
}

impl Fit<i128> for UInt64Type {
    fn fit(total: i128, _precision: u8) -> Option<u64> {
        total.try_into().ok()
    }
}

impl Fit<f64> for Float64Type {
    fn fit(total: f64, _precision: u8) -> Option<f64> {
        Some(total)
    }
}

macro_rules! fit_decimals {
    ($($decimal:ty),*) => {
        $(impl Fit<i256> for $decimal {
            fn fit(total: i256, precision: u8) -> Option<Self::Native> {
                <Self as Fit<i128>>::fit(total.to_i128()?, precision)
            }
        }

        impl Fit<i128> for $decimal {
            fn fit(total: i128, precision: u8) -> Option<Self::Native> {
                let value = total.try_into().ok()?;
                Self::is_valid_decimal_precision(value, precision).then_some(value)
            }
        })*
    };
}

fit_decimals!(Decimal32Type, Decimal64Type, Decimal128Type);

impl Fit<i256> for Decimal256Type {
    fn fit(total: i256, precision: u8) -> Option<i256> {
        Self::is_valid_decimal_precision(total, precision).then_some(total)
    }
}

/// What is remembered beside a total.
pub(super) trait Weight: Copy + Debug + Default + Send + 'static {
    /// The weight of one value.
    const ONE: Self;
    /// Both together.
    fn plus(self, other: Self) -> Self;
    /// No value was added.
    fn is_empty(self) -> bool;
    /// The state columns, the total's first.
    fn fields(carrier: DataType) -> Vec<FieldRef>;
    /// The state columns of these totals and weights; `wrap` sets the total column's type.
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
        Ok((totals, (0..totals.len()).map(|row| totals.is_valid(row)).collect()))
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

/// What a total turns into when it is read.
pub(super) trait Outcome<T: Total>: Debug + Send {
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

    fn value(&self, group: u32) -> Result<Option<<O::Result as ArrowPrimitiveType>::Native>> {
        match self.weights.get(group as usize) {
            Some(&weight) if !weight.is_empty() => {
                self.outcome.finish(self.totals[group as usize], weight).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn results(&self, rows: usize) -> PrimitiveBuilder<O::Result> {
        PrimitiveBuilder::with_capacity(rows).with_data_type(self.result.clone())
    }
}

#[cold]
fn overflow() -> EngineError {
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
        let mut results = self.results(groups.len());
        for (row, (&group, &value)) in groups.iter().zip(values.values()).enumerate() {
            if is_selected(selected.as_ref(), row) {
                self.add(group, A::widen(value), O::Weight::ONE)?;
            }
            results.append_option(self.value(group)?);
        }
        Ok(Arc::new(results.finish()))
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
        let mut results = self.results(groups.len());
        for &group in groups {
            results.append_option(self.value(group)?);
        }
        Ok(Arc::new(results.finish()))
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
            Ok(())
        })?;
        let carrier = self.carrier.clone();
        Ok(Some(O::Weight::columns::<<A::Total as Total>::Carrier>(totals, &weights, carrier)))
    }

    fn bytes(&self) -> usize {
        self.totals.capacity() * size_of::<A::Total>()
            + self.weights.capacity() * size_of::<O::Weight>()
    }
}
