//! The owner of groups whose changes are held back for a while: `EMIT CHANGES EVERY`.
//!
//! When changes are due, each changed group leaves once, from the version that left last to the present
//! one: `+I` where there was none, else `+U`, with the old version as `-U` in front where that is wanted,
//! and nothing where the two are equal. Groups leave in the order in which they first changed, the
//! windows in order of their end.
//!
//! - H1. A group that is not held has left as it is; one that is held is remembered with the
//!   version that left last. So memory is that of the groups and of one version of those held.
//! - H2. Nothing is held over a barrier, over the end of its window, or over the end of the run. So the
//!   frozen groups are all that is to be remembered.
//!
//! It knows no clock: when an interval is over, the runtime calls [`Operator::release`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array, make_comparator};
use arrow::compute::{self, SortOptions};
use datafusion_common::utils::normalize_float_zero;

use super::aggregate_changes::{Changes, output};
use super::panes::{self, PaneKey, PaneStore, Piece, filter_of, joined, pick};
use super::{Operator, Output};
use crate::error::{EngineError, Result};
use crate::graph::{Aggregate, Every, Panes};
use crate::message::{Batch, Change};
use crate::time::{EventTime, WATERMARK_NONE};

/// About as many rows are in one output batch.
const OUTPUT_ROWS: usize = 8 << 10;

/// [`crate::graph::OperatorSpec::ChangesAggregate`] with [`Every`].
#[derive(Debug)]
pub struct HeldChanges {
    store: PaneStore,
    before: bool,
    every: Every,
    held: BTreeMap<PaneKey, Held>,
    /// Rows since changes last left.
    rows: u64,
    /// Last watermark sent on.
    watermark: EventTime,
    /// Group ids of the rows at hand.
    groups: Vec<u32>,
}

/// The changed groups of a pane.
#[derive(Debug, Default)]
struct Held {
    /// In the order in which they first changed.
    groups: Vec<u32>,
    /// For each of them: whether a version of it has left.
    shown: Vec<bool>,
    /// Columns of their keys and of the values they had before they changed, in parts.
    versions: Vec<Vec<ArrayRef>>,
    /// By group id: whether it is one of them.
    changed: Vec<bool>,
}

/// Changes on their way out.
#[derive(Debug, Default)]
struct Leaving {
    parts: Vec<RecordBatch>,
    operations: Vec<Change>,
}

impl HeldChanges {
    /// No groups yet; `before`: also emit the versions that are replaced.
    ///
    /// # Errors
    /// As [`super::aggregate_changes::ChangesAggregate::new`].
    pub fn new(aggregate: Arc<Aggregate>, before: bool, every: Every) -> Result<Self> {
        if let Panes::Time { .. } | Panes::Session { .. } = aggregate.panes {
            return Err(EngineError::internal("EMIT CHANGES over panes of time"));
        }
        let store = PaneStore::new(aggregate)?;
        let (held, groups) = (BTreeMap::new(), Vec::new());
        Ok(Self { store, before, every, held, rows: 0, watermark: WATERMARK_NONE, groups })
    }

    /// Adds the rows of one pane, and notes the groups they change.
    fn update(&mut self, piece: &Piece) -> Result<()> {
        let aggregate = self.store.aggregate().clone();
        // As the group table has them: -0.0 and 0.0 are one key.
        let keys = pick(&piece.rows, &aggregate.keys);
        let keys: Vec<ArrayRef> = keys.iter().map(normalize_float_zero).collect();
        let pane = self.store.pane(piece.pane)?;
        let known = pane.table.len();
        pane.table.intern(&keys, piece.rows.num_rows(), &mut self.groups)?;
        let total = pane.table.len();
        let held = self.held.entry(piece.pane).or_default();
        let first = held.groups.len();
        let rows = held.note(&self.groups, known, total, !aggregate.calls.is_empty());
        if !rows.is_empty() {
            let rows = UInt32Array::from(rows);
            let keys = keys.iter().map(|key| Ok(compute::take(key, &rows, None)?));
            let mut version = keys.collect::<Result<Vec<_>>>()?;
            for call in &mut pane.calls {
                version.push(call.read(&held.groups[first..])?);
            }
            held.versions.push(version);
        }
        for (call, state) in aggregate.calls.iter().zip(&mut pane.calls) {
            let filter = filter_of(&piece.rows, call.filter);
            state.update(&self.groups, &pick(&piece.rows, &call.args), filter, total)?;
        }
        Ok(())
    }

    /// Lets the changes of one pane leave.
    fn release_pane(&mut self, key: PaneKey, leaving: &mut Leaving) -> Result<()> {
        let held = self.held.get_mut(&key).filter(|held| !held.groups.is_empty());
        let Some(held) = held else { return Ok(()) };
        let (groups, shown, versions) = held.take();
        let aggregate = self.store.aggregate().clone();
        let mut columns = Vec::with_capacity(aggregate.keys.len() + aggregate.calls.len());
        for column in 0..aggregate.keys.len() + aggregate.calls.len() {
            let parts: Vec<&dyn Array> = versions.iter().map(|part| &*part[column]).collect();
            columns.push(compute::concat(&parts)?);
        }
        let (keys, old) = columns.split_at(aggregate.keys.len());
        let calls = &mut self.store.pane(key)?.calls;
        let new = calls.iter_mut().map(|call| call.read(&groups)).collect::<Result<Vec<_>>>()?;
        let compare =
            |(old, new): (&ArrayRef, &ArrayRef)| make_comparator(old, new, SortOptions::default());
        let comparators = old.iter().zip(&new).map(compare).collect::<Result<Vec<_>, _>>()?;
        let mut changes = Changes::default();
        for (row, shown) in shown.into_iter().enumerate() {
            if !shown {
                changes.add(row, Change::Insert, (1, row));
            } else if comparators.iter().any(|compare| compare(row, row).is_ne()) {
                if self.before {
                    changes.add(row, Change::UpdateBefore, (0, row));
                }
                changes.add(row, Change::UpdateAfter, (1, row));
            }
        }
        let version = |(old, new): (&ArrayRef, &ArrayRef)| {
            Ok(compute::interleave(&[&**old, &**new], &changes.values)?)
        };
        let values = old.iter().zip(&new).map(version).collect::<Result<Vec<_>>>()?;
        leaving.parts.push(output(&aggregate, key, keys, values, &changes)?);
        leaving.operations.append(&mut changes.operations);
        Ok(())
    }

