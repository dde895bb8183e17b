//! The owner of groups that are emitted once: when their window is complete, or the input ends.
//!
//! Windows leave in order of their end, groups in order of first appearance; sessions in order of the
//! buckets they end in. Results are read a part at a time while nothing new comes in, and the
//! watermark that completed them follows the last part; of sessions, what it promises of their ends.
//! Results leave under the watermark sent on before: their windows end after it, so they are on time
//! for whatever comes next.
//!
//! Where lateness is allowed, a window leaves so much before the watermark, and again, as far as it has
//! changed, in front of the watermarks that come after the rows that changed it.
//!
//! Where the end of the input closes no window, what is open then is counted and not shown.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute;

use super::panes::{self, Complete, Groups, PaneStore};
use super::{Operator, Output, window_columns};
use crate::error::{EngineError, Result};
use crate::graph::{Aggregate, Panes};
use crate::message::Batch;
use crate::time::{EventTime, WATERMARK_END, WATERMARK_NONE};

/// Most rows in one output batch.
const OUTPUT_ROWS_MAX: usize = 8 << 10;

/// [`crate::graph::OperatorSpec::FinalAggregate`] and [`crate::graph::OperatorSpec::RowAggregate`].
#[derive(Debug)]
pub struct FinalAggregate {
    store: PaneStore,
    input: Fed,
    /// The end of the input closes all windows.
    flush: bool,
    /// The groups being emitted.
    open: Option<Open>,
    /// What is being worked off.
    due: Option<Due>,
    /// Last watermark sent on.
    watermark: EventTime,
}

/// What comes in.
#[derive(Debug, Clone, Copy)]
enum Fed {
    States,
    Rows,
}

/// Why windows are being emitted.
#[derive(Debug, Clone, Copy)]
enum Due {
    /// They end at or before a watermark, which is sent on after them.
    Watermark(EventTime),
    /// Nothing more comes.
    End,
}

/// Complete groups and how many of them have been emitted.
#[derive(Debug)]
struct Open {
    complete: Complete,
    keys: Vec<ArrayRef>,
    groups: usize,
    next: usize,
}

/// Rows of the result, put together of groups of one pane after the other.
#[derive(Debug, Default)]
struct Rows {
    len: usize,
    /// Of each pane, columns of keys and of values.
    parts: Vec<Vec<ArrayRef>>,
    /// Which windows they are in, if there are windows.
    windows: Vec<window_columns::Run>,
}

impl FinalAggregate {
    /// Fed with the states of [`super::aggregate_partial::PartialAggregate`].
    ///
    /// # Errors
    /// `Unsupported` where a key, a function or the windows cannot be kept.
    pub fn of_states(aggregate: Arc<Aggregate>) -> Result<Self> {
        Self::new(aggregate, Fed::States)
    }

    /// Fed with input rows.
    ///
    /// # Errors
    /// As [`FinalAggregate::of_states`]; `Internal` where lateness is allowed: the planner sends states.
    pub fn of_rows(aggregate: Arc<Aggregate>) -> Result<Self> {
        if aggregate.lateness > 0 {
            return Err(EngineError::internal("late rows for windows that are fed with rows"));
        }
        Self::new(aggregate, Fed::Rows)
    }

    fn new(aggregate: Arc<Aggregate>, input: Fed) -> Result<Self> {
        let store = PaneStore::new(aggregate)?;
        Ok(Self { store, input, flush: true, open: None, due: None, watermark: WATERMARK_NONE })
    }

    /// The same, where the end of the input closes no window.
    #[must_use]
    pub fn unflushed(self) -> Self {
        Self { flush: false, ..self }
    }

    /// Counts the groups of the windows that are still open, and forgets them.
    fn leave_unsaid(&mut self, out: &mut Output) -> Result<()> {
        while let Some(complete) = self.store.take_complete(WATERMARK_END)? {
            out.counts.unsaid += groups_of(self.store.aggregate(), &complete) as u64;
            self.store.keep(complete)?;
        }
        Ok(())
    }

    /// Sends what late rows have changed of windows that have left.
    fn send_changes(&mut self, out: &mut Output) -> Result<()> {
        let under = self.watermark;
        self.store.take_changes(|aggregate, leaving| leaving.send(aggregate, under, out))
    }

    /// Sends up to [`OUTPUT_ROWS_MAX`] rows of what is due, then, if that was all, the watermark.
    /// Says whether more is left.
    fn step(&mut self, out: &mut Output) -> Result<bool> {
        let Some(due) = self.due else { return Ok(false) };
        let aggregate = self.store.aggregate().clone();
        let complete_under = match due {
            Due::Watermark(time) => time.saturating_add(aggregate.lateness),
            Due::End => WATERMARK_END,
        };
        let mut result = Rows::default();
        while result.len < OUTPUT_ROWS_MAX {
            if self.open.is_none() {
                let complete = self.store.take_complete(complete_under)?;
                self.open = complete.map(|window| Open::new(&aggregate, window)).transpose()?;
            }
            let Some(open) = &mut self.open else { break };
            open.read(&aggregate, &mut result)?;
            if open.next == open.groups
                && let Some(open) = self.open.take()
            {
                self.store.keep(open.complete)?;
            }
        }
        let more = result.len == OUTPUT_ROWS_MAX;
        if result.len > 0 {
            out.batch(Batch::derived(result.joined(&aggregate)?, self.watermark));
        }
        if more {
            return Ok(true);
        }
        self.due = None;
        if let Due::Watermark(time) = due {
            self.watermark = match self.store.aggregate().panes {
                Panes::Session { sessions, .. } => sessions.passed_on(time),
                Panes::Whole | Panes::Time { .. } | Panes::Attached { .. } => time,
            };
            out.watermark(self.watermark);
        }
        Ok(false)
    }
}

