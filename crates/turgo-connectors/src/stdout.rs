//! Standard output as a sink: for bare SELECTs and for `print`.
//!
//! Rows appear as they come: whatever has been written is shown when the engine flushes, which it
//! does whenever no more rows are waiting. A reader that closes its end (`| head`) ends the query
//! without an error.

use std::io::{self, BufWriter, ErrorKind, Stdout, Write};

use arrow::datatypes::{Schema, SchemaRef};
use turgo_engine::io::{Block, Encode, Sink, WriteBlocks};
use turgo_engine::memory::KeepRows;
use turgo_engine::{EngineError, Result};

use crate::format::csv::Dialect;
use crate::format::csv::write::{CsvEncoder, header};
use crate::format::json::write::JsonEncoder;
use crate::format::text::Reader;

mod table;

use table::Table;

/// How rows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table for people.
    Table,
    /// CSV with a header.
    Csv,
    /// One JSON array of objects.
    Json,
    /// One JSON object per line.
    Ndjson,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Table, Self::Csv, Self::Json, Self::Ndjson];

    /// Its name on the command line and in options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
        }
    }
}

/// Standard output as a table that can be written.
#[derive(Debug, Clone)]
pub struct StdoutSink {
    format: Format,
}

impl StdoutSink {
    /// A sink that shows rows in `format`.
    pub fn new(format: Format) -> Self {
        Self { format }
    }
}

impl Sink for StdoutSink {
    fn describe(&self) -> String {
        format!("stdout {}", self.format.name())
    }

    fn accepts_changes(&self) -> bool {
        true
    }

    fn encoder(&self, schema: &SchemaRef, changes: bool) -> Result<Box<dyn Encode>> {
        Ok(match self.format {
            Format::Table => Box::new(KeepRows),
            Format::Csv => {
                Box::new(CsvEncoder::new(schema, &Dialect::default(), changes, Reader::Person)?)
            }
            Format::Json | Format::Ndjson => {
                Box::new(JsonEncoder::new(schema, changes, Reader::Person)?)
            }
        })
    }

    fn writer(&self, schema: &SchemaRef, changes: bool) -> Result<Box<dyn WriteBlocks>> {
        Ok(Box::new(Shown::<Stdout>::start(io::stdout(), self.format, schema, changes)?))
    }
}

/// Writes blocks to `W`, which is standard output but for tests.
struct Shown<W: Write> {
    out: BufWriter<W>,
    layout: Layout,
}

/// What stands around and between the records.
enum Layout {
    Table(Table),
    /// Records follow each other.
    Lines,
    /// Records are elements of an array; whether one has been written.
    Array {
        begun: bool,
    },
}

impl<W: Write> Shown<W> {
    fn start(out: W, format: Format, schema: &Schema, changes: bool) -> Result<Self> {
        let layout = match format {
            Format::Table => Layout::Table(Table::new(schema, changes)),
            Format::Json => Layout::Array { begun: false },
            Format::Csv | Format::Ndjson => Layout::Lines,
        };
        let mut shown = Self { out: BufWriter::with_capacity(64 << 10, out), layout };
        if format == Format::Csv {
            let header = header(schema, &Dialect::default(), changes);
            shown.out.write_all(&header).map_err(refused)?;
        }
        Ok(shown)
    }
}

impl<W: Write + Send> WriteBlocks for Shown<W> {
    fn write(&mut self, block: Block) -> Result<()> {
        match (&mut self.layout, block) {
            (Layout::Table(table), Block::Rows(batch)) => {
                table.push(&batch)?;
                if table.is_full() {
                    table.show(&mut self.out).map_err(refused)?;
                }
                Ok(())
            }
            (Layout::Lines, Block::Bytes(bytes)) => self.out.write_all(&bytes).map_err(refused),
            (Layout::Array { begun }, Block::Bytes(bytes)) => {
                for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                    let before: &[u8] = if *begun { b",\n" } else { b"[\n" };
                    *begun = true;
                    let record = line.strip_suffix(b"\n").unwrap_or(line);
                    self.out.write_all(before).map_err(refused)?;
                    self.out.write_all(record).map_err(refused)?;
                }
                Ok(())
            }
            _ => Err(EngineError::internal("a block of another encoder reached standard output")),
        }
    }

    fn flush(&mut self) -> Result<()> {
        if let Layout::Table(table) = &mut self.layout {
            table.show(&mut self.out).map_err(refused)?;
        }
        self.out.flush().map_err(refused)
    }

    fn commit(mut self: Box<Self>) -> Result<()> {
        match &mut self.layout {
            Layout::Table(table) => table.close(&mut self.out),
            Layout::Lines => Ok(()),
            Layout::Array { begun: true } => self.out.write_all(b"\n]\n"),
            Layout::Array { begun: false } => self.out.write_all(b"[]\n"),
        }
        .and_then(|()| self.out.flush())
        .map_err(refused)
    }
}

fn refused(error: io::Error) -> EngineError {
    match error.kind() {
        ErrorKind::BrokenPipe => EngineError::Closed,
        _ => EngineError::external("cannot write to standard output", error),
    }
}

#[cfg(test)]
mod tests;
