//! ROWS frames: a function over the last rows of each group, read after every row.
//!
//! A frame is a queue of states, one per row, that is never added up anew. Its older rows are
//! *folded*: each holds the sum of itself and all folded rows behind it, so the first of them is
//! the sum of all. The younger rows hold their own state, and `recent` is the sum of those. The
//! value of the frame is the first folded state and `recent` together. A row leaves at the front;
//! when no folded row is left, the queue is folded as a whole. So each row is folded once, and costs
//! O(1) on average for every function whose states can be added up in order, without any
//! subtraction:
//!
//! - F1. Rounding errors of floats do not outlive the rows they come from, and an infinity leaves
//!   with its row.
//! - F2. MIN and MAX need nothing special.
//!
//! A frame of all rows so far is only `recent`. Memory is one state per row of a frame: groups times
//! the length of the frame, for each call.

mod aggregates;
mod first;

use std::collections::VecDeque;
use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, ListArray, PrimitiveBuilder, StructArray, UInt32Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, FieldRef, Fields, UInt32Type};

use crate::error::{EngineError, Result};

pub(super) use aggregates::{Counts, Extremes, Sums};
pub(super) use first::{first, lag};

/// The frames of one call, one for each group of a table.
pub trait Frames: Debug + Send {
    /// Adds each row to the frame of its group, lets go of the row that is too many, and returns
    /// the value of the frame directly after it. `total` is the number of groups.
    ///
    /// # Errors
    /// `Data` when a value does not fit its type.
    fn slide(
        &mut self,
        groups: &[u32],
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<ArrayRef>;

    /// Types of the columns that [`Frames::freeze`] returns.
    fn frozen_fields(&self) -> Vec<FieldRef>;

    /// The frame of each of `total` groups, in order of id, without changing any.
    ///
    /// # Errors
    /// `Data` where there are more rows than a column can number.
    fn freeze(&self, total: usize) -> Result<Vec<ArrayRef>>;

    /// Takes back frames that were frozen, one for each of `groups`.
    ///
    /// # Errors
    /// `Data` where the columns are not those of such frames.
    fn restore(&mut self, groups: &[u32], frozen: &[ArrayRef], total: usize) -> Result<()>;

    /// Memory held, in bytes, roughly.
    fn bytes(&self) -> usize;
}

/// A function as states that add up in order.
pub(super) trait Fold: Debug + Send + 'static {
    /// What it remembers of some rows in a row.
    type State: Clone + Debug + Send;
    /// The type of its values.
    type Result: ArrowPrimitiveType;

    /// The state of no rows.
    fn empty(&self) -> Self::State;
    /// The state of rows and those that follow them.
    ///
    /// # Errors
    /// `Data` when a sum leaves even its wide accumulator.
    fn join(&self, earlier: &Self::State, later: &Self::State) -> Result<Self::State>;
    /// The states of single rows, by number.
    ///
    /// # Errors
    /// `Internal` for a column of another type.
    fn states<'a>(
        &self,
        args: &'a [ArrayRef],
        filter: Option<&'a BooleanArray>,
    ) -> Result<impl Fn(usize) -> Self::State + 'a>;
    /// The value of a frame of `rows` rows in this state.
    ///
    /// # Errors
    /// `Data` where it does not fit its type.
    fn value(
        &self,
        state: &Self::State,
        rows: usize,
    ) -> Result<Option<<Self::Result as ArrowPrimitiveType>::Native>>;
    /// The exact type of its values.
    fn result(&self) -> DataType;

    /// The types of the columns that carry states.
    fn state_fields(&self) -> Vec<FieldRef>;
    /// States as columns.
    fn columns(&self, states: Vec<Self::State>) -> Vec<ArrayRef>;
    /// The states that columns carry.
    ///
    /// # Errors
    /// `Internal` where they do not.
    fn read_columns(&self, columns: &[ArrayRef]) -> Result<Vec<Self::State>>;
}

/// The last rows of a group.
#[derive(Debug)]
struct Frame<S> {
    states: VecDeque<S>,
    /// How many of `states`, from the front, are folded.
    folded: usize,
    /// The sum of those that are not.
    recent: S,
}

impl<S: Clone> Frame<S> {
    fn push<F: Fold<State = S>>(&mut self, fold: &F, state: S, rows: Option<usize>) -> Result<()> {
        self.recent = fold.join(&self.recent, &state)?;
        let Some(rows) = rows else { return Ok(()) };
        self.states.push_back(state);
        if self.states.len() > rows {
            if self.folded == 0 {
                self.fold(fold)?;
            }
            self.states.pop_front();
            self.folded -= 1;
        }
        Ok(())
    }

