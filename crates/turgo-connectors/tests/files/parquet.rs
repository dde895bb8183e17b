//! Parquet files: columns as they are stored and as they are declared, parts, damage.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Decimal128Array, Float64Array, Int8Array, Int32Array,
    Int64Array, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use turgo_connectors::connectors;
use turgo_engine::Result;
use turgo_engine::io::{ChunkData, Source};
use turgo_engine::need::{Bound, Need, TimeNeed};

use crate::{Content, Random, columns, read_from, table};

/// A directory with a file of `columns`, in row groups of `group` rows.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new(columns: Vec<(&str, ArrayRef)>, group: usize) -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap() };
        place.add("a.parquet", columns, group);
        place
    }

    fn add(&self, name: &str, columns: Vec<(&str, ArrayRef)>, group: usize) {
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group));
        let file = fs::File::create(self.path(name)).unwrap();
        let mut writer =
            ArrowWriter::try_new(file, rows.schema(), Some(properties.build())).unwrap();
        writer.write(&rows).unwrap();
        writer.close().unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn source(&self, schema: &SchemaRef) -> Arc<dyn Source> {
        source(&self.path("a.parquet"), schema)
    }
}

fn source(path: &Path, schema: &SchemaRef) -> Arc<dyn Source> {
    connectors().source(&table(path, schema, &[("format", "parquet")])).unwrap()
}

/// All rows of the first file.
fn all(source: &dyn Source) -> Result<Content> {
    let every: Vec<usize> = (0..source.schema().fields().len()).collect();
    read_from(source, &every, 0, 1 << 20, 1 << 20).map(|(content, _)| content)
}

fn numbers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

/// The column `c` of `stored`, read as `declared`: what becomes of its rows.
fn converted(stored: ArrayRef, declared: DataType) -> (ArrayRef, Vec<String>) {
    let place = Place::new(vec![("c", stored)], 1_000);
    let content = all(place.source(&columns(&[("c", declared)])).as_ref()).unwrap();
    let reasons = content.rejected.into_iter().map(|rejected| rejected.reason).collect();
    (Arc::clone(content.rows.column(0)), reasons)
}

#[test]
fn values_are_converted_exactly_or_rejected() {
    let ints: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(-128), Some(128)]));
    let (tiny, rejected) = converted(Arc::clone(&ints), DataType::Int8);
    assert_eq!(tiny.as_ref(), &Int8Array::from(vec![Some(1), None, Some(-128)]) as &dyn Array);
    assert_eq!(rejected, ["column `c`: 128 is not a TINYINT"]);
    let (unsigned, rejected) = converted(ints, DataType::UInt64);
    assert_eq!(unsigned.as_ref(), &UInt64Array::from(vec![Some(1), None, Some(128)]) as &dyn Array);
    assert_eq!(rejected, ["column `c`: -128 is not a BIGINT UNSIGNED"]);

    let (wide, rejected) = converted(Arc::new(Int32Array::from(vec![7, -7])), DataType::Int64);
    assert_eq!(
        (wide.as_primitive::<Int64Type>().values().to_vec(), rejected),
        (vec![7, -7], vec![])
    );

    let micros = Arc::new(TimestampMicrosecondArray::from(vec![1_000, -1_500, -2_000]));
    let (millis, rejected) = converted(micros, DataType::Timestamp(TimeUnit::Millisecond, None));
    assert_eq!(millis.as_ref(), &TimestampMillisecondArray::from(vec![1, -2]) as &dyn Array);
    assert_eq!(rejected.len(), 1, "{rejected:?}");
    assert!(rejected[0].contains("is not a TIMESTAMP(3)"), "{rejected:?}");

    let millis = Arc::new(TimestampMillisecondArray::from(vec![5, i64::MAX]));
    let (nanos, rejected) = converted(millis, DataType::Timestamp(TimeUnit::Nanosecond, None));
    assert_eq!(nanos.as_ref(), &TimestampNanosecondArray::from(vec![5_000_000]) as &dyn Array);
    assert_eq!(rejected.len(), 1);

    let cents = Decimal128Array::from(vec![150, 155, 99_999]).with_precision_and_scale(5, 2);
    let (tenths, rejected) = converted(Arc::new(cents.unwrap()), DataType::Decimal128(3, 1));
    assert_eq!(rejected.len(), 2, "{rejected:?}");
    let expected = Decimal128Array::from(vec![15]).with_precision_and_scale(3, 1).unwrap();
    assert_eq!(tenths.as_ref(), &expected as &dyn Array);

    let old = Arc::new(BinaryArray::from_vec(vec![b"gr\xc3\xbcn", b"\xff"]));
    let (text, rejected) = converted(old, DataType::Utf8);
    assert_eq!(text.as_ref(), &StringArray::from(vec!["grün"]) as &dyn Array);
    assert_eq!(rejected.len(), 1);

    // UTC is UTC, whether the file says so or not.
    let zoned = TimestampMillisecondArray::from(vec![5]).with_timezone("UTC");
    let (plain, _) = converted(Arc::new(zoned), DataType::Timestamp(TimeUnit::Millisecond, None));
    assert_eq!(plain.as_ref(), &TimestampMillisecondArray::from(vec![5]) as &dyn Array);
}

