//! The decoders of CSV: ours, and programs around the libraries that make the same columns.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use csv::{ByteRecord, ReaderBuilder};

use crate::data::{Case, declared};
use crate::peers::Turgo;
use crate::table::{Column, Table};
use crate::{BATCH_ROWS, Decoder};

pub(crate) fn all() -> Vec<Box<dyn Decoder>> {
    vec![Box::new(Turgo("csv")), Box::new(ArrowCsv), Box::new(Csv)]
}

struct ArrowCsv;

impl Decoder for ArrowCsv {
    fn name(&self) -> &'static str {
        "arrow-csv"
    }

    fn decode(&mut self, chunks: Vec<Vec<u8>>, case: &Case, take: &mut dyn FnMut(RecordBatch)) {
        let builder = arrow_csv::ReaderBuilder::new(Arc::new(declared()));
        let builder = builder.with_header(false).with_batch_size(BATCH_ROWS);
        let mut decoder = builder.with_projection(case.projection.clone()).build_decoder();
        for chunk in chunks {
            let mut at = 0;
            while at < chunk.len() {
                at += decoder.decode(&chunk[at..]).expect("valid CSV");
                // Full, or at the end of the chunk.
                if let Some(batch) = decoder.flush().expect("values of the right types") {
                    take(batch);
                }
            }
        }
    }
}

/// One record at a time; empty fields are NULL.
struct Csv;

impl Decoder for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn decode(&mut self, chunks: Vec<Vec<u8>>, case: &Case, take: &mut dyn FnMut(RecordBatch)) {
        let mut table = Table::new(case.schema());
        let mut record = ByteRecord::new();
        for chunk in chunks {
            let mut reader = ReaderBuilder::new().has_headers(false).from_reader(chunk.as_slice());
            while reader.read_byte_record(&mut record).expect("valid CSV") {
                for (column, index) in table.columns.iter_mut().zip(&case.projection) {
                    let text = std::str::from_utf8(&record[*index]).expect("UTF-8");
                    match column {
                        _ if text.is_empty() => column.null(),
                        Column::Text(_) => column.text(text),
                        Column::Long(_) => column.long(Some(text.parse().expect("an integer"))),
                        Column::Time(_) => {
                            let nanos = string_to_timestamp_nanos(text).expect("an instant");
                            column.long(Some(nanos / 1_000_000));
                        }
                    }
                }
                table.end_row(take);
            }
            table.flush(take);
        }
    }
}
