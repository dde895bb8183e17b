//! What the engine asks of the outside: sources, sinks and the connectors that make them.
//!
//! A source is a set of partitions. A partition is read in order, on a source thread, as chunks; a
//! chunk is decoded by whichever instance is free, on a worker, without touching the outside. A
//! sink mirrors it: rows are encoded on workers, and one sink thread writes the blocks.
//!
//! - IO1. A chunk holds whole records: it starts and ends at a record boundary.
//! - IO2. `Chunk::end` of one chunk is `Chunk::start` of the next, and [`Source::open`] at that
//!   position continues there: a position is all that a checkpoint needs.
//! - IO3. A writer shows nothing under the final name before [`WriteBlocks::commit`]; dropped
//!   without it, it removes what it wrote.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::error::Result;
use crate::message::Batch;
use crate::need::Need;
use crate::time::EventTime;

/// A place in a partition: ordered, otherwise opaque. For a file, a byte offset.
pub type Position = u64;

/// One part of a source with its own event time: a file, a topic partition.
#[derive(Debug, Clone)]
pub struct Partition {
    /// The name shown to people: a path, `topic[3]`.
    pub name: String,
    /// Its size in bytes where it is known: for progress and the estimate of what remains.
    pub bytes: Option<u64>,
}

/// A table that can be read.
pub trait Source: Debug + Send + Sync {
    /// One line for `explain`: connector, format and place.
    fn describe(&self) -> String;

    /// The physical columns, in declared order.
    fn schema(&self) -> SchemaRef;

    /// Whether it ends by itself.
    fn bounded(&self) -> bool {
        true
    }

    /// The same table for a query that reads no more of it than `need`; `None`: it would read the same
    /// bytes. Only such a source may leave records out ([`ChunkData::Skipped`]).
    fn narrow(&self, need: &Need) -> Option<Arc<dyn Source>> {
        let _ = need;
        None
    }

    /// The partitions to read, in a stable order. Called once per run, on a source thread.
    ///
    /// # Errors
    /// `External` when they cannot be listed; naming a file that does not exist is an error, an
    /// empty directory is not.
    fn partitions(&self) -> Result<Vec<Partition>>;

    /// A reader of partition `partition` (an index into [`Source::partitions`]) from `from` on;
    /// 0 is the start. Called on a source thread.
    ///
    /// # Errors
    /// `External` when it cannot be opened.
    fn open(&self, partition: usize, from: Position) -> Result<Box<dyn ReadChunks>>;

    /// A decoder producing the columns `projection` (indices into [`Source::schema`], ascending;
    /// possibly none, then only rows are counted). One per instance.
    ///
    /// # Errors
    /// `Unsupported` when the format cannot carry a column's type.
    fn decoder(&self, projection: &[usize]) -> Result<Box<dyn Decode>>;

    /// Where `position` of a partition is, for people: `bids.ndjson:17`. May read the partition
    /// again; called only when a run fails.
    fn place(&self, partition: usize, position: Position) -> String;

    /// Finds the places of many positions of a partition, mostly ascending ones. To override where
    /// finding one from scratch takes long.
    fn places(&self, partition: usize) -> Box<dyn FnMut(Position) -> String + Send + '_> {
        Box::new(move |position| self.place(partition, position))
    }

    /// Whether its rows are decoded from records, of which [`Decode::record`] gives the bytes.
    fn has_records(&self) -> bool {
        false
    }

    /// Whether it reads what is at `place`, a name in the sense of [`Sink::replaces`].
    fn reads(&self, place: &str) -> bool {
        let _ = place;
        false
    }
}

/// Reads one partition, in order. Blocks; lives on a source thread.
pub trait ReadChunks: Send {
    /// The next chunk of about `bytes_target` bytes: more where one record, or what can only be decoded
    /// together, is larger, less at the end, `None` after it.
    ///
    /// # Errors
    /// `External` for what the outside refuses, `Data` for a record over the size limit.
    fn next(&mut self, bytes_target: usize) -> Result<Option<Chunk>>;

    /// How many of [`Partition::bytes`] have been read, where positions count others: those of a
    /// compressed file count its content.
    fn bytes_read(&self) -> Option<u64> {
        None
    }
}