#[test]
fn a_column_that_is_not_that_of_the_table_is_an_error_before_the_first_row() {
    let place =
        Place::new(vec![("c", numbers([1])), ("d", Arc::new(StringArray::from(vec!["x"])))], 9);
    for (name, declared, said) in [
        (
            "c",
            DataType::Utf8,
            "column `c` is of type BIGINT in the file, which is not read as VARCHAR; declare it as BIGINT",
        ),
        ("c", DataType::Float64, "which is not read as DOUBLE"),
        ("d", DataType::Int64, "column `d` is of type VARCHAR"),
        ("C", DataType::Int64, "the file has no column `C`; it has `c`, `d`"),
    ] {
        let source = place.source(&columns(&[("c", DataType::Int64), (name, declared)]));
        let error = source.partitions().unwrap_err();
        assert_eq!(error.code(), "data");
        let said_it = error.to_string();
        assert!(said_it.contains("a.parquet: ") && said_it.contains(said), "{said_it}");
    }
}

#[test]
fn null_where_it_is_not_allowed_rejects_the_row() {
    let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let place = Place::new(vec![("c", values), ("d", numbers([4, 5, 6]))], 2);
    let required = Field::new("c", DataType::Int64, false);
    let schema = Arc::new(Schema::new(vec![Field::new("d", DataType::Int64, true), required]));
    let source = place.source(&schema);
    let content = all(source.as_ref()).unwrap();
    assert_eq!(content.starts, [0, 2]);
    assert_eq!(content.rows.column(0).as_primitive::<Int64Type>().values(), &[4, 6]);
    assert_eq!(content.rejected.len(), 1);
    assert_eq!(content.rejected[0].at, 1);
    assert_eq!(content.rejected[0].reason, "column `c`: it is NULL and declared NOT NULL");
    assert!(source.place(0, 1).ends_with("a.parquet, row 2"), "{}", source.place(0, 1));
}

#[test]
fn columns_are_found_by_name_whatever_their_order() {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["x", "y"]));
    let place = Place::new(vec![("z", numbers([1, 2])), ("m", text), ("a", numbers([3, 4]))], 1);
    let declared =
        columns(&[("a", DataType::Int64), ("m", DataType::Utf8), ("z", DataType::Int64)]);
    let source = place.source(&declared);
    for projection in [vec![0, 1, 2], vec![0, 2], vec![1], vec![0], vec![2], vec![]] {
        let need = Need { projection: projection.clone(), ..Need::default() };
        for source in [Arc::clone(&source), source.narrow(&need).unwrap()] {
            let (content, _) = read_from(source.as_ref(), &projection, 0, 1 << 20, 9).unwrap();
            assert_eq!(content.starts, [0, 1]);
            let expected = |column: &usize| match column {
                0 => numbers([3, 4]),
                1 => Arc::new(StringArray::from(vec!["x", "y"])),
                _ => numbers([1, 2]),
            };
            let expected: Vec<ArrayRef> = projection.iter().map(expected).collect();
            assert_eq!(content.rows.columns(), expected);
        }
    }
}