impl Open {
    fn new(aggregate: &Aggregate, complete: Complete) -> Result<Self> {
        let keys = complete.pane.table.keys()?;
        let groups = groups_of(aggregate, &complete);
        Ok(Self { complete, keys, groups, next: 0 })
    }

    /// Adds the next groups to a result, as far as it has room.
    fn read(&mut self, aggregate: &Aggregate, result: &mut Rows) -> Result<()> {
        let rows = (OUTPUT_ROWS_MAX - result.len).min(self.groups - self.next);
        let due = self.next..self.next + rows;
        self.next += rows;
        result.len += rows;
        match &self.complete.groups {
            Groups::Whole => {}
            Groups::Window(start, end) => result.windows.push(((*start, *end), rows)),
            Groups::Sessions(ended) => {
                result.windows.extend(ended[due.clone()].iter().map(|ended| (ended.1, 1)));
            }
        }
        let groups: Vec<u32> = match &self.complete.groups {
            Groups::Sessions(ended) => ended[due.clone()].iter().map(|ended| ended.0).collect(),
            Groups::Whole | Groups::Window(..) => {
                let id = |group| u32::try_from(group).expect("group ids are 32 bits wide");
                (id(due.start)..id(due.end)).collect()
            }
        };
        let groups = UInt32Array::from(groups);
        let mut columns: Vec<ArrayRef> = match &self.complete.groups {
            Groups::Sessions(_) => {
                let keys = self.keys.iter().map(|key| compute::take(key, &groups, None));
                keys.collect::<Result<_, _>>()?
            }
            Groups::Whole | Groups::Window(..) => {
                self.keys.iter().map(|key| key.slice(due.start, rows)).collect()
            }
        };
        // What is behind the output's calls is for the pane's own use.
        for call in &mut self.complete.pane.calls[..calls_of(aggregate)] {
            columns.push(call.read(groups.values())?);
        }
        result.parts.push(columns);
        Ok(())
    }
}

impl Rows {
    /// Keys, window and values of all rows.
    fn joined(self, aggregate: &Aggregate) -> Result<RecordBatch> {
        let fields = aggregate.output.fields();
        let keys = aggregate.keys.len();
        let mut columns = Vec::with_capacity(fields.len());
        for column in 0..keys + calls_of(aggregate) {
            let parts: Vec<&dyn Array> = self.parts.iter().map(|part| &*part[column]).collect();
            columns.push(compute::concat(&parts)?);
        }
        if aggregate.panes != Panes::Whole {
            let fields = &fields[keys..keys + window_columns::COLUMNS];
            let windows = window_columns::columns(&self.windows, fields)?;
            columns.splice(keys..keys, windows);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.len));
        Ok(RecordBatch::try_new_with_options(aggregate.output.clone(), columns, &options)?)
    }
}

/// How many calls have a column in the result.
fn calls_of(aggregate: &Aggregate) -> usize {
    let windows = if aggregate.panes == Panes::Whole { 0 } else { window_columns::COLUMNS };
    aggregate.output.fields().len() - aggregate.keys.len() - windows
}

/// The rows of a result.
fn groups_of(aggregate: &Aggregate, complete: &Complete) -> usize {
    match &complete.groups {
        Groups::Sessions(ended) => ended.len(),
        // Without key columns there is one group, even where no row has come.
        Groups::Whole | Groups::Window(..) if aggregate.keys.is_empty() => 1,
        Groups::Whole | Groups::Window(..) => complete.pane.table.len(),
    }
}

impl Operator for FinalAggregate {
    fn batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        panes::check_inserts(&batch)?;
        if self.due.is_some() {
            return Err(EngineError::internal("rows came in the middle of a result"));
        }
        match self.input {
            Fed::States => self.store.merge(&batch.rows),
            Fed::Rows => {
                let split = panes::split_rows(self.store.aggregate(), &batch, out)?;
                self.store.update(&split, &batch.rows)
            }
        }
    }

    /// Sends the first part of what the watermark completes; [`Operator::resume`] sends the rest
    /// and the watermark. The rows of the whole input come after every watermark, so none is sent
    /// on for them.
    fn watermark(&mut self, time: EventTime, out: &mut Output) -> Result<()> {
        if self.store.aggregate().panes != Panes::Whole {
            self.send_changes(out)?;
            self.store.close(time);
            self.due = Some(Due::Watermark(time));
            self.step(out)?;
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Output) -> Result<()> {
        self.send_changes(out)?;
        self.store.close(WATERMARK_END);
        if !self.flush {
            return self.leave_unsaid(out);
        }
        self.due = Some(Due::End);
        let aggregate = self.store.aggregate().clone();
        let whole = self.store.take_whole()?;
        self.open = whole.map(|whole| Open::new(&aggregate, whole)).transpose()?;
        self.step(out)?;
        Ok(())
    }

    fn resume(&mut self, out: &mut Output) -> Result<bool> {
        self.step(out)
    }

    fn release(&mut self, out: &mut Output) -> Result<()> {
        self.send_changes(out)
    }

    fn before_barrier(&mut self, out: &mut Output) -> Result<()> {
        self.send_changes(out)
    }

    fn freeze(&mut self) -> Result<Option<RecordBatch>> {
        if self.due.is_some() {
            return Err(EngineError::internal("a barrier passed in the middle of a result"));
        }
        if self.store.holds_changes() {
            return Err(EngineError::internal("a barrier passed changes that are held back"));
        }
        self.store.freeze().map(Some)
    }

    fn restore(&mut self, frozen: &RecordBatch) -> Result<()> {
        self.store.restore(frozen)
    }
}
