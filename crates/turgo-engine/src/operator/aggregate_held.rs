//! The owner of groups whose changes are held back for a while: `EMIT CHANGES EVERY`.
//!
//! Windows leave in order of their end; how changes are held is in `held`.
//!
//! Nothing is held over a barrier, over the end of its window, or over the end of the run. So the
//! frozen groups are all that is to be remembered.
//!
//! It knows no clock: when an interval is over, the runtime calls [`Operator::release`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;

use super::held::{Held, Leaving};
use super::panes::{self, PaneKey, PaneStore, Piece, filter_of, pick};
use super::{Operator, Output};
use crate::error::{EngineError, Result};
use crate::graph::{Aggregate, Every, Panes};
use crate::message::Batch;
use crate::time::{EventTime, WATERMARK_NONE};

/// [`crate::graph::OperatorSpec::ChangesAggregate`] with [`Every`].
#[derive(Debug)]
pub struct HeldChanges {
    store: PaneStore,
    before: bool,
    every: Every,
    held: BTreeMap<PaneKey, Held>,
    /// Rows since changes last left.
    rows: u64,
    /// Last watermark sent on.
    watermark: EventTime,
    /// Group ids of the rows at hand.
    groups: Vec<u32>,
}

impl HeldChanges {
    /// No groups yet; `before`: also emit the versions that are replaced.
    ///
    /// # Errors
    /// As [`super::aggregate_changes::ChangesAggregate::new`].
    pub fn new(aggregate: Arc<Aggregate>, before: bool, every: Every) -> Result<Self> {
        if let Panes::Time { .. } | Panes::Session { .. } = aggregate.panes {
            return Err(EngineError::internal("EMIT CHANGES over panes of time"));
        }
        let store = PaneStore::new(aggregate)?;
        let (held, groups) = (BTreeMap::new(), Vec::new());
        Ok(Self { store, before, every, held, rows: 0, watermark: WATERMARK_NONE, groups })
    }

    /// Adds the rows of one pane, and notes the groups they change.
    fn update(&mut self, piece: &Piece) -> Result<()> {
        let aggregate = self.store.aggregate().clone();
        let keys = pick(&piece.rows, &aggregate.keys);
        let pane = self.store.pane(piece.pane)?;
        let known = pane.table.len();
        pane.table.intern(&keys, piece.rows.num_rows(), &mut self.groups)?;
        let total = pane.table.len();
        self.held.entry(piece.pane).or_default().note(pane, &keys, &self.groups, known)?;
        for (call, state) in aggregate.calls.iter().zip(&mut pane.calls) {
            let filter = filter_of(&piece.rows, call.filter);
            state.update(&self.groups, &pick(&piece.rows, &call.args), filter, total)?;
        }
        Ok(())
    }

    /// Lets the changes of one pane leave.
    fn release_pane(&mut self, key: PaneKey, leaving: &mut Leaving) -> Result<()> {
        let Some(held) = self.held.get_mut(&key) else { return Ok(()) };
        let aggregate = self.store.aggregate().clone();
        leaving.add(&aggregate, (key, self.store.pane(key)?), held, self.before)
    }

    /// Lets all changes leave.
    fn release_all(&mut self, leaving: &mut Leaving) -> Result<()> {
        self.rows = 0;
        let keys: Vec<PaneKey> = self.held.keys().copied().collect();
        keys.into_iter().try_for_each(|key| self.release_pane(key, leaving))
    }
}

impl Operator for HeldChanges {
    fn batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        panes::check_inserts(&batch)?;
        let aggregate = self.store.aggregate().clone();
        let mut leaving = Leaving::default();
        let mut from = 0;
        while from < batch.len() {
            let left = batch.len() - from;
            let rows = match self.every {
                Every::Rows(every) => {
                    left.min(usize::try_from(every.get() - self.rows).unwrap_or(left))
                }
                Every::Time(_) => left,
            };
            let part = batch.slice(from, rows);
            let split = panes::split_rows(&aggregate, &part, out)?;
            split.pieces(&part.rows)?.iter().try_for_each(|piece| self.update(piece))?;
            from += rows;
            self.rows += rows as u64;
            if matches!(self.every, Every::Rows(every) if every.get() == self.rows) {
                self.release_all(&mut leaving)?;
            }
        }
        leaving.send(&aggregate, self.watermark, out)
    }

    fn watermark(&mut self, time: EventTime, out: &mut Output) -> Result<()> {
        let aggregate = self.store.aggregate().clone();
        if aggregate.panes != Panes::Whole {
            let mut leaving = Leaving::default();
            while let Some((key, _)) = self.held.first_key_value().filter(|(key, _)| key.0 <= time)
            {
                let key = *key;
                self.release_pane(key, &mut leaving)?;
                self.held.remove(&key);
            }
            leaving.send(&aggregate, self.watermark, out)?;
        }
        self.store.drop_attached(time);
        self.store.close(time);
        self.watermark = time;
        out.watermark(time);
        Ok(())
    }

    fn end(&mut self, out: &mut Output) -> Result<()> {
        self.release(out)
    }

    fn interval(&self) -> Option<Duration> {
        match self.every {
            Every::Rows(_) => None,
            Every::Time(interval) => Some(interval),
        }
    }

    fn release(&mut self, out: &mut Output) -> Result<()> {
        let mut leaving = Leaving::default();
        self.release_all(&mut leaving)?;
        leaving.send(self.store.aggregate(), self.watermark, out)
    }

    fn before_barrier(&mut self, out: &mut Output) -> Result<()> {
        self.release(out)
    }

    fn freeze(&mut self) -> Result<Option<RecordBatch>> {
        if self.held.values().any(|held| !held.is_empty()) {
            return Err(EngineError::internal("a barrier passed changes that are held back"));
        }
        self.store.freeze().map(Some)
    }

    fn restore(&mut self, frozen: &RecordBatch) -> Result<()> {
        self.store.restore(frozen)
    }
}
