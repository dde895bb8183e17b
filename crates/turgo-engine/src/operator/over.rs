//! `OVER`: adds to each row values computed from the last rows of its key, in the order of time.
//!
//! Rows come from several producers in any order, so each waits until the watermark has passed its
//! time: no row before it can follow. Then it is given its values and sent on, one row out for one
//! row in.
//!
//! - O1. Rows of a key are taken in order of time, rows of one time in order of partition and of
//!   position in it: [`crate::graph::PLACES`]. What comes out does not depend on when they came.
//! - O2. A row behind the watermark it was read under (T1) is late: it is counted and dropped, since
//!   rows after it may have been sent on.
//! - O3. The rows of one batch come from one producer in the order of their places, as do the
//!   batches of one producer. A stable sort keeps rows apart that share a place.
//!
//! Where the end of the input closes no window, rows that still wait then are counted and not shown.
//!
//! It holds the rows whose time the watermark has not passed and, for each key and call, the
//! rows of one frame.

mod frozen;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute;
use arrow::datatypes::{FieldRef, UInt64Type};

use super::panes::{check_inserts, filter_of, pick, time_error, times_of};
use super::{Operator, Output};
use crate::error::{EngineError, Result};
use crate::graph::Over;
use crate::message::Batch;
use crate::state::{Frames, GroupTable, frames};
use crate::time::{EventTime, EventTimes, WATERMARK_END, WATERMARK_NONE};

/// Most rows in one output batch.
const OUTPUT_ROWS_MAX: usize = 8 << 10;

/// [`crate::graph::OperatorSpec::Over`].
#[derive(Debug)]
pub struct OverRows {
    over: Arc<Over>,
    held: Vec<Run>,
    keys: GroupTable,
    /// One for each call.
    frames: Vec<Box<dyn Frames>>,
    /// The end of the input takes all rows.
    flush: bool,
    /// What is being sent.
    due: Option<Due>,
    /// Group ids of the rows at hand.
    groups: Vec<u32>,
    /// Last watermark sent on.
    watermark: EventTime,
}

/// Rows in order of time.
#[derive(Debug)]
struct Run {
    rows: RecordBatch,
    times: Vec<EventTime>,
    /// Rows before this one have been taken.
    next: usize,
}

/// Rows whose turn has come.
#[derive(Debug)]
struct Due {
    runs: Vec<RecordBatch>,
    /// In the order of O1.
    rows: Vec<Turn>,
    next: usize,
    /// Sent on behind them; none at the end.
    watermark: Option<EventTime>,
}

/// A row and its place in the order of O1; rows are compared by all but the last.
type Turn = (EventTime, u64, u64, (u32, u32));

impl Run {
    /// The rows `kept`, sorted by time.
    fn new(rows: &RecordBatch, times: &EventTimes, mut kept: Vec<u32>) -> Result<Self> {
        let time = |row: &u32| times.at(*row as usize).unwrap_or(EventTime::MIN);
        if !kept.is_sorted_by_key(time) {
            kept.sort_by_key(time);
        } else if kept.len() == rows.num_rows() {
            let times = kept.iter().map(time).collect();
            return Ok(Self { rows: rows.clone(), times, next: 0 });
        }
        let times = kept.iter().map(time).collect();
        let rows = compute::take_record_batch(rows, &UInt32Array::from(kept))?;
        Ok(Self { rows, times, next: 0 })
    }

    /// Its rows below `watermark`, which are taken.
    fn take(&mut self, watermark: EventTime) -> std::ops::Range<usize> {
        let first = self.next;
        self.next += match watermark {
            WATERMARK_END => self.times.len() - first,
            _ => self.times[first..].partition_point(|time| *time < watermark),
        };
        first..self.next
    }
}

impl OverRows {
    /// No rows yet.
    ///
    /// # Errors
    /// `Unsupported` where a key or a function cannot be kept.
    pub fn new(over: Arc<Over>) -> Result<Self> {
        let fields = over.input.fields();
        let keys: Vec<FieldRef> = over.keys.iter().map(|key| Arc::clone(&fields[*key])).collect();
        let frames = over.calls.iter().map(|call| frames(&over.input, call));
        Ok(Self {
            keys: GroupTable::new(&keys)?,
            frames: frames.collect::<Result<_>>()?,
            held: Vec::new(),
            flush: true,
            due: None,
            groups: Vec::new(),
            watermark: WATERMARK_NONE,
            over,
        })
    }

    /// The same, where rows that no watermark has passed at the end of the input are counted and not
    /// shown.
    #[must_use]
    pub fn unflushed(self) -> Self {
        Self { flush: false, ..self }
    }

