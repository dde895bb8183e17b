//! The epoch-stamped forest: validity by ancestry, and revocation in one store.
//!
//! A capability is a slot with an immutable link to its parent. It is valid if it and all its ancestors are alive; it may do what all of them may do.
//! Nothing lists the children of a capability, so a delegation that races with a revocation cannot be missed: its child is dead on arrival. Walking to
//! the root at each check would take too long, so the result of a walk is kept in the slot as a *stamp* with the epoch in which it was found; a
//! revocation adds one to the epoch and thereby makes all stamps of its shard void.
//!
//! The principle is Redell's (*Naming and Protection in Extendible Operating Systems*, MIT 1974): a capability works by way of what it was derived
//! from. The re-look at a slot's word after its details were read is that of a sequence lock.
//!
//! # Invariants
//!
//! - **F1** A capability passes only if it and every ancestor is alive, with the rights that *all* of them have. Generations match at every step.
//! - **F2** Whoever kills or narrows adds one to the epoch of the shard afterwards and before returning; so does whoever comes too late
//!   to do it, as the one who came first may not have got that far. The epoch is changed by read-modify-writes only.
//! - **F3** Link, object and deadline are stored with Release by the slot's owner, before the occupant is published, and never while it lives. A reader loads
//!   them with Acquire and then looks at the word again: a value of another occupant shows a word that is not the reader's occupant's.
//! - **F4** A stamp counts only in the epoch it names, which never comes again (N1 of `epoch`). A walker reads the epoch before anything else, and stamps
//!   with that epoch.
//! - **F5** A slot is released after the epoch was bumped for its occupant's death; also by the sweeper, for what was dead by ancestry already.
//! - **F6** A shard is inherited by children, so one epoch speaks for a whole tree; and a slot stays in its shard (S5), so that all stamps that were ever
//!   stored in it are of the same count. Epochs of two shards cannot be compared: a stamp left by a tenant with few revocations would vouch for a
//!   newcomer of another shard that has come as far.
//! - **F7** Time revokes: a walker that finds a deadline in the future registers it before it looks at the time; a tick sets the time before it looks at
//!   the registered deadlines, and bumps where one has passed. A tick that finds another one under way bumps, too.
//!
//! # Theorem: no use after revoke
//!
//! *If `revoke(a)` returned before `check(d)` began, and `a` is `d` or an ancestor of it, then `check(d)` denies.*
//!
//! Let the bump of F2 take the epoch from `k` to `k + 1`. The check reads an epoch `e > k`, as it happens after.
//!
//! 1. *The check walks.* Its Acquire read of `e` synchronises with every bump up to `e`, as read-modify-writes continue a release sequence. So it sees `a`
//!    killed, or a later generation, when it comes to `a`, and denies (F1). On the way it cannot be led astray by slots that have new occupants (F3).
//!    If it stops at an ancestor with a stamp of `e`, case 2 applies to that.
//! 2. *There is a stamp of `e`.* It was stored by a walker that had read `e` (F4), to which case 1 applies, by induction on the order in which
//!    stamps of `e` were stored: a walker through `a` fails and stores none.
//! 3. *The slot has a later occupant*, which is of the same shard (F6). Let the check see `d` alive in its slot and a stamp of `d'`, which came there after `d` died. The death of `d`
//!    was followed by a bump (F5); were that bump's result `e` or less, the check would see `d` dead. So `d'` is of an epoch above `e`, and so are its
//!    stamps. The other way round, a late walker of `d` leaves in the slot of `d'` a stamp below any that `d'` is checked with.
//!
//! That a handle reaches a thread after it was made goes without saying in safe Rust: handing over a value synchronises. The same argument with
//! `narrow` for `kill` shows that no right passes after `attenuate` returned; for deadlines see F7.
//!
//! *Deadlines.* Let `tick(t)` have returned before `check(d)` began, with a deadline of `d` or an ancestor at `t` or before. A walker that stamped found
//! the registered minimum at or below its deadline, or made it so by a read-modify-write. Had the tick's own read-modify-write of that word come before, the
//! walker would have seen the time `t` and denied. So the tick found a minimum at or below `t` and bumped; or the minimum had been taken by
//! another tick, which either had bumped, or was still pending, so that this one bumped. In each case the walker's stamp is void.
//!
//! The guarantee begins when `revoke` *returns*: between the kill and the bump, some nanoseconds, a capability may be dead while one below it still passes.
//!
//! # Progress
//!
//! A check is wait-free: constant time with a stamp, one walk of at most [`DEPTH_MAX`] steps without. Changes are lock-free.

use turgo_machine::CachePadded;
use turgo_machine::atomic::AtomicU64;
use turgo_machine::mutant;

use crate::epoch::{AtomicEpoch, Effective, Epoch, Stamp};
use crate::handle::Handle;
use crate::object::Object;
use crate::pause::point;
use crate::rights::Rights;
use crate::slab::{Slab, SlabFull, Slot};
use crate::state::{DEPTH_MAX, Narrow, SHARDS_MAX, Word};

