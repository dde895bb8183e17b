//! Which pane a row belongs to, and whether it is late (rule T1 of [`crate::time`]).
//!
//! What is late is decided by the watermark a row was read under and by nothing else; the
//! operator's own watermark only says when windows are complete.

use arrow::array::{Array, RecordBatch};

use super::{PaneKey, Split};
use crate::error::{EngineError, Result};
use crate::graph::{Aggregate, Panes};
use crate::message::{Batch, RowWatermark};
use crate::operator::{Output, RowCounts};
use crate::time::{EventTime, EventTimes};
use crate::window::{Sessions, Windows};

/// Deals input rows out to panes, leaving out those that belong to none; says in `out` what became
/// of each.
///
/// # Errors
/// `Data` where a row has no event time.
pub(crate) fn split_rows(aggregate: &Aggregate, batch: &Batch, out: &mut Output) -> Result<Split> {
    let mut seen = RowCounts::default();
    let mut late = Vec::new();
    let split = match aggregate.panes {
        Panes::Whole => {
            seen.used = batch.len() as u64;
            Split::whole((0, 0), batch.len())
        }
        Panes::Attached { start, end } => {
            seen.used = batch.len() as u64;
            by_attached(&batch.rows, start, end)?
        }
        Panes::Time { column, windows } => {
            let found = (&mut seen, &mut late);
            by_time(batch, column, found, |time, under| in_windows(&windows, time, under))?
        }
        Panes::Session { column, sessions } => {
            let found = (&mut seen, &mut late);
            by_time(batch, column, found, |time, under| in_session(&sessions, time, under))?
        }
    };
    if batch.unaccounted {
        out.counts.add(&seen);
        late.iter().for_each(|row| out.late(batch, *row));
    } else if !late.is_empty() || seen.late_partial > 0 {
        // Their input rows are accounted for as used.
        return Err(EngineError::internal("derived rows are late for their windows"));
    }
    Ok(split)
}

/// The pane keys of rows that carry their window.
fn by_attached(rows: &RecordBatch, start: usize, end: usize) -> Result<Split> {
    let starts = times_of(rows, start)?;
    let ends = times_of(rows, end)?;
    let mut split = Split::default();
    for (row, pair) in ends.iter().zip(starts.iter()).enumerate() {
        match pair {
            (Some(end), Some(start)) => split.push((end, start), row..row + 1),
            (None, _) => return Err(time_error(rows, end, row)),
            (_, None) => return Err(time_error(rows, start, row)),
        }
    }
    Ok(split)
}

/// A span of event time whose rows all go the same way while they are on time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    from: EventTime,
    /// Exclusive.
    to: EventTime,
    /// Rows read under a watermark below this are on time for all windows of the pane.
    on_time_below: EventTime,
    pane: PaneKey,
}

impl Span {
    /// How many rows from `from` on, one behind the other, it holds; its first row stands before
    /// them.
    pub(crate) fn run(&self, times: &EventTimes, under: &RowWatermark, from: usize) -> usize {
        let on_time = |under: &EventTime| *under < self.on_time_below;
        let run = || times.run(from, &(self.from..self.to));
        match under {
            RowWatermark::Same(under) if on_time(under) => run(),
            RowWatermark::Same(_) => 0,
            RowWatermark::Each(under) => {
                under[from..from + run()].iter().take_while(|under| on_time(under)).count()
            }
        }
    }
}

/// The pane keys of rows by their time; `place` says where a row of some time, read under some
/// watermark, belongs.
fn by_time(
    batch: &Batch,
    column: usize,
    (counts, late): (&mut RowCounts, &mut Vec<usize>),
    place: impl Fn(EventTime, EventTime) -> Place,
) -> Result<Split> {
    let times = times_of(&batch.rows, column)?;
    let mut split = Split::default();
    let mut row = 0;
    while row < times.len() {
        let time = times.at(row).ok_or_else(|| time_error(&batch.rows, column, row))?;
        let first = row;
        row += 1;
        match place(time, batch.under.at(first)) {
            Place::OnTime(span) => {
                row += span.run(&times, &batch.under, row);
                counts.used += (row - first) as u64;
                split.push(span.pane, first..row);
            }
            Place::PartlyLate(pane) => {
                counts.used += 1;
                counts.late_partial += 1;
                split.push(pane, first..row);
            }
            Place::Late => late.push(first),
            Place::Nowhere => counts.filtered += 1,
        }
    }
    Ok(split)
}

/// Where a row belongs.
#[derive(Debug)]
pub(crate) enum Place {
    /// To all windows that hold its time.
    OnTime(Span),
    /// To the later ones of those.
    PartlyLate(PaneKey),
    /// To none that is still open.
    Late,
    /// To none at all: windows have gaps, and end where the range of time ends.
    Nowhere,
}

/// Where a row of some time, read under some watermark, belongs.
pub(crate) fn in_windows(windows: &Windows, time: EventTime, under: EventTime) -> Place {
    let Some(pane) = windows.pane_start(time) else { return Place::Nowhere };
    let Some(first) = windows.ends(time).next() else { return Place::Nowhere };
    let Some(on_time) = windows.ends_after(time, under).next() else { return Place::Late };
    if on_time > first {
        return Place::PartlyLate((pane, on_time));
    }
    Place::OnTime(Span {
        from: pane,
        to: pane.saturating_add(windows.pane()),
        on_time_below: first,
        pane: (pane, first),
    })
}

fn in_session(sessions: &Sessions, time: EventTime, under: EventTime) -> Place {
    let Some(end) = sessions.end(time) else { return Place::Nowhere };
    if end <= under {
        return Place::Late;
    }
    let bucket = sessions.bucket(time);
    Place::OnTime(Span {
        from: bucket.start,
        to: bucket.end,
        // What all rows of the bucket can have: its earliest one ends first.
        on_time_below: bucket.start.saturating_add(sessions.gap()),
        pane: (bucket.start, bucket.complete),
    })
}

/// The event times in a column of `rows`.
pub(crate) fn times_of(rows: &RecordBatch, column: usize) -> Result<EventTimes> {
    EventTimes::of(rows.column(column))
}

/// Why row `row` has no event time in that column.
pub(crate) fn time_error(rows: &RecordBatch, column: usize, row: usize) -> EngineError {
    let schema = rows.schema();
    let name = schema.field(column).name();
    EngineError::data(if rows.column(column).is_null(row) {
        format!(
            "a NULL event time belongs to no window; leave such rows out with \
             WHERE {name} IS NOT NULL"
        )
    } else {
        format!("an event time of column {name} lies more than 292,000 years from 1970")
    })
}
