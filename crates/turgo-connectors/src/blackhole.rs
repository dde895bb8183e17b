//! `'connector' = 'blackhole'`: takes rows and forgets them; for measuring what stands before it.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use turgo_engine::Result;
use turgo_engine::io::{Block, Encode, Sink, WriteBlocks};
use turgo_engine::memory::KeepRows;

/// The options it knows.
pub(crate) const OPTIONS: &[&str] = &["connector"];

/// The sink.
pub(crate) fn sink() -> Arc<dyn Sink> {
    Arc::new(Blackhole)
}

#[derive(Debug)]
struct Blackhole;

impl Sink for Blackhole {
    fn describe(&self) -> String {
        "blackhole".into()
    }

    fn accepts_changes(&self) -> bool {
        true
    }

    fn encoder(&self, _schema: &SchemaRef, _changes: bool) -> Result<Box<dyn Encode>> {
        Ok(Box::new(KeepRows))
    }

    fn writer(&self, _schema: &SchemaRef, _changes: bool) -> Result<Box<dyn WriteBlocks>> {
        Ok(Box::new(Forget))
    }
}

struct Forget;

impl WriteBlocks for Forget {
    fn write(&mut self, block: Block) -> Result<()> {
        drop(block);
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
