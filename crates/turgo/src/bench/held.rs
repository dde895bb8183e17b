//! The connectors of this program with their tables held in memory.
//!
//! A table is read once, when a query over it is planned, and kept as batches of columns; queries
//! that follow each other over one table share it. The one before is given up, so that memory holds
//! one table at a time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use turgo_engine::io::{Connectors, OptionError, Sink, Source, TableSpec};
use turgo_engine::memory::MemorySource;
use turgo_engine::{EngineError, Result};

/// Rows of a batch.
const BATCH_ROWS: usize = 16 << 10;

/// Bytes read at a time.
const CHUNK_BYTES: usize = 4 << 20;

/// What a table is told by.
type Key = (SchemaRef, BTreeMap<String, String>);

#[derive(Debug)]
pub(super) struct Held {
    outside: Arc<dyn Connectors>,
    // LOCK: taken once per query that is planned.
    table: Mutex<Option<(Key, MemorySource)>>,
}

impl Held {
    /// Holds the tables of `outside`.
    pub(super) fn new(outside: Arc<dyn Connectors>) -> Self {
        Self { outside, table: Mutex::new(None) }
    }
}

/// Reads the columns `projection` of `source`, partition after partition.
///
/// # Errors
/// Those of the source, those of `each`, and a record that is not understood.
pub(super) fn read(
    source: &dyn Source,
    projection: &[usize],
    mut each: impl FnMut(usize, arrow::array::RecordBatch) -> Result<()>,
) -> Result<()> {
    for partition in 0..source.partitions()?.len() {
        let mut reader = source.open(partition, 0)?;
        let mut decoder = source.decoder(projection)?;
        while let Some(chunk) = reader.next(CHUNK_BYTES)? {
            decoder.begin(chunk);
            while let Some(decoded) = decoder.next(BATCH_ROWS)? {
                if let Some(bad) = decoded.rejected.first() {
                    let place = source.place(partition, bad.at);
                    return Err(EngineError::Unsupported(format!("{place}: {}", bad.reason)));
                }
                each(partition, decoded.rows)?;
            }
        }
    }
    Ok(())
}

fn hold(source: &dyn Source) -> Result<MemorySource> {
    let schema = source.schema();
    let all: Vec<usize> = (0..schema.fields().len()).collect();
    let mut partitions = vec![Vec::new(); source.partitions()?.len()];
    read(source, &all, |partition, rows| {
        partitions[partition].push(rows);
        Ok(())
    })?;
    Ok(MemorySource::new(schema, partitions))
}

impl Connectors for Held {
    fn names(&self) -> Vec<&'static str> {
        self.outside.names()
    }

    fn options(&self, name: &str) -> Option<&'static [&'static str]> {
        self.outside.options(name)
    }

    fn check(&self, table: &TableSpec) -> std::result::Result<(), OptionError> {
        self.outside.check(table)
    }

    fn source(&self, table: &TableSpec) -> std::result::Result<Arc<dyn Source>, OptionError> {
        let key = (SchemaRef::clone(&table.schema), table.options.clone());
        let mut held = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((there, source)) = &*held
            && *there == key
        {
            return Ok(Arc::new(source.clone()));
        }
        *held = None;
        let source = hold(&*self.outside.source(table)?).map_err(|error| OptionError {
            key: None,
            message: format!("table `{}` cannot be read into memory: {error}", table.name),
            help: None,
        })?;
        *held = Some((key, source.clone()));
        Ok(Arc::new(source))
    }

    fn sink(&self, table: &TableSpec) -> std::result::Result<Arc<dyn Sink>, OptionError> {
        self.outside.sink(table)
    }
}
