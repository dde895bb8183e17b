//! What is decoded: bids in memory, cut into chunks as the engine cuts them, and the columns wanted.

use std::io::Write;
use std::sync::Arc;

use arrow::array::temporal_conversions::timestamp_ms_to_datetime;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::CHUNK_BYTES;
use crate::bids::Bids;

/// How rows are written.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Format {
    Json,
    Csv,
}

/// A file in memory.
pub(crate) struct Input {
    pub(crate) name: &'static str,
    pub(crate) format: Format,
    pub(crate) rows: u64,
    pub(crate) chunks: Vec<Vec<u8>>,
}

impl Input {
    /// Bids as a program writes them: the same keys in the same order, ASCII, no escapes.
    pub(crate) fn bids(rows: u64) -> Self {
        let text = generated(rows);
        Self { name: "bids", format: Format::Json, rows, chunks: cut(&text) }
    }

    /// The same with what the wild brings: spaces, changing order, missing and additional keys,
    /// escapes, letters beyond ASCII, nested values.
    pub(crate) fn varied(rows: u64) -> Self {
        let text = String::from_utf8(generated(rows)).expect("bids are ASCII");
        let mut out = Vec::with_capacity(text.len() * 5 / 4);
        for (index, line) in text.lines().enumerate() {
            let members = &line[1..line.len() - 1];
            let (first, rest) = members.split_once(',').expect("seven members");
            let written = match index % 8 {
                0 => writeln!(out, "{{{rest},{first}}}"),
                1 => writeln!(out, "{{ {} }}", members.replace(',', ", ").replace("\":", "\": ")),
                2 => writeln!(out, "{{{}}}", members.replace("Apple", "Äpfel").replace('/', "\\/")),
                3 => writeln!(out, "{{{first},\"tags\":[1,{{\"a\":null}}],{rest}}}"),
                4 => writeln!(out, "{{{rest}}}"),
                _ => writeln!(out, "{line}"),
            };
            written.expect("a Vec takes every byte");
        }
        Self { name: "varied bids", format: Format::Json, rows, chunks: cut(&out) }
    }

    /// Bids as CSV without a header and without quotes, instants as text.
    pub(crate) fn csv(rows: u64) -> Self {
        let text = records(rows, |_, fields| fields.join(","));
        Self { name: "bids, CSV", format: Format::Csv, rows, chunks: cut(text.as_bytes()) }
    }

    /// The same with every text in quotes, and with letters beyond ASCII, delimiters, quotes and
    /// NULLs now and then.
    pub(crate) fn quoted_csv(rows: u64) -> Self {
        let text = records(rows, |index, mut fields| {
            match index % 8 {
                0 => fields[3] = fields[3].replace("Apple", "Äpfel"),
                1 => fields[6].insert_str(5, ", \"\"a\"\" "),
                _ => {}
            }
            for text in [3, 4, 6] {
                fields[text] = format!("\"{}\"", fields[text]);
            }
            if index % 8 == 2 {
                fields[6].clear();
            }
            fields.join(",")
        });
        Self { name: "quoted bids, CSV", format: Format::Csv, rows, chunks: cut(text.as_bytes()) }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.chunks.iter().map(Vec::len).sum()
    }
}

/// Generated bids, each written by `write` from the texts of its columns.
fn records(rows: u64, write: impl Fn(usize, Vec<String>) -> String) -> String {
    let text = String::from_utf8(generated(rows)).expect("bids are ASCII");
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.lines().enumerate() {
        let value = |member: &str| {
            let (_, value) = member.split_once(':').expect("a key and a value");
            value.trim_matches('"').to_owned()
        };
        let mut fields: Vec<String> = line[1..line.len() - 1].split(',').map(value).collect();
        let time = fields[5].parse().ok().and_then(timestamp_ms_to_datetime);
        fields[5] = time.expect("milliseconds").format("%Y-%m-%dT%H:%M:%S%.3f").to_string();
        out += &write(index, fields);
        out.push('\n');
    }
    out
}

fn generated(rows: u64) -> Vec<u8> {
    let path = std::env::temp_dir().join(format!("decode-{}.ndjson", std::process::id()));
    let bids = Bids { rows, start_ms: 1_704_067_200_000, seed: 7 };
    bids.write(&path).expect("the temporary directory takes a file");
    let text = std::fs::read(&path).expect("it has just been written");
    std::fs::remove_file(&path).expect("it has just been written");
    text
}

fn cut(mut rest: &[u8]) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let length = rest.len().min(CHUNK_BYTES);
        let end = rest[..length].iter().rposition(|byte| *byte == b'\n').expect("short lines") + 1;
        let (chunk, after) = rest.split_at(end);
        chunks.push(chunk.to_vec());
        rest = after;
    }
    chunks
}

/// Columns wanted.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) projection: Vec<usize>,
}

impl Case {
    pub(crate) fn all() -> [Self; 3] {
        [
            Self { name: "7 columns", projection: (0..7).collect() },
            Self { name: "2 columns", projection: vec![0, 5] },
            Self { name: "no column", projection: vec![] },
        ]
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::new(declared().project(&self.projection).expect("columns of bids"))
    }
}

/// The columns of bids.
pub(crate) fn declared() -> Schema {
    let time = DataType::Timestamp(TimeUnit::Millisecond, None);
    let columns = [
        ("auction", DataType::Int64),
        ("bidder", DataType::Int64),
        ("price", DataType::Int64),
        ("channel", DataType::Utf8),
        ("url", DataType::Utf8),
        ("date_time", time),
        ("extra", DataType::Utf8),
    ];
    Schema::new(columns.map(|(name, data_type)| Field::new(name, data_type, true)).to_vec())
}
