//! The sink of a benchmark: counts rows, and adds up their columns where the answer is checked.
//!
//! Of a changelog the sums are those of what it leaves in the end. On the way there, a group has the
//! rows that have arrived so far; their order is not promised where several workers read one table.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, SchemaRef};
use turgo_engine::io::{Block, Encode, Sink, WriteBlocks};
use turgo_engine::memory::KeepRows;
use turgo_engine::message::Change;
use turgo_engine::{EngineError, Result};

use crate::bench::answer::{Answer, Number};

/// What is added up beside the number of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sums {
    /// Nothing: for runs that are timed.
    None,
    /// Each row, but rows that are taken back: an old version counts against its first showing.
    Net,
    /// The last row of each key, which is the first column, a text.
    Latest,
}

/// Counts what one run writes; clones share the count.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    sums: Sums,
    // LOCK: taken once per run, when all rows have been written.
    answer: Arc<Mutex<Answer>>,
}

impl Tally {
    /// A sink that counts rows, and adds up their columns as `sums` says.
    pub(super) fn new(sums: Sums) -> Self {
        Self { sums, answer: Arc::default() }
    }

    /// What the last run wrote.
    pub(super) fn take(&self) -> Answer {
        std::mem::take(&mut *self.answer.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink for Tally {
    fn describe(&self) -> String {
        "tally".into()
    }

    fn accepts_changes(&self) -> bool {
        true
    }

    fn encoder(&self, _schema: &SchemaRef, _changes: bool) -> Result<Box<dyn Encode>> {
        Ok(Box::new(KeepRows))
    }

    fn writer(&self, _schema: &SchemaRef, _changes: bool) -> Result<Box<dyn WriteBlocks>> {
        let tally = self.clone();
        Ok(Box::new(Writer { tally, answer: Answer::default(), latest: HashMap::new() }))
    }
}

struct Writer {
    tally: Tally,
    answer: Answer,
    latest: HashMap<String, Vec<Number>>,
}

impl WriteBlocks for Writer {
    fn write(&mut self, block: Block) -> Result<()> {
        let Block::Rows(batch) = block else {
            return Err(EngineError::internal("rows were encoded for a tally"));
        };
        let rows = &batch.rows;
        self.answer.rows += batch.len() as u64;
        match self.tally.sums {
            Sums::None => {}
            Sums::Net => {
                self.answer.add(0, sums(rows)?);
                if let Some(changes) = &batch.changes {
                    let gone = changes
                        .iter()
                        .map(|change| matches!(change, Change::UpdateBefore | Change::Delete));
                    let gone = BooleanArray::from_iter(gone.map(Some));
                    // They were added above, and once before.
                    let sums = sums(&filter_record_batch(rows, &gone)?)?;
                    self.answer.add(0, sums.into_iter().map(|sum| -(sum + sum)));
                }
            }
            Sums::Latest => {
                let keys = rows.column(0).as_string::<i32>();
                for row in 0..rows.num_rows() {
                    self.latest.insert(keys.value(row).to_owned(), sums(&rows.slice(row, 1))?);
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<()> {
        for sums in self.latest.into_values() {
            self.answer.add(0, sums);
        }
        *self.tally.answer.lock().unwrap_or_else(PoisonError::into_inner) = self.answer;
        Ok(())
    }
}

/// The sum of each column.
fn sums(rows: &RecordBatch) -> Result<Vec<Number>> {
    rows.columns().iter().map(sum).collect()
}

/// The sum of a column; of texts, that of their bytes. NULLs add nothing.
fn sum(column: &ArrayRef) -> Result<Number> {
    Ok(match column.data_type() {
        DataType::Int64 => {
            Number::Int(column.as_primitive::<Int64Type>().iter().flatten().map(i128::from).sum())
        }
        DataType::Int32 => {
            Number::Int(column.as_primitive::<Int32Type>().iter().flatten().map(i128::from).sum())
        }
        DataType::Float64 => {
            Number::Float(column.as_primitive::<Float64Type>().iter().flatten().sum())
        }
        DataType::Utf8 => {
            let texts = column.as_string::<i32>().iter().flatten();
            Number::Int(texts.map(|text| text.len() as i128).sum())
        }
        other => return Err(EngineError::internal(format!("no checksum of {other} columns"))),
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array, StringArray};
    use arrow::datatypes::{Field, Schema};
    use turgo_engine::message::Batch;
    use turgo_engine::time::WATERMARK_NONE;

    use super::*;

    #[test]
    fn sums_pass_over_nulls_and_do_not_overflow() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(i64::MAX), None, Some(1)]));
        assert_eq!(sum(&numbers).unwrap(), Number::Int(1 << 63));
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![Some(0.5), None]));
        assert_eq!(sum(&floats).unwrap(), Number::Float(0.5));
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("SYM1"), None, Some("é")]));
        assert_eq!(sum(&texts).unwrap(), Number::Int(6));
    }

    #[test]
    fn a_changelog_adds_up_to_what_it_leaves() {
        use Change::{Insert, UpdateAfter, UpdateBefore};
        let field = |name, data_type| Field::new(name, data_type, true);
        let schema = Schema::new(vec![field("k", DataType::Utf8), field("v", DataType::Int64)]);
        let schema = Arc::new(schema);
        let written = |sums, rows: &[(&str, i64, Change)]| {
            let keys: StringArray = rows.iter().map(|(key, ..)| Some(*key)).collect();
            let values: Int64Array = rows.iter().map(|(_, value, _)| Some(*value)).collect();
            let columns: Vec<ArrayRef> = vec![Arc::new(keys), Arc::new(values)];
            let rows_of = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
            let mut batch = Batch::derived(rows_of, WATERMARK_NONE);
            batch.changes = Some(rows.iter().map(|(.., change)| *change).collect());
            let tally = Tally::new(sums);
            let mut writer = tally.writer(&schema, true).unwrap();
            writer.write(Block::Rows(batch)).unwrap();
            writer.commit().unwrap();
            tally.take()
        };
        let left = |rows| Answer { rows, sums: vec![Number::Int(3), Number::Int(27)] };
        let with_old =
            [("a", 5, Insert), ("bb", 7, Insert), ("a", 5, UpdateBefore), ("a", 20, UpdateAfter)];
        assert_eq!(written(Sums::Net, &with_old), left(4));
        let of_keys = [("a", 5, Insert), ("bb", 7, Insert), ("a", 20, UpdateAfter)];
        assert_eq!(written(Sums::Latest, &of_keys), left(3));
        assert_eq!(written(Sums::None, &of_keys), Answer { rows: 3, sums: Vec::new() });
    }
}