mod ancestry;
mod dying;
mod time;

pub(crate) use ancestry::Ancestor;
pub(crate) use dying::Dying;
pub(crate) use time::NEVER;

/// Trees of capabilities.
#[derive(Debug)]
pub(crate) struct Forest {
    slab: Slab,
    /// One for each shard that a word can name, so that none needs to be looked for; on lines of their own, as every check reads one.
    epochs: [CachePadded<AtomicEpoch>; SHARDS_MAX],
    shards: Box<[Shard]>,
    /// Nanoseconds, as the last tick found them.
    now: CachePadded<AtomicU64>,
    /// Where the sweeper goes on.
    swept: CachePadded<AtomicU64>,
}

/// What trees of one shard share besides the epoch.
#[derive(Debug)]
struct Shard {
    /// At or below every deadline that a stamp of the present epoch depends on.
    deadline_next: CachePadded<AtomicU64>,
    /// Ticks between taking the next deadline and bumping.
    ticks_pending: AtomicU64,
}

/// What a new capability is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed {
    pub(crate) rights: Rights,
    pub(crate) object: Object,
    pub(crate) deadline_ns: u64,
    pub(crate) has_caveats: bool,
    pub(crate) has_limits: bool,
}

/// Where in the forest it is to be: below a parent, or a root of a shard.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    parent: Option<Handle>,
    shard: u8,
    depth: u8,
}

impl Place {
    /// A root of this shard.
    pub(crate) fn root(shard: u8) -> Self {
        Self { parent: None, shard, depth: 0 }
    }

    pub(crate) fn shard(self) -> usize {
        self.shard.into()
    }
}

impl Forest {
    /// An empty forest.
    pub(crate) fn new(len_max: u32, shards: usize, generation_first: u32) -> Self {
        assert!((1..=SHARDS_MAX).contains(&shards), "from 1 to {SHARDS_MAX} shards");
        let shard = || Shard {
            deadline_next: CachePadded::new(AtomicU64::new(NEVER)),
            ticks_pending: AtomicU64::new(0),
        };
        Self {
            slab: Slab::new(len_max, shards, generation_first),
            epochs: core::array::from_fn(|_| CachePadded::new(AtomicEpoch::new())),
            shards: (0..shards).map(|_| shard()).collect(),
            now: CachePadded::new(AtomicU64::new(0)),
            swept: CachePadded::new(AtomicU64::new(0)),
        }
    }

    /// A forest as a snapshot has it: the epochs of its shards, and slot by slot its word and its occupant's link, object and deadline, which
    /// were looked at. No slot has a stamp, so what is alive is walked once.
    pub(crate) fn restored(
        len_max: u32,
        shards: usize,
        epochs: &[u64],
        slots: impl Iterator<Item = (Word, Option<(u64, Object, u64)>)>,
    ) -> Result<Self, SlabFull> {
        let mut forest = Self::new(len_max, shards, 1);
        for (now, count) in forest.epochs.iter().zip(epochs) {
            now.raise(*count);
        }
        for (word, details) in slots {
            let anew = mutant!("P6 generations begin anew") && !word.is_alive();
            let word = if anew { Word::vacant(1) } else { word };
            let slot = forest.slab.restore(word)?;
            if let Some((link, object, deadline_ns)) = details {
                slot.link.store(link);
                slot.object.store(object.bits());
                slot.deadline.store(deadline_ns);
            }
        }
        Ok(forest)
    }

    pub(crate) fn slab(&self) -> &Slab {
        &self.slab
    }

    pub(crate) fn shards_len(&self) -> usize {
        self.shards.len()
    }

    /// The epoch of a shard, whose count is one more than its revocations, attenuations, sweeps and expiries so far.
    #[inline(always)]
    pub(crate) fn epoch(&self, shard: usize) -> Epoch {
        self.epochs[shard].load()
    }

    /// Makes all stamps of a shard void.
    fn bump(&self, shard: usize) {
        self.epochs[shard].bump();
    }

    /// Whether a capability has all of `need`, and neither it nor an ancestor has caveats, as far as its stamp says. Where not,
    /// [`effective`](Self::effective) knows more: the answer that nearly every check has, with one test instead of three. Wait-free.
    #[inline(always)]
    pub(crate) fn vouches(&self, handle: Handle, need: Rights) -> bool {
        let Some(slot) = self.slab.slot(handle) else { return false };
        // First of all, as in `effective` (F4).
        let epoch = self.epoch(slot.word.peek().shard());
        slot.word.load().is(handle) && slot.stamp.load().vouches(epoch, need)
    }

