//! Epochs, and stamps that name them (the forest's F2, F4).
//!
//! ```text
//! epoch  count:47 | 0:17
//! stamp  count:47 | caveats:1 | effective rights:16
//! ```
//!
//! An epoch has its count where a stamp has it, so that one exclusive or and one mask say whether a stamp is of that epoch and has what is needed.
//!
//! - **N1** An epoch that stamps name never comes again. The count ends at 2^46, which a thousand revocations a millisecond reach in two years: from then on
//!   nothing is stamped any more and every check walks.

use turgo_machine::atomic::{AtomicU64, Ordering};
use turgo_machine::mutant;

use crate::rights::Rights;

const COUNT_AT: u32 = 17;
const ONE: u64 = 1 << COUNT_AT;
const CAVEATS: u64 = 1 << 16;
/// The highest bit, from where on nothing is stamped.
const LAST: u64 = 1 << 63;

/// How often the stamps of a shard were made void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch(u64);

impl Epoch {
    /// The highest count that there is.
    pub(crate) const COUNT_MAX: u64 = LAST >> COUNT_AT;

    /// From 1 to [`COUNT_MAX`](Self::COUNT_MAX).
    pub(crate) fn count(self) -> u64 {
        self.0.min(LAST) >> COUNT_AT
    }

    fn is_last(self) -> bool {
        self.0 >= LAST && !mutant!("N1 epochs come again")
    }
}

/// The epoch of a shard.
#[derive(Debug)]
pub(crate) struct AtomicEpoch(AtomicU64);

impl AtomicEpoch {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(ONE))
    }

    #[inline(always)]
    pub(crate) fn load(&self) -> Epoch {
        // Acquire: pairs with the AcqRel of `bump` (F2): whoever reads an epoch sees what it was bumped for.
        Epoch(self.0.load(Ordering::Acquire))
    }

    /// Makes all stamps of the shard void.
    pub(crate) fn bump(&self) {
        // AcqRel: publishes the kill or the narrowing before it to the Acquire in `load` (F2).
        let before = Epoch(self.0.fetch_add(ONE, Ordering::AcqRel));
        if before.is_last() {
            // AcqRel: as above. Nothing names what is beyond the last (N1): it only has to stay there.
            self.0.fetch_sub(ONE, Ordering::AcqRel);
        }
    }

    /// Goes on from a snapshot's count, if that is higher.
    pub(crate) fn raise(&self, count: u64) {
        // AcqRel: as in `bump`, by somebody who is alone.
        self.0.fetch_max(count.min(Epoch::COUNT_MAX) << COUNT_AT, Ordering::AcqRel);
    }
}

/// What a capability may do, ancestors included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Effective {
    pub(crate) rights: Rights,
    /// Whether it or an ancestor has caveats, which are asked anew each time.
    pub(crate) caveats: bool,
}

/// What an occupant may do as seen in an epoch: by itself and all its ancestors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(u64);

impl Stamp {
    /// A stamp of this epoch, or of none where that is the last (N1).
    pub(crate) fn new(epoch: Epoch, effective: Effective) -> Self {
        if epoch.is_last() {
            return Self(0);
        }
        let caveats = if effective.caveats { CAVEATS } else { 0 };
        Self(epoch.0 | caveats | u64::from(effective.rights.bits()))
    }

    /// What it says, if it was made in `epoch` (F4).
    #[inline(always)]
    pub(crate) fn in_epoch(self, epoch: Epoch) -> Option<Effective> {
        let rights = Rights::from_bits(self.0 as u16);
        let caveats = self.0 & CAVEATS != 0;
        ((self.0 ^ epoch.0) >> COUNT_AT == 0).then_some(Effective { rights, caveats })
    }

    /// Whether it was made in `epoch` (F4), has all of `need` (R1) and no caveats: the bits that say so are looked at together.
    #[inline(always)]
    pub(crate) fn vouches(self, epoch: Epoch, need: Rights) -> bool {
        let need = u64::from(need.bits());
        (self.0 ^ epoch.0) & (!(ONE - 1) | CAVEATS | need) == need
    }
}

/// The stamp of a slot: a cache of what a walk found.
#[derive(Debug)]
pub(crate) struct AtomicStamp(AtomicU64);

impl AtomicStamp {
    /// A stamp of no epoch: they begin at 1.
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[inline(always)]
    pub(crate) fn load(&self) -> Stamp {
        // Relaxed: nothing is read through it. That a stamp of the reader's epoch is true follows from what its writer saw (F4).
        Stamp(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn store(&self, stamp: Stamp) {
        // Relaxed: as in `load`.
        self.0.store(stamp.0, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn the_last_epoch_is_stamped_by_nobody_and_stays() {
        let effective = Effective { rights: Rights::ALL, caveats: false };
        let epoch = AtomicEpoch::new();
        assert_eq!(epoch.load().count(), 1);
        epoch.raise(Epoch::COUNT_MAX - 1);
        let stamp = Stamp::new(epoch.load(), effective);
        assert!(stamp.vouches(epoch.load(), Rights::ALL));
        assert_eq!(stamp.in_epoch(epoch.load()), Some(effective));
        for _ in 0..3 {
            epoch.bump();
            assert_eq!(epoch.load().count(), Epoch::COUNT_MAX);
            let late = Stamp::new(epoch.load(), effective);
            for stamp in [stamp, late] {
                assert!(!stamp.vouches(epoch.load(), Rights::NONE), "N1");
                assert_eq!(stamp.in_epoch(epoch.load()), None, "N1");
            }
        }
        assert_eq!(epoch.load().0, LAST, "N1: it would come round");
        epoch.raise(u64::MAX);
        assert_eq!(epoch.load().count(), Epoch::COUNT_MAX);
    }
}
