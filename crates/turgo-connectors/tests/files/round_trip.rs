//! What a sink writes, a source of the same declaration reads back.

use std::sync::Arc;

use arrow::array::{Array, Decimal256Array, Int64Builder, MapBuilder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit, i256};
use turgo_connectors::connectors;
use turgo_connectors::generator::Generator;
use turgo_engine::io::TableSpec;
use turgo_engine::message::Batch;
use turgo_engine::time::WATERMARK_NONE;

use crate::{read_from, table};

fn scalars() -> Vec<(&'static str, DataType)> {
    use DataType as T;
    vec![
        ("bool", T::Boolean),
        ("i8", T::Int8),
        ("i16", T::Int16),
        ("i32", T::Int32),
        ("i64", T::Int64),
        ("u8", T::UInt8),
        ("u16", T::UInt16),
        ("u32", T::UInt32),
        ("u64", T::UInt64),
        ("f32", T::Float32),
        ("f64", T::Float64),
        ("dec", T::Decimal128(38, 5)),
        ("text", T::Utf8),
        ("view \"quoted\"", T::Utf8View),
        ("bytes", T::Binary),
        ("date", T::Date32),
        ("t0", T::Time32(TimeUnit::Second)),
        ("t3", T::Time32(TimeUnit::Millisecond)),
        ("t6", T::Time64(TimeUnit::Microsecond)),
        ("t9", T::Time64(TimeUnit::Nanosecond)),
        ("ts0", T::Timestamp(TimeUnit::Second, None)),
        ("ts3", T::Timestamp(TimeUnit::Millisecond, None)),
        ("ts6", T::Timestamp(TimeUnit::Microsecond, None)),
        ("ts9", T::Timestamp(TimeUnit::Nanosecond, None)),
        ("tz3", T::Timestamp(TimeUnit::Millisecond, Some("+00:00".into()))),
    ]
}

