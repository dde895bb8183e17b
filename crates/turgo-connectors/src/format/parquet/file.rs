//! A file as its footer tells it: its row groups, and how its columns become those of a table.
//!
//! - P2. What is wrong with the file as a whole, or does not fit the declaration, is known before its
//!   first row is read; it does not depend on which columns a query uses.

use std::ops::Range;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::ChunkReader;
use turgo_engine::need::Need;
use turgo_engine::time::EventTime;
use turgo_engine::types::sql_type;
use turgo_engine::{EngineError, Result};

use super::fit::Fit;
use super::{damaged, encrypted, guard, statistics};

/// Length of the footer and magic number.
const TAIL_BYTES: usize = 8;

/// A file, opened for a table.
#[derive(Debug)]
pub(crate) struct ParquetFile {
    /// Its name, for messages.
    pub(super) name: String,
    pub(super) metadata: ArrowReaderMetadata,
    /// The columns of the table, as declared.
    pub(super) schema: SchemaRef,
    /// Where each of them is in the file, and how it becomes what is declared.
    pub(super) columns: Vec<(usize, Fit)>,
    /// Bytes of the footer.
    footer_bytes: u64,
}

/// A row group for a query.
#[derive(Debug)]
pub(crate) struct Group {
    /// The numbers of its rows in the file.
    pub(crate) rows: Range<u64>,
    /// What is to be read of the file, in order.
    pub(crate) ranges: Vec<Range<u64>>,
    /// How many bytes that is once it is decompressed.
    pub(crate) plain_bytes: u64,
    /// The watermark of its rows, where none of them has to be read.
    pub(crate) skip: Option<EventTime>,
}

impl Group {
    /// How many bytes are to be read.
    pub(crate) fn bytes(&self) -> u64 {
        match self.skip {
            Some(_) => 0,
            None => self.ranges.iter().map(|range| range.end - range.start).sum(),
        }
    }
}

/// The footer of the file `name`.
///
/// # Errors
/// `External` where it is no Parquet file, or a damaged or an encrypted one.
pub(super) fn footer(name: &str, file: &impl ChunkReader) -> Result<(ArrowReaderMetadata, u64)> {
    let bytes = file.len();
    let no_parquet = |what: &str| EngineError::external(format!("cannot read {name}"), what);
    if bytes == 0 {
        return Err(no_parquet("it is empty; a Parquet file without rows has a footer"));
    }
    let tail = match bytes.checked_sub(TAIL_BYTES as u64) {
        Some(start) => guard(name, || file.get_bytes(start, TAIL_BYTES))?,
        None => Default::default(),
    };
    let tail: [u8; TAIL_BYTES] = tail.as_ref().try_into().unwrap_or_default();
    match tail {
        [.., b'P', b'A', b'R', b'1'] => {}
        [.., b'P', b'A', b'R', b'E'] => return Err(encrypted(name)),
        _ if bytes > 4 && guard(name, || file.get_bytes(0, 4))?.as_ref() == b"PAR1" => {
            return Err(damaged(name, "its end is missing"));
        }
        _ => {
            return Err(no_parquet(
                "it is not a Parquet file; if it is text, say 'format' = 'json' or 'csv'",
            ));
        }
    }
    // What the program that wrote the file would have liked to see does not decide types; the columns
    // as they are stored do.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata = guard(name, || ArrowReaderMetadata::load(file, options))?;
    let [a, b, c, d, ..] = tail;
    Ok((metadata, u64::from(u32::from_le_bytes([a, b, c, d])) + TAIL_BYTES as u64))
}

