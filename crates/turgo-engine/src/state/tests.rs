//! State against naive models: rows kept in lists, answers computed from scratch.

mod adapter;
mod distinct;
mod exact;
mod group_table;
mod key_group;
mod native;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Field, Schema};

use super::{Accumulate, accumulators};
use crate::error::Result;
use crate::graph::{Aggregate, AggregateCall, AggregateFunction, Panes};

/// One call over arguments of these types.
fn accumulator(
    function: AggregateFunction,
    args: &[DataType],
    result: DataType,
) -> Result<Box<dyn Accumulate>> {
    let columns = args.iter().enumerate();
    let input: Vec<Field> =
        columns.map(|(i, t)| Field::new(format!("c{i}"), t.clone(), true)).collect();
    let field = Arc::new(Field::new("answer", result, true));
    let call = AggregateCall {
        function,
        args: (0..args.len()).collect(),
        filter: None,
        field: Arc::clone(&field),
    };
    let mut built = accumulators(&Aggregate {
        input: Arc::new(Schema::new(input)),
        keys: Vec::new(),
        panes: Panes::Whole,
        lateness: 0,
        calls: vec![call],
        output: Arc::new(Schema::new(vec![field])),
    })?;
    Ok(built.pop().expect("one call gives one accumulator"))
}

/// How a batch of rows reaches the states.
#[derive(Debug, Clone, Copy)]
enum Route {
    Update,
    UpdateReading,
    /// Through another accumulator, whose groups are numbered the other way round.
    Merge,
    /// Through the states of single rows.
    RowStates,
    /// As `Update`, after the states were copied out.
    Freeze,
    /// As `Update`, after the states have moved into a new accumulator.
    Restore,
}

/// Rows of one batch: group, and whatever stands for the arguments.
struct Rows<'a> {
    groups: &'a [u32],
    args: &'a [ArrayRef],
    filter: Option<&'a BooleanArray>,
    /// Groups there are after it.
    total: usize,
}

/// Takes the rows to the states by a route; the values after each row where it reads them.
fn apply(
    states: &mut Box<dyn Accumulate>,
    rows: &Rows<'_>,
    route: Route,
    new: impl Fn() -> Box<dyn Accumulate>,
) -> Result<Option<ArrayRef>> {
    let Rows { groups, args, filter, total } = *rows;
    match route {
        Route::Update => states.update(groups, args, filter, total)?,
        Route::UpdateReading => {
            return states.update_reading(groups, args, filter, total).map(Some);
        }
        Route::Merge => {
            let mirrored: Vec<u32> = groups.iter().map(|&g| total as u32 - 1 - g).collect();
            let mut other = new();
            other.update(&mirrored, args, filter, total)?;
            let back: Vec<u32> = (0..total as u32).rev().collect();
            states.merge(&back, &other.state()?, total)?;
        }
        Route::RowStates => match states.row_states(args, filter, groups.len())? {
            Some(singles) => states.merge(groups, &singles, total)?,
            None => states.update(groups, args, filter, total)?,
        },
        Route::Freeze => {
            let frozen = states.state()?;
            states.update(groups, args, filter, total)?;
            assert_ne!(frozen.len(), 0, "a state that is nothing");
        }
        Route::Restore => {
            let frozen = states.state()?;
            assert_eq!(frozen.len(), states.state_fields().len(), "a column for each state field");
            for (column, field) in frozen.iter().zip(states.state_fields()) {
                assert_eq!(column.data_type(), field.data_type(), "state columns as described");
                assert!(field.is_nullable() || column.null_count() == 0, "{field} holds NULL");
            }
            let held = frozen.first().map_or(0, |column| column.len());
            let mut restored = new();
            restored.merge(&(0..held as u32).collect::<Vec<_>>(), &frozen, held)?;
            *states = restored;
            states.update(groups, args, filter, total)?;
        }
    }
    Ok(None)
}

fn route() -> impl proptest::strategy::Strategy<Value = Route> {
    proptest::sample::select(vec![
        Route::Update,
        Route::UpdateReading,
        Route::Merge,
        Route::RowStates,
        Route::Freeze,
        Route::Restore,
    ])
}

/// A filter column whose bits are set under its NULLs, as kernels may leave them.
fn filter_column(rows: impl Iterator<Item = Option<bool>> + Clone) -> BooleanArray {
    let bits: BooleanBuffer = rows.clone().map(|passes| passes.unwrap_or(true)).collect();
    let nulls: NullBuffer = rows.map(|passes| passes.is_some()).collect();
    BooleanArray::new(bits, Some(nulls))
}
