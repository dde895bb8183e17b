//! The rows that wait and the frames of all keys as rows, for a checkpoint, and back.
//!
//! A frozen row is either a row that waits or a key with its frames; the other of the two columns
//! is NULL.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StructArray, UInt8Array, new_null_array,
};
use arrow::compute;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};

use super::{OverRows, Run, pick, time_error, times_of};
use crate::error::{EngineError, Result};
use crate::state::key_group::{hash_keys, key_group};

impl OverRows {
    /// All state; nothing changes by it.
    ///
    /// # Errors
    /// Those of the frames.
    pub(super) fn frozen(&mut self) -> Result<RecordBatch> {
        let waiting: Vec<RecordBatch> = (self.held.iter())
            .map(|run| run.rows.slice(run.next, run.times.len() - run.next))
            .collect();
        let waiting = compute::concat_batches(&self.over.input, &waiting)?;
        let total = self.keys.len();
        let mut frames = self.keys.keys()?;
        for call in &self.frames {
            frames.extend(call.freeze(total)?);
        }
        let mut groups = Vec::with_capacity(waiting.num_rows() + total);
        for (keys, rows) in [
            (pick(&waiting, &self.over.keys), waiting.num_rows()),
            (frames[..self.over.keys.len()].to_vec(), total),
        ] {
            let mut hashes = Vec::new();
            hash_keys(&keys, rows, &mut hashes)?;
            // Without key columns there is one instance, which owns all groups.
            let group = |hash: &u64| if keys.is_empty() { 0 } else { key_group(*hash) };
            groups.extend(hashes.iter().map(group));
        }
        let [waits, keeps] = self.parts();
        let part = |fields: &Fields, columns, rows| {
            StructArray::try_new_with_length(fields.clone(), columns, None, rows)
        };
        let rows = waiting.num_rows();
        let waiting = part(&waits, waiting.columns().to_vec(), rows)?;
        let frames = part(&keeps, frames, total)?;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt8Array::from(groups)),
            compute::concat(&[&waiting, &new_null_array(waiting.data_type(), total)])?,
            compute::concat(&[&new_null_array(frames.data_type(), rows), &frames])?,
        ];
        Ok(RecordBatch::try_new(self.frozen_schema(), columns)?)
    }

    /// Takes back frozen rows.
    ///
    /// # Errors
    /// `Data` where they are not those of this operator.
    pub(super) fn thaw(&mut self, frozen: &RecordBatch) -> Result<()> {
        let types = |schema: &SchemaRef| -> Vec<DataType> {
            schema.fields().iter().map(|field| field.data_type().clone()).collect()
        };
        if types(&frozen.schema()) != types(&self.frozen_schema()) {
            return Err(EngineError::data(
                "the saved state is not that of this OVER: its columns differ; \
                 start without it, or with the query it was saved by",
            ));
        }
        let waiting = present(frozen.column(1))?;
        if !waiting.is_empty() {
            let (_, columns, _) = waiting.into_parts();
            let waiting = RecordBatch::try_new(Arc::clone(&self.over.input), columns)?;
            let times = times_of(&waiting, self.over.time)?;
            if let Some(row) = times.iter().position(|time| time.is_none()) {
                return Err(time_error(&waiting, self.over.time, row));
            }
            let rows = (0..).take(times.len()).collect();
            self.held.push(Run::new(&waiting, &times, rows)?);
        }
        let frames = present(frozen.column(2))?;
        let (keys, mut columns) = frames.columns().split_at(self.over.keys.len());
        self.keys.intern(keys, frames.len(), &mut self.groups)?;
        for call in &mut self.frames {
            let (own, rest) = columns.split_at(call.frozen_fields().len());
            call.restore(&self.groups, own, self.keys.len())?;
            columns = rest;
        }
        Ok(())
    }

    fn frozen_schema(&self) -> SchemaRef {
        let [waits, keeps] = self.parts();
        Arc::new(Schema::new(vec![
            Field::new("key_group", DataType::UInt8, false),
            Field::new("waiting", DataType::Struct(waits), true),
            Field::new("frames", DataType::Struct(keeps), true),
        ]))
    }

    /// The columns of a row that waits, and of a key with its frames.
    fn parts(&self) -> [Fields; 2] {
        let input = self.over.input.fields();
        let keys = self.over.keys.iter().map(|key| Arc::clone(&input[*key]));
        let frames = self.frames.iter().flat_map(|call| call.frozen_fields());
        [input.clone(), keys.chain(frames).collect()]
    }
}

/// The structs that are not NULL.
fn present(structs: &ArrayRef) -> Result<StructArray> {
    let valid: BooleanArray = compute::is_not_null(structs)?;
    Ok(compute::filter(structs, &valid)?.as_struct().clone())
}
