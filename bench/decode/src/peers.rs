//! The decoders: ours, and programs around the libraries that make the same columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Builder, RecordBatch, RecordBatchOptions, StringBuilder,
    TimestampMillisecondBuilder,
};
use arrow::datatypes::{DataType, SchemaRef};
use simd_json::{Buffers, Node, StaticNode};
use sonic_rs::{JsonValueTrait, LazyValue, PointerTree};
use turgo_connectors::connectors;
use turgo_engine::io::{Chunk, ChunkData, TableSpec};

use crate::data::{Case, declared};
use crate::{BATCH_ROWS, Decoder};

pub(crate) fn all() -> Vec<Box<dyn Decoder>> {
    vec![Box::new(Turgo), Box::new(ArrowJson), Box::new(SimdJson), Box::new(SonicRs)]
}

struct Turgo;

impl Decoder for Turgo {
    fn name(&self) -> &'static str {
        "turgo"
    }

    fn decode(&mut self, chunks: Vec<Vec<u8>>, case: &Case, take: &mut dyn FnMut(RecordBatch)) {
        let options = [("connector", "filesystem"), ("path", "unread"), ("format", "json")];
        let options = options.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let schema = Arc::new(declared());
        let table = TableSpec { name: "bid".into(), schema, options: BTreeMap::from(options) };
        let source = connectors().source(&table).expect("a sound declaration");
        let mut decoder = source.decoder(&case.projection).expect("types that JSON carries");
        for chunk in chunks {
            let end = chunk.len() as u64;
            let data = ChunkData::Bytes(chunk);
            decoder.begin(Chunk { start: 0, end, data });
            while let Some(decoded) = decoder.next(BATCH_ROWS).expect("JSON chunks are readable") {
                assert!(decoded.rejected.is_empty(), "{:?}", decoded.rejected);
                take(decoded.rows);
            }
        }
    }
}

struct ArrowJson;

impl Decoder for ArrowJson {
    fn name(&self) -> &'static str {
        "arrow-json"
    }

    fn decode(&mut self, chunks: Vec<Vec<u8>>, case: &Case, take: &mut dyn FnMut(RecordBatch)) {
        let builder = arrow_json::ReaderBuilder::new(case.schema()).with_batch_size(BATCH_ROWS);
        let mut decoder = builder.build_decoder().expect("types that arrow-json knows");
        for chunk in chunks {
            let mut at = 0;
            while at < chunk.len() {
                at += decoder.decode(&chunk[at..]).expect("valid JSON");
                // Full, or at the end of the chunk.
                if let Some(batch) = decoder.flush().expect("values of the right types") {
                    take(batch);
                }
            }
        }
    }
}

/// Arrow's own builders, for libraries that know nothing of columns.
struct Table {
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: usize,
}

enum Column {
    Long(Int64Builder),
    Time(TimestampMillisecondBuilder),
    Text(StringBuilder),
}

impl Column {
    fn long(&mut self, value: Option<i64>) {
        match self {
            Self::Long(builder) => builder.append_option(value),
            Self::Time(builder) => builder.append_option(value),
            Self::Text(_) => panic!("a number where a text is declared"),
        }
    }

    fn text(&mut self, value: &str) {
        match self {
            Self::Text(builder) => builder.append_value(value),
            _ => panic!("a text where a number is declared"),
        }
    }

    fn null(&mut self) {
        match self {
            Self::Text(builder) => builder.append_null(),
            _ => self.long(None),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Long(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
        }
    }
}

impl Table {
    fn new(schema: SchemaRef) -> Self {
        let column = |data_type: &DataType| match data_type {
            DataType::Int64 => Column::Long(Int64Builder::new()),
            DataType::Utf8 => Column::Text(StringBuilder::new()),
            _ => Column::Time(TimestampMillisecondBuilder::new()),
        };
        let columns = schema.fields().iter().map(|field| column(field.data_type())).collect();
        Self { schema, columns, rows: 0 }
    }

    /// A row is complete; a full batch goes to `take`.
    fn end_row(&mut self, take: &mut dyn FnMut(RecordBatch)) {
        self.rows += 1;
        if self.rows == BATCH_ROWS {
            self.flush(take);
        }
    }

    fn flush(&mut self, take: &mut dyn FnMut(RecordBatch)) {
        let options =
            RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.rows)));
        if options.row_count == Some(0) {
            return;
        }
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        let schema = Arc::clone(&self.schema);
        take(RecordBatch::try_new_with_options(schema, columns, &options).expect("equal lengths"));
    }
}

/// A tape for each line, walked once; keys are compared in the order of the line before.
struct SimdJson;

impl Decoder for SimdJson {
    fn name(&self) -> &'static str {
        "simd-json"
    }

    fn decode(&mut self, chunks: Vec<Vec<u8>>, case: &Case, take: &mut dyn FnMut(RecordBatch)) {
        let mut table = Table::new(case.schema());
        let schema = case.schema();
        let mut buffers = Buffers::default();
        for mut chunk in chunks {
            for line in chunk.split_mut(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let tape = simd_json::to_tape_with_buffers(line, &mut buffers).expect("valid JSON");
                read_tape(&tape.0, &schema, &mut table);
                table.end_row(take);
            }
            table.flush(take);
        }
    }
}

fn read_tape(nodes: &[Node<'_>], schema: &SchemaRef, table: &mut Table) {
    let mut values = [None; 8];
    let mut at = 1;
    while let Some(Node::String(key)) = nodes.get(at) {
        if let Some(index) = schema.fields().iter().position(|field| field.name() == key) {
            values[index] = Some(nodes[at + 1]);
        }
        at += 2 + match nodes[at + 1] {
            Node::Object { count, .. } | Node::Array { count, .. } => count,
            _ => 0,
        };
    }
    for (column, value) in table.columns.iter_mut().zip(values) {
        match value {
            None => column.null(),
            Some(Node::String(text)) => column.text(text),
            Some(Node::Static(StaticNode::I64(value))) => column.long(Some(value)),
            Some(Node::Static(StaticNode::U64(value))) => column.long(i64::try_from(value).ok()),
            Some(other) => panic!("{other:?} is nothing that bids hold"),
        }
    }
}

/// The wanted values of each line by their keys; the others are only passed over.
struct SonicRs;

impl Decoder for SonicRs {
    fn name(&self) -> &'static str {
        "sonic-rs"
    }

    fn decode(&mut self, chunks: Vec<Vec<u8>>, case: &Case, take: &mut dyn FnMut(RecordBatch)) {
        let mut table = Table::new(case.schema());
        let mut tree = PointerTree::new();
        for field in case.schema().fields() {
            tree.add_path(&[field.name().as_str()]);
        }
        for chunk in chunks {
            for line in chunk.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let values = sonic_rs::get_many(line, &tree).expect("valid JSON");
                for (column, value) in table.columns.iter_mut().zip(&values) {
                    read_lazy(column, value.as_ref());
                }
                table.end_row(take);
            }
            table.flush(take);
        }
    }
}

fn read_lazy(column: &mut Column, value: Option<&LazyValue<'_>>) {
    match (value, &column) {
        (None, _) => column.null(),
        (Some(value), Column::Text(_)) => column.text(value.as_str().expect("a text")),
        (Some(value), _) => column.long(value.as_i64()),
    }
}