fn schema(columns: &[(&str, DataType)]) -> SchemaRef {
    let field = |(name, data_type): &(&str, DataType)| Field::new(*name, data_type.clone(), true);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

fn write(table: &TableSpec, rows: &RecordBatch) {
    let sink = connectors().sink(table).unwrap();
    let mut encoder = sink.encoder(&rows.schema(), false).unwrap();
    let mut writer = sink.writer(&rows.schema(), false).unwrap();
    let batch = Batch::derived(rows.clone(), WATERMARK_NONE);
    writer.write(encoder.encode(&batch).unwrap()).unwrap();
    writer.commit().unwrap();
}

fn check(schema: &SchemaRef, options: &[(&str, &str)], seeds: u64) {
    let directory = tempfile::tempdir().unwrap();
    let table = table(&directory.path().join("file"), schema, options);
    for seed in 0..seeds {
        let generator = Generator::new(SchemaRef::clone(schema), 200).unwrap().seed(seed);
        let rows = generator.nulls(0.2).extremes(0.3).distinct(300).rows(0, 0, 200).unwrap();
        write(&table, &rows);
        let source = connectors().source(&table).unwrap();
        let all: Vec<usize> = (0..schema.fields().len()).collect();
        let (content, _) = read_from(source.as_ref(), &all, 0, 4096, 1 << 20).unwrap();
        assert_eq!(content.rejected, [], "seed {seed}");
        assert_eq!(content.rows, rows, "seed {seed}");
    }
}

#[test]
fn json_reads_back_what_it_wrote() {
    let mut columns = scalars();
    let inner = Fields::from(vec![
        Field::new("a", DataType::Int64, true),
        Field::new("b", DataType::new_list(DataType::Utf8, true), true),
        Field::new("c", DataType::Date32, false),
    ]);
    columns.push(("row", DataType::Struct(inner.clone())));
    columns.push(("rows", DataType::new_list(DataType::Struct(inner), true)));
    columns.push(("numbers", DataType::new_list(DataType::Float64, false)));
    check(&schema(&columns), &[("format", "json")], 20);
}

#[test]
fn every_format_reads_back_what_it_wrote_compressed() {
    let schema = schema(&scalars());
    for format in ["json", "csv"] {
        for compression in ["none", "gzip", "zstd"] {
            check(&schema, &[("format", format), ("compression", compression)], 3);
        }
    }
}

#[test]
fn maps_are_read_back() {
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for (keys, valid) in [(&["b", "a \"\n"][..], true), (&[], true), (&[], false), (&[""], true)] {
        for key in keys {
            maps.keys().append_value(key);
            maps.values().append_option((*key != "b").then_some(7));
        }
        maps.append(valid).unwrap();
    }
    let maps = maps.finish();
    let schema = schema(&[("map", maps.data_type().clone())]);
    let rows = RecordBatch::try_new(SchemaRef::clone(&schema), vec![Arc::new(maps)]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    for format in ["json", "parquet"] {
        let table = table(&directory.path().join(format), &schema, &[("format", format)]);
        write(&table, &rows);
        let source = connectors().source(&table).unwrap();
        let (content, _) = read_from(source.as_ref(), &[0], 0, 4096, 1 << 20).unwrap();
        assert_eq!((content.rejected, &content.rows), (vec![], &rows), "{format}");
    }
}

#[test]
fn parquet_reads_back_what_it_wrote() {
    let mut columns = scalars();
    // Nothing is declared as a view.
    columns.retain(|(_, data_type)| *data_type != DataType::Utf8View);
    columns.push(("small", DataType::Decimal128(4, 4)));
    let inner = Fields::from(vec![
        Field::new("a", DataType::Int64, true),
        Field::new("b", DataType::new_list(DataType::Utf8, true), true),
        Field::new("c", DataType::Date32, false),
        Field::new("d", DataType::Timestamp(TimeUnit::Microsecond, None), true),
    ]);
    columns.push(("row", DataType::Struct(inner.clone())));
    columns.push(("rows", DataType::new_list(DataType::Struct(inner), true)));
    columns.push(("numbers", DataType::new_list(DataType::Float64, false)));
    for compression in ["zstd", "snappy", "gzip", "lz4", "none"] {
        let options = [("format", "parquet"), ("parquet.compression", compression)];
        check(&schema(&columns), &options, 4);
    }
}

#[test]
fn parquet_reads_back_large_decimals() {
    let values = [Some(i256::MAX / i256::from(10)), None, Some(i256::from(-1))];
    let large = Decimal256Array::from_iter(values).with_precision_and_scale(76, 10).unwrap();
    let schema = schema(&[("d", large.data_type().clone())]);
    let rows = RecordBatch::try_new(SchemaRef::clone(&schema), vec![Arc::new(large)]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let table = table(&directory.path().join("file"), &schema, &[("format", "parquet")]);
    write(&table, &rows);
    let source = connectors().source(&table).unwrap();
    let (content, _) = read_from(source.as_ref(), &[0], 0, 4096, 1 << 20).unwrap();
    assert_eq!((content.rejected, content.rows), (vec![], rows));
}

#[test]
fn csv_reads_back_what_it_wrote_in_every_dialect() {
    let schema = schema(&scalars());
    for delimiter in [",", ";", "\\t", ":"] {
        for null in ["", "NULL", "value 7", "0"] {
            for header in ["true", "false"] {
                check(
                    &schema,
                    &[
                        ("format", "csv"),
                        ("csv.delimiter", delimiter),
                        ("csv.null", null),
                        ("csv.header", header),
                    ],
                    2,
                );
            }
        }
    }
}

#[test]
fn a_null_that_csv_would_lose_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let schema = schema(&[("a", DataType::Int64)]);
    let rows = RecordBatch::new_empty(SchemaRef::clone(&schema));
    let null = RecordBatch::try_new(
        SchemaRef::clone(&schema),
        vec![arrow::array::new_null_array(&DataType::Int64, 1)],
    )
    .unwrap();
    let encode = |options: &[(&str, &str)], rows: &RecordBatch| {
        let sink = connectors().sink(&table(&directory.path().join("f.csv"), &schema, options));
        let mut encoder = sink.unwrap().encoder(&schema, false).unwrap();
        encoder.encode(&Batch::derived(rows.clone(), WATERMARK_NONE)).map(drop)
    };
    assert_eq!(encode(&[], &null).unwrap_err().code(), "data");
    assert!(encode(&[("csv.null", "NULL")], &null).is_ok());
    assert!(encode(&[], &rows).is_ok());
}
