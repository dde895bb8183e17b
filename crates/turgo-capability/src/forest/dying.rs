//! Killing: some at a time, with one bump for each shard they are of.

use core::mem;

use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;

use super::Forest;
use crate::handle::Handle;
use crate::pause::point;
use crate::state::{Kill, Word};

/// Capabilities that are killed, and whose deaths not everybody has to know of yet: [`bury`](Self::bury) sees to that. Dropping it does so, too.
#[must_use]
#[derive(Debug)]
pub(crate) struct Dying<'f> {
    forest: &'f Forest,
    /// The slots that this call owns now (S2), linked: the handle of the first one's next occupant, or 0.
    first: u64,
    /// Shards to bump.
    shards: u128,
}

impl<'f> Dying<'f> {
    pub(crate) fn new(forest: &'f Forest) -> Self {
        Self { forest, first: 0, shards: 0 }
    }

    /// Kills a capability. Whether this call did it; if not, it was dead before, or another call is killing it.
    pub(crate) fn kill(&mut self, handle: Handle) -> bool {
        let Some(slot) = self.forest.slab.slot(handle) else { return false };
        if mutant!("F2 the bump comes before the kill") {
            self.forest.bump(slot.word.peek().shard());
        }
        match slot.word.kill(handle) {
            Kill::Won(word) => {
                if !mutant!("F2 the bump comes before the kill") {
                    self.shards |= 1 << word.shard();
                }
                if mutant!("F5 released before the bump") {
                    self.forest.slab.release(handle, word.shard_byte());
                    return true;
                }
                slot.link.store(self.first);
                self.first = Handle::new(handle.index(), handle.generation() + 1).bits();
                point("revoke, killed");
                true
            }
            Kill::Lost(word) => {
                // F2: whoever won may not have bumped yet.
                if word.is_grave_of(handle) && !mutant!("F2 the loser does not bump") {
                    self.shards |= 1 << word.shard();
                }
                false
            }
        }
    }

    /// Bumps, hands each dead capability with its last word's marks to `each`, and releases the slots. How many there were.
    pub(crate) fn bury(mut self, mut each: impl FnMut(Handle, Word)) -> usize {
        self.bump();
        point("revoke, bumped");
        let mut count = 0;
        while self.bury_next(&mut each) {
            count += 1;
        }
        count
    }

    fn bump(&mut self) {
        let mut shards = mem::take(&mut self.shards);
        while shards != 0 {
            self.forest.bump(shards.trailing_zeros() as usize);
            shards &= shards - 1;
        }
    }

    /// Takes one off the list and releases its slot. Whether there was one.
    fn bury_next(&mut self, each: &mut impl FnMut(Handle, Word)) -> bool {
        let Some(next) = Handle::from_bits(self.first) else { return false };
        let slot = self.forest.slab.slot(next).expect("it was killed here");
        self.first = slot.link.load();
        let word = slot.word.peek();
        each(Handle::new(next.index(), next.generation() - 1), word);
        self.forest.slab.release(next, word.shard_byte());
        true
    }
}

impl Drop for Dying<'_> {
    fn drop(&mut self) {
        self.bump();
        while self.bury_next(&mut |_, _| ()) {}
    }
}

impl Forest {
    /// Kills up to `slots_max` slots' occupants that are dead by ancestry or past their deadlines, going round all slots from call to call.
    pub(crate) fn sweep(&self, slots_max: u32) -> Dying<'_> {
        let mut dying = Dying::new(self);
        let len = u64::from(self.slab.len());
        for _ in 0..u64::from(slots_max).min(len) {
            // Relaxed: which slot is whose turn matters to nobody.
            let count = (self.swept.fetch_add(1, Ordering::Relaxed) % len) as u32;
            let Some((index, slot)) = self.slab.nth(count) else { continue };
            let word = slot.word.load();
            if !word.is_alive() {
                continue;
            }
            let handle = Handle::new(index, word.generation());
            if self.effective(handle).is_none() {
                dying.kill(handle);
            }
        }
        if mutant!("F5 the sweeper does not bump") {
            dying.shards = 0;
        }
        dying
    }
}
