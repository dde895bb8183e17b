//! What every table of made rows keeps: S1 to S3.

use std::time::Instant;

use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::display::array_value_to_string;

use super::*;

/// A declaration: columns and options.
pub(crate) fn spec(columns: &[(&str, DataType)], options: &[(&str, &str)]) -> TableSpec {
    let field = |(name, data_type): &(&str, DataType)| Field::new(*name, data_type.clone(), true);
    let option = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    TableSpec {
        name: "t".into(),
        schema: Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>())),
        options: options.iter().map(option).collect(),
    }
}

/// The rows of a source from `from` on, in chunks of `chunk` bytes and batches of `batch` rows.
pub(crate) fn read(
    source: &Arc<dyn Source>,
    projection: &[usize],
    from: Position,
    (chunk, batch): (usize, usize),
) -> RecordBatch {
    let mut reader = source.open(0, from).unwrap();
    let mut decoder = source.decoder(projection).unwrap();
    let (mut batches, mut next) = (Vec::new(), from);
    while let Some(chunk) = reader.next(chunk).unwrap() {
        assert_eq!(chunk.start, next);
        next = chunk.end;
        let start = chunk.start;
        let mut rows = 0;
        decoder.begin(chunk);
        while let Some(decoded) = decoder.next(batch).unwrap() {
            assert!(decoded.rejected.is_empty());
            assert!(decoded.rows.num_rows() <= batch);
            let starts = rows..rows + decoded.rows.num_rows() as u32;
            assert_eq!(decoded.starts, starts.clone().collect::<Vec<_>>());
            rows = starts.end;
            batches.push(decoded.rows);
        }
        assert_eq!(start + u64::from(rows), next);
    }
    let schema = projected(&source.schema(), projection);
    concat_batches(&schema, &batches).unwrap()
}

/// All rows and columns.
pub(crate) fn all(source: &Arc<dyn Source>) -> RecordBatch {
    let columns: Vec<usize> = (0..source.schema().fields().len()).collect();
    read(source, &columns, 0, (4 << 20, 16 << 10))
}

/// S1: neither chunks, batches, the place of the start nor the other columns matter.
#[track_caller]
pub(crate) fn rows_are_functions_of_their_numbers(source: &Arc<dyn Source>) {
    let whole = all(source);
    let rows = whole.num_rows();
    assert!(rows > 300, "enough rows to be cut");
    let columns: Vec<usize> = (0..whole.num_columns()).collect();
    for cut in [(1, 1), (700, 3), (5000, 64), (1 << 20, 7)] {
        assert_eq!(read(source, &columns, 0, cut), whole, "{cut:?}");
    }
    for from in [1, 49, 123, rows as u64 - 1] {
        let rest = whole.slice(from as usize, rows - from as usize);
        assert_eq!(read(source, &columns, from, (3000, 50)), rest, "from {from}");
    }
    for column in columns {
        let alone = read(source, &[column], 0, (3000, 50));
        assert_eq!(alone.column(0), whole.column(column), "column {column} alone");
    }
    assert_eq!(read(source, &[], 0, (3000, 50)).num_rows(), rows);
}

/// A row as text.
pub(crate) fn row(rows: &RecordBatch, row: usize) -> String {
    let value = |column: &ArrayRef| array_value_to_string(column, row).unwrap();
    rows.columns().iter().map(value).collect::<Vec<_>>().join("|")
}

/// A number that stands for all values (FNV-1a over their texts).
pub(crate) fn digest(rows: &RecordBatch) -> u64 {
    let mut digest = 0xCBF2_9CE4_8422_2325;
    for index in 0..rows.num_rows() {
        for byte in row(rows, index).bytes().chain([b'\n']) {
            digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
    digest
}

fn counter(rows: Option<u64>, rate: Option<f64>) -> Arc<dyn Source> {
    use arrow::datatypes::UInt64Type;
    let table = Synthetic {
        name: "counter".into(),
        schema: Arc::new(Schema::new(vec![Field::new("n", DataType::UInt64, false)])),
        columns: vec![Box::new(|rows| columns::numbers::<UInt64Type>(rows, |row| row))],
        rows,
        rate,
        row_bytes: 8,
    };
    table.source()
}

#[test]
fn a_table_ends_after_its_rows_or_never() {
    let source = counter(Some(1000), None);
    rows_are_functions_of_their_numbers(&source);
    assert!(source.bounded());
    assert_eq!(source.partitions().unwrap()[0].bytes, Some(8000));
    assert_eq!(source.describe(), "counter (1000 rows)");
    assert_eq!(source.place(0, 16), "counter, row 17");
    assert!(source.open(0, 1000).unwrap().next(100).unwrap().is_none());
    assert!(counter(Some(0), None).open(0, 0).unwrap().next(100).unwrap().is_none());

    let endless = counter(None, Some(2.5));
    assert!(!endless.bounded());
    assert_eq!(endless.partitions().unwrap()[0].bytes, None);
    assert_eq!(endless.describe(), "counter (endless, 2.5 a second)");
}

#[test]
fn no_row_is_handed_out_before_it_is_due() {
    #[expect(clippy::disallowed_methods, reason = "the wall clock is what is tested")]
    let begun = Instant::now();
    let mut reader = counter(Some(300), Some(1000.0)).open(0, 100).unwrap();
    let mut sizes = Vec::new();
    while let Some(chunk) = reader.next(4 << 20).unwrap() {
        let due = (chunk.end - 100) as f64 / 1000.0;
        assert!(begun.elapsed().as_secs_f64() >= due, "row {} too early", chunk.end);
        sizes.push(chunk.end - chunk.start);
    }
    assert_eq!(sizes, [20; 10], "a row waits at most 20 ms for the others of its chunk");
}

#[test]
fn a_slow_rate_hands_out_single_rows() {
    assert_eq!(Pace::new(0.5, 0).rows_max(), 1);
}
