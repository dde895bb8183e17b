//! The groups of an aggregate as rows, for a checkpoint, and back.
//!
//! A frozen row is the row of a state batch with two columns in front: the group's key group, and whether
//! it is of a window that has been emitted. The keys of panes say which windows are still to be, so
//! nothing else has to be remembered, and the rows can be dealt out to any number of instances.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, UInt8Array};
use arrow::compute::{filter_record_batch, not};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::{PANE_COLUMNS, PaneKey, PaneStore, joined, state_batch};
use crate::error::{EngineError, Result};
use crate::graph::Panes;
use crate::state::key_group::{hash_keys, key_group};
use crate::time::EventTime;

impl PaneStore {
    /// The state of every group; the store goes on unchanged.
    ///
    /// # Errors
    /// Those of the aggregate functions.
    pub(in crate::operator) fn freeze(&mut self) -> Result<RecordBatch> {
        let schema = frozen_schema(&self.schema);
        let keys_end = PANE_COLUMNS + self.aggregate.keys.len();
        let mut hashes = Vec::new();
        let mut batches = Vec::with_capacity(self.panes.len() + self.shown.len());
        let (panes, emitted) = (self.aggregate.panes, self.emitted);
        let open = self.panes.iter_mut();
        let open = open.map(|(key, pane)| (remaining(panes, *key, emitted), pane, false));
        let shown = self.shown.iter_mut().map(|(key, shown)| (*key, &mut shown.pane, true));
        for (key, pane, shown) in open.chain(shown) {
            let states = state_batch(&self.schema, key, pane)?;
            let keys = &states.columns()[PANE_COLUMNS..keys_end];
            let groups: UInt8Array = if keys.is_empty() {
                UInt8Array::from_value(0, states.num_rows())
            } else {
                hash_keys(keys, states.num_rows(), &mut hashes)?;
                hashes.iter().map(|hash| key_group(*hash)).collect::<Vec<_>>().into()
            };
            let shown = BooleanArray::from(vec![shown; states.num_rows()]);
            let mut columns: Vec<ArrayRef> = vec![Arc::new(groups), Arc::new(shown)];
            columns.extend_from_slice(states.columns());
            batches.push(RecordBatch::try_new(schema.clone(), columns)?);
        }
        joined(&schema, batches)
    }

    /// Adds groups that were frozen.
    ///
    /// # Errors
    /// `Data` where the rows are not those of such an aggregate.
    pub(in crate::operator) fn restore(&mut self, frozen: &RecordBatch) -> Result<()> {
        let types = |schema: &SchemaRef| -> Vec<DataType> {
            schema.fields().iter().map(|field| field.data_type().clone()).collect()
        };
        if types(&frozen.schema()) != types(&frozen_schema(&self.schema)) {
            return Err(EngineError::data(
                "the saved state is not that of this aggregate: its columns differ; \
                 start without it, or with the query it was saved by",
            ));
        }
        let columns: Vec<usize> = (2..frozen.num_columns()).collect();
        let states = frozen.project(&columns)?;
        let shown = frozen.column(1).as_boolean();
        self.restore_shown(&filter_record_batch(&states, shown)?)?;
        self.merge(&filter_record_batch(&states, &not(shown)?)?)
    }
}

/// The pane's key without the windows that have been emitted.
fn remaining(panes: Panes, key: PaneKey, emitted: EventTime) -> PaneKey {
    match panes {
        Panes::Time { windows, .. } => {
            let first = windows.ends_after(key.0, emitted.max(key.1 - 1)).next();
            (key.0, first.expect("a pane is dropped with its last window"))
        }
        Panes::Whole | Panes::Session { .. } | Panes::Attached { .. } => key,
    }
}

fn frozen_schema(states: &SchemaRef) -> SchemaRef {
    let front = [("key_group", DataType::UInt8), ("shown", DataType::Boolean)];
    let front = front.map(|(name, data_type)| Arc::new(Field::new(name, data_type, false)));
    Arc::new(Schema::new(
        front.into_iter().chain(states.fields().iter().cloned()).collect::<Vec<_>>(),
    ))
}
