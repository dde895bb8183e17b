//! What a barrier leaves behind: where the sources stood and what the operators remembered.
//!
//! A checkpoint is complete when its barrier has reached the sink from all sides: every part has
//! been handed in by then, because a chain hands in its part before it passes the barrier on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::UInt8Type;

use crate::error::{EngineError, Result};
use crate::runtime::dispenser::{Dispenser, PartitionMark};
use crate::state::key_group::owner;

/// The state of a run between two chunks of its sources.
#[derive(Debug, Clone, Default)]
pub struct Checkpoint {
    generation: u64,
    /// For each scan of the graph, in order, where its partitions stood.
    scans: Vec<Vec<PartitionMark>>,
    /// Frozen states by (stage, operator), one batch per instance that had any.
    states: BTreeMap<(usize, usize), Vec<RecordBatch>>,
}

impl Checkpoint {
    /// Its number: 1 for the first of a run.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Where the partitions of scan `scan` stood.
    pub(crate) fn scan(&self, scan: usize) -> &[PartitionMark] {
        self.scans.get(scan).map_or(&[], Vec::as_slice)
    }

    /// The frozen rows that belong to `instance` of `instances` of an operator, one batch per
    /// instance that froze them, each perhaps without rows: the metadata counts too.
    ///
    /// # Errors
    /// When a state does not name key groups.
    pub(crate) fn states(
        &self,
        operator: (usize, usize),
        instance: usize,
        instances: usize,
    ) -> Result<Vec<RecordBatch>> {
        let frozen = self.states.get(&operator).map_or(&[][..], Vec::as_slice);
        frozen.iter().map(|rows| owned(rows, instance, instances)).collect()
    }
}

fn owned(rows: &RecordBatch, instance: usize, instances: usize) -> Result<RecordBatch> {
    let groups = rows
        .column(0)
        .as_primitive_opt::<UInt8Type>()
        .ok_or_else(|| EngineError::internal("frozen state without key groups"))?;
    let mine: UInt32Array = (0..groups.len())
        .filter(|row| owner(groups.value(*row), instances) == instance)
        .map(|row| row as u32)
        .collect();
    Ok(take_record_batch(rows, &mine)?)
}

/// Collects the parts of checkpoints; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Checkpoints {
    /// A barrier follows every so many chunks of a source; 0: never.
    every_chunks: u64,
    // LOCK: taken once per instance and checkpoint.
    parts: Arc<Mutex<Parts>>,
}

#[derive(Debug, Default)]
struct Parts {
    open: BTreeMap<u64, Checkpoint>,
    complete: Vec<Checkpoint>,
}

impl Checkpoints {
    /// Asks for a checkpoint after every `every_chunks` chunks of each source.
    pub fn every(every_chunks: u64) -> Self {
        Self { every_chunks, ..Self::default() }
    }

    /// The complete ones so far, oldest first.
    pub fn complete(&self) -> Vec<Checkpoint> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).complete.clone()
    }

    /// Whether none is asked for.
    pub(crate) fn never(&self) -> bool {
        self.every_chunks == 0
    }

    /// The barrier due after `chunks` chunks, if one is.
    pub(crate) fn due(&self, chunks: u64) -> Option<u64> {
        let every = self.every_chunks;
        (every > 0 && chunks.is_multiple_of(every)).then(|| chunks / every)
    }

    /// Hands in the state of one operator of one instance.
    pub(crate) fn part(&self, generation: u64, operator: (usize, usize), rows: RecordBatch) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let open = parts.open.entry(generation).or_default();
        open.states.entry(operator).or_default().push(rows);
    }

    /// The barrier has reached the sink from all sides.
    pub(crate) fn finish(&self, generation: u64, scans: &[Arc<Dispenser>]) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut checkpoint = parts.open.remove(&generation).unwrap_or_default();
        checkpoint.generation = generation;
        checkpoint.scans = scans.iter().map(|scan| scan.marks(generation)).collect();
        parts.complete.push(checkpoint);
    }
}
