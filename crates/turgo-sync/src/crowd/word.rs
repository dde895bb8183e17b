//! What a queue's word says where it holds a crowd.
//!
//! ```text
//!   63       40   39          15   14        3     2 1 0
//!  +------------+----------------+------------+-----------+
//!  |   count    |   generation   |   wakes    |   queue   |
//!  +------------+----------------+------------+-----------+
//! ```
//!
//! The count is taken modulo its width, and is below zero for a moment where somebody is finished in the inbox before he has announced himself.

use crate::queue::State;

const WAKES_BITS: u32 = 12;
const WAKES_MAX: u64 = (1 << WAKES_BITS) - 1;
const GENERATION_BITS: u32 = 25;
const GENERATION_MASK: u64 = (1 << GENERATION_BITS) - 1;
const COUNT_SHIFT: u32 = WAKES_BITS + GENERATION_BITS;
const COUNT_BITS: u32 = 24;

/// A [`State`] that holds a crowd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crowded(State);

impl Crowded {
    #[inline(always)]
    pub(super) const fn of(state: State) -> Self {
        Self(state)
    }

    #[inline(always)]
    pub(super) const fn state(self) -> State {
        self.0
    }

    /// How often all who waited were woken.
    #[inline(always)]
    pub(super) const fn generation(self) -> u64 {
        self.0.payload() >> WAKES_BITS & GENERATION_MASK
    }

    /// How many are to be woken by the holder.
    #[inline(always)]
    pub(super) const fn wakes(self) -> u64 {
        self.0.payload() & WAKES_MAX
    }

    /// How many wait.
    pub(super) const fn count(self) -> u64 {
        let count = self.0.payload() >> COUNT_SHIFT;
        // Half of all counts stand for those below zero.
        if count >> (COUNT_BITS - 1) == 0 { count } else { 0 }
    }

    /// One more waits.
    #[inline(always)]
    #[must_use]
    pub(super) const fn transition_to_one_more(self) -> Self {
        self.with(self.0.payload().wrapping_add(1 << COUNT_SHIFT))
    }

    /// So many do not wait any more.
    #[inline(always)]
    #[must_use]
    pub(super) const fn transition_to_fewer(self, gone: u64) -> Self {
        self.with(self.0.payload().wrapping_sub(gone << COUNT_SHIFT))
    }

    /// The holder is to wake some more. Beyond some thousands that no holder came to, they are as good as those.
    #[inline(always)]
    #[must_use]
    pub(super) const fn transition_to_more_wakes(self, more: u64) -> Self {
        let sum = self.wakes() + more;
        let wakes = if sum < WAKES_MAX { sum } else { WAKES_MAX };
        self.with(self.0.payload() & !WAKES_MAX | wakes)
    }

    /// The holder has seen how many are to be woken.
    #[must_use]
    pub(super) const fn transition_to_no_wakes(self) -> Self {
        self.with(self.0.payload() & !WAKES_MAX)
    }

    /// All who wait are woken.
    #[must_use]
    pub(super) const fn transition_to_next_generation(self) -> Self {
        let generation = self.generation().wrapping_add(1) & GENERATION_MASK;
        let rest = self.0.payload() & !(GENERATION_MASK << WAKES_BITS);
        self.with(rest | generation << WAKES_BITS)
    }

    #[inline(always)]
    const fn with(self, payload: u64) -> Self {
        Self(self.0.with_payload(payload))
    }
}
