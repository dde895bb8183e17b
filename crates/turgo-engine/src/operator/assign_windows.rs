//! Repeats each row for each window that holds it.
//!
//! Plain relational fan-out: windowed aggregates that emit once use panes instead and never come
//! here. A row may stand in thousands of windows, so the output is produced in parts, and the
//! position between two parts is a row and a window of that row.

use arrow::array::{RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::datatypes::SchemaRef;

use super::panes::{Place, in_windows, time_error, times_of};
use super::{Operator, Output, window_columns};
use crate::error::{EngineError, Result};
use crate::message::{Batch, RowWatermark};
use crate::time::{EventTime, EventTimes, WATERMARK_NONE};
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
    /// The watermarks by which rows are late here.
    under: RowWatermark,
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

    /// Whether a row stays one row, which whoever consumes it accounts for.
    fn keeps_rows(&self) -> bool {
        !self.drop_late && self.windows.tumbles()
    }

    /// Where the next row belongs, and how many rows, with those behind it, belong there.
    fn place(&self, open: &Open) -> Result<(Place, usize)> {
        let Open { batch, times, under, row, .. } = open;
        let time = times.at(*row).ok_or_else(|| time_error(&batch.rows, self.time, *row))?;
        let place = in_windows(&self.windows, time, under.at(*row));
        let rows = match &place {
            Place::OnTime(span) => 1 + span.run(times, under, row + 1),
            Place::PartlyLate(_) | Place::Late | Place::Nowhere => 1,
        };
        Ok((place, rows))
    }

    /// Counts every row of a batch of input rows, once; where rows stay rows, only those that end
    /// here.
    fn count(&self, open: &mut Open, out: &mut Output) -> Result<()> {
        while open.row < open.batch.len() {
            let (place, rows) = self.place(open)?;
            match place {
                Place::Nowhere => out.counts.filtered += 1,
                _ if self.keeps_rows() => {}
                Place::Late => out.late(&open.batch, open.row),
                Place::OnTime(_) => out.counts.used += rows as u64,
                Place::PartlyLate(_) => {
                    out.counts.used += 1;
                    out.counts.late_partial += 1;
                }
            }
            open.row += rows;
        }
        open.row = 0;
        Ok(())
    }

    /// Sends the next part of the open batch; false where nothing is left of it.
    fn step(&mut self, out: &mut Output) -> Result<bool> {
        let Some(mut open) = self.open.take() else { return Ok(false) };
        let mut rows = Vec::with_capacity(OUTPUT_ROWS_MAX);
        let mut windows = Vec::new();
        while open.row < open.batch.len() && rows.len() < OUTPUT_ROWS_MAX {
            let room = OUTPUT_ROWS_MAX - rows.len();
            let (_, alike) = self.place(&open)?;
            let time = open.times.at(open.row).expect("it has a place");
            let after = open.after.max(open.under.at(open.row));
            let ends: Vec<_> = self.windows.ends_after(time, after).take(room + 1).collect();
            let alike = if open.after == EventTime::MIN { alike } else { 1 };
            let whole = room.checked_div(ends.len()).unwrap_or(alike).min(alike);
            let window = |end: &EventTime| (self.windows.start(*end), *end);
            let number = |row| u32::try_from(row).expect("a batch has fewer than 2^32 rows");
            if whole == 0 {
                rows.resize(OUTPUT_ROWS_MAX, number(open.row));
                windows.extend(ends[..room].iter().map(|end| (window(end), 1)));
                open.after = ends[room - 1];
                continue;
            }
            let alike = open.row..open.row + whole;
            if let [end] = &ends[..] {
                rows.extend(alike.clone().map(number));
                windows.push((window(end), whole));
            } else {
                for row in alike.clone() {
                    rows.resize(rows.len() + ends.len(), number(row));
                    windows.extend(ends.iter().map(|end| (window(end), 1)));
                }
            }
            (open.row, open.after) = (alike.end, EventTime::MIN);
        }
        let each_once =
            rows.len() == open.batch.len() && rows.iter().copied().eq(0..rows.len() as u32);
        let repeated = match each_once {
            true => open.batch.clone(),
            false => open.batch.take(&UInt32Array::from(rows))?,
        };
        let mut columns = repeated.rows.columns().to_vec();
        let fields = &self.schema.fields()[columns.len()..];
        columns.extend(window_columns::columns(&windows, fields)?);
        let options = RecordBatchOptions::new().with_row_count(Some(repeated.len()));
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
        let under = match self.drop_late {
            true => batch.under.clone(),
            false => RowWatermark::Same(WATERMARK_NONE),
        };
        let mut open = Open { batch, times, under, row: 0, after: EventTime::MIN };
        if open.batch.unaccounted {
            self.count(&mut open, out)?;
        }
        self.open = Some(open);
        self.step(out)?;
        Ok(())
    }

    fn resume(&mut self, out: &mut Output) -> Result<bool> {
        self.step(out)
    }
}
