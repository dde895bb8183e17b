//! A node's word: how many of its workers search, and how many sleep.

/// `sleeping << 32 | searching`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rest(u64);

impl Rest {
    /// One searcher more.
    pub(super) const SEARCHER: u64 = 1;
    /// One sleeper more.
    pub(super) const SLEEPER: u64 = 1 << 32;

    pub(super) fn of(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    pub(super) fn searching(self) -> u32 {
        self.0 as u32
    }

    pub(super) fn sleeping(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// One sleeper becomes a searcher; nothing where nobody sleeps.
    #[must_use]
    pub(super) fn transition_to_woken(self) -> Option<Self> {
        (self.sleeping() > 0).then(|| Self(self.0 - Self::SLEEPER + Self::SEARCHER))
    }
}
