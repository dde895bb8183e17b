//! How many rows a generator makes in a second of one core.
//!
//! ```text
//! cargo run --release -p turgo-connectors --example generators
//! ```
//!
//! Reads each table through its decoder, as a worker does, and counts the time this thread was on a
//! processor (Linux; elsewhere the time that passed).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use turgo_connectors::connectors;
use turgo_engine::io::TableSpec;

const I64: DataType = DataType::Int64;
const TEXT: DataType = DataType::Utf8;
const TIME: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

const CHUNK_BYTES: usize = 4 << 20;
const BATCH_ROWS: usize = 16 << 10;

/// Columns of a table.
type Columns<'a> = &'a [(&'a str, DataType)];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bid: Columns<'_> = &[
        ("auction", I64),
        ("bidder", I64),
        ("price", I64),
        ("channel", TEXT),
        ("url", TEXT),
        ("date_time", TIME),
        ("extra", TEXT),
    ];
    let trades: Columns<'_> = &[
        ("trader_id", TEXT),
        ("symbol", TEXT),
        ("price", DataType::Float64),
        ("quantity", I64),
        ("trade_time", TIME),
    ];
    let numbers: Columns<'_> = &[("a", I64), ("b", DataType::Float64), ("at", TIME)];
    let nexmark = |table| [("connector", "nexmark"), ("table", table)];
    measure("nexmark bid: auction, price, date_time", bid, &nexmark("bid"), &[0, 2, 5])?;
    measure("nexmark bid: all columns", bid, &nexmark("bid"), &[0, 1, 2, 3, 4, 5, 6])?;
    let row = DataType::Struct(bid.iter().map(|(n, t)| Field::new(*n, t.clone(), true)).collect());
    let event = [("event_type", DataType::Int32), ("bid", row)];
    measure("nexmark event: event_type, bid", &event, &nexmark("event"), &[0, 1])?;
    let scenario = [("connector", "scenario"), ("scenario", "3a")];
    measure("scenario 3a: all columns", trades, &scenario, &[0, 1, 2, 3, 4])?;
    let datagen = [("connector", "datagen"), ("fields.at.kind", "sequence")];
    measure("datagen: BIGINT, DOUBLE, TIMESTAMP", numbers, &datagen, &[0, 1, 2])?;
    Ok(())
}

fn measure(
    title: &str,
    columns: Columns<'_>,
    options: &[(&str, &str)],
    projection: &[usize],
) -> Result<(), Box<dyn std::error::Error>> {
    let field = |(name, data_type): &(&str, DataType)| Field::new(*name, data_type.clone(), true);
    let option = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let spec = TableSpec {
        name: title.into(),
        schema: Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>())),
        options: options.iter().map(option).collect::<BTreeMap<_, _>>(),
    };
    let source = connectors().source(&spec).map_err(|error| error.message)?;
    let (mut reader, mut decoder) = (source.open(0, 0)?, source.decoder(projection)?);
    let (begun, mut rows, mut bytes) = (busy(), 0, 0);
    while busy() - begun < Duration::from_secs(2) {
        let Some(chunk) = reader.next(CHUNK_BYTES)? else { break };
        decoder.begin(chunk);
        while let Some(decoded) = decoder.next(BATCH_ROWS)? {
            rows += decoded.rows.num_rows();
            bytes += decoded.rows.get_array_memory_size();
        }
    }
    let seconds = (busy() - begun).as_secs_f64();
    let (rate, volume) = (rows as f64 / seconds / 1e6, bytes as f64 / seconds / 1e6);
    println!("{title:40} {rate:8.1} M rows/s {volume:8.0} MB/s");
    Ok(())
}

/// How long this thread has been on a processor.
fn busy() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    match stat.split(' ').next().map(str::parse) {
        Some(Ok(nanos)) => Duration::from_nanos(nanos),
        _ => {
            static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
            #[expect(clippy::disallowed_methods, reason = "a measurement of the wall clock")]
            START.get_or_init(Instant::now).elapsed()
        }
    }
}
