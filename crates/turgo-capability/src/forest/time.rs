//! Deadlines: time as a revoker (F7).

use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;

use super::Forest;
use crate::pause::point;

/// The deadline of what has none.
pub(crate) const NEVER: u64 = u64::MAX;

impl Forest {
    /// Nanoseconds, as the last tick found them.
    pub(crate) fn now_ns(&self) -> u64 {
        // Relaxed: whoever needs to know of a certain tick happens after it.
        self.now.load(Ordering::Relaxed)
    }

    /// Whether a deadline has passed; if not, a tick that passes it will find it registered.
    pub(super) fn has_passed(&self, shard: usize, deadline: u64) -> bool {
        // A handle of another table may name a shard that is none of this one's.
        let Some(shard) = self.shards.get(shard) else { return true };
        // It has: nothing passes that a tick would have to end, and a deadline of the past, registered by everybody who asks in vain, would have
        // every tick void the stamps of the shard.
        if self.now_ns() >= deadline {
            return true;
        }
        if mutant!("F7 the time is read before the deadline is known") {
            let passed = self.now_ns() >= deadline;
            // AcqRel: planted.
            shard.deadline_next.fetch_min(deadline, Ordering::AcqRel);
            return passed;
        }
        // Acquire: pairs with the AcqRel exchanges in `tick_shard`. An earlier deadline speaks for this one: whoever takes it bumps (F7).
        if shard.deadline_next.load(Ordering::Acquire) > deadline {
            // AcqRel: after a tick's read-modify-write it sees that tick's time; before it, the tick sees the deadline.
            shard.deadline_next.fetch_min(deadline, Ordering::AcqRel);
        }
        self.now_ns() >= deadline
    }

    /// Makes the time known, and void all stamps that depend on a deadline that has passed. How many shards had one. Lock-free.
    pub(crate) fn tick(&self, now_ns: u64) -> usize {
        // Relaxed: the read-modify-writes of the shards publish it.
        self.now.fetch_max(now_ns, Ordering::Relaxed);
        (0..self.shards.len()).filter(|shard| self.tick_shard(*shard, now_ns)).count()
    }

    fn tick_shard(&self, index: usize, now_ns: u64) -> bool {
        let shard = &self.shards[index];
        // AcqRel: changes nothing and is a read-modify-write all the same: walkers behind it see the time, those before it are seen.
        let due = shard.deadline_next.fetch_min(NEVER, Ordering::AcqRel) <= now_ns;
        if due {
            // Relaxed: the exchange below publishes it to ticks that find the deadline taken.
            shard.ticks_pending.fetch_add(1, Ordering::Relaxed);
            // AcqRel: as above; walkers of the epoch to come register anew behind it.
            shard.deadline_next.swap(NEVER, Ordering::AcqRel);
            point("tick, taken");
            self.bump(index);
            // Release: publishes the bump to the Acquire below.
            shard.ticks_pending.fetch_sub(1, Ordering::Release);
            return true;
        }
        // Acquire: pairs with the Release above: who took the deadline has bumped, or this tick does (F7).
        let pending = shard.ticks_pending.load(Ordering::Acquire) != 0;
        if pending && !mutant!("F7 a late tick does not bump") {
            self.bump(index);
        }
        pending
    }
}
