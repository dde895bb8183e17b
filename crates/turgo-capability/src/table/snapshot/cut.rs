//! Taking a snapshot while others work.

#[cfg(loom)]
use loom::sync::Arc;
#[cfg(not(loom))]
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use turgo_machine::mutant;

use super::image::{Image, LimitsSeen, Occupant, Seen};
use super::{KeepError, Snapshot};
use crate::audit::AuditLog;
use crate::forest::{Ancestor, NEVER};
use crate::handle::Handle;
use crate::pause::point;
use crate::slab::Slab;
use crate::state::{DEPTH_MAX, Word};
use crate::table::{Limits, Table};

/// Passes over all slots, at most.
const PASSES_MAX: usize = 8;

/// A slot as one pass saw it.
struct Passed {
    word: Word,
    occupant: Option<(Ancestor, Option<Arc<Limits>>)>,
}

/// Nanoseconds since 1970, on the wall clock; 0 before.
pub(super) fn unix_ns(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl<L: AuditLog> Table<L> {
    /// All that the table holds as of some moment, and these handles under these names. `at` is the time of the wall clock, by which the
    /// restored table knows how long it was away.
    ///
    /// Others go on meanwhile and are not held up; [`Snapshot`] says what that means for the cut. Lock-free: from two to eight walks over all
    /// slots, and one [`sweep`](Self::sweep).
    ///
    /// # Errors
    ///
    /// Where a handle or name cannot be kept.
    pub fn snapshot(&self, kept: &[(&str, Handle)], at: SystemTime) -> Result<Snapshot, KeepError> {
        self.sweep(u32::MAX);
        point("snapshot swept");
        let (slots, shards_moving) = self.hold_still();
        // After the passes: what the cut has in balances was granted before. Before the balances: what was returned comes back into none (P4).
        let gas = self.treasury.totals(0);
        let mut image = Image {
            unix_ns: unix_ns(at),
            time_ns: self.now_ns(),
            epochs: (0..self.forest.shards_len())
                .map(|shard| self.forest.epoch(shard).count())
                .collect(),
            counts: self.counts.numbers(),
            returned: gas.returned,
            granted: gas.granted,
            slots: Vec::new(),
            kept: Vec::new(),
        };
        image.slots = self.balance(slots);
        image.kept = keep(kept, &image.slots)?;
        Ok(Snapshot { bytes: image.write(), shards_moving })
    }

    /// All slots as two passes in a row saw them, and the number of shards in which they did not see the same.
    fn hold_still(&self) -> (Vec<Passed>, usize) {
        let mut last = self.pass();
        for passes in 2.. {
            point("snapshot pass");
            let now = self.pass();
            let moving = differences(&last, &now);
            if mutant!("P1 one pass is believed") {
                return (last, 0);
            }
            if moving == 0 || passes == PASSES_MAX {
                // P1: what ended between the passes is left out. P2: what came between them is, too.
                return (both(last, &now), moving.count_ones() as usize);
            }
            last = now;
        }
        unreachable!("it returns after {PASSES_MAX} passes")
    }

    fn pass(&self) -> Vec<Passed> {
        (0..self.forest.slab().len()).map(|count| self.pass_by(count)).collect()
    }

    /// A slot with an occupant and its details, or without.
    fn pass_by(&self, count: u32) -> Passed {
        loop {
            let Some((index, slot)) = self.forest.slab().nth(count) else {
                // Its chunk is being made: it had no occupant yet.
                return Passed { word: Word::vacant(1), occupant: None };
            };
            let word = slot.word.load();
            if !word.is_alive() {
                return Passed { word, occupant: None };
            }
            let handle = Handle::new(index, word.generation());
            // Where the occupant dies meanwhile, there is a new word to look at.
            let Some(occupant) = self.forest.look(handle) else { continue };
            let limited = word.has_caveats() || word.has_limits();
            let limits = if limited { self.limits_of(handle) } else { None };
            if limited == limits.is_some() {
                return Passed { word: occupant.word, occupant: Some((occupant, limits)) };
            }
        }
    }

    /// Leaves out what is dead by ancestry (P3), and reads balances: from above to below, as gas goes upwards only between accounts that are there (P4).
    fn balance(&self, mut slots: Vec<Passed>) -> Vec<Seen> {
        let mut seen: Vec<Seen> =
            slots.iter().map(|slot| Seen::vacant(slot.word.vacated())).collect();
        let mut levels: Vec<Vec<usize>> = vec![Vec::new(); usize::from(DEPTH_MAX) + 1];
        for (at, slot) in slots.iter().enumerate().filter(|(_, slot)| slot.occupant.is_some()) {
            levels[usize::from(slot.word.depth())].push(at);
        }
        for at in levels.into_iter().flatten() {
            let Some((occupant, limits)) = slots[at].occupant.take() else { continue };
            let above = occupant.parent.is_none_or(|parent| {
                let above = Slab::count_of(parent.index()).and_then(|at| seen.get(at as usize));
                above.is_some_and(|above| above.word.is(parent))
            });
            if !above && !mutant!("P3 what is dead by ancestry is kept") {
                continue;
            }
            let limits = limits.as_deref().map(|limits| LimitsSeen {
                caveat: limits.caveat.clone(),
                gas: limits.account.as_ref().map(|account| {
                    if mutant!("P4 what is lent is there, too") {
                        account.balance() + self.treasury.totals(0).lent
                    } else {
                        account.balance()
                    }
                }),
                rate: limits.bucket.as_ref().map(|bucket| (bucket.rate(), bucket.full_at())),
            });
            point("snapshot balance");
            let occupant = Occupant {
                parent: occupant.parent,
                object: occupant.object,
                deadline_ns: occupant.deadline_ns.unwrap_or(NEVER),
                limits: limits.unwrap_or_default(),
            };
            seen[at] = Seen { word: slots[at].word, occupant: Some(occupant) };
        }
        seen
    }
}

/// The shards in which two passes saw different occupants.
fn differences(before: &[Passed], after: &[Passed]) -> u128 {
    let shard = |word: Word| if word.is_alive() { 1 << word.shard() } else { 0 };
    let new = after[before.len()..].iter().fold(0, |all, slot| all | shard(slot.word));
    before.iter().zip(after).fold(new, |all, (before, after)| {
        let alike = before.word == after.word || !before.word.is_alive() && !after.word.is_alive();
        if alike { all } else { all | shard(before.word) | shard(after.word) }
    })
}

/// What the first pass saw, less what the second did not see any more.
fn both(mut before: Vec<Passed>, after: &[Passed]) -> Vec<Passed> {
    for (slot, after) in before.iter_mut().zip(after) {
        if !slot.word.is_alive() {
            // Nobody has a handle to what came after; but its generation may have been passed by.
            continue;
        }
        if after.word.is_alive() && after.word.generation() == slot.word.generation() {
            slot.word = slot.word.narrowed(after.word);
        } else {
            *slot = Passed { word: slot.word.vacated(), occupant: None };
        }
    }
    before
}

/// Handles with names, each of which is or was of this table.
fn keep(kept: &[(&str, Handle)], slots: &[Seen]) -> Result<Vec<(String, Handle)>, KeepError> {
    if u32::try_from(kept.len()).is_err() {
        return Err(KeepError::TooMany);
    }
    let keep = |(number, (name, handle)): (usize, &(&str, Handle))| {
        if name.len() > u16::MAX.into() {
            return Err(KeepError::Name(number));
        }
        if !is_or_was(*handle, slots) {
            return Err(KeepError::Foreign(number));
        }
        Ok(((*name).to_owned(), *handle))
    };
    kept.iter().enumerate().map(keep).collect()
}

/// Whether a handle is to the occupant of a slot, or to an earlier one, and not to one that is to come.
pub(super) fn is_or_was(handle: Handle, slots: &[Seen]) -> bool {
    let slot = Slab::count_of(handle.index()).and_then(|at| slots.get(at as usize));
    slot.is_some_and(|slot| {
        handle.generation() > 0 && handle.generation() < slot.word.generation()
            || slot.word.is(handle)
    })
}