impl ParquetFile {
    /// Opens the file `name` for a table of `schema`.
    ///
    /// # Errors
    /// `External` where it is no readable Parquet file, `Data` where its columns are not those of the
    /// table.
    pub(crate) fn open(name: String, file: &impl ChunkReader, schema: &SchemaRef) -> Result<Self> {
        let (metadata, footer_bytes) = footer(&name, file)?;
        let there = metadata.schema();
        let columns = schema.fields().iter().map(|field| {
            column(field, there)
                .map_err(|what| EngineError::Data { message: what, place: Some(name.clone()) })
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let schema = SchemaRef::clone(schema);
        let opened = Self { name, metadata, schema, columns, footer_bytes };
        opened.check(file.len())?;
        Ok(opened)
    }

    fn group(&self, group: usize) -> &RowGroupMetaData {
        self.metadata.metadata().row_group(group)
    }

    /// Checks what the footer says of row groups, so that it can be relied upon below.
    fn check(&self, file_bytes: u64) -> Result<()> {
        let metadata = self.metadata.metadata();
        let leaves = metadata.file_metadata().schema_descr().num_columns();
        let within = |group: &RowGroupMetaData| {
            group.num_rows() >= 0
                && group.num_columns() == leaves
                && group.columns().iter().all(|column| {
                    let (start, length) = column.byte_range();
                    start.checked_add(length).is_some_and(|end| end <= file_bytes)
                })
        };
        let consistent = || {
            let rows = metadata.row_groups().iter().try_fold(0_i64, |rows, group| {
                rows.checked_add(group.num_rows()).filter(|_| within(group))
            });
            Ok(rows == Some(metadata.file_metadata().num_rows()))
        };
        match guard(&self.name, consistent)? {
            true => Ok(()),
            false => Err(damaged(&self.name, "its footer contradicts itself")),
        }
    }

    /// The columns `projection` of the table, as the library wants to know them.
    pub(super) fn mask(&self, projection: &[usize]) -> ProjectionMask {
        let roots = projection.iter().map(|column| self.columns[*column].0);
        ProjectionMask::roots(self.metadata.parquet_schema(), roots)
    }

    /// The row groups, for a query that needs no more than `need`.
    pub(crate) fn groups(&self, need: &Need) -> Vec<Group> {
        let mask = self.mask(&need.projection);
        let mut first = 0;
        let group = |index: usize| {
            let group = self.group(index);
            let rows = first..first + group.num_rows().unsigned_abs();
            first = rows.end;
            let columns = group.columns().iter().enumerate();
            let read: Vec<_> = columns.filter(|(leaf, _)| mask.leaf_included(*leaf)).collect();
            let mut ranges: Vec<Range<u64>> = read
                .iter()
                .map(|(_, column)| column.byte_range())
                .map(|(start, length)| start..start + length)
                .collect();
            let plain = read.iter().map(|(_, column)| column.uncompressed_size().unsigned_abs());
            let plain_bytes = plain.fold(0, u64::saturating_add);
            ranges.sort_unstable_by_key(|range| range.start);
            let skip = statistics::skip(self, index, need);
            Group { rows, ranges: joined(ranges), plain_bytes, skip }
        };
        (0..self.metadata.metadata().num_row_groups()).map(group).collect()
    }

    /// How many bytes of the file such a query reads.
    pub(crate) fn bytes(&self, groups: &[Group]) -> u64 {
        self.footer_bytes + groups.iter().map(Group::bytes).sum::<u64>()
    }
}

/// Ranges in order, those that touch each other as one.
fn joined(ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut joined: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// Where column `field` of a table is among those of a file, and how it becomes what is declared.
fn column(field: &Field, there: &Schema) -> Result<(usize, Fit), String> {
    let name = field.name();
    let mut found = there.fields().iter().enumerate().filter(|(_, other)| other.name() == name);
    let (root, stored) = match (found.next(), found.next()) {
        (Some(found), None) => found,
        (None, _) => {
            let names = there.fields().iter().map(|field| format!("`{}`", field.name()));
            return Err(format!(
                "the file has no column `{name}`; it has {}",
                names.collect::<Vec<_>>().join(", ")
            ));
        }
        _ => return Err(format!("the file has column `{name}` twice")),
    };
    let (stored, declared) = (stored.data_type(), field.data_type());
    let fit = Fit::of(stored, declared).ok_or_else(|| {
        format!(
            "column `{name}` is of type {} in the file, which is not read as {}; {}",
            sql_type(stored),
            sql_type(declared),
            remedy(stored)
        )
    })?;
    Ok((root, fit))
}

fn remedy(stored: &DataType) -> String {
    match super::infer::declared_type(stored) {
        Some(declared) => format!("declare it as {} and convert it with CAST", sql_type(&declared)),
        None => "leave it out of the declaration".into(),
    }
}