#[test]
fn rows_do_not_depend_on_how_row_groups_are_cut_up() {
    let rows = 300_000;
    let texts = (0..rows).map(|row| (row % 7 > 0).then(|| format!("value {}", row % 1_000)));
    let texts: ArrayRef = Arc::new(texts.collect::<StringArray>());
    let place = Place::new(vec![("n", numbers(0..rows)), ("t", Arc::clone(&texts))], 290_000);
    let source = place.source(&columns(&[("n", DataType::Int64), ("t", DataType::Utf8)]));
    let whole = all(source.as_ref()).unwrap();
    assert_eq!(whole.rows.columns(), [numbers(0..rows), texts]);
    for rows_max in [1_000, 8_192] {
        let (cut, ends) = read_from(source.as_ref(), &[0, 1], 0, 1 << 20, rows_max).unwrap();
        assert_eq!(ends, [96_667, 193_334, 290_000, 300_000]);
        assert_eq!(cut, whole);
        for end in [ends[0], ends[2]] {
            let (rest, _) = read_from(source.as_ref(), &[0, 1], end, 1 << 20, 1 << 20).unwrap();
            assert_eq!(rest.rows, whole.rows.slice(end as usize, rest.rows.num_rows()));
            assert_eq!(rest.starts, whole.starts[end as usize..]);
        }
    }
}

#[test]
fn heavy_rows_are_decoded_in_smaller_parts() {
    let texts = (0..2_000).map(|row| format!("{row:0>60000}"));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    let place = Place::new(vec![("t", Arc::clone(&texts))], 2_000);
    let source = place.source(&columns(&[("t", DataType::Utf8)]));
    let (content, ends) = read_from(source.as_ref(), &[0], 0, 1 << 20, 100).unwrap();
    assert_eq!(content.rows.columns(), [texts]);
    // 120 MB.
    assert_eq!(ends, [500, 1_000, 1_500, 2_000]);
}

/// Bytes that a partition is said to have, and those read of it by the end.
fn bytes(source: &dyn Source) -> (u64, u64) {
    let size = source.partitions().unwrap()[0].bytes.unwrap();
    let mut reader = source.open(0, 0).unwrap();
    while reader.next(1 << 20).unwrap().is_some() {}
    (size, reader.bytes_read().unwrap())
}

#[test]
fn only_columns_that_are_needed_are_read() {
    let wide = (0..5_000).map(|row| format!("{row} is a number of some length"));
    let wide: ArrayRef = Arc::new(StringArray::from_iter_values(wide));
    let place = Place::new(vec![("n", numbers(0..5_000)), ("t", wide)], 1_000);
    let source = place.source(&columns(&[("n", DataType::Int64), ("t", DataType::Utf8)]));
    let need = Need { projection: vec![0], ..Need::default() };
    let narrow = source.narrow(&need).unwrap();
    let (all, narrow) = (bytes(source.as_ref()), bytes(narrow.as_ref()));
    assert_eq!(all.0, all.1);
    assert_eq!(narrow.0, narrow.1);
    assert!(narrow.1 < all.1 / 2, "{narrow:?} of {all:?}");
}

