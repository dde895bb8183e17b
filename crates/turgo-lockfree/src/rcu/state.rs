//! The word a reader publishes: in which grace period its section began, and how deep it is nested.
//!
//! ```text
//!   63              16   15       14          0
//!  +-----------------+---------+---------------+
//!  | sequence number | leaving |    nesting    |
//!  +-----------------+---------+---------------+
//! ```
//!
//! The sequence number has 48 bits: a grace period each microsecond uses them up in nine years.

/// How deep sections nest at most.
pub(super) const NESTING_MAX: u64 = (1 << 15) - 1;

const LEAVING: u64 = 1 << 15;
const SEQUENCE_SHIFT: u32 = 16;

/// The most grace periods a domain can count.
pub(super) const SEQUENCE_MAX: u64 = u64::MAX >> SEQUENCE_SHIFT;

/// What a reader does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Section(u64);

/// What a reader does who leaves a section.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Leave {
    /// It is still in an outer section.
    Nested(Section),
    /// It reads no more.
    Idle,
    /// It reads no more, and its record goes back to the registry.
    Gone,
}

impl Section {
    /// No section.
    pub(super) const IDLE: Self = Self(0);

    pub(super) const fn from_word(word: u64) -> Self {
        Self(word)
    }

    pub(super) const fn word(self) -> u64 {
        self.0
    }

    /// An outermost section that begins in grace period `sequence`.
    #[inline(always)]
    pub(super) const fn outermost(sequence: u64) -> Self {
        Self(sequence << SEQUENCE_SHIFT | 1)
    }

    /// Whether this is no section at all, so that the next one is the outermost.
    #[inline(always)]
    pub(super) const fn is_idle(self) -> bool {
        self.nesting() == 0
    }

    /// Whether leaving is the common case: one section, and the record stays.
    #[inline(always)]
    pub(super) const fn is_plain(self) -> bool {
        self.0 & (LEAVING | NESTING_MAX) == 1
    }

    /// How many sections are open.
    #[inline(always)]
    pub(super) const fn nesting(self) -> u64 {
        self.0 & NESTING_MAX
    }

    /// In which grace period the outermost section began.
    pub(super) const fn sequence(self) -> u64 {
        self.0 >> SEQUENCE_SHIFT
    }

    /// One section more, inside of the others; `None` where no more fit.
    #[inline(always)]
    pub(super) const fn transition_to_nested(self) -> Option<Self> {
        if self.nesting() == NESTING_MAX { None } else { Some(Self(self.0 + 1)) }
    }

    /// One section less.
    pub(super) const fn transition_to_left(self) -> Leave {
        match (self.nesting(), self.0 & LEAVING) {
            (0 | 1, 0) => Leave::Idle,
            (0 | 1, _) => Leave::Gone,
            _ => Leave::Nested(Self(self.0 - 1)),
        }
    }

    /// The thread has no place for its record: the record goes back when the last section ends.
    pub(super) const fn transition_to_leaving(self) -> Self {
        Self(self.0 | LEAVING)
    }

    /// Whether grace period `target` has to wait for this reader: it may have begun before what the period waits for was unlinked.
    #[inline]
    pub(super) const fn holds_up(self, target: u64) -> bool {
        !self.is_idle() && self.sequence() < target
    }
}
