//! Decoding texts that are in memory, cut up in any way.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::concat_batches;
use arrow::datatypes::{Field, Schema, SchemaRef};
use turgo_connectors::connectors;
use turgo_engine::io::{Chunk, ChunkData, Rejected, Source, TableSpec};

use crate::reference::{Cell, KEYS, shown, types};

/// Columns read together.
pub(crate) const PROJECTIONS: [&[usize]; 6] = [&[0, 1, 2, 3, 4], &[], &[0], &[2], &[1, 3], &[4]];

/// A table in a file that nobody opens.
pub(crate) fn table(schema: SchemaRef, options: &[(&str, &str)]) -> TableSpec {
    let common = [("connector", "filesystem"), ("path", "unread")];
    let options = common.iter().chain(options);
    let options: BTreeMap<String, String> =
        options.map(|(key, value)| ((*key).into(), (*value).into())).collect();
    TableSpec { name: "t".into(), schema, options }
}

/// The table of the columns that the reference knows.
pub(crate) fn source(options: &[(&str, &str)]) -> Arc<dyn Source> {
    let field = |(name, data_type)| Field::new(name, data_type, true);
    let fields: Vec<Field> = KEYS.into_iter().zip(types()).map(field).collect();
    connectors().source(&table(Arc::new(Schema::new(fields)), options)).expect("a sound table")
}

/// A record, as the reference reads it; `None`: it is rejected.
pub(crate) struct Expected<'a> {
    pub(crate) at: usize,
    pub(crate) raw: &'a [u8],
    pub(crate) cells: Option<[Cell; 5]>,
}

/// What was read of a text.
#[derive(Debug, PartialEq)]
pub(crate) struct Content {
    pub(crate) rows: RecordBatch,
    pub(crate) starts: Vec<u64>,
    pub(crate) rejected: Vec<Rejected>,
}

/// A text, and where it may be cut.
pub(crate) struct Text<'a> {
    /// What stands in front of every chunk.
    pub(crate) header: &'a [u8],
    pub(crate) records: &'a [u8],
    /// Where records end.
    pub(crate) ends: Vec<usize>,
}

impl Text<'_> {
    /// Reads the columns `projection`, cut at every `records`th end, in batches of `rows_max`.
    pub(crate) fn decode(
        &self,
        source: &dyn Source,
        projection: &[usize],
        records: usize,
        rows_max: usize,
    ) -> Content {
        let mut decoder = source.decoder(projection).expect("types that texts carry");
        let schema = source.schema().project(projection).expect("columns of the table");
        let (mut batches, mut starts, mut rejected) = (vec![], vec![], vec![]);
        let mut from = 0;
        let last = self.records.len();
        let ends = self.ends.iter().skip(records - 1).step_by(records).chain([&last]);
        for end in ends.copied() {
            if end == from {
                continue;
            }
            let (start, end) = (from, std::mem::replace(&mut from, end));
            let data = [self.header, &self.records[start..from]].concat();
            let chunk =
                Chunk { start: start as u64, end: end as u64, data: ChunkData::Bytes(data) };
            decoder.begin(chunk);
            while let Some(decoded) = decoder.next(rows_max).expect("a chunk of records") {
                assert!(decoded.rows.num_rows() <= rows_max, "more rows than were asked for");
                assert_eq!(decoded.rows.num_rows(), decoded.starts.len(), "a start for each row");
                starts
                    .extend(decoded.starts.iter().map(|offset| start as u64 + u64::from(*offset)));
                rejected.extend(decoded.rejected);
                batches.push(decoded.rows);
            }
        }
        Content { rows: concatenated(schema, &batches), starts, rejected }
    }

    /// Holds every projection, in one piece and cut up, against what is `expected`.
    pub(crate) fn check(&self, source: &dyn Source, expected: &[Expected<'_>]) {
        for projection in PROJECTIONS {
            let whole = self.decode(source, projection, usize::MAX, usize::MAX);
            compare(&whole, expected, projection);
            // Any cut will do, so one that depends on the input.
            let some = 1 + self.records.len() % 7;
            for (records, rows_max) in [(1, 1), (1, 3), (some, 2), (usize::MAX, some)] {
                let cut = self.decode(source, projection, records, rows_max);
                // NaN is unlike itself.
                assert_eq!(format!("{cut:?}"), format!("{whole:?}"), "cut after {records} records");
            }
        }
    }
}

fn concatenated(schema: Schema, batches: &[RecordBatch]) -> RecordBatch {
    let schema = Arc::new(schema);
    if schema.fields().is_empty() {
        let count = batches.iter().map(RecordBatch::num_rows).sum();
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        return RecordBatch::try_new_with_options(schema, vec![], &options).expect("no columns");
    }
    concat_batches(&schema, batches).expect("batches of one schema")
}

fn compare(content: &Content, expected: &[Expected<'_>], projection: &[usize]) {
    let fits = |cells: &[Cell; 5]| projection.iter().all(|index| cells[*index].is_some());
    let (good, bad): (Vec<_>, Vec<_>) =
        expected.iter().partition(|record| record.cells.as_ref().is_some_and(fits));
    let found: Vec<_> = content.rejected.iter().map(|r| (r.at as usize, &*r.raw)).collect();
    let expected: Vec<_> = bad.iter().map(|record| (record.at, record.raw)).collect();
    assert_eq!(found, expected, "rejected of columns {projection:?}");
    let expected: Vec<_> = good.iter().map(|record| record.at as u64).collect();
    assert_eq!(content.starts, expected, "starts of rows of columns {projection:?}");
    for (row, record) in good.iter().enumerate() {
        for (column, index) in content.rows.columns().iter().zip(projection) {
            let expected = record.cells.as_ref().and_then(|cells| cells[*index].clone());
            let expected = expected.expect("only rows that fit are good");
            let raw = String::from_utf8_lossy(record.raw);
            assert_eq!(shown(column, row), expected, "column {index} of {raw}");
        }
    }
}
