//! The groups of an aggregate, bounded in time: a group table and its states for each pane.
//!
//! # Panes
//!
//! A pane is the smallest piece of time that every window takes or leaves as a whole. Its key:
//!
//! | [`Panes`]  | key                                                        |
//! |------------|------------------------------------------------------------|
//! | `Whole`    | `(0, 0)`                                                    |
//! | `Time`     | `(start of the pane, end of the first window it counts in)` |
//! | `Session`  | `(start of the bucket, watermark under which it is complete)` |
//! | `Attached` | `(end of the window, start of the window)`                  |
//!
//! A row that is late for the first of its windows must not count in those, so it goes to a pane of
//! its own with the same start and a later first window. A window is the sum of all panes that lie in
//! it and whose first window does not end later.
//!
//! Sessions are put together of buckets, see [`session`]; windows that have been emitted and still take
//! rows are in [`shown`].
//!
//! # Invariants
//!
//! - P1. Nothing arrives for a window that the watermark has closed: rules T1 and T2 of
//!   [`crate::time`] say so, and a breach is an internal error. Where no lateness is allowed, a window is
//!   closed when it is emitted.
//! - P2. A pane is dropped as soon as its last window has been emitted.

mod complete;
mod frozen;
mod place;
mod session;
mod shown;
mod spare;
mod split;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch};
use arrow::compute;
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type, Schema, SchemaRef};

pub(super) use complete::{Complete, Groups};
pub(super) use place::{Place, in_windows, split_rows, time_error, times_of};
pub(super) use split::{Piece, Split};

use self::shown::Shown;
use self::spare::Spare;
use super::window_columns;
use crate::error::{EngineError, Result};
use crate::graph::{Aggregate, Panes};
use crate::message::{Batch, Change};
use crate::state::{Accumulate, GroupTable, accumulators};
use crate::time::EventTime;

/// Identifies a pane; see the module's table.
pub(super) type PaneKey = (i64, i64);

/// Columns in front of the key columns of a state batch: the two parts of the pane's key.
pub(super) const PANE_COLUMNS: usize = 2;

/// The groups of one pane and the state of each.
#[derive(Debug)]
pub(super) struct Pane {
    pub(super) table: GroupTable,
    pub(super) calls: Vec<Box<dyn Accumulate>>,
}

/// All panes an operator holds.
#[derive(Debug)]
pub(super) struct PaneStore {
    aggregate: Arc<Aggregate>,
    schema: SchemaRef,
    panes: BTreeMap<PaneKey, Pane>,
    spare: Spare,
    /// By end and start.
    shown: BTreeMap<PaneKey, Shown>,
    /// Windows that end at or before this have been emitted,
    emitted: EventTime,
    /// and those that end at or before this take no more rows.
    closed: EventTime,
    /// Group ids of the rows at hand.
    groups: Vec<u32>,
}

impl Pane {
    fn new(aggregate: &Aggregate) -> Result<Self> {
        let fields = aggregate.input.fields();
        let keys: Vec<_> = aggregate.keys.iter().map(|key| fields[*key].clone()).collect();
        Ok(Self { table: GroupTable::new(&keys)?, calls: accumulators(aggregate)? })
    }

    /// Forgets all groups and keeps the memory. Says whether it can.
    fn clear(&mut self) -> bool {
        self.table.clear() && self.calls.iter_mut().all(|call| call.clear())
    }

    /// Memory held, in bytes, roughly.
    fn bytes(&self) -> usize {
        self.table.bytes() + self.calls.iter().map(|call| call.bytes()).sum::<usize>()
    }

    /// Adds input rows.
    fn update(
        &mut self,
        aggregate: &Aggregate,
        rows: &RecordBatch,
        groups: &mut Vec<u32>,
    ) -> Result<()> {
        self.table.intern(&pick(rows, &aggregate.keys), rows.num_rows(), groups)?;
        let total = self.table.len();
        for (call, state) in aggregate.calls.iter().zip(&mut self.calls) {
            let filter = filter_of(rows, call.filter);
            state.update(groups, &pick(rows, &call.args), filter, total)?;
        }
        Ok(())
    }

    /// Adds the rows of a state batch with so many key columns.
    fn merge(&mut self, keys: usize, states: &RecordBatch, groups: &mut Vec<u32>) -> Result<()> {
        let (keys, calls) = states.columns()[PANE_COLUMNS..].split_at(keys);
        self.merge_columns(keys, calls, states.num_rows(), groups)
    }

