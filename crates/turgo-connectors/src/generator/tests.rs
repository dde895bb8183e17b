//! The generator keeps its promises.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{
    DataType, Field, Fields, Schema, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
};

use super::*;

fn schema() -> SchemaRef {
    let inner = Fields::from(vec![
        Field::new("x", DataType::Int32, true),
        Field::new("y", DataType::Decimal128(9, 2), false),
    ]);
    Arc::new(Schema::new(vec![
        Field::new("time", DataType::Timestamp(TimeUnit::Microsecond, None), false),
        Field::new("key", DataType::Utf8View, true),
        Field::new("row", DataType::Struct(inner), true),
        Field::new("list", DataType::new_list(DataType::Time32(TimeUnit::Millisecond), true), true),
        Field::new("at", DataType::Timestamp(TimeUnit::Millisecond, None), true),
    ]))
}

fn read(generator: &Generator, partition: usize, from: u64, bytes: usize) -> RecordBatch {
    let mut reader = generator.open(partition, from).unwrap();
    let mut batches = Vec::new();
    let mut next = from;
    while let Some(chunk) = reader.next(bytes).unwrap() {
        assert_eq!(chunk.start, next);
        next = chunk.end;
        let ChunkData::Rows(rows) = chunk.data else { panic!("a generator makes rows") };
        batches.push(rows);
    }
    concat_batches(&generator.schema(), &batches).unwrap()
}

#[test]
fn rows_depend_on_seed_partition_and_number_alone() {
    let generator = Generator::new(schema(), 300).unwrap().seed(7).partitions(2).nulls(0.2);
    let generator = generator.extremes(0.1).event_time(0, 0, 1000).disorder(5000);
    let all = read(&generator, 0, 0, 1 << 20);
    assert_eq!(all.num_rows(), 300);
    assert_eq!(read(&generator, 0, 0, 1), all);
    assert_eq!(read(&generator, 0, 123, 700), all.slice(123, 177));
    assert_ne!(read(&generator, 1, 0, 700), all);
    assert_ne!(read(&generator.clone().seed(8), 0, 0, 700), all);
}

#[test]
fn disorder_and_lateness_are_as_asked() {
    let generator = Generator::new(schema(), 10_000).unwrap();
    let generator = generator.event_time(0, 0, 10).disorder(100).late(0.05, 1000);
    let rows = read(&generator, 0, 0, 1 << 16);
    let times = rows.column(0).as_primitive::<TimestampMicrosecondType>();
    let behind = |(row, time): (usize, &i64)| row as i64 * 10 - time;
    let behind: Vec<i64> = times.values().iter().enumerate().map(behind).collect();
    assert!(behind.iter().all(|behind| (0..=1100).contains(behind)));
    let late = behind.iter().filter(|behind| **behind > 100).count();
    assert!((300..700).contains(&late), "{late}");
}

#[test]
fn shares_of_null_are_as_asked() {
    let rows = read(&Generator::new(schema(), 10_000).unwrap().nulls(0.25), 0, 0, 1 << 16);
    for column in &rows.columns()[1..] {
        assert!((2200..2800).contains(&column.null_count()), "{}", column.null_count());
    }
    assert_eq!(rows.column(4).as_primitive::<TimestampMillisecondType>().len(), 10_000);
    let never = read(&Generator::new(schema(), 100).unwrap(), 0, 0, 1 << 16);
    assert!(never.columns().iter().all(|column| column.null_count() == 0));
}
