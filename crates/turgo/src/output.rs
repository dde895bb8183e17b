//! Standard output: small tables and texts that no query writes.

use std::io::{ErrorKind, Write};

use arrow::array::RecordBatch;
use turgo_engine::EngineError;
use turgo_engine::io::Sink;
use turgo_engine::message::Batch;
use turgo_engine::time::WATERMARK_NONE;

/// Writes a small table to standard output, as the rows of a query are written.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn show(stdout: &dyn Sink, rows: RecordBatch) -> Result<(), EngineError> {
    let schema = rows.schema();
    let block = stdout.encoder(&schema, false)?.encode(&Batch::derived(rows, WATERMARK_NONE))?;
    let mut writer = stdout.writer(&schema, false)?;
    writer.write(block)?;
    writer.commit()
}

/// Writes text to standard output.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn print(text: &str) -> Result<(), EngineError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()).map_err(|error| {
        match error.kind() {
            ErrorKind::BrokenPipe => EngineError::Closed,
            _ => EngineError::external("cannot write to standard output", error),
        }
    })
}
