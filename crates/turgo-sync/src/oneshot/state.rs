//! How far a channel for one value is.
//!
//! ```text
//!   63                  6        5               4             3         2        1         0
//!  +---------------------+--------+----------------+---------------+--------+-------+----------+
//!  | number of the       | sender | receiver waits | receiver gone | closed | value | answered |
//!  | receiver's waker    | waits  |                |               |        |       |          |
//!  +---------------------+--------+----------------+---------------+--------+-------+----------+
//! ```

use turgo_machine::mutant;

const ANSWERED: u64 = 1;
const VALUE: u64 = 1 << 1;
const CLOSED: u64 = 1 << 2;
const RECEIVER_GONE: u64 = 1 << 3;
const RECEIVER_WAITS: u64 = 1 << 4;
const SENDER_WAITS: u64 = 1 << 5;
/// From one waker of the receiver's to its next.
const NEXT_WAKER: u64 = 1 << 6;

/// The word of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State(pub(super) u64);

impl State {
    pub(super) const NEW: Self = Self(0);
    /// What the receiver sets who accepts nothing any more.
    pub(super) const CLOSE: u64 = CLOSED;

    /// Whether the sender has sent, or will not; it is gone then (O2).
    pub(super) const fn is_answered(self) -> bool {
        self.0 & ANSWERED != 0
    }

    /// Whether a value was sent that nobody has taken.
    pub(super) const fn has_value(self) -> bool {
        self.0 & VALUE != 0
    }

    /// Whether the receiver accepts nothing any more.
    pub(super) const fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    pub(super) const fn is_receiver_gone(self) -> bool {
        self.0 & RECEIVER_GONE != 0
    }

    /// Whether the receiver's waker was put in its place, which is the sender's if it answers (O3).
    pub(super) const fn receiver_waits(self) -> bool {
        self.0 & RECEIVER_WAITS != 0
    }

    /// Whether the sender's waker was put in its place, which is the receiver's to take once it has closed (O3).
    pub(super) const fn sender_waits(self) -> bool {
        self.0 & SENDER_WAITS != 0
    }

    /// The sender answers, and does not come back.
    pub(super) const fn transition_to_answered(self, value: bool) -> Self {
        let value = if value { VALUE } else { 0 };
        Self(self.0 | ANSWERED | value)
    }

    /// The receiver's waker was put in its place; it has a number of its own (O3).
    pub(super) fn transition_to_receiver_waits(self) -> Self {
        let next = if mutant!("O3 all wakers have one number") { 0 } else { NEXT_WAKER };
        Self((self.0 | RECEIVER_WAITS).wrapping_add(next))
    }

    /// The receiver takes its waker back.
    pub(super) const fn transition_to_receiver_looks(self) -> Self {
        Self(self.0 & !RECEIVER_WAITS)
    }

    pub(super) const fn transition_to_sender_waits(self, waits: bool) -> Self {
        Self(if waits { self.0 | SENDER_WAITS } else { self.0 & !SENDER_WAITS })
    }

    /// The receiver does not come back. It has taken the value if there was one.
    pub(super) const fn transition_to_receiver_gone(self) -> Self {
        Self((self.0 | CLOSED | RECEIVER_GONE) & !VALUE)
    }
}
