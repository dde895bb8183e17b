//! `'connector' = 'filesystem'`: tables in files.
//!
//! A source is one file, a directory or a glob pattern; every file is one partition. A sink writes
//! one file, under a temporary name until it is complete. Files may be compressed.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use turgo_engine::Result;
use turgo_engine::io::{Encode, OptionError, Sink, Source, TableSpec, WriteBlocks};

use crate::format::FileFormat;
use crate::format::csv::write::CsvEncoder;
use crate::format::json::write::JsonEncoder;
use crate::format::parquet::write::ParquetEncoder;
use crate::format::text::Reader;

mod compression;
mod content;
mod files;
mod infer;
mod lines;
mod options;
mod parquet;
mod reader;
mod source;
mod writer;

use compression::{PackedEncoder, Packer};
pub(crate) use infer::infer;
use options::FileOptions;
pub(crate) use options::OPTIONS;
use writer::FileWriter;
use writer::parquet::ParquetWriter;

/// The option that says from how many rows columns are inferred; among the options of an inferred
/// table, from how many they were.
const SAMPLE_ROWS: &str = "sample-rows";

/// Checks the options of a table.
pub(crate) fn check(table: &TableSpec) -> Result<(), OptionError> {
    FileOptions::parse(table).map(drop)
}

/// The table as a source.
pub(crate) fn source(table: &TableSpec) -> Result<Arc<dyn Source>, OptionError> {
    let options = FileOptions::parse(table)?;
    if options.changelog {
        return Err(OptionError {
            key: Some("changelog".into()),
            message: "reading a changelog back as changes is not there yet".into(),
            help: Some(
                "to read its rows as they were written, declare another table of the same file \
                 without 'changelog' and with `op VARCHAR` as first column"
                    .into(),
            ),
        });
    }
    let schema = Arc::clone(&table.schema);
    Ok(match options.format {
        FileFormat::Parquet => Arc::new(parquet::ParquetSource::new(schema, &options.path)),
        FileFormat::Json | FileFormat::Csv => Arc::new(source::FileSource::new(schema, options)),
    })
}

/// The table as a sink.
pub(crate) fn sink(table: &TableSpec) -> Result<Arc<dyn Sink>, OptionError> {
    Ok(Arc::new(FileSink { options: FileOptions::parse(table)? }))
}

/// A table written to one file.
#[derive(Debug)]
struct FileSink {
    options: FileOptions,
}

impl Sink for FileSink {
    fn describe(&self) -> String {
        self.options.describe()
    }

    fn accepts_changes(&self) -> bool {
        self.options.changelog
    }

    fn replaces(&self) -> Option<String> {
        writer::replaces(&self.options)
    }

    fn writes(&self, place: &str) -> bool {
        writer::place(&self.options).as_deref() == Some(place)
    }

    /// With `'changelog' = 'true'` every row has its operation, also where all are inserts: the
    /// layout of a file does not depend on the query that fills it.
    fn encoder(&self, schema: &SchemaRef, _changes: bool) -> Result<Box<dyn Encode>> {
        let changes = self.options.changelog;
        let encoder: Box<dyn Encode> = match self.options.format {
            FileFormat::Json => Box::new(JsonEncoder::new(schema, changes, Reader::Program)?),
            FileFormat::Csv => {
                Box::new(CsvEncoder::new(schema, &self.options.csv, changes, Reader::Program)?)
            }
            FileFormat::Parquet => return Ok(Box::new(ParquetEncoder::new(schema, changes)?)),
        };
        let compression = self.options.compression(Path::new(&self.options.path));
        Ok(match Packer::new(compression)? {
            Some(packer) => Box::new(PackedEncoder::new(encoder, packer)),
            None => encoder,
        })
    }

    fn writer(&self, schema: &SchemaRef, _changes: bool) -> Result<Box<dyn WriteBlocks>> {
        Ok(match self.options.format {
            FileFormat::Parquet => Box::new(ParquetWriter::create(&self.options, schema)?),
            FileFormat::Json | FileFormat::Csv => {
                Box::new(FileWriter::create(&self.options, schema)?)
            }
        })
    }
}
