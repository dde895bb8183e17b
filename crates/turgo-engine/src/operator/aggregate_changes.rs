//! The owner of groups whose every change is emitted: `EMIT CHANGES`.
//!
//! Each input row yields the new version of its group, so the output is a changelog: a group's
//! first version is `+I`, each later one `+U`, with the version it replaces as `-U` in front where
//! that is wanted. A group without function calls (`DISTINCT`) never changes after its `+I`. When a
//! window is complete its groups are forgotten; nothing is retracted.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute;
use datafusion_common::utils::normalize_float_zero;

use super::panes::{self, Pane, PaneStore, Piece, filter_of, pick};
use super::{Operator, Output, window_columns};
use crate::error::{EngineError, Result};
use crate::graph::{Aggregate, Panes};
use crate::message::{Batch, Change, RowWatermark};
use crate::time::EventTime;

/// [`crate::graph::OperatorSpec::ChangesAggregate`].
#[derive(Debug)]
pub struct ChangesAggregate {
    store: PaneStore,
    before: bool,
    versions: Versions,
}

/// Which version of its group each row of a piece replaces.
#[derive(Debug, Default)]
struct Versions {
    /// Group ids of the rows.
    groups: Vec<u32>,
    /// The last row of each group in the piece at hand; [`NO_ROW`] between pieces.
    last_row: Vec<u32>,
}

const NO_ROW: u32 = u32::MAX;

/// The version of a group that a row replaces.
#[derive(Debug, Clone, Copy)]
enum Old {
    /// None: the row is the group's first.
    None,
    /// The one it had before this piece: a position in the list of such groups.
    Stored(usize),
    /// The one an earlier row of this piece made.
    Row(usize),
}

/// Changes in the making: one entry per output row.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The row that caused it.
    pub(super) rows: Vec<u32>,
    pub(super) operations: Vec<Change>,
    /// Where its values stand, of the changes of one pane: 0, the versions before its rows; 1, those after each row.
    pub(super) values: Vec<(usize, usize)>,
}

impl ChangesAggregate {
    /// No groups yet; `before`: also emit the versions that are replaced.
    ///
    /// # Errors
    /// `Internal` for panes over time: the planner attaches windows to rows instead;
    /// `Unsupported` where a key or a function cannot be kept.
    pub fn new(aggregate: Arc<Aggregate>, before: bool) -> Result<Self> {
        if let Panes::Time { .. } | Panes::Session { .. } = aggregate.panes {
            return Err(EngineError::internal("EMIT CHANGES over panes of time"));
        }
        let store = PaneStore::new(aggregate)?;
        Ok(Self { store, before, versions: Versions::default() })
    }

    /// Adds the rows of one pane, notes their changes, and returns what these make of the calls' values.
    fn change(&mut self, piece: &Piece, changes: &mut Changes) -> Result<Vec<ArrayRef>> {
        let aggregate = self.store.aggregate().clone();
        let keys = pick(&piece.rows, &aggregate.keys);
        let pane = self.store.pane(piece.pane)?;
        let known = pane.table.len();
        let rows = piece.rows.num_rows();
        pane.table.intern(&keys, rows, &mut self.versions.groups)?;
        changes.values.clear();
        let mut stored = Vec::new();
        // Where every row founds a group, there is nothing to replace, and nothing to put in order.
        let plain = pane.table.len() - known == rows;
        if plain {
            changes.rows.extend((0..rows).map(|row| piece.origin(row)));
            changes.operations.resize(changes.rows.len(), Change::Insert);
        } else {
            let olds;
            (olds, stored) = self.versions.olds(known, pane.table.len());
            for (row, old) in olds.into_iter().enumerate() {
                let place = (piece.origin(row), row);
                changes.push(place, old, self.before, !aggregate.calls.is_empty());
            }
        }
        let replaced = (self.before && !plain).then_some(&stored[..]);
        values(&aggregate, pane, &piece.rows, &self.versions.groups, replaced, &changes.values)
    }
}

impl Versions {
    /// What each row replaces, where groups below `known` existed before, and the groups of which
    /// the version before the piece is needed.
    fn olds(&mut self, known: usize, total: usize) -> (Vec<Old>, Vec<u32>) {
        self.last_row.resize(self.last_row.len().max(total), NO_ROW);
        let mut stored = Vec::new();
        let mut olds = Vec::with_capacity(self.groups.len());
        for (row, group) in (0..).zip(&self.groups) {
            let last = std::mem::replace(&mut self.last_row[*group as usize], row);
            olds.push(if last != NO_ROW {
                Old::Row(last as usize)
            } else if (*group as usize) < known {
                stored.push(*group);
                Old::Stored(stored.len() - 1)
            } else {
                Old::None
            });
        }
        for group in &self.groups {
            self.last_row[*group as usize] = NO_ROW;
        }
        (olds, stored)
    }
}

