//! What a queue's word says where it holds notifications.
//!
//! ```text
//!   63            15   14            3     2 1 0
//!  +----------------+-----------------+-----------+
//!  |   generation   |  notifications  |   queue   |
//!  +----------------+-----------------+-----------+
//! ```
//!
//! Of generations there are 2^49: one each microsecond uses them up in seventeen years.

use crate::queue::State;

const COUNT_BITS: u32 = 12;
const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;

/// A [`State`] that holds notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signalled(State);

impl Signalled {
    #[inline(always)]
    pub(super) const fn of(state: State) -> Self {
        Self(state)
    }

    #[inline(always)]
    pub(super) const fn state(self) -> State {
        self.0
    }

    /// How often all who waited were notified.
    #[inline(always)]
    pub(super) const fn generation(self) -> u64 {
        self.0.payload() >> COUNT_BITS
    }

    /// How many notifications for one are in the word.
    #[inline(always)]
    pub(super) const fn count(self) -> u64 {
        self.0.payload() & COUNT_MAX
    }

    /// A notification is kept: one, however many there were.
    #[inline(always)]
    #[must_use]
    pub(super) const fn transition_to_kept(self) -> Self {
        self.with_count(1)
    }

    /// Some more, for a holder to give out. Beyond some thousands that no holder came to, they are as good as one.
    #[inline(always)]
    #[must_use]
    pub(super) const fn transition_to_more(self, more: u64) -> Self {
        let sum = self.count() + more;
        self.with_count(if sum < COUNT_MAX { sum } else { COUNT_MAX })
    }

    /// A holder takes them all.
    #[must_use]
    pub(super) const fn transition_to_none(self) -> Self {
        self.with_count(0)
    }

    /// Somebody takes the one that is kept; nothing if there is none, or those who wait come first.
    #[inline(always)]
    pub(super) const fn transition_to_taken(self) -> Option<Self> {
        if self.count() == 0 || self.0.has_waiters() {
            return None;
        }
        Some(self.with_count(self.count() - 1))
    }

    /// All who wait are notified.
    #[must_use]
    pub(super) const fn transition_to_next_generation(self) -> Self {
        Self(self.0.with_payload(self.0.payload().wrapping_add(1 << COUNT_BITS)))
    }

    #[inline(always)]
    const fn with_count(self, count: u64) -> Self {
        Self(self.0.with_payload(self.0.payload() & !COUNT_MAX | count))
    }
}
