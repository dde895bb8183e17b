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
use crate::time::{EventTime, event_times};
use crate::window::Sessions;

/// How many calls sessions add.
const EXTENTS: usize = 2;

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
    /// The first and the last time of the first `groups` groups.
    fn extents(&mut self, groups: usize) -> Result<Vec<(EventTime, EventTime)>> {
        let Some(at) = self.calls.len().checked_sub(EXTENTS) else {
            return Err(EngineError::internal("sessions without extents"));
        };
        let ids: Vec<u32> = ids(groups).collect();
        let [first, last] = &mut self.calls[at..] else {
            return Err(EngineError::internal("sessions have two extents"));
        };
        let times = |column: ArrayRef| -> Result<Vec<EventTime>> {
            let times: Option<Vec<_>> = event_times(&column)?.into_iter().collect();
            times.ok_or_else(|| EngineError::internal("a session without a time"))
        };
        let (first, last) = (times(first.read(&ids)?)?, times(last.read(&ids)?)?);
        Ok(first.into_iter().zip(last).collect())
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
        let groups = pane.table.len();
        let extents = pane.extents(groups)?;
        let mut moves = vec![false; groups];
        if let Some(mut next) = self.panes.first_entry()
            && next.key().0.saturating_sub(key.0) <= sessions.gap()
        {
            let ends: Vec<EventTime> =
                extents.iter().map(|(_, last)| end(sessions, *last)).collect::<Result<_>>()?;
            moves = going_on(&mut pane, next.get_mut(), &ends, &mut self.groups)?;
            if moves.contains(&true) {
                let moved = self::moved(&self.aggregate, &mut pane, next.get_mut(), &moves)?;
                next.insert(moved);
            }
        }
        let ended = ids(groups).zip(extents).zip(moves).filter(|(_, moves)| !moves);
        let ended = ended
            .map(|((group, (first, last)), _)| Ok((group, (first, end(sessions, last)?))))
            .collect::<Result<_>>()?;
        Ok(Some(Complete { pane, groups: Groups::Sessions(ended) }))
    }
}

/// Which groups of `pane`, whose sessions end at `ends`, go on in `next`: a window that ends where
/// another starts is one with it. Afterwards the table of `pane` has keys without states at its
/// end.
fn going_on(
    pane: &mut Pane,
    next: &mut Pane,
    ends: &[EventTime],
    groups: &mut Vec<u32>,
) -> Result<Vec<bool>> {
    let (keys, rows) = (next.table.keys()?, next.table.len());
    pane.table.intern(&keys, rows, groups)?;
    let mut moves = vec![false; ends.len()];
    for (group, (first, _)) in groups.iter().zip(next.extents(rows)?) {
        let group = *group as usize;
        if ends.get(group).is_some_and(|end| first <= *end) {
            moves[group] = true;
        }
    }
    Ok(moves)
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
    moved.merge(&pick(pane.table.keys()?)?, &pick(pane.states()?)?, moving.len(), &mut groups)?;
    moved.merge(&next.table.keys()?, &next.states()?, next.table.len(), &mut groups)?;
    Ok(moved)
}

/// The end of the session whose last row is at `last`.
fn end(sessions: &Sessions, last: EventTime) -> Result<EventTime> {
    let end = sessions.end(last);
    end.ok_or_else(|| EngineError::internal("a row of a session that does not exist"))
}

/// The ids of so many groups.
fn ids(groups: usize) -> impl Iterator<Item = u32> {
    (0..u32::MAX).take(groups)
}
