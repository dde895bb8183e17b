//! Files as tables, seen from outside: everything goes through the registry of connectors.

#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy allows it in tests themselves")]

mod compressed;
mod csv;
mod csv_records;
mod inferred;
mod json;
mod json_lines;
mod parquet;
mod reading;
mod reference;
mod round_trip;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use turgo_connectors::connectors;
use turgo_engine::Result;
use turgo_engine::io::{Rejected, Source, TableSpec};

/// Columns by name and type, all nullable.
fn columns(columns: &[(&str, DataType)]) -> SchemaRef {
    let field = |(name, data_type): &(&str, DataType)| Field::new(*name, data_type.clone(), true);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

/// A filesystem table.
fn table(path: &Path, schema: &SchemaRef, options: &[(&str, &str)]) -> TableSpec {
    let common = [("connector", "filesystem"), ("path", path.to_str().unwrap())];
    let options: BTreeMap<String, String> = common
        .iter()
        .chain(options)
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    TableSpec { name: "t".into(), schema: SchemaRef::clone(schema), options }
}

/// All that a partition holds.
#[derive(Debug, PartialEq)]
struct Content {
    rows: RecordBatch,
    /// Positions of the rows.
    starts: Vec<u64>,
    rejected: Vec<Rejected>,
}

/// Reads a partition from `from` on; also returns where its chunks end.
fn read_from(
    source: &dyn Source,
    projection: &[usize],
    from: u64,
    chunk_bytes: usize,
    rows_max: usize,
) -> Result<(Content, Vec<u64>)> {
    source.partitions()?;
    let mut reader = source.open(0, from)?;
    let mut decoder = source.decoder(projection)?;
    let schema = Arc::new(source.schema().project(projection).unwrap());
    let nullable = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    let schema = Arc::new(Schema::new(nullable.collect::<Vec<_>>()));
    let (mut batches, mut starts, mut rejected, mut ends) = (vec![], vec![], vec![], vec![]);
    while let Some(chunk) = reader.next(chunk_bytes)? {
        let start = chunk.start;
        assert!(ends.last().is_none_or(|end| *end == start), "IO2");
        ends.push(chunk.end);
        decoder.begin(chunk);
        while let Some(decoded) = decoder.next(rows_max)? {
            assert!(decoded.rows.num_rows() <= rows_max);
            assert_eq!(decoded.rows.num_rows(), decoded.starts.len());
            starts.extend(decoded.starts.iter().map(|offset| start + u64::from(*offset)));
            rejected.extend(decoded.rejected);
            batches.push(decoded.rows);
        }
    }
    let rows = if projection.is_empty() {
        let count = batches.iter().map(RecordBatch::num_rows).sum();
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(count));
        RecordBatch::try_new_with_options(schema, vec![], &options).unwrap()
    } else {
        concat_batches(&schema, &batches).unwrap()
    };
    Ok((Content { rows, starts, rejected }, ends))
}

/// Reads a file written as `text` in one piece, and checks that cutting it up changes nothing.
fn read(text: &[u8], schema: &SchemaRef, options: &[(&str, &str)]) -> Result<Content> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let source = connectors().source(&table(file.path(), schema, options)).unwrap();
    let all: Vec<usize> = (0..schema.fields().len()).collect();
    let (whole, _) = read_from(source.as_ref(), &all, 0, 1 << 20, 1 << 20)?;
    for (chunk_bytes, rows_max) in [(1, 1), (1, 7), (17, 2), (64, 1000), (1 << 20, 1), (1 << 20, 3)]
    {
        let (cut, ends) = read_from(source.as_ref(), &all, 0, chunk_bytes, rows_max)?;
        assert_eq!(cut, whole, "chunks of {chunk_bytes} bytes, {rows_max} rows");
        for end in ends {
            let (rest, _) = read_from(source.as_ref(), &all, end, 1 << 20, 1 << 20)?;
            let before = whole.starts.iter().filter(|start| **start < end).count();
            assert_eq!(rest.starts, whole.starts[before..]);
            assert_eq!(rest.rows, whole.rows.slice(before, rest.starts.len()));
            let before = whole.rejected.iter().filter(|rejected| rejected.at < end).count();
            assert_eq!(rest.rejected, whole.rejected[before..]);
        }
    }
    Ok(whole)
}

/// Pseudo-random numbers for tests (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }

    fn one<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }
}
