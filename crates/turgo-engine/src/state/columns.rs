//! Columns as kernels see them: typed, and with the rows that count marked.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::ArrowPrimitiveType;

use crate::error::{EngineError, Result};

/// The only column of `columns`: the argument, or the state, of a function that has one.
pub(super) fn only(columns: &[ArrayRef]) -> Result<&ArrayRef> {
    match columns {
        [column] => Ok(column),
        _ => Err(EngineError::internal(format!("{} columns instead of one", columns.len()))),
    }
}

/// The column as an array of `T`.
pub(super) fn primitive<T: ArrowPrimitiveType>(column: &ArrayRef) -> Result<&PrimitiveArray<T>> {
    column.as_primitive_opt::<T>().ok_or_else(|| unexpected(column))
}

/// The error for a column of a type that the planner should not have let through.
pub(super) fn unexpected(column: &ArrayRef) -> EngineError {
    EngineError::internal(format!("argument or state of unexpected type {}", column.data_type()))
}

/// The rows that are not NULL and that the filter lets through; `None` when that is every row.
///
/// A row whose filter is NULL does not count.
pub(super) fn selected(
    nulls: Option<&NullBuffer>,
    filter: Option<&BooleanArray>,
) -> Option<BooleanBuffer> {
    let valid = nulls.filter(|nulls| nulls.null_count() > 0).map(NullBuffer::inner);
    let passed = filter.map(|filter| match filter.nulls() {
        Some(nulls) => filter.values() & nulls.inner(),
        None => filter.values().clone(),
    });
    match (valid, passed) {
        (None, passed) => passed,
        (Some(valid), None) => Some(valid.clone()),
        (Some(valid), Some(passed)) => Some(valid & &passed),
    }
}

/// Calls `each` with the number of every selected row, in order.
pub(super) fn for_each_selected(
    selected: Option<&BooleanBuffer>,
    rows: usize,
    each: impl FnMut(usize),
) {
    match selected {
        None => (0..rows).for_each(each),
        Some(selected) => selected.set_indices().for_each(each),
    }
}

/// Whether `row` is among the selected rows.
pub(super) fn is_selected(selected: Option<&BooleanBuffer>, row: usize) -> bool {
    selected.is_none_or(|selected| selected.value(row))
}
