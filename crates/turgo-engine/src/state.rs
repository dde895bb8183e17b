//! Keyed state: what an aggregate remembers of each group.
//!
//! A [`GroupTable`] turns key rows into dense group ids, 0, 1, 2 ... in order of
//! first appearance; one [`Accumulate`] per aggregate call holds a column of states indexed by
//! those ids. Reading never consumes: the same state is read for each changed row, merged into
//! several hopping windows, and frozen for a checkpoint while it goes on.
//!
//! COUNT, SUM, AVG, MIN and MAX are kernels of our own, each over flat columns of states; of distinct
//! values, too. Every other function runs on DataFusion's accumulators behind an adapter.
//! [`accumulators`] chooses.
//! [`Frames`] keep the last rows of each group instead of all of them, for `OVER`. [`key_group`] says
//! which instance owns a key.

mod adapter;
mod avg;
mod columns;
mod count;
mod distinct;
mod frames;
mod group_table;
pub mod key_group;
mod min_max;
mod min_max_varying;
mod numbering;
mod sum;
mod total;

use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::{FieldRef, Schema};

use crate::error::{EngineError, Result};
use crate::graph::{Aggregate, AggregateCall, AggregateFunction, OverCall, OverFunction};
use crate::types::sql_type;

pub use frames::Frames;
pub use group_table::GroupTable;

/// The states of one aggregate call, one for each group of a table.
///
/// Shapes: `groups` has one id per row of `args`; ids are below `total`, the number of groups the
/// table holds after the rows were interned, which never falls; new ids start from the function's empty state. The
/// state columns that [`Accumulate::state`] returns are the ones [`Accumulate::merge`] takes, and
/// [`Accumulate::state_fields`] describes them. A group that no call has mentioned yet reads as the
/// empty state. After an error the states are of no more use: the run ends.
pub trait Accumulate: Debug + Send {
    /// Types of the state columns.
    fn state_fields(&self) -> Vec<FieldRef>;

    /// Adds rows to their groups; where there is a `filter`, only rows where it is true.
    ///
    /// # Errors
    /// `Data` when a sum leaves even its 128- or 256-bit accumulator.
    fn update(
        &mut self,
        groups: &[u32],
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()>;

    /// As [`Accumulate::update`], and returns for each row the value of its group directly after
    /// it.
    ///
    /// # Errors
    /// As `update` and [`Accumulate::read`].
    fn update_reading(
        &mut self,
        groups: &[u32],
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<ArrayRef>;

    /// Merges states, one per row, into their groups.
    ///
    /// # Errors
    /// As [`Accumulate::update`].
    fn merge(&mut self, groups: &[u32], states: &[ArrayRef], total: usize) -> Result<()>;

    /// The value of each of `groups`, in that order, without changing any.
    ///
    /// # Errors
    /// `Data` when a value does not fit its result type: names the function and the value.
    fn read(&mut self, groups: &[u32]) -> Result<ArrayRef>;

    /// The state of every group, in order of id, without changing any.
    ///
    /// # Errors
    /// Those of the function.
    fn state(&mut self) -> Result<Vec<ArrayRef>>;

    /// The states that each of `rows` single rows stands for, without any group: what a partial
    /// aggregate sends on when grouping does not pay. `None` where the function cannot.
    ///
    /// # Errors
    /// As [`Accumulate::update`].
    fn row_states(
        &self,
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        rows: usize,
    ) -> Result<Option<Vec<ArrayRef>>>;

    /// The same function over the last `rows` rows of each group, or over all of them so far;
    /// `None` where its values do not have a fixed width.
    fn over(self: Box<Self>, rows: Option<NonZeroUsize>) -> Option<Box<dyn Frames>> {
        let _ = rows;
        None
    }

    /// Forgets all groups and keeps the memory. Says whether it can; where it cannot, another takes its place.
    fn clear(&mut self) -> bool {
        false
    }

    /// How many distinct values it holds, over all groups: what is kept beside one state for each.
    fn distinct(&self) -> usize {
        0
    }

    /// Memory held, in bytes, roughly.
    fn bytes(&self) -> usize;
}

/// The states of an aggregate's calls, one for each call, without any groups yet.
///
/// # Errors
/// `Unsupported` for a function of argument types it does not take.
pub fn accumulators(aggregate: &Aggregate) -> Result<Vec<Box<dyn Accumulate>>> {
    aggregate.calls.iter().map(|call| accumulator(&aggregate.input, call)).collect()
}

/// The frames of a call with `OVER`, without any groups yet.
///
/// # Errors
/// `Unsupported` for a function of argument types it does not take.
pub fn frames(input: &Schema, call: &OverCall) -> Result<Box<dyn Frames>> {
    let OverCall { function, args, filter, rows, field } = call;
    let function = match function {
        OverFunction::Aggregate(function) => function.clone(),
        OverFunction::First => return frames::first(argument(input, args)?.data_type(), *rows),
        OverFunction::Lag => return frames::lag(argument(input, args)?.data_type(), *rows),
    };
    let (args, filter, field) = (args.clone(), *filter, Arc::clone(field));
    let call = AggregateCall { function, args, filter, field };
    accumulator(input, &call)?.over(*rows).ok_or_else(|| {
        let types = call.args.iter().map(|arg| sql_type(input.field(*arg).data_type()));
        let types = types.collect::<Vec<_>>().join(", ");
        EngineError::Unsupported(format!("{}({types}) with OVER is not there yet", call.function))
    })
}

fn accumulator(input: &Schema, call: &AggregateCall) -> Result<Box<dyn Accumulate>> {
    let argument = || argument(input, &call.args);
    let data_type = || Ok::<_, EngineError>(argument()?.data_type());
    let distinct = |plain| distinct::accumulator(plain, argument()?);
    let field = &call.field;
    match &call.function {
        AggregateFunction::CountRows => Ok(Box::new(count::Count::of_rows())),
        AggregateFunction::Count => Ok(Box::new(count::Count::of_values())),
        AggregateFunction::Sum => sum::accumulator(data_type()?, field),
        AggregateFunction::Avg => avg::accumulator(data_type()?, field),
        AggregateFunction::CountDistinct => distinct(Box::new(count::Count::of_values())),
        AggregateFunction::SumDistinct => distinct(sum::accumulator(data_type()?, field)?),
        AggregateFunction::AvgDistinct => distinct(avg::accumulator(data_type()?, field)?),
        AggregateFunction::Min => min_max::accumulator::<false>(data_type()?, field),
        AggregateFunction::Max => min_max::accumulator::<true>(data_type()?, field),
        AggregateFunction::Other(function) => {
            Ok(Box::new(adapter::Adapter::new(Arc::clone(function), Arc::clone(field))?))
        }
    }
}

/// The column of a call's only argument.
fn argument<'a>(input: &'a Schema, args: &[usize]) -> Result<&'a FieldRef> {
    match args {
        [column] => Ok(&input.fields()[*column]),
        _ => Err(EngineError::internal(format!("{} arguments instead of one", args.len()))),
    }
}

#[cfg(test)]
mod tests;