    /// Takes all rows that `watermark` has passed, and sends the first of them.
    fn release(&mut self, watermark: EventTime, pass_on: bool, out: &mut Output) -> Result<()> {
        let (mut runs, mut rows) = (Vec::new(), Vec::new());
        for run in &mut self.held {
            let taken = run.take(watermark);
            if taken.is_empty() {
                continue;
            }
            let number = u32::try_from(runs.len()).expect("fewer than 2^32 batches are held");
            let [partitions, positions] = self.over.places.map(|column| {
                let column: &ArrayRef = run.rows.column(column);
                column.as_primitive::<UInt64Type>().values()
            });
            rows.extend(taken.map(|row| {
                let at = u32::try_from(row).expect("a batch has fewer than 2^32 rows");
                (run.times[row], partitions[row], positions[row], (number, at))
            }));
            runs.push(run.rows.clone());
        }
        self.held.retain(|run| run.next < run.times.len());
        rows.sort_by_key(|(time, partition, position, _)| (*time, *partition, *position));
        let watermark = pass_on.then_some(watermark);
        self.due = Some(Due { runs, rows, next: 0, watermark });
        self.step(out)?;
        Ok(())
    }

    /// Sends up to [`OUTPUT_ROWS_MAX`] rows of what is due, then, if that was all, the watermark.
    /// Says whether more is left.
    fn step(&mut self, out: &mut Output) -> Result<bool> {
        let Some(mut due) = self.due.take() else { return Ok(false) };
        let end = due.rows.len().min(due.next + OUTPUT_ROWS_MAX);
        if due.next < end {
            let rows = gather(&due.runs, &due.rows[due.next..end])?;
            out.batch(Batch::derived(self.with_values(&rows)?, self.watermark));
            due.next = end;
        }
        if due.next < due.rows.len() {
            self.due = Some(due);
            return Ok(true);
        }
        if let Some(watermark) = due.watermark {
            self.watermark = watermark;
            out.watermark(watermark);
        }
        Ok(false)
    }

    /// The rows with the values of all calls behind their columns.
    fn with_values(&mut self, rows: &RecordBatch) -> Result<RecordBatch> {
        let Self { over, keys, frames, groups, .. } = self;
        keys.intern(&pick(rows, &over.keys), rows.num_rows(), groups)?;
        let mut columns = rows.columns().to_vec();
        for (call, frames) in over.calls.iter().zip(frames) {
            let (args, filter) = (pick(rows, &call.args), filter_of(rows, call.filter));
            columns.push(frames.slide(groups, &args, filter, keys.len())?);
        }
        Ok(RecordBatch::try_new(Arc::clone(&over.output), columns)?)
    }
}

/// Some rows of several batches; without a copy where they stand together.
fn gather(runs: &[RecordBatch], rows: &[Turn]) -> Result<RecordBatch> {
    let (run, first) = rows[0].3;
    let together = |((_, _, _, at), row): (&Turn, u32)| *at == (run, row);
    if rows.iter().zip(first..).all(together) {
        return Ok(runs[run as usize].slice(first as usize, rows.len()));
    }
    let runs: Vec<&RecordBatch> = runs.iter().collect();
    let rows = rows.iter().map(|(_, _, _, (run, row))| (*run as usize, *row as usize));
    Ok(compute::interleave_record_batch(&runs, &rows.collect::<Vec<_>>())?)
}

impl Operator for OverRows {
    fn batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        check_inserts(&batch)?;
        if self.due.is_some() {
            return Err(EngineError::internal("rows came in the middle of a result"));
        }
        let times = times_of(&batch.rows, self.over.time)?;
        let (mut kept, mut late) = (Vec::with_capacity(times.len()), Vec::new());
        for (row, time) in (0..).zip(times.iter()) {
            let at = row as usize;
            let time = time.ok_or_else(|| time_error(&batch.rows, self.over.time, at))?;
            match time >= batch.under.at(at) {
                true => kept.push(row),
                false => late.push(at),
            }
        }
        if batch.unaccounted {
            out.counts.used += kept.len() as u64;
            late.iter().for_each(|row| out.late(&batch, *row));
        } else if !late.is_empty() {
            // Their input rows are accounted for as used.
            return Err(EngineError::internal("derived rows are late for OVER"));
        }
        if !kept.is_empty() {
            self.held.push(Run::new(&batch.rows, &times, kept)?);
        }
        Ok(())
    }

    fn watermark(&mut self, time: EventTime, out: &mut Output) -> Result<()> {
        self.release(time, true, out)
    }

    fn end(&mut self, out: &mut Output) -> Result<()> {
        if self.flush {
            return self.release(WATERMARK_END, false, out);
        }
        let waiting = self.held.drain(..).map(|run| run.times.len() - run.next);
        out.counts.unsaid += waiting.sum::<usize>() as u64;
        Ok(())
    }

    fn resume(&mut self, out: &mut Output) -> Result<bool> {
        self.step(out)
    }

    fn freeze(&mut self) -> Result<Option<RecordBatch>> {
        if self.due.is_some() {
            return Err(EngineError::internal("a barrier passed in the middle of a result"));
        }
        self.frozen().map(Some)
    }

    fn restore(&mut self, frozen: &RecordBatch) -> Result<()> {
        self.thaw(frozen)
    }
}
