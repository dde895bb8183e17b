//! A node's word: how many of its workers search, and how many sleep, less those who were woken and have not been counted (S1).

/// `sleeping << 32 | searching`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rest(u64);

impl Rest {
    /// One searcher more.
    pub(super) const SEARCHER: u64 = 1;
    /// One sleeper more.
    pub(super) const SLEEPER: u64 = 1 << 32;
    /// To be added where one sleeper becomes a searcher, whether one is counted or not.
    pub(super) const WOKEN: u64 = Self::SEARCHER.wrapping_sub(Self::SLEEPER);

    pub(super) fn of(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    pub(super) fn searching(self) -> u32 {
        self.0 as u32
    }

    pub(super) fn sleeping(self) -> i32 {
        (self.0 >> 32) as i32
    }

    /// One sleeper becomes a searcher; nothing where nobody sleeps.
    #[must_use]
    pub(super) fn transition_to_woken(self) -> Option<Self> {
        (self.sleeping() > 0).then(|| Self(self.0.wrapping_add(Self::WOKEN)))
    }

    /// One that was taken off the count without being there is put back; nothing where there is none.
    #[must_use]
    pub(super) fn transition_to_settled(self) -> Option<Self> {
        (self.sleeping() < 0).then(|| Self(self.0.wrapping_sub(Self::WOKEN)))
    }
}
