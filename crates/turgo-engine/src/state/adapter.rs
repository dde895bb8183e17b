//! Any other aggregate function, on DataFusion's accumulators: one per group.
//!
//! Their `evaluate` and `state` may consume what they accumulated, ours may not. So a group is
//! *runs*, states that do not change any more, and, after rows have come in, one *live*
//! accumulator:
//!
//! - A1. The group's rows are those of its runs, in order, then those of the live accumulator.
//!   Functions that depend on the order of rows see them in that order.
//! - A2. Reading freezes the live accumulator into a run, merges the runs into one, and evaluates an
//!   accumulator made from that run and thrown away. Reading again reads the same run.
//!
//! Reading therefore costs as much as the state is large. [`EVALUATE_KEEPS`] is a function whose
//! accumulators may be evaluated in place, because they are read after every row where it matters.
//!
//! The arguments are those the accumulator takes: every argument of the call, constants too, and
//! then the `ORDER BY` columns where the function has any use for them.

use std::fmt::{self, Debug};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, UInt32Array, new_empty_array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, FieldRef};
use datafusion_common::ScalarValue;
use datafusion_expr_common::accumulator::Accumulator;
use datafusion_physical_expr::aggregate::AggregateFunctionExpr;

use super::Accumulate;
use super::columns::{is_selected, selected};
use crate::error::{EngineError, Result};

/// Its accumulators hold a sketch, which is large, and only look at it when they evaluate.
const EVALUATE_KEEPS: &str = "approx_distinct";

/// The states of one call of a function.
pub(super) struct Adapter {
    function: Arc<AggregateFunctionExpr>,
    field: FieldRef,
    state_fields: Vec<FieldRef>,
    evaluate_keeps: bool,
    groups: Vec<Group>,
    /// The sum of what the groups hold.
    group_bytes: usize,
}

/// The state of one group.
#[derive(Default)]
struct Group {
    /// States that do not change any more, oldest first.
    runs: Vec<Vec<ScalarValue>>,
    /// The rows since.
    live: Option<Box<dyn Accumulator>>,
    /// What it was last found to hold.
    bytes: usize,
}

/// What rows of arguments mean to an accumulator.
#[derive(Clone, Copy)]
enum Rows {
    Values,
    States,
}

impl Adapter {
    /// No groups yet.
    pub(super) fn new(function: Arc<AggregateFunctionExpr>, field: FieldRef) -> Result<Self> {
        if function.order_sensitivity().hard_requires() {
            return Err(EngineError::Unsupported(format!(
                "{} with ORDER BY needs its rows sorted, which a stream cannot do",
                function.fun().name()
            )));
        }
        Ok(Self {
            state_fields: function.state_fields()?,
            evaluate_keeps: function.fun().name() == EVALUATE_KEEPS,
            function,
            field,
            groups: Vec::new(),
            group_bytes: 0,
        })
    }

    fn resize(&mut self, total: usize) {
        debug_assert!(total >= self.groups.len(), "groups do not go away");
        self.groups.resize_with(total.max(self.groups.len()), Group::default);
    }

    /// Gives each group its rows among `columns`, in order, as few calls as there are groups.
    fn add(
        &mut self,
        groups: &[u32],
        columns: &[ArrayRef],
        selected: Option<&BooleanBuffer>,
        rows: Rows,
    ) -> Result<()> {
        let mut order: Vec<u32> = match selected {
            None => (0..groups.len() as u32).collect(),
            Some(selected) => selected.set_indices_u32().collect(),
        };
        // Stable: a group's rows stay in order (A1).
        if !order.is_sorted_by_key(|&row| groups[row as usize]) {
            order.sort_by_key(|&row| groups[row as usize]);
        }
        let same = |a: &u32, b: &u32| groups[*a as usize] == groups[*b as usize];
        let spans: Vec<(u32, usize)> =
            order.chunk_by(same).map(|span| (groups[span[0] as usize], span.len())).collect();
        let columns = if order.len() == groups.len() && order.is_sorted() {
            columns.to_vec()
        } else {
            let order = UInt32Array::from(order);
            columns.iter().map(|column| take(column, &order, None)).collect::<Result<_, _>>()?
        };
        let mut start = 0;
        for (group, len) in spans {
            let span: Vec<ArrayRef> = columns.iter().map(|c| c.slice(start, len)).collect();
            self.add_span(group, &span, rows)?;
            start += len;
        }
        Ok(())
    }

    fn add_span(&mut self, group: u32, columns: &[ArrayRef], rows: Rows) -> Result<()> {
        let state = &mut self.groups[group as usize];
        if state.live.is_none() {
            state.live = Some(self.function.create_accumulator()?);
        }
        let live = state.live.as_mut().expect("a live accumulator was just made");
        match rows {
            Rows::Values => live.update_batch(columns)?,
            Rows::States => live.merge_batch(columns)?,
        }
        self.measure(group);
        Ok(())
    }

    /// Brings the account of memory up to date after a group has changed.
    fn measure(&mut self, group: u32) {
        let state = &mut self.groups[group as usize];
        let runs = state.runs.iter().flatten().map(ScalarValue::size).sum::<usize>();
        let bytes = runs + state.live.as_ref().map_or(0, |live| live.size());
        self.group_bytes = self.group_bytes - state.bytes + bytes;
        state.bytes = bytes;
    }