#[test]
fn row_groups_without_a_row_within_the_bounds_are_passed_over() {
    let times: ArrayRef = Arc::new(TimestampMillisecondArray::from_iter_values(0..40));
    let place = Place::new(vec![("n", numbers(0..40)), ("t", times)], 10);
    let time = DataType::Timestamp(TimeUnit::Millisecond, None);
    let source = place.source(&columns(&[("n", DataType::Int64), ("t", time)]));
    let need = |low: i64, high: i64| Need {
        projection: vec![0, 1],
        bounds: vec![Bound {
            column: 0,
            ranges: vec![(
                std::ops::Bound::Included(numbers([low])),
                std::ops::Bound::Included(numbers([high])),
            )],
            text: "n BETWEEN".into(),
        }],
        event_time: Some(TimeNeed { column: 1, behind: Some(2_000) }),
    };
    let chunks = |need: &Need| {
        let source = source.narrow(need).unwrap();
        assert!(source.describe().contains("only row groups with n BETWEEN"));
        source.partitions().unwrap();
        let mut reader = source.open(0, 0).unwrap();
        let mut chunks = Vec::new();
        while let Some(chunk) = reader.next(1 << 20).unwrap() {
            let skipped = match chunk.data {
                ChunkData::Skipped { rows, watermark } => {
                    assert_eq!(rows, chunk.end - chunk.start);
                    Some(watermark)
                }
                _ => None,
            };
            chunks.push((chunk.start, chunk.end, skipped));
        }
        chunks
    };
    let millis = |millis: i64| Some(millis * 1_000 - 2_000);
    assert_eq!(chunks(&need(15, 15)), [(0, 10, millis(9)), (10, 20, None), (20, 40, millis(39))]);
    assert_eq!(
        chunks(&need(9, 20)),
        [(0, 10, None), (10, 20, None), (20, 30, None), (30, 40, millis(39))]
    );
    assert_eq!(chunks(&need(50, 60)), [(0, 40, millis(39))]);
    let source = source.narrow(&need(50, 60)).unwrap();
    let (size, read) = bytes(source.as_ref());
    assert_eq!(size, read);
    assert!(read < fs::metadata(place.path("a.parquet")).unwrap().len());
}

#[test]
fn a_row_group_with_values_to_be_checked_is_read() {
    let place = Place::new(vec![("n", numbers(0..40))], 10);
    let source = place.source(&columns(&[("n", DataType::Int8)]));
    let one: ArrayRef = Arc::new(Int8Array::from(vec![99]));
    let need = Need {
        projection: vec![0],
        bounds: vec![Bound {
            column: 0,
            ranges: vec![(std::ops::Bound::Included(one), std::ops::Bound::Unbounded)],
            text: String::new(),
        }],
        event_time: None,
    };
    let source = source.narrow(&need).unwrap();
    assert_eq!(all(source.as_ref()).unwrap().rows.num_rows(), 40);
}

#[test]
fn what_is_no_readable_parquet_file_says_so() {
    let place = Place::new(vec![("c", numbers(0..100))], 10);
    let whole = fs::read(place.path("a.parquet")).unwrap();
    let cut = &whole[..whole.len() - 1];
    let mut encrypted = whole.clone();
    let end = encrypted.len();
    encrypted[end - 4..].copy_from_slice(b"PARE");
    let mut footer = whole.clone();
    footer[end - 8..end - 4].copy_from_slice(&u32::MAX.to_le_bytes());
    for (content, said) in [
        (&b""[..], "it is empty"),
        (b"x", "it is not a Parquet file"),
        (
            b"{\"c\":1}\n{\"c\":2}\n",
            "it is not a Parquet file; if it is text, say 'format' = 'json'",
        ),
        (b"PAR1", "it is not a Parquet file"),
        (cut, "its end is missing; the file is damaged"),
        (&encrypted, "it is encrypted"),
        (&footer, "the file is damaged"),
    ] {
        fs::write(place.path("b.parquet"), content).unwrap();
        let source = source(&place.path("b.parquet"), &columns(&[("c", DataType::Int64)]));
        let error = source.partitions().unwrap_err();
        assert_eq!(error.code(), "external", "{error}");
        let error = error.to_string();
        assert!(error.contains("b.parquet") && error.contains(said), "{error}");
    }
}