    fn fold<F: Fold<State = S>>(&mut self, fold: &F) -> Result<()> {
        for at in (0..self.states.len() - 1).rev() {
            self.states[at] = fold.join(&self.states[at], &self.states[at + 1])?;
        }
        self.folded = self.states.len();
        self.recent = fold.empty();
        Ok(())
    }

    fn value<F: Fold<State = S>>(
        &self,
        fold: &F,
    ) -> Result<Option<<F::Result as ArrowPrimitiveType>::Native>> {
        match self.states.front().filter(|_| self.folded > 0) {
            Some(first) => fold.value(&fold.join(first, &self.recent)?, self.states.len()),
            None => fold.value(&self.recent, self.states.len()),
        }
    }
}

/// The frames of a function.
#[derive(Debug)]
struct Folded<F: Fold> {
    fold: F,
    rows: Option<usize>,
    frames: Vec<Frame<F::State>>,
}

/// Frames of `rows` rows.
pub(super) fn of<F: Fold>(fold: F, rows: Option<NonZeroUsize>) -> Box<dyn Frames> {
    Box::new(Folded { fold, rows: rows.map(NonZeroUsize::get), frames: Vec::new() })
}

impl<F: Fold> Folded<F> {
    fn resize(&mut self, total: usize) {
        let Self { fold, frames, .. } = self;
        frames.resize_with(total.max(frames.len()), || Frame {
            states: VecDeque::new(),
            folded: 0,
            recent: fold.empty(),
        });
    }

    /// The item of the list column: a struct of the state columns.
    fn item(&self) -> FieldRef {
        let fields = Fields::from(self.fold.state_fields());
        Arc::new(Field::new("state", DataType::Struct(fields), false))
    }
}

impl<F: Fold> Frames for Folded<F> {
    fn slide(
        &mut self,
        groups: &[u32],
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<ArrayRef> {
        self.resize(total);
        let Self { fold, rows, frames } = self;
        let state = fold.states(args, filter)?;
        let mut values = PrimitiveBuilder::<F::Result>::with_capacity(groups.len())
            .with_data_type(fold.result());
        for (row, group) in groups.iter().enumerate() {
            let frame = &mut frames[*group as usize];
            frame.push(fold, state(row), *rows)?;
            values.append_option(frame.value(fold)?);
        }
        Ok(Arc::new(values.finish()))
    }

    fn frozen_fields(&self) -> Vec<FieldRef> {
        vec![
            Arc::new(Field::new("folded", DataType::UInt32, false)),
            Arc::new(Field::new("states", DataType::List(self.item()), false)),
        ]
    }

    /// The states of a frame, `recent` behind them.
    fn freeze(&self, total: usize) -> Result<Vec<ArrayRef>> {
        let too_many = || EngineError::data("more than 2^31 rows in the frames of one instance");
        let (mut folded, mut states, mut ends) = (Vec::new(), Vec::new(), vec![0]);
        for group in 0..total {
            if let Some(frame) = self.frames.get(group) {
                folded.push(u32::try_from(frame.folded).map_err(|_| too_many())?);
                states.extend(frame.states.iter().cloned());
                states.push(frame.recent.clone());
            } else {
                folded.push(0);
                states.push(self.fold.empty());
            }
            ends.push(i32::try_from(states.len()).map_err(|_| too_many())?);
        }
        let fields = Fields::from(self.fold.state_fields());
        let states = StructArray::try_new(fields, self.fold.columns(states), None)?;
        let ends = OffsetBuffer::new(ends.into());
        let states = ListArray::try_new(self.item(), ends, Arc::new(states), None)?;
        Ok(vec![Arc::new(UInt32Array::from(folded)), Arc::new(states)])
    }

    fn restore(&mut self, groups: &[u32], frozen: &[ArrayRef], total: usize) -> Result<()> {
        self.resize(total);
        let (Some(folded), Some(lists)) = (
            frozen.first().and_then(|column| column.as_primitive_opt::<UInt32Type>()),
            frozen.get(1).and_then(|column| column.as_list_opt::<i32>()),
        ) else {
            return Err(EngineError::internal("frozen frames of other types"));
        };
        for (row, group) in groups.iter().enumerate() {
            let items = lists.value(row);
            let mut states = self.fold.read_columns(items.as_struct().columns())?;
            let folded = folded.value(row) as usize;
            let Some(recent) = states.pop().filter(|_| folded <= states.len()) else {
                return Err(EngineError::data("the saved state of a frame is not whole"));
            };
            self.frames[*group as usize] = Frame { states: states.into(), folded, recent };
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        let states: usize = self.frames.iter().map(|frame| frame.states.capacity()).sum();
        states * size_of::<F::State>() + self.frames.capacity() * size_of::<Frame<F::State>>()
    }
}