/// A run of whole records of one partition.
#[derive(Debug)]
pub struct Chunk {
    /// Where its first record starts.
    pub start: Position,
    /// Where the record after its last one starts.
    pub end: Position,
    /// The records.
    pub data: ChunkData,
}

/// The records of a chunk, undecoded or not.
#[derive(Debug)]
pub enum ChunkData {
    /// Bytes of a format, of a partition whose positions are byte offsets.
    Bytes(Vec<u8>),
    /// Columns, as declared by [`Source::schema`]; for tables in memory.
    Rows(RecordBatch),
    /// Nothing but the chunk's positions: the decoder makes the records that belong there, so that
    /// making them is work for all workers.
    Range {
        /// Memory the records are taken to have, for the size of chunks and for progress.
        bytes: usize,
    },
    /// What only the decoder of the same source understands.
    Own {
        /// The records.
        records: Box<dyn Any + Send>,
        /// Memory they hold.
        bytes: usize,
    },
    /// Records that were left unread, since no row of them is within the bounds of [`Source::narrow`]:
    /// they are counted, and go to no decoder.
    Skipped {
        /// How many.
        rows: u64,
        /// The watermark they stand for.
        watermark: EventTime,
    },
}

impl Chunk {
    /// Memory held.
    pub fn bytes(&self) -> usize {
        match &self.data {
            ChunkData::Bytes(bytes) => bytes.len(),
            ChunkData::Rows(rows) => rows.get_array_memory_size(),
            ChunkData::Range { bytes } | ChunkData::Own { bytes, .. } => *bytes,
            ChunkData::Skipped { .. } => 0,
        }
    }
}

/// Turns chunks into columns. Pure computation; lives in one instance.
pub trait Decode: Send {
    /// Takes the next chunk. The previous one has been decoded to its end, or is abandoned.
    fn begin(&mut self, chunk: Chunk);

    /// The next rows of the chunk, at most `rows_max` of them, `None` at its end.
    ///
    /// A record that does not fit the schema is not an error here: it is left out of the rows and
    /// listed in [`Decoded::rejected`].
    ///
    /// # Errors
    /// Only what makes the rest of the chunk unreadable.
    fn next(&mut self, rows_max: usize) -> Result<Option<Decoded>>;

    /// The record of the chunk at hand that starts `start` after [`Chunk::start`], without its line
    /// end; `None` where rows do not come from records.
    fn record(&self, start: u32) -> Option<&[u8]> {
        let _ = start;
        None
    }
}

/// Rows of a chunk.
#[derive(Debug)]
pub struct Decoded {
    /// The projected columns; all of them nullable.
    pub rows: RecordBatch,
    /// Where each row starts, in `Position`s after [`Chunk::start`]; as many as rows.
    pub starts: Vec<u32>,
    /// Records that were not understood, in order.
    pub rejected: Vec<Rejected>,
}

/// A record that was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Where it starts in its partition.
    pub at: Position,
    /// The column and what is wrong with it: ``column `price`: "x" is not a BIGINT``.
    pub reason: String,
    /// The record as it was read, without its line end.
    pub raw: Vec<u8>,
}

/// A table that can be written.
pub trait Sink: Debug + Send + Sync {
    /// One line for `explain`: connector, format and place.
    fn describe(&self) -> String;

    /// Whether it can show a changelog, that is, an operation for each row.
    fn accepts_changes(&self) -> bool;

    /// The place whose earlier content a commit puts an end to, under one name for all tables that
    /// write it; `None` where rows are added to what is there.
    fn replaces(&self) -> Option<String> {
        None
    }

    /// Whether it writes to `place`, a name in the sense of [`Sink::replaces`], in whatever way.
    fn writes(&self, place: &str) -> bool {
        self.replaces().as_deref() == Some(place)
    }

    /// An encoder for rows of `schema`; `changes`: the rows are a changelog. One per instance;
    /// pure computation.
    ///
    /// # Errors
    /// `Unsupported` when the format cannot carry a column's type.
    fn encoder(&self, schema: &SchemaRef, changes: bool) -> Result<Box<dyn Encode>>;

    /// The writer, made before the first row is read; it then moves to the sink thread.
    ///
    /// # Errors
    /// `External` when the place cannot be written.
    fn writer(&self, schema: &SchemaRef, changes: bool) -> Result<Box<dyn WriteBlocks>>;
}