    /// Lets all changes leave.
    fn release_all(&mut self, leaving: &mut Leaving) -> Result<()> {
        self.rows = 0;
        let keys: Vec<PaneKey> = self.held.keys().copied().collect();
        keys.into_iter().try_for_each(|key| self.release_pane(key, leaving))
    }
}

impl Held {
    /// Notes the groups of rows, of which those below `known` existed before, and returns the rows
    /// that are the first to change their group; where groups have no `values`, only new ones change.
    fn note(&mut self, groups: &[u32], known: usize, total: usize, values: bool) -> Vec<u32> {
        self.changed.resize(self.changed.len().max(total), false);
        let mut rows = Vec::new();
        for (row, group) in (0..).zip(groups) {
            let shown = (*group as usize) < known;
            let changes = values || !shown;
            if changes && !std::mem::replace(&mut self.changed[*group as usize], true) {
                rows.push(row);
                self.groups.push(*group);
                self.shown.push(shown);
            }
        }
        rows
    }

    /// Its groups, which are held no more.
    fn take(&mut self) -> (Vec<u32>, Vec<bool>, Vec<Vec<ArrayRef>>) {
        let groups = std::mem::take(&mut self.groups);
        groups.iter().for_each(|group| self.changed[*group as usize] = false);
        (groups, std::mem::take(&mut self.shown), std::mem::take(&mut self.versions))
    }
}

impl Leaving {
    /// Sends the changes on, the two halves of an update in one batch.
    fn send(self, aggregate: &Aggregate, under: EventTime, out: &mut Output) -> Result<()> {
        if self.parts.is_empty() {
            return Ok(());
        }
        let rows = joined(&aggregate.output, self.parts)?;
        let changes = Some(self.operations.into());
        let all = Batch { changes, ..Batch::derived(rows, under) };
        let mut from = 0;
        while from < all.len() {
            let mut to = all.len().min(from + OUTPUT_ROWS);
            if all.change(to - 1) == Change::UpdateBefore {
                to += 1;
            }
            out.batch(all.slice(from, to - from));
            from = to;
        }
        Ok(())
    }
}

impl Operator for HeldChanges {
    fn batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        panes::check_inserts(&batch)?;
        let aggregate = self.store.aggregate().clone();
        let mut leaving = Leaving::default();
        let mut from = 0;
        while from < batch.len() {
            let left = batch.len() - from;
            let rows = match self.every {
                Every::Rows(every) => {
                    left.min(usize::try_from(every.get() - self.rows).unwrap_or(left))
                }
                Every::Time(_) => left,
            };
            let part = batch.slice(from, rows);
            let split = panes::split_rows(&aggregate, &part, out)?;
            split.pieces(&part.rows)?.iter().try_for_each(|piece| self.update(piece))?;
            from += rows;
            self.rows += rows as u64;
            if matches!(self.every, Every::Rows(every) if every.get() == self.rows) {
                self.release_all(&mut leaving)?;
            }
        }
        leaving.send(&aggregate, self.watermark, out)
    }

    fn watermark(&mut self, time: EventTime, out: &mut Output) -> Result<()> {
        let aggregate = self.store.aggregate().clone();
        if aggregate.panes != Panes::Whole {
            let mut leaving = Leaving::default();
            while let Some((key, _)) = self.held.first_key_value().filter(|(key, _)| key.0 <= time)
            {
                let key = *key;
                self.release_pane(key, &mut leaving)?;
                self.held.remove(&key);
            }
            leaving.send(&aggregate, self.watermark, out)?;
        }
        self.store.drop_attached(time);
        self.store.advance(time);
        self.watermark = time;
        out.watermark(time);
        Ok(())
    }

    fn end(&mut self, out: &mut Output) -> Result<()> {
        self.release(out)
    }

    fn interval(&self) -> Option<Duration> {
        match self.every {
            Every::Rows(_) => None,
            Every::Time(interval) => Some(interval),
        }
    }

    fn release(&mut self, out: &mut Output) -> Result<()> {
        let mut leaving = Leaving::default();
        self.release_all(&mut leaving)?;
        leaving.send(self.store.aggregate(), self.watermark, out)
    }

    fn before_barrier(&mut self, out: &mut Output) -> Result<()> {
        self.release(out)
    }

    fn freeze(&mut self) -> Result<Option<RecordBatch>> {
        if self.held.values().any(|held| !held.groups.is_empty()) {
            return Err(EngineError::internal("a barrier passed changes that are held back"));
        }
        self.store.freeze().map(Some)
    }

    fn restore(&mut self, frozen: &RecordBatch) -> Result<()> {
        self.store.restore(frozen)
    }
}