    /// Adds states: one row of key columns and of the state columns of all calls for each.
    fn merge_columns(
        &mut self,
        keys: &[ArrayRef],
        states: &[ArrayRef],
        rows: usize,
        groups: &mut Vec<u32>,
    ) -> Result<()> {
        self.table.intern(keys, rows, groups)?;
        self.add(groups, states)
    }

    /// Adds another pane, which stays as it is.
    fn merge_pane(&mut self, other: &mut Self, groups: &mut Vec<u32>) -> Result<()> {
        self.merge_columns(&other.table.keys()?, &other.states()?, other.table.len(), groups)
    }

    /// Adds states to groups: the state columns of all calls.
    fn add(&mut self, groups: &[u32], mut states: &[ArrayRef]) -> Result<()> {
        let total = self.table.len();
        for call in &mut self.calls {
            let (own, rest) = states.split_at(call.state_fields().len());
            call.merge(groups, own, total)?;
            states = rest;
        }
        Ok(())
    }

    /// The state columns of all calls, one row per group.
    fn states(&mut self) -> Result<Vec<ArrayRef>> {
        let mut columns = Vec::new();
        for call in &mut self.calls {
            columns.extend(call.state()?);
        }
        Ok(columns)
    }
}

impl PaneStore {
    /// No groups yet.
    ///
    /// # Errors
    /// `Unsupported` where a key, a function or the windows cannot be kept.
    pub(super) fn new(aggregate: Arc<Aggregate>) -> Result<Self> {
        let type_of = |column| aggregate.input.field(column).data_type();
        match aggregate.panes {
            Panes::Time { column, windows } => window_columns::check(&windows, type_of(column))?,
            Panes::Session { column, sessions } => {
                window_columns::check_sessions(&sessions, type_of(column))?;
            }
            Panes::Whole | Panes::Attached { .. } => {}
        }
        let aggregate = session::with_extents(aggregate);
        let schema = schema_of(&aggregate)?;
        let (panes, shown, groups) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let spare = Spare::default();
        let (emitted, closed) = (EventTime::MIN, EventTime::MIN);
        Ok(Self { aggregate, schema, panes, spare, shown, emitted, closed, groups })
    }

    /// What is aggregated; the extents of sessions are among the calls, as the last.
    pub(super) fn aggregate(&self) -> &Arc<Aggregate> {
        &self.aggregate
    }

    /// The columns of state batches; see [`state_schema`].
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Groups held, over all panes.
    pub(super) fn groups(&self) -> usize {
        self.panes.values().map(|pane| pane.table.len()).sum()
    }

    /// Distinct values held of the call that holds most, over all panes.
    pub(super) fn distinct(&self) -> usize {
        let most = |pane: &Pane| pane.calls.iter().map(|call| call.distinct()).max();
        self.panes.values().filter_map(most).sum()
    }

    /// The pane with that key, new where there was none.
    ///
    /// # Errors
    /// `Internal` where the pane's first window is closed (P1).
    pub(super) fn pane(&mut self, key: PaneKey) -> Result<&mut Pane> {
        if first_end(self.aggregate.panes, key).is_some_and(|end| end <= self.closed) {
            return Err(EngineError::internal(format!(
                "rows for pane {key:?} came after its window had been closed"
            )));
        }
        Ok(match self.panes.entry(key) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(self.spare.pane(&self.aggregate)?)
            }
        })
    }

    /// Adds input rows.
    ///
    /// # Errors
    /// `Data` where a row cannot be aggregated.
    pub(super) fn update(&mut self, split: &Split, rows: &RecordBatch) -> Result<()> {
        let aggregate = self.aggregate.clone();
        let mut groups = std::mem::take(&mut self.groups);
        for piece in split.pieces(rows)? {
            self.pane(piece.pane)?.update(&aggregate, &piece.rows, &mut groups)?;
        }
        self.groups = groups;
        Ok(())
    }

    /// Adds the rows of a state batch.
    ///
    /// # Errors
    /// `Data` where a state cannot be merged.
    pub(super) fn merge(&mut self, states: &RecordBatch) -> Result<()> {
        if self.aggregate.lateness > 0 {
            return self.merge_late(states);
        }
        pieces(states)?.iter().try_for_each(|piece| self.merge_pane(piece.pane, &piece.rows))
    }

    /// Adds states to a pane.
    fn merge_pane(&mut self, pane: PaneKey, states: &RecordBatch) -> Result<()> {
        let mut groups = std::mem::take(&mut self.groups);
        let keys = self.aggregate.keys.len();
        self.pane(pane)?.merge(keys, states, &mut groups)?;
        self.groups = groups;
        Ok(())
    }

    /// Closes the windows that end at or before `watermark`, and forgets those that have been emitted.
    pub(super) fn close(&mut self, watermark: EventTime) {
        self.closed = self.closed.max(watermark);
        while let Some(window) = self.shown.first_entry().filter(|w| w.key().0 <= watermark) {
            window.remove();
        }
    }

    /// Takes the states of all panes whose first window is complete under `watermark`, or of all
    /// panes where there is none. `None` where there is no such group.
    ///
    /// # Errors
    /// Those of the aggregate functions.
    pub(super) fn take_states(
        &mut self,
        watermark: Option<EventTime>,
    ) -> Result<Option<RecordBatch>> {
        let panes = self.aggregate.panes;
        let taken: Vec<_> = match watermark {
            None => std::mem::take(&mut self.panes).into_iter().collect(),
            Some(watermark) => self
                .panes
                .extract_if(.., |key, _| first_end(panes, *key).is_some_and(|end| end <= watermark))
                .collect(),
        };
        if taken.is_empty() {
            return Ok(None);
        }
        let mut batches = Vec::with_capacity(taken.len());
        for (key, mut pane) in taken {
            batches.push(state_batch(&self.schema, key, &mut pane)?);
        }
        Ok(Some(joined(&self.schema, batches)?))
    }
}