/// Turns rows into what a sink writes. Pure computation; lives in one instance.
pub trait Encode: Send {
    /// Encodes one batch; blocks of different instances may be written in any order.
    ///
    /// # Errors
    /// `Data` when a value cannot be written in the format.
    fn encode(&mut self, batch: &Batch) -> Result<Block>;
}

/// What an encoder hands to a writer.
#[derive(Debug)]
pub enum Block {
    /// Bytes to be written as they are, a whole number of records.
    Bytes(Vec<u8>),
    /// Rows, for writers that lay out what they show or keep it.
    Rows(Batch),
}

/// Writes blocks in the order they come. Blocks the calling thread; lives on a sink thread.
pub trait WriteBlocks: Send {
    /// Writes one block.
    ///
    /// # Errors
    /// `External` when the outside refuses, `Closed` when a reader of the results went away.
    fn write(&mut self, block: Block) -> Result<()>;

    /// Everything written so far becomes visible to whoever watches; called when no more blocks
    /// are waiting.
    ///
    /// # Errors
    /// As [`WriteBlocks::write`].
    fn flush(&mut self) -> Result<()>;

    /// All rows before checkpoint `generation` have been written.
    ///
    /// # Errors
    /// As [`WriteBlocks::write`].
    fn barrier(&mut self, generation: u64) -> Result<()> {
        let _ = generation;
        Ok(())
    }

    /// All rows have been written: makes them final.
    ///
    /// # Errors
    /// As [`WriteBlocks::write`]; nothing is shown under the final name then.
    fn commit(self: Box<Self>) -> Result<()>;
}

/// A table as it was declared, for the connector that serves it.
#[derive(Debug, Clone)]
pub struct TableSpec {
    /// Its name.
    pub name: String,
    /// Its physical columns (no computed ones).
    pub schema: SchemaRef,
    /// Its options, but for those that every source shares and the planner takes out.
    pub options: BTreeMap<String, String>,
}

/// An option that a connector cannot accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionError {
    /// The option at fault; `None` where one is missing.
    pub key: Option<String>,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
}

/// Where an option's name takes the name of a column: `fields.<column>.min`.
pub const COLUMN: &str = "<column>";

/// The options `known` of a connector as a table of `schema` can spell them.
pub fn option_names(known: &[&str], schema: &SchemaRef) -> Vec<String> {
    let spelt = |name: &&str| match name.contains(COLUMN) {
        false => vec![(*name).to_owned()],
        true => schema.fields().iter().map(|f| name.replace(COLUMN, f.name())).collect(),
    };
    known.iter().flat_map(spelt).collect()
}

/// The error of [`Connectors::infer`] for a connector whose tables need columns.
pub fn not_inferred(table: &TableSpec) -> OptionError {
    OptionError {
        key: Some("connector".into()),
        message: format!("table `{}` has no columns", table.name),
        help: Some("declare them: this connector does not find them by itself".into()),
    }
}

/// All connectors of a program, by name: what the planner needs to know of them.
pub trait Connectors: Debug + Send + Sync {
    /// Names of the connectors, for messages.
    fn names(&self) -> Vec<&'static str>;

    /// The options connector `name` knows, without the shared ones; `None`: no such connector.
    ///
    /// A name with [`COLUMN`] in it stands for one option per physical column: see
    /// [`option_names`].
    fn options(&self, name: &str) -> Option<&'static [&'static str]>;

    /// Checks a declaration without touching the outside.
    ///
    /// # Errors
    /// The first option that cannot be accepted.
    fn check(&self, table: &TableSpec) -> Result<(), OptionError>;

    /// `table`, which declares no columns, with those found in about `rows` of its rows, and with
    /// the options that were found with them.
    ///
    /// # Errors
    /// Where the connector does not do that, the outside cannot be read, or has no rows or ones
    /// that no columns fit.
    fn infer(&self, table: &TableSpec, rows: usize) -> Result<TableSpec, OptionError> {
        let _ = rows;
        Err(not_inferred(table))
    }

    /// The table as a source.
    ///
    /// # Errors
    /// Also where the connector can only be written to.
    fn source(&self, table: &TableSpec) -> Result<Arc<dyn Source>, OptionError>;

    /// The table as a sink.
    ///
    /// # Errors
    /// Also where the connector can only be read from.
    fn sink(&self, table: &TableSpec) -> Result<Arc<dyn Sink>, OptionError>;
}
