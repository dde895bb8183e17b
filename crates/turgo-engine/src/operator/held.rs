//! Changes of groups that are held back until they are due.
//!
//! When changes are due, each changed group leaves once, from the version that left last to the present
//! one: `+I` where there was none, else `+U`, with the old version as `-U` in front where that is wanted,
//! and nothing where the two are equal. Groups leave in the order in which they first changed.
//!
//! A group that is not held has left as it is; one that is held is remembered with the version that left
//! last. So memory is that of the groups and of one version of those held.

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array, make_comparator};
use arrow::compute::{self, SortOptions};
use datafusion_common::utils::normalize_float_zero;

use super::Output;
use super::aggregate_changes::{Changes, output};
use super::panes::{Pane, PaneKey, joined};
use crate::error::Result;
use crate::graph::Aggregate;
use crate::message::{Batch, Change};
use crate::time::EventTime;

/// About as many rows are in one output batch.
const OUTPUT_ROWS: usize = 8 << 10;

/// The changed groups of a pane.
#[derive(Debug, Default)]
pub(super) struct Held {
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
pub(super) struct Leaving {
    parts: Vec<RecordBatch>,
    operations: Vec<Change>,
}

impl Held {
    /// Whether it holds nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Notes the groups of `pane` that rows, or states, with these `keys` are about to change; the pane
    /// has interned them as `groups`, of which those below `known` existed before.
    ///
    /// # Errors
    /// Those of reading the versions that are replaced.
    pub(super) fn note(
        &mut self,
        pane: &mut Pane,
        keys: &[ArrayRef],
        groups: &[u32],
        known: usize,
    ) -> Result<()> {
        let first = self.groups.len();
        let rows = self.first_changes(groups, known, pane.table.len(), !pane.calls.is_empty());
        if rows.is_empty() {
            return Ok(());
        }
        let rows = UInt32Array::from(rows);
        let mut version = Vec::with_capacity(keys.len() + pane.calls.len());
        for key in keys {
            // As the group table has them: -0.0 and 0.0 are one key.
            version.push(normalize_float_zero(&compute::take(key, &rows, None)?));
        }
        for call in &mut pane.calls {
            version.push(call.read(&self.groups[first..])?);
        }
        self.versions.push(version);
        Ok(())
    }

    /// Holds the groups of rows that are not held yet, and returns the first row of each; where groups
    /// have no `values`, only new ones change.
    fn first_changes(
        &mut self,
        groups: &[u32],
        known: usize,
        total: usize,
        values: bool,
    ) -> Vec<u32> {
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
    /// Whether it is time to send it.
    pub(super) fn is_full(&self) -> bool {
        self.operations.len() >= OUTPUT_ROWS
    }

    /// Adds what is held of `pane`, whose key is `key`; `before`: also the versions that are replaced.
    ///
    /// # Errors
    /// Those of reading the present versions.
    pub(super) fn add(
        &mut self,
        aggregate: &Aggregate,
        (key, pane): (PaneKey, &mut Pane),
        held: &mut Held,
        before: bool,
    ) -> Result<()> {
        if held.is_empty() {
            return Ok(());
        }
        let (groups, shown, versions) = held.take();
        let mut columns = Vec::with_capacity(aggregate.keys.len() + aggregate.calls.len());
        for column in 0..aggregate.keys.len() + aggregate.calls.len() {
            let parts: Vec<&dyn Array> = versions.iter().map(|part| &*part[column]).collect();
            columns.push(compute::concat(&parts)?);
        }
        let (keys, old) = columns.split_at(aggregate.keys.len());
        let calls = pane.calls.iter_mut();
        let new = calls.map(|call| call.read(&groups)).collect::<Result<Vec<_>>>()?;
        let compare =
            |(old, new): (&ArrayRef, &ArrayRef)| make_comparator(old, new, SortOptions::default());
        let comparators = old.iter().zip(&new).map(compare).collect::<Result<Vec<_>, _>>()?;
        let mut changes = Changes::default();
        for (group, (row, shown)) in (0..).zip(shown.into_iter().enumerate()) {
            if !shown {
                changes.add(group, Change::Insert, (1, row));
            } else if comparators.iter().any(|compare| compare(row, row).is_ne()) {
                if before {
                    changes.add(group, Change::UpdateBefore, (0, row));
                }
                changes.add(group, Change::UpdateAfter, (1, row));
            }
        }
        let version = |(old, new): (&ArrayRef, &ArrayRef)| {
            Ok(compute::interleave(&[&**old, &**new], &changes.values)?)
        };
        let values = old.iter().zip(&new).map(version).collect::<Result<Vec<_>>>()?;
        // The key of a pane is the end and the start of its window.
        let windows = [((key.1, key.0), changes.rows.len())];
        self.parts.push(output(aggregate, keys, &changes.rows, &windows, values)?);
        self.operations.append(&mut changes.operations);
        Ok(())
    }

    /// Sends the changes on, the two halves of an update in one batch.
    ///
    /// # Errors
    /// When their columns cannot be joined; not expected.
    pub(super) fn send(
        self,
        aggregate: &Aggregate,
        under: EventTime,
        out: &mut Output,
    ) -> Result<()> {
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
