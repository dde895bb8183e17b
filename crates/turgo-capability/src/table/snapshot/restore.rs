//! Making a table of a snapshot.

#[cfg(loom)]
use loom::sync::Arc;
#[cfg(not(loom))]
use std::sync::Arc;
use std::time::SystemTime;

use turgo_machine::mutant;

use super::cut::{is_or_was, unix_ns};
use super::image::{Image, Occupant, Seen};
use super::{Kept, Restored, SnapshotError, SnapshotFault};
use crate::audit::{AuditLog, NoAudit};
use crate::forest::Forest;
use crate::handle::Handle;
use crate::limit::{Account, Bucket, Treasury};
use crate::slab::Slab;
use crate::state::DEPTH_MAX;
use crate::table::{Config, Counts, Limits, Table};

impl Table {
    /// The table of a snapshot, which keeps no log. `now` is the time of the wall clock.
    ///
    /// # Errors
    ///
    /// Where the bytes are not exactly a snapshot, or the table would be too small: why, at which byte, and what to do. Nothing is granted then.
    ///
    /// # Panics
    ///
    /// If `shards` is not from 1 to 128.
    pub fn restore(
        config: Config,
        snapshot: &[u8],
        now: SystemTime,
    ) -> Result<Restored<NoAudit>, SnapshotError> {
        Self::restore_with_audit(config, NoAudit, snapshot, now)
    }
}

impl<L: AuditLog> Table<L> {
    /// The table of a snapshot, with a log, which gets no records of what was there before. `now` is the time of the wall clock.
    ///
    /// # Errors
    ///
    /// As for [`Table::restore`].
    ///
    /// # Panics
    ///
    /// If `shards` is not from 1 to 128.
    pub fn restore_with_audit(
        config: Config,
        log: L,
        snapshot: &[u8],
        now: SystemTime,
    ) -> Result<Restored<L>, SnapshotError> {
        let image = Image::read(snapshot)?;
        let whole = |fault| SnapshotError::new(snapshot.len(), fault);
        let levels = image.check().map_err(whole)?;
        let (shards, len) = (image.epochs.len(), image.slots.len());
        if shards > config.shards {
            return Err(whole(SnapshotFault::Shards { needed: shards }));
        }
        let needed = u32::try_from(len).expect("counted in 32 bits");
        let full = SnapshotFault::Capabilities { needed };
        if needed > config.capabilities_max {
            return Err(whole(full));
        }
        let slots = image.slots.iter().map(|slot| {
            let of =
                |one: &Occupant| (one.parent.map_or(0, Handle::bits), one.object, one.deadline_ns);
            (slot.word, slot.occupant.as_ref().map(of))
        });
        let forest = Forest::restored(config.capabilities_max, config.shards, &image.epochs, slots)
            .map_err(|_| whole(full))?;
        let treasury = image.treasury().map_err(whole)?;
        let mut table = Self::with_audit(config, log);
        table.forest = forest;
        table.treasury = treasury;
        table.counts = Counts::of(image.counts, image.occupants().count() as u64);
        table.resume(image.time_ns, unix_ns(now).saturating_sub(image.unix_ns));
        for at in levels.into_iter().flatten() {
            let (handle, occupant) = image.occupant(at).expect("it was looked at");
            table.restore_limits(handle, occupant);
        }
        // What has come to its end meanwhile is refused from the first check on (P7).
        table.tick();
        Ok(Restored { table, kept: Kept(image.kept) })
    }

    /// Goes on from the snapshot's time, and how long the stop was (P7).
    fn resume(&mut self, time_ns: u64, away_ns: u64) {
        let away_ns = if mutant!("P7 time stood still") { 0 } else { away_ns };
        let now_ns = time_ns.saturating_add(away_ns).min(1 << 63);
        self.ahead_ns = now_ns.wrapping_sub(self.clock.now_ns());
    }

    /// Whose ancestors have theirs already, and are alive.
    fn restore_limits(&self, handle: Handle, occupant: &Occupant) {
        let seen = &occupant.limits;
        if seen.caveat.is_none() && seen.gas.is_none() && seen.rate.is_none() {
            return;
        }
        let account = seen.gas.map(|gas| {
            let above = occupant.parent.and_then(|parent| self.nearest_account(parent).ok()?);
            Account::new(gas, above)
        });
        let bucket = seen.rate.map(|(rate, full_at)| {
            let above = occupant.parent.and_then(|parent| self.nearest_bucket(parent).ok()?);
            Bucket::restored(above, rate, full_at)
        });
        let limits = Limits { caveat: seen.caveat.clone(), account, bucket };
        self.limits.insert(handle, Arc::new(limits));
    }
}

impl Image {
    /// The occupant of the slot after `at` others.
    fn occupant(&self, at: usize) -> Option<(Handle, &Occupant)> {
        let slot = &self.slots[at];
        let index = Slab::index_of_count(u32::try_from(at).ok()?);
        let handle = Handle::new(index, slot.word.generation());
        slot.occupant.as_ref().map(|occupant| (handle, occupant))
    }

    fn occupants(&self) -> impl Iterator<Item = (usize, &Seen, &Occupant)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(at, slot)| Some((at, slot, slot.occupant.as_ref()?)))
    }

    /// Looks at what the checksum says nothing of: that this can be a table (P5). The occupants by levels.
    fn check(&self) -> Result<Vec<Vec<usize>>, SnapshotFault> {
        if self.slots.len() as u64 > Slab::LEN_MAX {
            return Err(SnapshotFault::Nonsense("there are more slots than there can be"));
        }
        let mut levels: Vec<Vec<usize>> = vec![Vec::new(); usize::from(DEPTH_MAX) + 1];
        for (at, slot, occupant) in self.occupants() {
            levels[usize::from(slot.word.depth())].push(at);
            let fits = match occupant.parent {
                None => slot.word.depth() == 0,
                Some(parent) => self.is_below(slot, occupant, parent),
            };
            if !fits && !mutant!("P5 links are believed") {
                return Err(SnapshotFault::Nonsense("a capability is not below its parent"));
            }
        }
        if !self.kept.iter().all(|(_, handle)| is_or_was(*handle, &self.slots)) {
            return Err(SnapshotFault::Nonsense("a kept handle is to what never was"));
        }
        self.treasury()?;
        Ok(levels)
    }

    /// Whether the parent is there, one level above, in the same shard, and for all that the child is for. So there are no cycles.
    fn is_below(&self, slot: &Seen, occupant: &Occupant, parent: Handle) -> bool {
        let above = Slab::count_of(parent.index()).and_then(|at| self.slots.get(at as usize));
        let Some(Seen { word, occupant: Some(above) }) = above else { return false };
        word.is(parent)
            && word.depth() + 1 == slot.word.depth()
            && word.shard() == slot.word.shard()
            && above.object.covers(occupant.object)
    }

    fn treasury(&self) -> Result<Treasury, SnapshotFault> {
        let mut balances = self.occupants().filter_map(|(_, _, occupant)| occupant.limits.gas);
        let balances = balances.try_fold(0_u64, u64::checked_add);
        balances
            .and_then(|balances| Treasury::restored(self.granted, balances, self.returned))
            .ok_or(SnapshotFault::Nonsense("there is more gas than was granted"))
    }
}
