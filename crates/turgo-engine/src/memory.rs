//! Tables in memory: constants of a query, tests and benchmarks.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::error::{EngineError, Result};
use crate::io::{
    Block, Chunk, ChunkData, Decode, Decoded, Encode, Partition, Position, ReadChunks, Sink,
    Source, WriteBlocks,
};
use crate::message::Batch;

/// A table whose partitions are batches in memory. A position counts batches.
#[derive(Debug, Clone)]
pub struct MemorySource {
    schema: SchemaRef,
    partitions: Arc<Vec<Vec<RecordBatch>>>,
}

impl MemorySource {
    /// A table of `partitions`, each a sequence of batches of `schema`.
    pub fn new(schema: SchemaRef, partitions: Vec<Vec<RecordBatch>>) -> Self {
        Self { schema, partitions: Arc::new(partitions) }
    }
}

impl Source for MemorySource {
    fn describe(&self) -> String {
        let rows: usize = self.partitions.iter().flatten().map(RecordBatch::num_rows).sum();
        format!("memory ({rows} rows)")
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn partitions(&self) -> Result<Vec<Partition>> {
        let partition = |(index, batches): (usize, &Vec<RecordBatch>)| Partition {
            name: format!("memory[{index}]"),
            bytes: Some(batches.iter().map(|batch| batch.get_array_memory_size() as u64).sum()),
        };
        Ok(self.partitions.iter().enumerate().map(partition).collect())
    }

    fn open(&self, partition: usize, from: Position) -> Result<Box<dyn ReadChunks>> {
        Ok(Box::new(MemoryReader { table: self.clone(), partition, next: from }))
    }

    fn decoder(&self, projection: &[usize]) -> Result<Box<dyn Decode>> {
        Ok(Box::new(RowsDecoder::new(projection)))
    }

    fn place(&self, _partition: usize, _position: Position) -> String {
        "the query's constants".into()
    }
}

struct MemoryReader {
    table: MemorySource,
    partition: usize,
    next: Position,
}

impl ReadChunks for MemoryReader {
    fn next(&mut self, _bytes_target: usize) -> Result<Option<Chunk>> {
        let batches = &self.table.partitions[self.partition];
        let start = self.next;
        let Some(batch) = batches.get(start as usize) else { return Ok(None) };
        self.next += 1;
        Ok(Some(Chunk { start, end: self.next, data: ChunkData::Rows(batch.clone()) }))
    }
}

/// Decodes [`ChunkData::Rows`]: cuts columns and slices, copies nothing.
#[derive(Debug)]
pub struct RowsDecoder {
    projection: Vec<usize>,
    chunk: Option<(RecordBatch, usize)>,
}

impl RowsDecoder {
    /// A decoder of the columns `projection`.
    pub fn new(projection: &[usize]) -> Self {
        Self { projection: projection.to_vec(), chunk: None }
    }
}

impl Decode for RowsDecoder {
    fn begin(&mut self, chunk: Chunk) {
        self.chunk = match chunk.data {
            ChunkData::Rows(rows) => Some((rows, 0)),
            _ => None,
        };
    }

    fn next(&mut self, rows_max: usize) -> Result<Option<Decoded>> {
        let Some((rows, offset)) = &mut self.chunk else {
            return Err(EngineError::internal("a table in memory was handed no rows"));
        };
        let length = rows_max.min(rows.num_rows() - *offset);
        if length == 0 {
            return Ok(None);
        }
        let slice = rows.slice(*offset, length).project(&self.projection)?;
        *offset += length;
        Ok(Some(Decoded { rows: slice, starts: vec![0; length], rejected: Vec::new() }))
    }
}

/// A sink that keeps what it is given; clones share it.
#[derive(Debug, Clone, Default)]
pub struct CollectSink {
    // LOCK: taken once per batch, by tests and by constants of a query.
    batches: Arc<Mutex<Vec<Batch>>>,
}

impl CollectSink {
    /// What has been written so far.
    pub fn take(&self) -> Vec<Batch> {
        std::mem::take(&mut *self.batches.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink for CollectSink {
    fn describe(&self) -> String {
        "memory".into()
    }

    fn accepts_changes(&self) -> bool {
        true
    }

    fn encoder(&self, _schema: &SchemaRef, _changes: bool) -> Result<Box<dyn Encode>> {
        Ok(Box::new(KeepRows))
    }

    fn writer(&self, _schema: &SchemaRef, _changes: bool) -> Result<Box<dyn WriteBlocks>> {
        Ok(Box::new(CollectWriter(self.clone())))
    }
}

struct CollectWriter(CollectSink);

impl WriteBlocks for CollectWriter {
    fn write(&mut self, block: Block) -> Result<()> {
        let Block::Rows(batch) = block else {
            return Err(EngineError::internal("rows were encoded for a sink in memory"));
        };
        self.0.batches.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// The encoder of sinks that take rows as they are.
#[derive(Debug)]
pub struct KeepRows;

impl Encode for KeepRows {
    fn encode(&mut self, batch: &Batch) -> Result<Block> {
        Ok(Block::Rows(batch.clone()))
    }
}
