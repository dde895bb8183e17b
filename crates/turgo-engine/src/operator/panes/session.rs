//! Puts sessions together of the buckets of [`Sessions`].
//!
//! A pane holds the states of one bucket, and those of sessions that began in earlier buckets and
//! whose last row so far lies in this one. Beside what the query computes it knows the first and the
//! last time of each group: two calls that are added to the query's own. When a bucket is settled,
//! each of its sessions either moves on into the next bucket or leaves.
//!
//! - S1. Buckets are settled in order of time, each when the next one is complete, so its sessions
//!   have been put together up to here, and all that could lengthen them is there.
//! - S2. Of a session that moves on, the states stand before those of the next bucket: functions that
//!   depend on the order of rows see them in order of buckets.
//! - S3. A bucket is a pane like any other for partial aggregates, frozen state and other instances:
//!   nothing of a session is kept anywhere else.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute;

use super::complete::{Complete, Groups};
use super::{Pane, PaneKey, PaneStore};
use crate::error::{EngineError, Result};
use crate::graph::{Aggregate, AggregateCall, AggregateFunction, Panes};
use crate::time::{EventTime, EventTimes};
use crate::window::Sessions;

/// `aggregate` with the calls that tell the first and the last time of a session, where its groups
/// are sessions.
pub(super) fn with_extents(aggregate: Arc<Aggregate>) -> Arc<Aggregate> {
    let Panes::Session { column, .. } = aggregate.panes else { return aggregate };
    let mut with_extents = Aggregate::clone(&aggregate);
    let field = &aggregate.input.fields()[column];
    with_extents.calls.extend([AggregateFunction::Min, AggregateFunction::Max].map(|function| {
        AggregateCall { function, args: vec![column], filter: None, field: Arc::clone(field) }
    }));
    Arc::new(with_extents)
}

impl Pane {
    /// Start and end of the session of each group, as far as it is known.
    fn sessions(&mut self, sessions: &Sessions) -> Result<Vec<(EventTime, EventTime)>> {
        let ids: Vec<u32> = ids(self.table.len()).collect();
        let [.., first, last] = &mut self.calls[..] else {
            return Err(EngineError::internal("sessions without extents"));
        };
        let times = |column: ArrayRef| -> Result<Vec<EventTime>> {
            let times: Option<_> = EventTimes::of(&column)?.iter().collect();
            times.ok_or_else(|| EngineError::internal("a session without a time"))
        };
        let (starts, lasts) = (times(first.read(&ids)?)?, times(last.read(&ids)?)?);
        let span = |(start, last)| Some((start, sessions.end(last)?));
        let spans: Option<_> = starts.into_iter().zip(lasts).map(span).collect();
        spans.ok_or_else(|| EngineError::internal("a row in a session that does not exist"))
    }
}

impl PaneStore {
    /// Takes the earliest bucket that is settled under `watermark` with the sessions that end in
    /// it; the others are in the next bucket from then on.
    pub(super) fn take_sessions(
        &mut self,
        sessions: &Sessions,
        watermark: EventTime,
    ) -> Result<Option<Complete>> {
        let settled = |key: &PaneKey| sessions.settled(key.1) <= watermark;
        let Some(bucket) = self.panes.first_entry().filter(|entry| settled(entry.key())) else {
            return Ok(None);
        };
        let (key, mut pane) = bucket.remove_entry();
        let spans = pane.sessions(sessions)?;
        let mut moves = vec![false; spans.len()];
        if let Some(mut next) = self.panes.first_entry()
            && next.key().0.saturating_sub(key.0) <= sessions.gap()
        {
            let starts = next.get_mut().sessions(sessions)?;
            let (keys, rows) = (next.get().table.keys()?, starts.len());
            // The table of the bucket, which goes away, tells which of its keys are in the next one.
            pane.table.intern(&keys, rows, &mut self.groups)?;
            for (group, (start, _)) in self.groups.iter().zip(starts) {
                let group = *group as usize;
                // A window that ends where another starts is one with it.
                if spans.get(group).is_some_and(|(_, end)| start <= *end) {
                    moves[group] = true;
                }
            }
            if moves.contains(&true) {
                let moved = moved(&self.aggregate, &mut pane, next.get_mut(), &moves)?;
                next.insert(moved);
            }
        }
        let ended = ids(spans.len()).zip(spans).zip(moves).filter(|(_, moves)| !moves);
        let ended = ended.map(|(ended, _)| ended).collect();
        Ok(Some(Complete { pane, groups: Groups::Sessions(ended) }))
    }
}

/// `next` with the groups of `pane` that move into it (S2).
fn moved(aggregate: &Aggregate, pane: &mut Pane, next: &mut Pane, moves: &[bool]) -> Result<Pane> {
    let moving: UInt32Array =
        ids(moves.len()).zip(moves).filter(|(_, moves)| **moves).map(|(group, _)| group).collect();
    let pick = |columns: Vec<ArrayRef>| -> Result<Vec<ArrayRef>> {
        columns.iter().map(|column| Ok(compute::take(column, &moving, None)?)).collect()
    };
    let mut groups = Vec::new();
    let mut moved = Pane::new(aggregate)?;
    moved.merge_columns(
        &pick(pane.table.keys()?)?,
        &pick(pane.states()?)?,
        moving.len(),
        &mut groups,
    )?;
    moved.merge_columns(&next.table.keys()?, &next.states()?, next.table.len(), &mut groups)?;
    Ok(moved)
}

/// The ids of so many groups.
fn ids(groups: usize) -> impl Iterator<Item = u32> {
    (0..u32::MAX).take(groups)
}
