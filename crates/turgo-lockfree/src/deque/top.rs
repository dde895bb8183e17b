//! The word that thieves and the owner arbitrate on.

/// Where the oldest item is, and how often the owner has fended off thieves: `version << 32 | index`.
///
/// Indices wrap; the items between two of them are at most 2^31. The word moves only on: to a larger index, or to a larger version, and an index that wraps
/// takes the version on with it. A thief that sleeps between reading it and its compare-and-swap is fooled only if meanwhile the whole version has
/// gone round, which takes 2^32 pops by the owner close to the top, with the index back at its value at that very moment: half a minute of nothing but such
/// pops, without a single steal (an index that moved has to go round as well).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Top(pub(super) u64);

impl Top {
    pub(super) const START: Self = Self(0);

    pub(super) fn index(self) -> u32 {
        (self.0 & u64::from(u32::MAX)) as u32
    }

    /// A thief takes `count` items. An index that wraps carries into the version: without that a word would come back after 2^32 steals.
    pub(super) fn claim(self, count: u32) -> Self {
        Self(self.0.wrapping_add(u64::from(count)))
    }

    /// What the owner adds where it takes an item from the other end: every thief fails that has read the word before.
    pub(super) const VERSION: u64 = 1 << 32;

    /// Items from here to `bottom`; negative where an owner has lowered `bottom` past an item that was stolen.
    pub(super) fn distance(self, bottom: u32) -> i32 {
        bottom.wrapping_sub(self.index()) as i32
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_word_does_not_come_back_when_the_index_has_gone_round() {
        let first = Top(7 << 32 | 5);
        let (step, steps) = (1 << 31, 2);
        let round = (0..steps).fold(first, |top, _| top.claim(step));
        assert_eq!(round.index(), first.index());
        assert_ne!(round, first, "a thief that slept all the while would take an item twice");
    }

    #[test]
    fn items_are_counted_across_the_end_of_the_index() {
        let top = Top(u64::from(u32::MAX - 1));
        assert_eq!(top.distance(2), 4);
        assert_eq!(top.claim(4).distance(2), 0);
        assert_eq!(Top(top.0 + Top::VERSION).distance(2), 4);
        assert_eq!(top.claim(5).distance(2), -1);
    }
}