impl Changes {
    /// The changes that a row makes, `row` of the batch and `at` of its pane's rows; `versions`: groups have values that can change.
    fn push(&mut self, (row, at): (u32, usize), old: Old, before: bool, versions: bool) {
        let replaced = match old {
            Old::None => return self.add(row, Change::Insert, (1, at)),
            Old::Stored(position) => (0, position),
            Old::Row(earlier) => (1, earlier),
        };
        if versions {
            if before {
                self.add(row, Change::UpdateBefore, replaced);
            }
            self.add(row, Change::UpdateAfter, (1, at));
        }
    }

    /// One change of row `row`.
    pub(super) fn add(&mut self, row: u32, operation: Change, values: (usize, usize)) {
        self.rows.push(row);
        self.operations.push(operation);
        self.values.push(values);
    }
}

/// Updates the states and returns the values of each change, a column per call. The versions of
/// the `replaced` groups are read before the rows are added; where none are wanted, each row makes
/// one change.
fn values(
    aggregate: &Aggregate,
    pane: &mut Pane,
    rows: &RecordBatch,
    groups: &[u32],
    replaced: Option<&[u32]>,
    order: &[(usize, usize)],
) -> Result<Vec<ArrayRef>> {
    let total = pane.table.len();
    let mut columns = Vec::with_capacity(aggregate.calls.len());
    for (call, state) in aggregate.calls.iter().zip(&mut pane.calls) {
        let old = replaced.map(|groups| state.read(groups)).transpose()?;
        let filter = filter_of(rows, call.filter);
        let new = state.update_reading(groups, &pick(rows, &call.args), filter, total)?;
        columns.push(match old {
            Some(old) => compute::interleave(&[&old as &dyn Array, &new], order)?,
            None => new,
        });
    }
    Ok(columns)
}

/// Keys, window and values of each change: the keys are those of its row among `rows`.
pub(super) fn output(
    aggregate: &Aggregate,
    keys: &[ArrayRef],
    rows: &[u32],
    windows: &[window_columns::Run],
    values: Vec<ArrayRef>,
) -> Result<RecordBatch> {
    let each_once = keys.iter().all(|key| key.len() == rows.len())
        && rows.iter().zip(0..).all(|(row, at)| *row == at);
    let mut columns: Vec<ArrayRef> = match each_once {
        true => keys.to_vec(),
        false => {
            let rows = UInt32Array::from(rows.to_vec());
            keys.iter().map(|key| compute::take(key, &rows, None)).collect::<Result<_, _>>()?
        }
    };
    if aggregate.panes != Panes::Whole {
        let fields = aggregate.output.fields();
        let fields = &fields[columns.len()..columns.len() + window_columns::COLUMNS];
        columns.extend(window_columns::columns(windows, fields)?);
    }
    columns.extend(values);
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok(RecordBatch::try_new_with_options(aggregate.output.clone(), columns, &options)?)
}

impl Operator for ChangesAggregate {
    fn batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        panes::check_inserts(&batch)?;
        let aggregate = self.store.aggregate().clone();
        let split = panes::split_rows(&aggregate, &batch, out)?;
        let mut changes = Changes::default();
        let mut windows = Vec::new();
        let mut parts = Vec::new();
        for piece in split.pieces(&batch.rows)? {
            let earlier = changes.rows.len();
            parts.push(self.change(&piece, &mut changes)?);
            // The key of a pane is the end and the start of its window.
            windows.push(((piece.pane.1, piece.pane.0), changes.rows.len() - earlier));
        }
        let Changes { rows: origins, operations, .. } = changes;
        if origins.is_empty() {
            return Ok(());
        }
        // As the group table has them: -0.0 and 0.0 are one key.
        let keys = pick(&batch.rows, &aggregate.keys);
        let keys: Vec<ArrayRef> = keys.iter().map(normalize_float_zero).collect();
        let values = (0..aggregate.calls.len()).map(|call| {
            let parts: Vec<&dyn Array> = parts.iter().map(|part| &*part[call]).collect();
            Ok(compute::concat(&parts)?)
        });
        let values = values.collect::<Result<_>>()?;
        let changes = Batch {
            rows: output(&aggregate, &keys, &origins, &windows, values)?,
            under: match &batch.under {
                RowWatermark::Same(time) => RowWatermark::Same(*time),
                RowWatermark::Each(times) => {
                    RowWatermark::Each(origins.iter().map(|row| times[*row as usize]).collect())
                }
            },
            changes: Some(operations.into()),
            unaccounted: false,
            letters: None,
        };
        if origins.is_sorted() {
            out.batch(changes);
        } else {
            // Back to the order of the input rows; a stable sort keeps -U in front of its +U.
            let mut order: Vec<u32> = (0..).take(origins.len()).collect();
            order.sort_by_key(|change| origins[*change as usize]);
            out.batch(changes.take(&UInt32Array::from(order))?);
        }
        Ok(())
    }

    fn watermark(&mut self, time: EventTime, out: &mut Output) -> Result<()> {
        self.store.drop_attached(time);
        self.store.close(time);
        out.watermark(time);
        Ok(())
    }

    fn freeze(&mut self) -> Result<Option<RecordBatch>> {
        self.store.freeze().map(Some)
    }

    fn restore(&mut self, frozen: &RecordBatch) -> Result<()> {
        self.store.restore(frozen)
    }
}
