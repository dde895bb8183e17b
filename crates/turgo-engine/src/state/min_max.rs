//! MIN and MAX of fixed-width types; strings, bytes and booleans are in `min_max_varying`.
//!
//! Floats are in total order, as arrow and DataFusion's scalar accumulators have it: -NaN, numbers,
//! NaN, and -0.0 before 0.0. (DataFusion's grouped accumulators let a NaN replace whatever came
//! before it, so that their answer depends on the order of rows; ours does not.)

use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowNativeTypeOp, BooleanArray, PrimitiveArray, PrimitiveBuilder,
    downcast_primitive,
};
use arrow::buffer::NullBuffer;
use arrow::compute::nullif;
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, FieldRef};

use super::Accumulate;
use super::columns::{is_selected, only, primitive, selected};
use super::frames::{self, Extremes, Frames};
use super::min_max_varying::{Binary, Boolean, LargeBinary, LargeUtf8, Utf8, Utf8View, Varying};
use crate::error::{EngineError, Result};
use crate::types::sql_type;

/// MAX or MIN of a column of type `argument`.
pub(super) fn accumulator<const MAX: bool>(
    argument: &DataType,
    field: &FieldRef,
) -> Result<Box<dyn Accumulate>> {
    let name = name::<MAX>();
    if argument != field.data_type() {
        let result = field.data_type();
        return Err(EngineError::internal(format!("{name} of {argument} as {result}")));
    }
    macro_rules! fixed {
        ($t:ty) => {
            Box::new(Fixed::<$t, MAX>::new(argument.clone()))
        };
    }
    Ok(downcast_primitive! {
        argument => (fixed),
        DataType::Boolean => Box::new(Varying::<Boolean, MAX>::default()),
        DataType::Utf8 => Box::new(Varying::<Utf8, MAX>::default()),
        DataType::LargeUtf8 => Box::new(Varying::<LargeUtf8, MAX>::default()),
        DataType::Utf8View => Box::new(Varying::<Utf8View, MAX>::default()),
        DataType::Binary => Box::new(Varying::<Binary, MAX>::default()),
        DataType::LargeBinary => Box::new(Varying::<LargeBinary, MAX>::default()),
        other => {
            let message = format!("{name} does not take {}", sql_type(other));
            return Err(EngineError::Unsupported(message));
        }
    })
}

const fn name<const MAX: bool>() -> &'static str {
    if MAX { "MAX" } else { "MIN" }
}

/// The state column: the extreme so far, NULL before the first value.
pub(super) fn state_field(data_type: DataType) -> FieldRef {
    Arc::new(Field::new("extreme", data_type, true))
}

/// The states of single rows: the values themselves, NULL where the filter does not let them
/// through.
pub(super) fn row_states(
    args: &[ArrayRef],
    filter: Option<&BooleanArray>,
) -> Result<Option<Vec<ArrayRef>>> {
    let values = only(args)?;
    let states = match selected(None, filter) {
        None => Arc::clone(values),
        Some(selected) => nullif(values, &BooleanArray::new(!&selected, None))?,
    };
    Ok(Some(vec![states]))
}

/// The extreme of each group.
#[derive(Debug)]
struct Fixed<T: ArrowPrimitiveType, const MAX: bool> {
    /// Before the first value: the value that any other beats.
    extremes: Vec<T::Native>,
    seen: Vec<bool>,
    data_type: DataType,
}

impl<T: ArrowPrimitiveType, const MAX: bool> Fixed<T, MAX> {
    fn new(data_type: DataType) -> Self {
        Self { extremes: Vec::new(), seen: Vec::new(), data_type }
    }

    fn resize(&mut self, total: usize) {
        let worst = if MAX { T::Native::MIN_TOTAL_ORDER } else { T::Native::MAX_TOTAL_ORDER };
        debug_assert!(total >= self.extremes.len(), "groups do not go away");
        let total = total.max(self.extremes.len());
        self.extremes.resize(total, worst);
        self.seen.resize(total, false);
    }

    #[inline]
    fn add(&mut self, group: u32, value: T::Native) {
        let group = group as usize;
        let extreme = &mut self.extremes[group];
        if if MAX { value.is_gt(*extreme) } else { value.is_lt(*extreme) } {
            *extreme = value;
        }
        self.seen[group] = true;
    }

    fn value(&self, group: u32) -> Option<T::Native> {
        let group = group as usize;
        self.seen.get(group).copied().unwrap_or(false).then(|| self.extremes[group])
    }

    fn results(&self, rows: usize) -> PrimitiveBuilder<T> {
        PrimitiveBuilder::with_capacity(rows).with_data_type(self.data_type.clone())
    }
}

impl<T: ArrowPrimitiveType + Debug + Send, const MAX: bool> Accumulate for Fixed<T, MAX> {
    fn state_fields(&self) -> Vec<FieldRef> {
        vec![state_field(self.data_type.clone())]
    }

    fn update(
        &mut self,
        groups: &[u32],
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.resize(total);
        let values = primitive::<T>(only(args)?)?;
        match selected(values.nulls(), filter) {
            None => groups
                .iter()
                .zip(values.values())
                .for_each(|(&group, &value)| self.add(group, value)),
            Some(selected) => {
                selected.set_indices().for_each(|row| self.add(groups[row], values.values()[row]))
            }
        }
        Ok(())
    }

    fn update_reading(
        &mut self,
        groups: &[u32],
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<ArrayRef> {
        self.resize(total);
        let values = primitive::<T>(only(args)?)?;
        let selected = selected(values.nulls(), filter);
        let mut results = self.results(groups.len());
        for (row, (&group, &value)) in groups.iter().zip(values.values()).enumerate() {
            if is_selected(selected.as_ref(), row) {
                self.add(group, value);
            }
            results.append_option(self.value(group));
        }
        Ok(Arc::new(results.finish()))
    }

    /// A state is the extreme of some rows, so it counts as one of them.
    fn merge(&mut self, groups: &[u32], states: &[ArrayRef], total: usize) -> Result<()> {
        self.update(groups, states, None, total)
    }

    fn read(&mut self, groups: &[u32]) -> Result<ArrayRef> {
        let mut results = self.results(groups.len());
        for &group in groups {
            results.append_option(self.value(group));
        }
        Ok(Arc::new(results.finish()))
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        let seen = NullBuffer::from(&self.seen[..]);
        let states = PrimitiveArray::<T>::new(self.extremes.clone().into(), Some(seen));
        Ok(vec![Arc::new(states.with_data_type(self.data_type.clone()))])
    }

    fn row_states(
        &self,
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        _rows: usize,
    ) -> Result<Option<Vec<ArrayRef>>> {
        row_states(args, filter)
    }

    fn over(self: Box<Self>, rows: Option<NonZeroUsize>) -> Option<Box<dyn Frames>> {
        Some(frames::of(Extremes::<T, MAX>::new(self.data_type), rows))
    }

    fn clear(&mut self) -> bool {
        self.extremes.clear();
        self.seen.clear();
        true
    }

    fn bytes(&self) -> usize {
        self.extremes.capacity() * size_of::<T::Native>() + self.seen.capacity()
    }
}
