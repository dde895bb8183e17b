//! Keyed state: what an aggregate remembers of each group.
//!
//! A group table turns key rows into dense group ids, 0, 1, 2 ... in order of
//! first appearance; one [`Accumulate`] per aggregate call holds a column of states indexed by
//! those ids. Reading never consumes: the same state is read for each changed row, merged into
//! several hopping windows, and frozen for a checkpoint while it goes on.

use std::fmt::Debug;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::FieldRef;

use crate::error::Result;

/// The states of one aggregate call, one for each group of a table.
///
/// Shapes: `groups` has one id per row of `args`; ids are below `total`, the number of groups the
/// table holds after the rows were interned; new ids start from the function's empty state. The
/// state columns that [`Accumulate::state`] returns are the ones [`Accumulate::merge`] takes, and
/// [`Accumulate::state_fields`] describes them.
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

    /// The states that single rows stand for, one per row, without any group: what a partial
    /// aggregate sends on when grouping does not pay. `None` where the function cannot.
    ///
    /// # Errors
    /// As [`Accumulate::update`].
    fn row_states(
        &self,
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Option<Vec<ArrayRef>>>;

    /// Memory held, in bytes, roughly.
    fn bytes(&self) -> usize;
}