#[test]
fn a_damaged_file_is_an_error_or_rows_and_never_a_panic() {
    let texts = (0..400).map(|row| (row % 5 > 0).then(|| format!("text {}", row % 50)));
    let texts: ArrayRef = Arc::new(texts.collect::<StringArray>());
    let place = Place::new(vec![("n", numbers(0..400)), ("t", texts)], 100);
    let whole = fs::read(place.path("a.parquet")).unwrap();
    let schema = columns(&[("n", DataType::Int64), ("t", DataType::Utf8)]);
    let mut random = Random(11);
    let mut refused = 0;
    for flip in 0..2_000 {
        let mut damaged = whole.clone();
        for _ in 0..=flip % 3 {
            let at = random.below(damaged.len());
            damaged[at] ^= 1 << random.below(8);
        }
        fs::write(place.path("b.parquet"), damaged).unwrap();
        let source = source(&place.path("b.parquet"), &schema);
        match all(source.as_ref()) {
            Ok(content) => {
                let rows = content.rows.num_rows() + content.rejected.len();
                assert!(rows <= 400, "{rows} rows of 400");
            }
            Err(error) => {
                refused += 1;
                assert!(["external", "data"].contains(&error.code()), "{error}");
                assert!(error.to_string().contains("b.parquet"), "{error}");
            }
        }
    }
    assert!(refused > 200, "only {refused} of 2000 damaged files were refused");
}

/// How many rows of a file are read for `c >= low`, in row groups of two.
fn read_of(values: ArrayRef, low: ArrayRef, statistics: EnabledStatistics) -> usize {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.parquet");
    let declared = columns(&[("c", values.data_type().clone())]);
    let rows = RecordBatch::try_from_iter([("c", values)]).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(2))
        .set_statistics_truncate_length(Some(3))
        .set_statistics_enabled(statistics)
        .build();
    let file = fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let ranges = vec![(std::ops::Bound::Included(low), std::ops::Bound::Unbounded)];
    let bounds = vec![Bound { column: 0, ranges, text: String::new() }];
    let need = Need { projection: vec![0], bounds, event_time: None };
    let source = source(&path, &declared).narrow(&need).unwrap();
    source.partitions().unwrap();
    let mut reader = source.open(0, 0).unwrap();
    let mut read = 0;
    while let Some(chunk) = reader.next(1 << 20).unwrap() {
        if !matches!(chunk.data, ChunkData::Skipped { .. }) {
            read += (chunk.end - chunk.start) as usize;
        }
    }
    read
}

#[test]
fn statistics_are_believed_as_far_as_they_go() {
    use EnabledStatistics::{Chunk, None as Without};
    let texts = || -> ArrayRef { Arc::new(StringArray::from(vec!["aaaa", "abcd", "b", "c"])) };
    let text = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
    assert_eq!(read_of(texts(), text("b"), Chunk), 2);
    // Cut to three bytes and rounded up, "abcd" has become "abd".
    assert_eq!(read_of(texts(), text("abce"), Chunk), 4);
    assert_eq!(read_of(texts(), text("b"), Without), 4);
    let floats = || -> ArrayRef { Arc::new(Float64Array::from(vec![1.0, f64::NAN, 2.0, 3.0])) };
    assert_eq!(read_of(floats(), Arc::new(Float64Array::from(vec![9.0])), Chunk), 4);
    let unsigned: ArrayRef = Arc::new(UInt64Array::from(vec![1, 2, 3, u64::MAX]));
    assert_eq!(read_of(unsigned, Arc::new(UInt64Array::from(vec![1 << 63])), Chunk), 2);
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(
        [[1], [2]].map(|list| Some(list.map(Some))),
    );
    let low = lists.slice(1, 1);
    assert_eq!(read_of(Arc::new(lists), Arc::new(low), Chunk), 2);
}
