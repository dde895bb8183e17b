//! The decoders of NDJSON: ours, and programs around the libraries that make the same columns.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use simd_json::{Buffers, Node, StaticNode};
use sonic_rs::{JsonValueTrait, LazyValue, PointerTree};
use turgo_connectors::connectors;
use turgo_engine::io::{Chunk, ChunkData, TableSpec};

use crate::data::{Case, declared};
use crate::table::{Column, Table};
use crate::{BATCH_ROWS, Decoder};

pub(crate) fn all() -> Vec<Box<dyn Decoder>> {
    vec![Box::new(Turgo("json")), Box::new(ArrowJson), Box::new(SimdJson), Box::new(SonicRs)]
}

/// Ours, of any format: its name in `'format' = '...'`.
pub(crate) struct Turgo(pub(crate) &'static str);

impl Decoder for Turgo {
    fn name(&self) -> &'static str {
        "turgo"
    }

    fn decode(&mut self, chunks: Vec<Vec<u8>>, case: &Case, take: &mut dyn FnMut(RecordBatch)) {
        let options = [("connector", "filesystem"), ("path", "unread"), ("format", self.0)];
        let no_header = (self.0 == "csv").then_some(("csv.header", "false"));
        let options = options.into_iter().chain(no_header);
        let options = options.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let schema = Arc::new(declared());
        let table = TableSpec { name: "bid".into(), schema, options };
        let source = connectors().source(&table).expect("a sound declaration");
        let mut decoder = source.decoder(&case.projection).expect("types that texts carry");
        for chunk in chunks {
            let end = chunk.len() as u64;
            let data = ChunkData::Bytes(chunk);
            decoder.begin(Chunk { start: 0, end, data });
            while let Some(decoded) = decoder.next(BATCH_ROWS).expect("text is readable") {
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
