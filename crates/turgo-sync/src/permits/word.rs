//! What a queue's word says where it holds permits.
//!
//! ```text
//!   63        21   20         5     4        3     2 1 0
//!  +------------+--------------+--------+--------+-------+
//!  |  permits   |  overtakes   | waking | closed | queue |
//!  +------------+--------------+--------+--------+-------+
//! ```

use crate::fairness::Fairness;
use crate::queue::{PAYLOAD_SHIFT, State};

const CLOSED: u64 = 1;
const WAKING: u64 = 1 << 1;
const OVERTAKES_SHIFT: u32 = 2;
const OVERTAKES_MASK: u64 = (1 << 16) - 1;
const PERMITS_SHIFT: u32 = 18;

/// The most permits there can be.
pub(crate) const PERMITS_MAX: u64 = u64::MAX >> (PERMITS_SHIFT + PAYLOAD_SHIFT);

const _: () = assert!(PERMITS_SHIFT + PAYLOAD_SHIFT == 21, "the picture above");

/// Permits are in the topmost bits, so they are added to and subtracted from a word as a whole, and carry out of it where that fails.
const PERMIT: u64 = 1 << (PERMITS_SHIFT + PAYLOAD_SHIFT);

/// A [`State`] that holds permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Permitted(State);

impl Permitted {
    /// One permit, and nobody about.
    pub(super) const ONE: Self = Self(State::from_word(PERMIT));
    /// The same after it was taken.
    pub(super) const NONE: Self = Self(State::from_word(0));

    /// What a word starts with.
    pub(super) const fn payload_of(permits: u64) -> u64 {
        permits << PERMITS_SHIFT
    }

    #[inline(always)]
    pub(super) const fn of(state: State) -> Self {
        Self(state)
    }

    #[inline(always)]
    pub(super) const fn state(self) -> State {
        self.0
    }

    #[inline(always)]
    pub(super) const fn permits(self) -> u64 {
        self.0.payload() >> PERMITS_SHIFT
    }

    #[inline(always)]
    pub(super) const fn is_closed(self) -> bool {
        self.0.payload() & CLOSED != 0
    }

    /// Whether somebody was told to try and has not done so.
    #[inline(always)]
    pub(super) const fn is_waking(self) -> bool {
        self.0.payload() & WAKING != 0
    }

    /// How often those who wait were overtaken.
    #[inline(always)]
    pub(super) const fn overtakes(self) -> u64 {
        self.0.payload() >> OVERTAKES_SHIFT & OVERTAKES_MASK
    }

    /// Whether nobody may pass those who wait.
    #[inline(always)]
    pub(super) fn is_in_order<F: Fairness>(self) -> bool {
        F::OVERTAKES_MAX.is_none_or(|max| self.overtakes() >= max)
    }

    /// More permits; as many as there can be where that is less.
    #[inline(always)]
    #[must_use]
    pub(super) const fn transition_to_more(self, permits: u64) -> Self {
        let room = PERMITS_MAX - self.permits();
        let more = if permits < room { permits } else { room };
        self.with(self.0.payload() + (more << PERMITS_SHIFT))
    }

    /// Fewer permits.
    #[inline(always)]
    #[must_use]
    pub(super) const fn transition_to_fewer(self, permits: u64) -> Self {
        self.with(self.0.payload() - (permits << PERMITS_SHIFT))
    }

    /// Closed for good.
    #[must_use]
    pub(super) const fn transition_to_closed(self) -> Self {
        self.with(self.0.payload() | CLOSED)
    }

    /// Somebody is told to try.
    #[must_use]
    pub(super) const fn transition_to_waking(self) -> Self {
        self.with(self.0.payload() | WAKING)
    }

    /// Who was told to try has done so, or will not.
    #[must_use]
    pub(super) const fn transition_to_woken(self) -> Self {
        self.with(self.0.payload() & !WAKING)
    }

    /// One of those who wait was served, or nobody waits.
    #[must_use]
    pub(super) const fn transition_to_served(self) -> Self {
        self.with(self.0.payload() & !(OVERTAKES_MASK << OVERTAKES_SHIFT))
    }

    /// One who was told to try takes all there is: fewer, woken and served at once.
    #[inline(always)]
    #[must_use]
    pub(super) const fn transition_to_none_left(self) -> Self {
        self.with(self.0.payload() & CLOSED)
    }

    /// What is left after somebody took `count` where nobody waits; nothing where that is more than there is, somebody waits, or it is closed.
    #[inline(always)]
    pub(super) const fn transition_to_taken_alone(self, count: u64) -> Option<Self> {
        // One test for all that makes it another matter.
        if self.0.word() & (State::WAITS | (CLOSED | WAKING) << PAYLOAD_SHIFT) != 0 {
            return None;
        }
        match self.0.word().checked_sub(count * PERMIT) {
            Some(word) => Some(Self(State::from_word(word))),
            None => None,
        }
    }

    /// What is there after somebody gave `count` where nobody waits; nothing where that is more than there can be, or somebody waits.
    #[inline(always)]
    pub(super) const fn transition_to_given_alone(self, count: u64) -> Option<Self> {
        if count > PERMITS_MAX || self.0.has_waiters() {
            return None;
        }
        match self.0.word().checked_add(count * PERMIT) {
            Some(word) => Some(Self(State::from_word(word))),
            None => None,
        }
    }

    /// What is left after somebody took `count` who does not wait; nothing where he has to wait.
    #[inline(always)]
    pub(super) fn transition_to_taken<F: Fairness>(self, count: u64) -> Option<Self> {
        if self.permits() < count {
            return None;
        }
        if count == 0 {
            return Some(self);
        }
        let taken = self.transition_to_fewer(count);
        let contended = self.0.has_waiters() || self.is_waking();
        if !contended || turgo_machine::mutant!("P4 taken while others wait") {
            Some(taken)
        } else if self.is_in_order::<F>() {
            None
        } else if turgo_machine::mutant!("P5 overtaking is not counted") {
            Some(taken)
        } else {
            Some(taken.with(taken.0.payload() + (1 << OVERTAKES_SHIFT)))
        }
    }

    #[inline(always)]
    const fn with(self, payload: u64) -> Self {
        Self(self.0.with_payload(payload))
    }
}
