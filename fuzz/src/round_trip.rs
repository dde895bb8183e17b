//! What an encoder writes, the decoder of the same declaration reads back.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use turgo_connectors::connectors;
use turgo_engine::EngineError;
use turgo_engine::io::{Block, Chunk, ChunkData, Encode};
use turgo_engine::message::Batch;
use turgo_engine::time::WATERMARK_NONE;

use crate::decode::table;

/// Any bytes are rows, taken from them from front to back.
pub fn round_trip(data: &[u8]) {
    let mut values = Values(data);
    let delimiter = [",", ";", "\\t", "|"][usize::from(values.byte() % 4)];
    let null = ["", "NULL", "0", "a b"][usize::from(values.byte() % 4)];
    let rows = rows(&mut values);
    let csv = [
        ("format", "csv"),
        ("csv.header", "false"),
        ("csv.delimiter", delimiter),
        ("csv.null", null),
    ];
    for options in [&[("format", "json")][..], &csv] {
        let table = table(rows.schema(), options);
        let sink = connectors().sink(&table).expect("a sound table");
        let mut encoder = sink.encoder(&rows.schema(), false).expect("types that texts carry");
        let Some(bytes) = written(encoder.as_mut(), &rows) else { continue };
        let source = connectors().source(&table).expect("a sound table");
        let all: Vec<usize> = (0..rows.num_columns()).collect();
        let mut decoder = source.decoder(&all).expect("types that texts carry");
        let end = bytes.len() as u64;
        decoder.begin(Chunk { start: 0, end, data: ChunkData::Bytes(bytes) });
        let read = decoder.next(usize::MAX).expect("records").map(|decoded| {
            assert_eq!(decoded.rejected, [], "what was written is understood");
            decoded.rows
        });
        let read = read.unwrap_or_else(|| RecordBatch::new_empty(rows.schema()));
        assert_eq!(read, rows, "what was written is read back");
    }
}

/// The rows as text; `None` where the format has no word for one of them, and says so.
fn written(encoder: &mut dyn Encode, rows: &RecordBatch) -> Option<Vec<u8>> {
    match encoder.encode(&Batch::derived(rows.clone(), WATERMARK_NONE)) {
        Ok(Block::Bytes(bytes)) => Some(bytes),
        Ok(Block::Rows(_)) => panic!("a file takes bytes"),
        Err(EngineError::Data { message, .. }) => {
            assert!(message.contains("JSON has no word"), "{message}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn rows(values: &mut Values<'_>) -> RecordBatch {
    let (mut long, mut float, mut text, mut bytes, mut time) =
        (vec![], vec![], vec![], vec![], vec![]);
    while !values.0.is_empty() {
        let there = values.byte();
        let some = |bit: u32| there >> bit & 1 == 0;
        let [a, b, c, d, e] = std::array::from_fn(|bit| some(bit as u32));
        long.push(a.then(|| i64::from_le_bytes(values.take())));
        // One NaN is as good as any other.
        let number = |values: &mut Values<'_>| f64::from_le_bytes(values.take());
        float.push(b.then(|| number(values)).map(|v| if v.is_nan() { f64::NAN } else { v }));
        text.push(c.then(|| String::from_utf8_lossy(values.some()).into_owned()));
        bytes.push(d.then(|| values.some()));
        time.push(e.then(|| i64::from_le_bytes(values.take())));
    }
    // A text stands last, where line ends are near.
    let columns: [ArrayRef; 5] = [
        Arc::new(Int64Array::from(long)),
        Arc::new(Float64Array::from(float)),
        Arc::new(BinaryArray::from(bytes)),
        Arc::new(TimestampMillisecondArray::from(time)),
        Arc::new(StringArray::from(text)),
    ];
    RecordBatch::try_new(schema(), columns.to_vec()).expect("columns of one length")
}

fn schema() -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Millisecond, None);
    let types = [DataType::Int64, DataType::Float64, DataType::Binary, time, DataType::Utf8];
    let names = ["a", "b b", "c\"", "d\\", "é"];
    let field = |(name, data_type)| Field::new(name, data_type, true);
    Arc::new(Schema::new(names.into_iter().zip(types).map(field).collect::<Vec<_>>()))
}

/// Values taken from bytes; zeros where they have come to an end.
struct Values<'a>(&'a [u8]);

impl<'a> Values<'a> {
    fn byte(&mut self) -> u8 {
        let [byte] = self.take();
        byte
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut value = [0; N];
        let (taken, rest) = self.0.split_at(self.0.len().min(N));
        value[..taken.len()].copy_from_slice(taken);
        self.0 = rest;
        value
    }

    /// Some bytes, as many as the next one says.
    fn some(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte() % 64).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }
}