/// The rows of a state batch by their pane.
fn pieces(states: &RecordBatch) -> Result<Vec<Piece>> {
    let [first, second] = [0, 1].map(|part| states.column(part).as_primitive::<Int64Type>());
    let mut split = Split::default();
    for (row, key) in first.values().iter().zip(second.values()).enumerate() {
        split.push((*key.0, *key.1), row..row + 1);
    }
    split.pieces(states)
}

/// The watermark under which nothing more comes for the first window, or the bucket, that a pane
/// counts in; `None` where there are no windows.
fn first_end(panes: Panes, key: PaneKey) -> Option<EventTime> {
    match panes {
        Panes::Whole => None,
        Panes::Time { .. } | Panes::Session { .. } => Some(key.1),
        Panes::Attached { .. } => Some(key.0),
    }
}

/// The groups of a pane as a state batch.
fn state_batch(schema: &SchemaRef, key: PaneKey, pane: &mut Pane) -> Result<RecordBatch> {
    let rows = pane.table.len();
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_value(key.0, rows)),
        Arc::new(Int64Array::from_value(key.1, rows)),
    ];
    columns.extend(pane.table.keys()?);
    columns.extend(pane.states()?);
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}

/// One batch of several with the same columns; a single one is not copied.
pub(super) fn joined(schema: &SchemaRef, mut batches: Vec<RecordBatch>) -> Result<RecordBatch> {
    match batches.len() {
        1 => Ok(batches.remove(0)),
        _ => Ok(compute::concat_batches(schema, &batches)?),
    }
}

/// The columns of a state batch: the pane's key, the group's keys, the states of each call.
///
/// # Errors
/// `Unsupported` where a function has no state that can be sent on.
pub(super) fn state_schema(aggregate: &Arc<Aggregate>) -> Result<SchemaRef> {
    schema_of(&session::with_extents(Arc::clone(aggregate)))
}

fn schema_of(aggregate: &Aggregate) -> Result<SchemaRef> {
    let part = |name| Arc::new(Field::new(name, DataType::Int64, false));
    let mut fields: Vec<FieldRef> = vec![part("pane_a"), part("pane_b")];
    fields.extend(aggregate.keys.iter().map(|key| aggregate.input.fields()[*key].clone()));
    for call in accumulators(aggregate)? {
        fields.extend(call.state_fields());
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// Some columns of a batch.
pub(super) fn pick(rows: &RecordBatch, columns: &[usize]) -> Vec<ArrayRef> {
    columns.iter().map(|column| rows.column(*column).clone()).collect()
}

/// The Boolean column of a `FILTER` clause.
pub(super) fn filter_of(rows: &RecordBatch, column: Option<usize>) -> Option<&BooleanArray> {
    column.map(|column| rows.column(column).as_boolean())
}

/// Checks that a batch for an aggregate holds inserts only, as the planner promises.
///
/// # Errors
/// `Internal` where it does not.
pub(super) fn check_inserts(batch: &Batch) -> Result<()> {
    match &batch.changes {
        Some(changes) if changes.iter().any(|change| *change != Change::Insert) => {
            Err(EngineError::internal("an aggregate over a changelog"))
        }
        _ => Ok(()),
    }
}
