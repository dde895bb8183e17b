//! Repeats each row for each window that holds it.
//!
//! Plain relational fan-out: windowed aggregates that emit once use panes instead and never come
//! here. A row may stand in thousands of windows, so the output is produced in parts, and the
//! position between two parts is a row and a window of that row.

use arrow::array::{RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::datatypes::SchemaRef;

use super::panes::{time_error, times_of};
use super::{Operator, Output, window_columns};
use crate::error::{EngineError, Result};
use crate::message::Batch;
use crate::time::{EventTime, EventTimes};
use crate::window::Windows;

/// Most rows in one output batch.
const OUTPUT_ROWS_MAX: usize = 16 << 10;

/// [`crate::graph::OperatorSpec::AssignWindows`].
#[derive(Debug)]
pub struct AssignWindows {
    time: usize,
    windows: Windows,
    drop_late: bool,
    schema: SchemaRef,
    /// The batch whose rows are being repeated.
    open: Option<Open>,
}

/// A batch, and how far it has been worked through.
#[derive(Debug)]
struct Open {
    batch: Batch,
    times: EventTimes,
    /// The next row.
    row: usize,
    /// Where in `row` the last part ended: windows that end at or before this have been produced.
    after: EventTime,
}

impl AssignWindows {
    /// Windows over column `time`; `drop_late` leaves out rows in windows they are late for;
    /// `schema` is the input's columns and the three of the window.
    ///
    /// # Errors
    /// `Unsupported` when the windows are finer than the column's type.
    pub fn new(time: usize, windows: Windows, drop_late: bool, schema: SchemaRef) -> Result<Self> {
        window_columns::check(&windows, schema.field(time).data_type())?;
        Ok(Self { time, windows, drop_late, schema, open: None })
    }

    /// A row read under `under` enters windows that end after this.
    fn late_until(&self, under: EventTime) -> EventTime {
        if self.drop_late { under } else { EventTime::MIN }
    }

    /// Whether a row stays one row, which whoever consumes it accounts for.
    fn keeps_rows(&self) -> bool {
        !self.drop_late && self.windows.tumbles()
    }

    /// Counts every row of a batch of input rows, once; where rows stay rows, only those that end
    /// here.
    fn count(&self, open: &Open, out: &mut Output) -> Result<()> {
        for row in 0..open.batch.len() {
            let time =
                open.times.at(row).ok_or_else(|| time_error(&open.batch.rows, self.time, row))?;
            let first = self.windows.ends(time).next();
            let after = self.late_until(open.batch.under.at(row));
            let on_time = self.windows.ends_after(time, after).next();
            match (first, on_time) {
                (None, _) => out.counts.filtered += 1,
                _ if self.keeps_rows() => {}
                (Some(_), None) => out.late(&open.batch, row),
                (Some(first), Some(on_time)) => {
                    out.counts.used += 1;
                    out.counts.late_partial += u64::from(on_time != first);
                }
            }
        }
        Ok(())
    }

    /// Sends the next part of the open batch; false where nothing is left of it.
    fn step(&mut self, out: &mut Output) -> Result<bool> {
        let Some(mut open) = self.open.take() else { return Ok(false) };
        let mut rows = Vec::with_capacity(OUTPUT_ROWS_MAX);
        let mut bounds = Vec::with_capacity(OUTPUT_ROWS_MAX);
        while open.row < open.batch.len() && rows.len() < OUTPUT_ROWS_MAX {
            let row = open.row;
            let time =
                open.times.at(row).ok_or_else(|| time_error(&open.batch.rows, self.time, row))?;
            let after = open.after.max(self.late_until(open.batch.under.at(row)));
            let mut ends = self.windows.ends_after(time, after);
            for end in ends.by_ref().take(OUTPUT_ROWS_MAX - rows.len()) {
                rows.push(u32::try_from(row).expect("a batch has fewer than 2^32 rows"));
                bounds.push((self.windows.start(end), end));
            }
            match ends.next() {
                Some(end) => open.after = end - 1,
                None => (open.row, open.after) = (row + 1, EventTime::MIN),
            }
        }
        let repeated = open.batch.take(&UInt32Array::from(rows))?;
        let mut columns = repeated.rows.columns().to_vec();
        let fields = &self.schema.fields()[columns.len()..];
        columns.extend(window_columns::columns(bounds.iter().copied(), fields)?);
        let options = RecordBatchOptions::new().with_row_count(Some(bounds.len()));
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        let unaccounted = open.batch.unaccounted && self.keeps_rows();
        out.batch(Batch { unaccounted, ..repeated.with_columns(rows) });
        if open.row < open.batch.len() {
            self.open = Some(open);
        }
        Ok(self.open.is_some())
    }
}

impl Operator for AssignWindows {
    fn batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        if self.open.is_some() {
            return Err(EngineError::internal("rows came before the last ones were windowed"));
        }
        let times = times_of(&batch.rows, self.time)?;
        let open = Open { batch, times, row: 0, after: EventTime::MIN };
        if open.batch.unaccounted {
            self.count(&open, out)?;
        }
        self.open = Some(open);
        self.step(out)?;
        Ok(())
    }

    fn resume(&mut self, out: &mut Output) -> Result<bool> {
        self.step(out)
    }
}
