//! Aggregates what one instance sees and sends states on to the owners of the groups.
//!
//! It keeps a bounded number of groups, and of distinct values in them, and a batch more, so it is
//! small beside the owners. Where grouping does not pay because most rows are groups of their own,
//! or distinct values, rows are turned into states one by one; now and then it is tried again. The
//! pane key of a state says which windows it counts in, so owners need not know which instance it
//! came from, or under which watermark.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::panes::{self, PaneStore, Split, filter_of, pick};
use super::{Operator, Output};
use crate::error::Result;
use crate::graph::Aggregate;
use crate::message::Batch;
use crate::state::{Accumulate, accumulators};
use crate::time::{EventTime, WATERMARK_NONE};

/// Where the key columns begin in a state batch: what its exchange is hashed by is
/// `STATE_KEYS_AT .. STATE_KEYS_AT + aggregate.keys.len()`.
pub const STATE_KEYS_AT: usize = panes::PANE_COLUMNS;

/// The columns of state batches: two for the pane, the key columns, the state columns of each call.
///
/// # Errors
/// `Unsupported` where a function has no state that can be sent on.
pub fn state_schema(aggregate: &Arc<Aggregate>) -> Result<SchemaRef> {
    panes::state_schema(aggregate)
}

/// [`crate::graph::OperatorSpec::PartialAggregate`].
#[derive(Debug)]
pub struct PartialAggregate {
    store: PaneStore,
    /// Turn rows into states without any group; hold no groups themselves.
    calls: Vec<Box<dyn Accumulate>>,
    mode: Mode,
    limits: Limits,
    /// Last watermark sent on.
    watermark: EventTime,
}

/// When a partial aggregate changes what it does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Groups at which everything is sent on.
    pub(super) groups_max: usize,
    /// Distinct values of one call at which everything is sent on.
    pub(super) distinct_max: usize,
    /// Rows after which it is judged whether grouping pays.
    pub(super) probe_rows: usize,
    /// Rows sent on one by one before grouping is tried again.
    pub(super) bypass_rows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            groups_max: 64 << 10,
            distinct_max: 256 << 10,
            probe_rows: 100_000,
            bypass_rows: 1_000_000,
        }
    }
}

/// Whether rows are grouped.
#[derive(Debug)]
enum Mode {
    /// Yes, and what it has brought since it was last judged.
    Grouping { rows: usize, brought: usize },
    /// No, for so many more rows.
    Bypass { left: usize },
    /// Yes, always: a function cannot do without.
    AlwaysGrouping,
}

impl PartialAggregate {
    /// No groups yet.
    ///
    /// # Errors
    /// `Unsupported` where a key, a function or the windows cannot be kept.
    pub fn new(aggregate: Arc<Aggregate>) -> Result<Self> {
        Self::with_limits(aggregate, Limits::default())
    }

    pub(super) fn with_limits(aggregate: Arc<Aggregate>, limits: Limits) -> Result<Self> {
        let store = PaneStore::new(aggregate)?;
        let calls = accumulators(store.aggregate())?;
        let mode = Mode::Grouping { rows: 0, brought: 0 };
        Ok(Self { store, calls, mode, limits, watermark: WATERMARK_NONE })
    }

    fn group(&mut self, split: &Split, batch: &Batch, out: &mut Output) -> Result<()> {
        let before = (self.store.groups(), self.store.distinct());
        self.store.update(split, &batch.rows)?;
        let (groups, distinct) = (self.store.groups(), self.store.distinct());
        if groups >= self.limits.groups_max || distinct >= self.limits.distinct_max {
            self.flush(None, out)?;
        }
        if let Mode::Grouping { rows, brought } = &mut self.mode {
            *rows += batch.len();
            *brought += usize::max(groups - before.0, distinct - before.1);
            if *rows >= self.limits.probe_rows {
                // More than four groups, or distinct values, to five rows: sending rows is cheaper than grouping them.
                if *brought * 5 > *rows * 4 {
                    self.mode = Mode::Bypass { left: self.limits.bypass_rows };
                    self.flush(None, out)?;
                } else {
                    (*rows, *brought) = (0, 0);
                }
            }
        }
        Ok(())
    }

    /// The state each row stands for; `None` where a function cannot tell.
    fn states_of_rows(&self, split: &Split, batch: &Batch) -> Result<Option<RecordBatch>> {
        let aggregate = self.store.aggregate();
        let (pane, rows) = split.labelled(&batch.rows)?;
        let mut columns = Vec::from(pane);
        columns.extend(pick(&rows, &aggregate.keys));
        for (call, state) in aggregate.calls.iter().zip(&self.calls) {
            let args = pick(&rows, &call.args);
            match state.row_states(&args, filter_of(&rows, call.filter), rows.num_rows())? {
                Some(states) => columns.extend(states),
                None => return Ok(None),
            }
        }
        Ok(Some(RecordBatch::try_new(self.store.schema().clone(), columns)?))
    }

    /// Windows that end at or before this have been emitted under `watermark`: what comes for them goes
    /// on with the next one.
    fn emitted_under(&self, watermark: EventTime) -> EventTime {
        watermark.saturating_add(self.store.aggregate().lateness)
    }

    /// Sends on the groups whose first window is complete under `watermark`; `None`: all.
    fn flush(&mut self, watermark: Option<EventTime>, out: &mut Output) -> Result<()> {
        if let Some(states) = self.store.take_states(watermark)? {
            out.batch(Batch::derived(states, self.watermark));
        }
        Ok(())
    }
}

impl Operator for PartialAggregate {
    fn batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        panes::check_inserts(&batch)?;
        let split = panes::split_rows(self.store.aggregate(), &batch, out)?;
        let Mode::Bypass { left } = self.mode else {
            return self.group(&split, &batch, out);
        };
        match self.states_of_rows(&split, &batch)? {
            Some(states) => {
                out.batch(Batch::derived(states, self.watermark));
                self.mode = match left.checked_sub(batch.len()) {
                    Some(left) => Mode::Bypass { left },
                    None => Mode::Grouping { rows: 0, brought: 0 },
                };
                Ok(())
            }
            None => {
                self.mode = Mode::AlwaysGrouping;
                self.group(&split, &batch, out)
            }
        }
    }

    fn watermark(&mut self, time: EventTime, out: &mut Output) -> Result<()> {
        self.flush(Some(self.emitted_under(time)), out)?;
        self.store.close(time);
        self.watermark = time;
        out.watermark(time);
        Ok(())
    }

    fn end(&mut self, out: &mut Output) -> Result<()> {
        self.flush(None, out)
    }

    /// What is held back of windows that have been emitted.
    fn release(&mut self, out: &mut Output) -> Result<()> {
        match self.store.aggregate().lateness {
            0 => Ok(()),
            _ => self.flush(Some(self.emitted_under(self.watermark)), out),
        }
    }

    fn before_barrier(&mut self, out: &mut Output) -> Result<()> {
        self.flush(None, out)
    }
}