    /// What a capability may do now; nothing if it or an ancestor is dead. Wait-free.
    #[inline(always)]
    pub(crate) fn effective(&self, handle: Handle) -> Option<Effective> {
        let slot = self.slab.slot(handle)?;
        let shard = slot.word.peek().shard();
        // First of all, so that what follows is at least as new as the epoch (F4).
        let epoch = self.epoch(shard);
        if !slot.word.load().is(handle) {
            return None;
        }
        match slot.stamp.load().in_epoch(epoch) {
            Some(effective) => Some(effective),
            None => self.walk(handle, slot, shard, epoch),
        }
    }

    /// Finds out by way of the ancestors, and stamps those that had no stamp of `epoch`. The recursion is as deep as the tree: [`DEPTH_MAX`].
    #[cold]
    fn walk(&self, handle: Handle, slot: &Slot, shard: usize, epoch: Epoch) -> Option<Effective> {
        let parent = slot.link.load();
        let deadline = slot.deadline.load();
        point("check");
        let word = slot.word.reload();
        // F3: only now it is known whose link and deadline these were.
        if !word.is(handle) && !mutant!("F3 no second look") {
            return None;
        }
        if deadline != NEVER && self.has_passed(shard, deadline) {
            return None;
        }
        let above = match Handle::from_bits(parent) {
            None => Effective { rights: Rights::ALL, caveats: false },
            Some(parent) => {
                let slot = self.slab.slot(parent)?;
                if !slot.word.load().is(parent) {
                    return None;
                }
                match slot.stamp.load().in_epoch(epoch) {
                    Some(effective) => effective,
                    None => self.walk(parent, slot, shard, epoch)?,
                }
            }
        };
        let rights = if mutant!("F1 rights of its own") {
            word.rights()
        } else {
            word.rights() & above.rights
        };
        let effective = Effective { rights, caveats: word.has_caveats() | above.caveats };
        if mutant!("F4 stamped with a later epoch") {
            slot.stamp.store(Stamp::new(self.epoch(shard), effective));
            return Some(effective);
        }
        slot.stamp.store(Stamp::new(epoch, effective));
        Some(effective)
    }

    /// The place below a parent; nothing where the parent is gone, `Err` where its tree is as deep as trees may be.
    pub(crate) fn below(&self, parent: Handle) -> Option<Result<Place, TooDeep>> {
        let word = self.slab.slot(parent)?.word.load();
        if !word.is(parent) {
            return None;
        }
        let shard = if mutant!("F6 a child in another shard") { 0 } else { word.shard_byte() };
        let depth = word.depth() + 1;
        let place = Place { parent: Some(parent), shard, depth };
        Some(if depth > DEPTH_MAX { Err(TooDeep) } else { Ok(place) })
    }

    /// A handle for a capability to come, which nobody can use before [`publish`](Self::publish).
    pub(crate) fn reserve(&self, place: Place) -> Result<Handle, SlabFull> {
        self.slab.reserve(place.shard)
    }

    /// Makes a reserved capability alive. It is valid as far as its ancestors are.
    pub(crate) fn publish(&self, reserved: Handle, place: Place, seed: Seed) {
        let slot = self.slab.slot(reserved).expect("what is reserved was made");
        let word = Word::alive(reserved.generation(), seed.rights, place.shard, place.depth)
            .with_caveats(seed.has_caveats)
            .with_limits(seed.has_limits);
        let link = place.parent.map_or(0, Handle::bits);
        if mutant!("F3 the link comes after the child") {
            slot.word.publish(word);
            slot.link.store(link);
            slot.object.store(seed.object.bits());
            slot.deadline.store(seed.deadline_ns);
            return;
        }
        slot.link.store(link);
        slot.object.store(seed.object.bits());
        slot.deadline.store(seed.deadline_ns);
        slot.word.publish(word);
    }

    /// Takes a reserved handle back.
    pub(crate) fn give_up(&self, reserved: Handle, place: Place) {
        self.slab.give_up(reserved, place.shard);
    }

    /// Takes all rights but `keep` from a capability, and so from all below it. Whether it was alive. When this returns the rights are gone, in
    /// either case.
    pub(crate) fn narrow(&self, handle: Handle, keep: Rights) -> bool {
        let Some(slot) = self.slab.slot(handle) else { return false };
        match slot.word.narrow(handle, keep) {
            Narrow::Done(before) => {
                point("attenuate, narrowed");
                let early = mutant!("F2 only the first to narrow bumps")
                    && before.rights() == before.rights() & keep;
                if !early {
                    self.bump(before.shard());
                }
                true
            }
            Narrow::Dead(word) => {
                let early = mutant!("F2 who narrows too late does not bump");
                if word.is_grave_of(handle) && !early {
                    self.bump(word.shard());
                }
                false
            }
        }
    }

    /// The object of a capability that is alive itself.
    pub(crate) fn object(&self, handle: Handle) -> Option<Object> {
        let slot = self.slab.slot(handle)?;
        let object = slot.object.load();
        // F3: whose object it was.
        slot.word.reload().is(handle).then(|| Object::from_bits(object))?
    }
}

/// The tree below a root is as deep as trees may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooDeep;

#[cfg(test)]
pub(crate) mod tests;
