//! A table for tests: rows with a key, a time, a value and the watermark they stand for, cut into
//! chunks of a few rows; it notes how far it was read, is slow where told, and breaks where told.

use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use turgo_engine::error::{EngineError, Result};
use turgo_engine::io::{
    Chunk, ChunkData, Decode, Decoded, Partition, Position, ReadChunks, Rejected, Source,
};

/// A row; times in milliseconds. Its watermark is its time less [`BOUND`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) key: i64,
    pub(crate) time: Option<i64>,
    pub(crate) value: i64,
}

/// How far rows may lie behind the highest time before them, in milliseconds.
pub(crate) const BOUND: i64 = 2_000;

/// A value that the decoder does not understand.
pub(crate) const GARBLED: i64 = i64::MIN;

/// What goes wrong, at a row with value [`BROKEN`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Break {
    Nothing,
    ReadPanics,
    ReadFails,
    ReadBlocks,
    DecodePanics,
}

/// The value at which something goes wrong.
pub(crate) const BROKEN: i64 = i64::MAX;

/// The table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) partitions: Arc<Vec<Vec<Row>>>,
    /// Rows in a chunk.
    pub(crate) chunk_rows: usize,
    /// Let some decoders sleep.
    pub(crate) uneven: bool,
    pub(crate) breaks: Break,
    /// Number of its first partition in `reads`.
    pub(crate) first: usize,
    /// (partition, start) of the chunks in the order they were read.
    pub(crate) reads: Arc<Mutex<Vec<(usize, usize)>>>,
    /// Lets a blocked read go on.
    pub(crate) gate: Arc<(Mutex<bool>, Condvar)>,
}

impl Table {
    pub(crate) fn new(partitions: Vec<Vec<Row>>, chunk_rows: usize) -> Self {
        Self {
            partitions: Arc::new(partitions),
            chunk_rows,
            uneven: false,
            breaks: Break::Nothing,
            first: 0,
            reads: Arc::default(),
            gate: Arc::default(),
        }
    }

    /// The table that breaks.
    pub(crate) fn breaking(rows: Vec<Row>, breaks: Break) -> Self {
        Self { breaks, ..Self::new(vec![rows], 4) }
    }

    pub(crate) fn chunks_read(&self) -> usize {
        self.reads.lock().unwrap().len()
    }
}

pub(crate) const MILLIS: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

/// key, time, value, mark.
pub(crate) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("key", DataType::Int64, true),
        Field::new("time", MILLIS, true),
        Field::new("value", DataType::Int64, true),
        Field::new("mark", MILLIS, true),
    ]))
}

fn batch(rows: &[Row]) -> RecordBatch {
    let times = |less: i64| -> ArrayRef {
        let times = rows.iter().map(|row| row.time.map(|time| time - less));
        Arc::new(times.collect::<TimestampMillisecondArray>())
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.key)).collect::<Int64Array>()),
        times(0),
        Arc::new(rows.iter().map(|row| Some(row.value)).collect::<Int64Array>()),
        times(BOUND),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

impl Source for Table {
    fn describe(&self) -> String {
        "a table of the test".into()
    }

    fn schema(&self) -> SchemaRef {
        schema()
    }

    fn partitions(&self) -> Result<Vec<Partition>> {
        let name = |index| Partition { name: format!("p{index}"), bytes: None };
        Ok((0..self.partitions.len()).map(name).collect())
    }

    fn open(&self, partition: usize, from: Position) -> Result<Box<dyn ReadChunks>> {
        let next = usize::try_from(from).unwrap();
        Ok(Box::new(Reader { table: self.clone(), partition, next }))
    }

    fn decoder(&self, _projection: &[usize]) -> Result<Box<dyn Decode>> {
        let (rows, records) = (Vec::new(), Vec::new());
        Ok(Box::new(Decoder { table: self.clone(), rows, records, start: 0, next: 0 }))
    }

    fn place(&self, partition: usize, position: Position) -> String {
        format!("p{partition}:{position}")
    }

    fn has_records(&self) -> bool {
        true
    }
}

/// The record of a row: where it stands.
pub(crate) fn record(partition: usize, row: usize) -> Vec<u8> {
    format!("row {row} of {partition}").into_bytes()
}

struct Reader {
    table: Table,
    partition: usize,
    next: usize,
}

impl ReadChunks for Reader {
    fn next(&mut self, _bytes_target: usize) -> Result<Option<Chunk>> {
        let rows = &self.table.partitions[self.partition];
        let (start, end) = (self.next, rows.len().min(self.next + self.table.chunk_rows));
        if start >= end {
            return Ok(None);
        }
        if rows[start..end].iter().any(|row| row.value == BROKEN) {
            match self.table.breaks {
                Break::ReadPanics => panic!("in a read"),
                Break::ReadFails => return Err(EngineError::external("cannot read", "broken")),
                Break::ReadBlocks => {
                    let (open, changed) = &*self.table.gate;
                    drop(changed.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
                }
                Break::Nothing | Break::DecodePanics => {}
            }
        }
        self.table.reads.lock().unwrap().push((self.table.first + self.partition, start));
        self.next = end;
        let bytes = [self.partition as u64, start as u64, end as u64].map(u64::to_le_bytes);
        let data = ChunkData::Bytes(bytes.concat());
        Ok(Some(Chunk { start: start as u64, end: end as u64, data }))
    }
}

/// Chunks name their rows: partition, start and end.
struct Decoder {
    table: Table,
    rows: Vec<Row>,
    records: Vec<Vec<u8>>,
    start: usize,
    next: usize,
}

impl Decode for Decoder {
    fn begin(&mut self, chunk: Chunk) {
        let ChunkData::Bytes(bytes) = chunk.data else { panic!("chunks of this table are bytes") };
        let (words, _) = bytes.as_chunks::<8>();
        let [partition, start, end] =
            [0, 1, 2].map(|word| usize::try_from(u64::from_le_bytes(words[word])).unwrap());
        self.rows = self.table.partitions[partition][start..end].to_vec();
        self.records = (start..end).map(|row| record(partition, row)).collect();
        (self.start, self.next) = (start, 0);
        if self.table.uneven {
            // Some chunks take long, so that later ones overtake them.
            let micros = (start * 7919 + partition * 104_729) % 5 * 200;
            thread::sleep(Duration::from_micros(micros as u64));
        }
    }

    fn next(&mut self, rows_max: usize) -> Result<Option<Decoded>> {
        let (from, to) = (self.next, self.rows.len().min(self.next + rows_max));
        if from == to {
            return Ok(None);
        }
        self.next = to;
        let breaks = |row: &Row| row.value == BROKEN;
        if self.table.breaks == Break::DecodePanics && self.rows[from..to].iter().any(breaks) {
            panic!("in a decoder");
        }
        let (mut rows, mut starts, mut rejected) = (Vec::new(), Vec::new(), Vec::new());
        for (index, row) in self.rows[from..to].iter().enumerate() {
            if row.value == GARBLED {
                let at = (self.start + from + index) as u64;
                let raw = self.records[from + index].clone();
                rejected.push(Rejected { at, reason: "garbled".into(), raw });
            } else {
                rows.push(*row);
                starts.push(u32::try_from(from + index).unwrap());
            }
        }
        Ok(Some(Decoded { rows: batch(&rows), starts, rejected }))
    }

    fn record(&self, start: u32) -> Option<&[u8]> {
        self.records.get(start as usize).map(Vec::as_slice)
    }
}
