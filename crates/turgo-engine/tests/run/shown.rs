//! A sink for tests: keeps rows and barriers in order, and is slow or breaks where told.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use turgo_engine::error::{EngineError, Result};
use turgo_engine::io::{Block, Encode, Sink, WriteBlocks};
use turgo_engine::memory::KeepRows;
use turgo_engine::message::Batch;

use crate::table::Table;

/// What a writer was given.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Rows(Batch),
    Barrier(u64),
    Commit,
}

/// What a writer does with each block.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Manner {
    #[default]
    Keep,
    Slow,
    Panic,
    Close,
    Fail,
}

/// The sink; clones share what it was given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    pub(crate) manner: Manner,
    /// The table whose rows it shows, one for one.
    pub(crate) of: Option<Table>,
    /// The most rows that had been read and not been written yet.
    pub(crate) behind_max: Arc<Mutex<usize>>,
    events: Arc<Mutex<Vec<Event>>>,
}

impl Shown {
    pub(crate) fn with(manner: Manner) -> Self {
        Self { manner, ..Self::default() }
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    pub(crate) fn batches(&self) -> Vec<Batch> {
        batches(&self.events())
    }

    pub(crate) fn committed(&self) -> bool {
        matches!(self.events.lock().unwrap().last(), Some(Event::Commit))
    }

    /// What was written before barrier `generation`.
    pub(crate) fn before(&self, generation: u64) -> Vec<Batch> {
        let events = self.events();
        let is_it = |event: &Event| matches!(event, Event::Barrier(g) if *g == generation);
        let at = events.iter().position(is_it).expect("a complete checkpoint has its barrier");
        batches(&events[..at])
    }
}

fn batches(events: &[Event]) -> Vec<Batch> {
    let rows = |event: &Event| match event {
        Event::Rows(batch) => Some(batch.clone()),
        _ => None,
    };
    events.iter().filter_map(rows).collect()
}

impl Sink for Shown {
    fn describe(&self) -> String {
        "what the test is shown".into()
    }

    fn accepts_changes(&self) -> bool {
        true
    }

    fn encoder(&self, _schema: &SchemaRef, _changes: bool) -> Result<Box<dyn Encode>> {
        Ok(Box::new(KeepRows))
    }

    fn writer(&self, _schema: &SchemaRef, _changes: bool) -> Result<Box<dyn WriteBlocks>> {
        Ok(Box::new(self.clone()))
    }
}

impl WriteBlocks for Shown {
    fn write(&mut self, block: Block) -> Result<()> {
        let Block::Rows(batch) = block else { panic!("rows are kept as they are") };
        match self.manner {
            Manner::Keep => {}
            Manner::Slow => thread::sleep(Duration::from_millis(2)),
            Manner::Panic => panic!("in a writer"),
            Manner::Close => return Err(EngineError::Closed),
            Manner::Fail => return Err(EngineError::external("cannot write", "full")),
        }
        if let Some(table) = &self.of {
            let written: usize = self.batches().iter().map(Batch::len).sum();
            let behind = table.chunks_read() * table.chunk_rows - written;
            let mut behind_max = self.behind_max.lock().unwrap();
            *behind_max = behind.max(*behind_max);
        }
        self.events.lock().unwrap().push(Event::Rows(batch));
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    fn barrier(&mut self, generation: u64) -> Result<()> {
        self.events.lock().unwrap().push(Event::Barrier(generation));
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<()> {
        self.events.lock().unwrap().push(Event::Commit);
        Ok(())
    }
}
