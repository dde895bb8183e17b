//! The word that thieves and the owner arbitrate on.

/// Where the oldest item is, and how often the owner has fended off thieves: `version << 32 | index`.
///
/// Indices wrap; the items between two of them are at most 2^31. The word moves only on: to a larger index, or to a larger version. A thief that
/// sleeps between reading it and its compare-and-swap is fooled only if meanwhile the version has gone round, which takes 2^32 pops
/// by the owner close to the top, with the index back at its value at that very moment: half a minute of nothing but such pops, without
/// a single steal (an index that moved has to go round as well).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Top(pub(super) u64);

impl Top {
    pub(super) const START: Self = Self(0);

    pub(super) fn index(self) -> u32 {
        (self.0 & u64::from(u32::MAX)) as u32
    }

    fn version(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn new(version: u32, index: u32) -> Self {
        Self(u64::from(version) << 32 | u64::from(index))
    }

    /// A thief takes `count` items.
    pub(super) fn claim(self, count: u32) -> Self {
        Self::new(self.version(), self.index().wrapping_add(count))
    }

    /// The owner takes an item from the other end, and makes every thief fail that has read this word.
    pub(super) fn fend_off(self) -> Self {
        Self::new(self.version().wrapping_add(1), self.index())
    }

    /// Items from here to `bottom`; negative where an owner has lowered `bottom` past an item that was stolen.
    pub(super) fn distance(self, bottom: u32) -> i32 {
        bottom.wrapping_sub(self.index()) as i32
    }
}
