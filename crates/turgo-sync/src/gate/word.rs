//! What a queue's word says where it holds a gate.
//!
//! ```text
//!   63            33   32          3     2 1 0
//!  +----------------+---------------+-----------+
//!  |   generation   |    number     |   queue   |
//!  +----------------+---------------+-----------+
//! ```
//!
//! Of generations there are 2^31. Only who stops between reading the word and queueing, while exactly so many go by, mistakes one for another.

use crate::queue::State;

const NUMBER_BITS: u32 = 30;

/// The highest number a gate can hold.
pub(crate) const NUMBER_MAX: u64 = (1 << NUMBER_BITS) - 1;

/// A [`State`] that holds a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gated(State);

impl Gated {
    #[inline(always)]
    pub(super) const fn of(state: State) -> Self {
        Self(state)
    }

    #[inline(always)]
    pub(super) const fn state(self) -> State {
        self.0
    }

    /// How often all who waited were let go.
    #[inline(always)]
    pub(crate) const fn generation(self) -> u64 {
        self.0.payload() >> NUMBER_BITS
    }

    /// What its owner keeps there.
    #[inline(always)]
    pub(crate) const fn number(self) -> u64 {
        self.0.payload() & NUMBER_MAX
    }

    /// Another number, and those who wait wait on. The caller sees to it that it is at most [`NUMBER_MAX`].
    #[inline(always)]
    #[must_use]
    pub(crate) const fn transition_to_number(self, number: u64) -> Self {
        Self(self.0.with_payload(self.0.payload() & !NUMBER_MAX | number))
    }

    /// Another number, and all who wait are let go.
    #[inline(always)]
    #[must_use]
    pub(crate) const fn transition_to_next_generation(self, number: u64) -> Self {
        let next = self.0.payload().wrapping_add(1 << NUMBER_BITS);
        Self(self.0.with_payload(next)).transition_to_number(number)
    }
}
