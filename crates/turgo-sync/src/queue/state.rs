//! The word of a queue: three bits are the queue's, the rest is what its [`Discipline`](super::Discipline) makes of it.
//!
//! ```text
//!   63                    3     2        1        0
//!  +-----------------------+-------+---------+--------+
//!  |   of the discipline   | inbox | waiters | locked |
//!  +-----------------------+-------+---------+--------+
//! ```

const LOCKED: u64 = 1;
const WAITERS: u64 = 1 << 1;
const INBOX: u64 = 1 << 2;

/// How far a discipline's part is shifted.
pub(crate) const PAYLOAD_SHIFT: u32 = 3;

/// What a queue's word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State(u64);

impl State {
    /// The bits that say that somebody may wait.
    pub(crate) const WAITS: u64 = WAITERS | INBOX;
    /// The bit that announces a node in the inbox.
    pub(super) const INBOX: u64 = INBOX;
    /// What sets the bits that announce a node in the inbox, and takes the lock if nobody has it.
    pub(super) const ANNOUNCE: u64 = INBOX | LOCKED;

    #[inline(always)]
    pub(crate) const fn from_word(word: u64) -> Self {
        Self(word)
    }

    #[inline(always)]
    pub(crate) const fn word(self) -> u64 {
        self.0
    }

    /// What the discipline keeps.
    #[inline(always)]
    pub(crate) const fn payload(self) -> u64 {
        self.0 >> PAYLOAD_SHIFT
    }

    /// The same with another part of the discipline's.
    #[inline(always)]
    #[must_use]
    pub(crate) const fn with_payload(self, payload: u64) -> Self {
        Self(payload << PAYLOAD_SHIFT | self.0 & (LOCKED | WAITERS | INBOX))
    }

    /// Whether somebody holds the list.
    #[inline(always)]
    pub(crate) const fn is_locked(self) -> bool {
        self.0 & LOCKED != 0
    }

    /// Whether somebody may wait, in the list or in the inbox.
    #[inline(always)]
    pub(crate) const fn has_waiters(self) -> bool {
        self.0 & Self::WAITS != 0
    }

    /// Whether the inbox was announced.
    #[inline(always)]
    pub(super) const fn has_inbox(self) -> bool {
        self.0 & INBOX != 0
    }

    /// What to subtract to clear the announcement and say that somebody waits.
    #[inline(always)]
    pub(super) const fn announced_to_waiting(self) -> u64 {
        if self.0 & WAITERS != 0 { INBOX } else { INBOX - WAITERS }
    }

    /// Somebody takes the list.
    #[inline(always)]
    #[must_use]
    pub(crate) const fn transition_to_locked(self) -> Self {
        Self(self.0 | LOCKED)
    }

    /// Who puts a node into the list takes it.
    #[inline(always)]
    #[must_use]
    pub(super) const fn transition_to_queueing(self) -> Self {
        Self(self.0 | LOCKED | WAITERS)
    }

    /// The holder leaves; `waiters` says whether the list still has nodes.
    #[inline(always)]
    #[must_use]
    pub(super) const fn transition_to_unlocked(self, waiters: bool) -> Self {
        let rest = self.0 & !(LOCKED | WAITERS);
        Self(if waiters { rest | WAITERS } else { rest })
    }

    /// The lock is taken, or if it is, an inbox is announced to its holder.
    #[inline(always)]
    #[must_use]
    pub(super) const fn transition_to_announced(self) -> Self {
        Self(self.0 | Self::ANNOUNCE)
    }
}
