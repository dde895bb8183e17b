//! Writing rows as Parquet.
//!
//! Encoders only bring rows into types that Parquet has; columns are encoded and compressed by the one
//! thread that writes, because a row group has the rows of all instances. What it holds back is one
//! row group: of [`GROUP_ROWS`], or fewer where they come to [`GROUP_BYTES`].

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{self, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use turgo_engine::io::{Block, Encode};
use turgo_engine::message::Batch;
use turgo_engine::types::sql_type;
use turgo_engine::{EngineError, Result};

use crate::format::text::{OPERATION, check_operation};

/// Most rows of a row group: what is passed over or read as a whole.
const GROUP_ROWS: usize = 128 << 10;
/// Most bytes of a row group, encoded: what is held until it is written.
const GROUP_BYTES: usize = 64 << 20;

/// How pages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageCompression {
    None,
    Snappy,
    Gzip,
    Lz4,
    Zstd,
}

impl PageCompression {
    /// Names of an option, and what they stand for.
    pub(crate) const NAMES: [(&str, Self); 5] = [
        ("zstd", Self::Zstd),
        ("snappy", Self::Snappy),
        ("gzip", Self::Gzip),
        ("lz4", Self::Lz4),
        ("none", Self::None),
    ];

    fn codec(self) -> basic::Compression {
        match self {
            Self::None => basic::Compression::UNCOMPRESSED,
            Self::Snappy => basic::Compression::SNAPPY,
            Self::Gzip => basic::Compression::GZIP(GzipLevel::default()),
            Self::Lz4 => basic::Compression::LZ4_RAW,
            Self::Zstd => basic::Compression::ZSTD(ZstdLevel::default()),
        }
    }
}

/// The columns of a file for rows of `schema`, the operation in front where `changes`.
///
/// # Errors
/// `Unsupported` where Parquet has no type for one.
fn written(schema: &Schema, changes: bool) -> Result<SchemaRef> {
    check_operation(schema, changes)?;
    let operation = changes.then(|| Arc::new(Field::new(OPERATION, DataType::Utf8, false)));
    let columns = schema.fields().iter().map(|field| {
        let written = stored(field.data_type()).ok_or_else(|| {
            let (name, data_type) = (field.name(), sql_type(field.data_type()));
            EngineError::Unsupported(format!(
                "column `{name}` is of type {data_type}, which Parquet does not have; convert it with CAST"
            ))
        })?;
        Ok(Arc::new(field.as_ref().clone().with_data_type(written)))
    });
    let columns = columns.collect::<Result<Vec<FieldRef>>>()?;
    Ok(Arc::new(Schema::new(operation.into_iter().chain(columns).collect::<Vec<_>>())))
}

/// The type that values of a type are written as: Parquet has no seconds.
fn stored(data_type: &DataType) -> Option<DataType> {
    use DataType as T;
    let inner = |field: &FieldRef| {
        Some(Arc::new(field.as_ref().clone().with_data_type(stored(field.data_type())?)))
    };
    Some(match data_type {
        T::Timestamp(TimeUnit::Second, zone) => T::Timestamp(TimeUnit::Millisecond, zone.clone()),
        T::Time32(TimeUnit::Second) => T::Time32(TimeUnit::Millisecond),
        T::List(item) => T::List(inner(item)?),
        T::Struct(fields) => T::Struct(fields.iter().map(inner).collect::<Option<_>>()?),
        T::Map(entries, sorted) => T::Map(inner(entries)?, *sorted),
        T::Interval(_) | T::Duration(_) | T::Union(..) | T::Dictionary(..) => return None,
        other => other.clone(),
    })
}

/// Brings rows into the types of a file.
#[derive(Debug)]
pub(crate) struct ParquetEncoder {
    schema: SchemaRef,
    changes: bool,
}

impl ParquetEncoder {
    /// An encoder of rows of `schema`, with their operations where `changes`.
    ///
    /// # Errors
    /// `Unsupported` where Parquet has no type for a column.
    pub(crate) fn new(schema: &Schema, changes: bool) -> Result<Self> {
        Ok(Self { schema: written(schema, changes)?, changes })
    }
}

impl Encode for ParquetEncoder {
    fn encode(&mut self, batch: &Batch) -> Result<Block> {
        let operation = self.changes.then(|| -> ArrayRef {
            let symbols = (0..batch.len()).map(|row| batch.change(row).symbol());
            Arc::new(StringArray::from_iter_values(symbols))
        });
        let exact = CastOptions { safe: false, ..CastOptions::default() };
        let fields = self.schema.fields().iter().skip(usize::from(self.changes));
        let columns = batch.rows.columns().iter().zip(fields).map(|(column, field)| {
            cast_with_options(column, field.data_type(), &exact).map_err(|error| {
                let error = EngineError::from(error);
                EngineError::data(format!("column `{}`: {error}", field.name()))
            })
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let columns = operation.into_iter().chain(columns).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.len()));
        let schema = SchemaRef::clone(&self.schema);
        let rows = RecordBatch::try_new_with_options(schema, columns, &options)?;
        Ok(Block::Rows(Batch { rows, ..batch.clone() }))
    }
}

/// A writer of rows of `schema` to `out`, the file `name`.
///
/// # Errors
/// `Unsupported` where Parquet has no type for a column, `External` where `out` cannot be written.
pub(crate) fn writer<W: Write + Send>(
    out: W,
    schema: &Schema,
    changes: bool,
    compression: PageCompression,
    name: &str,
) -> Result<ArrowWriter<W>> {
    let properties = WriterProperties::builder()
        .set_compression(compression.codec())
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        // The names of list elements and map entries as the format's description has them.
        .set_coerce_types(true)
        .set_created_by(concat!("turgo version ", env!("CARGO_PKG_VERSION")).into())
        .build();
    let options =
        ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(out, written(schema, changes)?, options)
        .map_err(|error| cannot(name, error))
}

/// What the library says of rows that were to be written to `name`.
pub(crate) fn cannot(name: &str, error: ParquetError) -> EngineError {
    let action = format!("cannot write {name}");
    let ParquetError::External(error) = error else { return EngineError::external(action, error) };
    // What the system says of the file.
    match error.downcast::<std::io::Error>() {
        Ok(error) if error.kind() == std::io::ErrorKind::BrokenPipe => EngineError::Closed,
        Ok(error) => EngineError::external(action, error),
        Err(error) => EngineError::external(action, error),
    }
}
