//! How far a channel for one value is.
//!
//! ```text
//!      6              5              4          3         2        1         0
//!  +--------+----------------+---------------+--------+--------+-------+----------+
//!  | sender | receiver waits | receiver gone | closed | sender | value | answered |
//!  | waits  |                |               |        |  gone  |       |          |
//!  +--------+----------------+---------------+--------+--------+-------+----------+
//! ```

const ANSWERED: u64 = 1;
const VALUE: u64 = 1 << 1;
const SENDER_GONE: u64 = 1 << 2;
const CLOSED: u64 = 1 << 3;
const RECEIVER_GONE: u64 = 1 << 4;
const RECEIVER_WAITS: u64 = 1 << 5;
const SENDER_WAITS: u64 = 1 << 6;

/// The word of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State(pub(super) u64);

impl State {
    pub(super) const NEW: Self = Self(0);
    /// What the receiver sets who accepts nothing any more.
    pub(super) const CLOSE: u64 = CLOSED;
    /// What the sender sets who does not come back.
    pub(super) const LEAVE: u64 = SENDER_GONE;

    /// Whether the sender has sent, or will not.
    pub(super) const fn is_answered(self) -> bool {
        self.0 & ANSWERED != 0
    }

    /// Whether a value was sent that nobody has taken.
    pub(super) const fn has_value(self) -> bool {
        self.0 & VALUE != 0
    }

    pub(super) const fn is_sender_gone(self) -> bool {
        self.0 & SENDER_GONE != 0
    }

    /// Whether the receiver accepts nothing any more.
    pub(super) const fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    pub(super) const fn is_receiver_gone(self) -> bool {
        self.0 & RECEIVER_GONE != 0
    }

    /// Whether the receiver's waker was put in its place, which is the sender's to take once it has answered (O3).
    pub(super) const fn receiver_waits(self) -> bool {
        self.0 & RECEIVER_WAITS != 0
    }

    /// Whether the sender's waker was put in its place, which is the receiver's to take once it has closed (O3).
    pub(super) const fn sender_waits(self) -> bool {
        self.0 & SENDER_WAITS != 0
    }

    /// The sender answers. If nobody waits it does not come back.
    pub(super) const fn transition_to_answered(self, value: bool) -> Self {
        let value = if value { VALUE } else { 0 };
        let gone = if self.receiver_waits() { 0 } else { SENDER_GONE };
        Self(self.0 | ANSWERED | value | gone)
    }

    pub(super) const fn transition_to_receiver_waits(self, waits: bool) -> Self {
        Self(if waits { self.0 | RECEIVER_WAITS } else { self.0 & !RECEIVER_WAITS })
    }

    pub(super) const fn transition_to_sender_waits(self, waits: bool) -> Self {
        Self(if waits { self.0 | SENDER_WAITS } else { self.0 & !SENDER_WAITS })
    }

    /// The receiver does not come back. It has taken the value if there was one.
    pub(super) const fn transition_to_receiver_gone(self) -> Self {
        Self((self.0 | CLOSED | RECEIVER_GONE) & !VALUE)
    }
}