    /// A new accumulator that holds these runs.
    fn thaw(&self, runs: &[Vec<ScalarValue>]) -> Result<Box<dyn Accumulator>> {
        let mut accumulator = self.function.create_accumulator()?;
        if !runs.is_empty() {
            let column =
                |i: usize| ScalarValue::iter_to_array(runs.iter().map(|run| run[i].clone()));
            let columns =
                (0..self.state_fields.len()).map(column).collect::<Result<Vec<_>, _>>()?;
            accumulator.merge_batch(&columns)?;
        }
        Ok(accumulator)
    }

    /// The group as one run: freezes what is live, merges what are several.
    fn freeze(&mut self, group: u32) -> Result<&[ScalarValue]> {
        let state = &mut self.groups[group as usize];
        if let Some(mut live) = state.live.take() {
            let run = live.state()?;
            state.runs.push(run);
        }
        if self.groups[group as usize].runs.len() != 1 {
            let runs = std::mem::take(&mut self.groups[group as usize].runs);
            let merged = self.thaw(&runs)?.state()?;
            self.groups[group as usize].runs = vec![merged];
        }
        self.measure(group);
        Ok(&self.groups[group as usize].runs[0])
    }

    fn value(&mut self, group: u32) -> Result<ScalarValue> {
        let Some(state) = self.groups.get_mut(group as usize) else {
            return Ok(self.function.create_accumulator()?.evaluate()?);
        };
        if !self.evaluate_keeps {
            self.freeze(group)?;
            let runs = &self.groups[group as usize].runs;
            return Ok(self.thaw(runs)?.evaluate()?);
        }
        if let (true, Some(live)) = (state.runs.is_empty(), &mut state.live) {
            return Ok(live.evaluate()?);
        }
        self.freeze(group)?;
        let runs = std::mem::take(&mut self.groups[group as usize].runs);
        let mut live = self.thaw(&runs)?;
        let value = live.evaluate()?;
        self.groups[group as usize].live = Some(live);
        self.measure(group);
        Ok(value)
    }

    fn results(&self, values: Vec<ScalarValue>) -> Result<ArrayRef> {
        column(values, self.field.data_type())
    }
}

/// A column of these values.
fn column(values: Vec<ScalarValue>, data_type: &DataType) -> Result<ArrayRef> {
    if values.is_empty() {
        return Ok(new_empty_array(data_type));
    }
    let column = ScalarValue::iter_to_array(values)?;
    // Accumulators name the items of lists as they please.
    if column.data_type() == data_type { Ok(column) } else { Ok(cast(&column, data_type)?) }
}

impl Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adapter")
            .field("function", &self.function.name())
            .field("groups", &self.groups.len())
            .finish_non_exhaustive()
    }
}

impl Accumulate for Adapter {
    fn state_fields(&self) -> Vec<FieldRef> {
        self.state_fields.clone()
    }

    fn update(
        &mut self,
        groups: &[u32],
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.resize(total);
        self.add(groups, args, selected(None, filter).as_ref(), Rows::Values)
    }

    fn update_reading(
        &mut self,
        groups: &[u32],
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<ArrayRef> {
        self.resize(total);
        let selected = selected(None, filter);
        let mut values = Vec::with_capacity(groups.len());
        for (row, &group) in groups.iter().enumerate() {
            if is_selected(selected.as_ref(), row) {
                let args: Vec<ArrayRef> = args.iter().map(|arg| arg.slice(row, 1)).collect();
                self.add_span(group, &args, Rows::Values)?;
            }
            values.push(self.value(group)?);
        }
        self.results(values)
    }

    fn merge(&mut self, groups: &[u32], states: &[ArrayRef], total: usize) -> Result<()> {
        self.resize(total);
        let mut pairs = states.iter().zip(&self.state_fields);
        let alike = pairs.all(|(column, f)| column.data_type().equals_datatype(f.data_type()));
        if !alike || states.len() != self.state_fields.len() {
            let types: Vec<&DataType> = states.iter().map(|column| column.data_type()).collect();
            let name = self.function.name();
            return Err(EngineError::internal(format!("states of {name} of types {types:?}")));
        }
        self.add(groups, states, None, Rows::States)
    }

    fn read(&mut self, groups: &[u32]) -> Result<ArrayRef> {
        let values = groups.iter().map(|&group| self.value(group)).collect::<Result<_>>()?;
        self.results(values)
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        let mut columns = vec![Vec::with_capacity(self.groups.len()); self.state_fields.len()];
        for group in 0..self.groups.len() as u32 {
            for (column, value) in columns.iter_mut().zip(self.freeze(group)?) {
                column.push(value.clone());
            }
        }
        let fields = self.state_fields.iter();
        columns.into_iter().zip(fields).map(|(values, f)| column(values, f.data_type())).collect()
    }

    /// A state for every row would cost an accumulator for every row: more than grouping does.
    fn row_states(
        &self,
        _args: &[ArrayRef],
        _filter: Option<&BooleanArray>,
        _rows: usize,
    ) -> Result<Option<Vec<ArrayRef>>> {
        Ok(None)
    }

    fn bytes(&self) -> usize {
        self.groups.capacity() * size_of::<Group>() + self.group_bytes
    }
}
