//! Writing a Parquet file that appears complete or not at all.

use std::fs::File;
use std::io::BufWriter;

use arrow::datatypes::Schema;
use parquet::arrow::ArrowWriter;
use turgo_engine::io::{Block, WriteBlocks};
use turgo_engine::{EngineError, Result};

use super::{BUFFER_BYTES, FileOptions, Staged, cannot_write, open};
use crate::filesystem::compression::Compression;
use crate::format::parquet::write;

/// Writes one Parquet file.
#[derive(Debug)]
pub(in crate::filesystem) struct ParquetWriter {
    /// As the user wrote it, for messages.
    shown: String,
    /// Before `staged`, so that it is closed before the temporary file is removed.
    rows: ArrowWriter<BufWriter<File>>,
    /// `None`: written in place (W3).
    staged: Option<Staged>,
}

impl ParquetWriter {
    /// A writer of rows of `schema`, as the options say.
    pub(in crate::filesystem) fn create(options: &FileOptions, schema: &Schema) -> Result<Self> {
        let shown = options.path.clone();
        let (file, staged) =
            open(options, Compression::None).map_err(|error| cannot_write(&shown, error))?;
        let out = BufWriter::with_capacity(BUFFER_BYTES, file);
        let rows = write::writer(out, schema, options.changelog, options.pages, &shown)?;
        Ok(Self { shown, rows, staged })
    }

    /// Writes the footer, makes durable and gives the final name.
    fn finish(&mut self) -> Result<()> {
        self.rows.finish().map_err(|error| write::cannot(&self.shown, error))?;
        let file = self.rows.inner_mut();
        let published = std::io::Write::flush(file).and_then(|()| {
            let Some(staged) = &mut self.staged else { return Ok(()) };
            file.get_ref().sync_all()?;
            staged.publish()
        });
        published.map_err(|error| cannot_write(&self.shown, error))
    }
}

impl WriteBlocks for ParquetWriter {
    fn write(&mut self, block: Block) -> Result<()> {
        let Block::Rows(batch) = block else {
            return Err(EngineError::internal("a Parquet file was handed bytes"));
        };
        self.rows.write(&batch.rows).map_err(|error| write::cannot(&self.shown, error))
    }

    /// Rows are seen a row group at a time: what would be flushed here would be small ones.
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<()> {
        self.finish()
    }
}
