//! Measures the decoders of NDJSON and CSV beside the libraries that could take their place.
//!
//! `cargo run --release -- [ROWS [RUNS [DECODER [FORMAT]]]]` makes seeded auction bids in memory, decodes them
//! with each decoder into the same Arrow columns, compares what they made, and only then takes
//! times: CPU time of the one thread, all decoders in turn, medians.

#![forbid(unsafe_code)]

#[path = "../../../xtask/src/bids.rs"]
mod bids;
mod csv;
mod data;
mod peers;
mod table;

use arrow::array::RecordBatch;
use data::{Case, Format, Input};

/// Bytes per chunk and rows per batch, as the engine has them.
const CHUNK_BYTES: usize = 4 << 20;
const BATCH_ROWS: usize = 16 << 10;

/// A decoder under test: all batches of the input go to `take`, as soon as they are made.
pub(crate) trait Decoder {
    fn name(&self) -> &'static str;

    fn decode(&mut self, chunks: Vec<Vec<u8>>, case: &Case, take: &mut dyn FnMut(RecordBatch));
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| match arguments.next() {
        Some(text) => text.parse().expect("ROWS and RUNS are numbers"),
        None => default,
    };
    let (rows, runs) = (number(1_000_000), number(7));
    let decoder = arguments.next().unwrap_or_else(|| "all".into());
    let format = arguments.next().unwrap_or_else(|| "all".into());
    let inputs: [(&str, fn(u64) -> Input); 4] = [
        ("json", Input::bids),
        ("json", Input::varied),
        ("csv", Input::csv),
        ("csv", Input::quoted_csv),
    ];
    for (_, make) in inputs.into_iter().filter(|(name, _)| format == "all" || format == *name) {
        let input = make(rows);
        let mut decoders = match input.format {
            Format::Json => peers::all(),
            Format::Csv => csv::all(),
        };
        decoders.retain(|one| decoder == "all" || decoder == one.name());
        println!(
            "{}: {rows} rows, {:.1} bytes a row, {runs} runs in turn",
            input.name,
            input.bytes() as f64 / rows as f64
        );
        for case in Case::all() {
            compare(&mut decoders, &input, &case);
            measure(&mut decoders, &input, &case, runs);
        }
    }
}

/// Panics where two decoders make different columns.
fn compare(decoders: &mut [Box<dyn Decoder>], input: &Input, case: &Case) {
    let mut first: Option<Vec<RecordBatch>> = None;
    for decoder in decoders {
        let mut batches = Vec::new();
        decoder.decode(input.chunks.clone(), case, &mut |batch| batches.push(batch));
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(rows as u64, input.rows, "{} loses rows", decoder.name());
        match &first {
            None => first = Some(batches),
            Some(first) => assert_eq!(&batches, first, "{} differs", decoder.name()),
        }
    }
}

fn measure(decoders: &mut [Box<dyn Decoder>], input: &Input, case: &Case, runs: u64) {
    let mut times = vec![Vec::new(); decoders.len()];
    for _ in 0..runs {
        for (decoder, times) in decoders.iter_mut().zip(&mut times) {
            let chunks = input.chunks.clone();
            let before = cpu_ns();
            decoder.decode(chunks, case, &mut |batch| drop(std::hint::black_box(batch)));
            times.push(cpu_ns() - before);
        }
    }
    for (decoder, times) in decoders.iter().zip(&mut times) {
        times.sort_unstable();
        let [best, median] = [times[0], times[times.len() / 2]].map(|ns| ns as f64);
        println!(
            "  {:<12} {:<12} {:7.2} M rows/s {:6.2} GB/s {:6.1} ns/row (best {:.1})",
            case.name,
            decoder.name(),
            input.rows as f64 * 1e3 / median,
            input.bytes() as f64 / median,
            median / input.rows as f64,
            best / input.rows as f64,
        );
    }
}

/// CPU time of this thread, in nanoseconds.
fn cpu_ns() -> u64 {
    // The kernel brings it up to date where it may take the processor away.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux has it");
    let first = text.split_whitespace().next().expect("three numbers");
    first.parse().expect("a number")
}
