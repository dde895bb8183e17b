//! A state, a count and flags in one word, changed together.
//!
//! # Invariants
//!
//! - **C7** The word is `count << 32 | flags << 8 | state`. It changes only by the named transitions, each one read-modify-write: no two of them
//!   are ever seen half done, and none is lost.
//! - **C8** The count neither passes its limit nor falls below 0.

use core::fmt;

use turgo_machine::atomic::{AtomicU64, Ordering};
use turgo_machine::mutant;

/// The fields at one instant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MetadataSnapshot(u64);

impl MetadataSnapshot {
    const fn new(state: u8, count: u32, flags: u32) -> Self {
        let flags = (flags & Metadata::FLAGS_ALL) as u64;
        Self((count as u64) << 32 | flags << 8 | state as u64)
    }

    /// The state.
    #[must_use]
    pub fn state(self) -> u8 {
        (self.0 & 0xFF) as u8
    }

    /// The count.
    #[must_use]
    pub fn count(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The flags, of which there are 24.
    #[must_use]
    pub fn flags(self) -> u32 {
        (self.0 >> 8) as u32 & Metadata::FLAGS_ALL
    }
}

impl fmt::Debug for MetadataSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metadata")
            .field("state", &self.state())
            .field("count", &self.count())
            .field("flags", &format_args!("{:#x}", self.flags()))
            .finish()
    }
}

/// What giving up one of the count left.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Released {
    /// It was the last.
    Last(MetadataSnapshot),
    /// There are more.
    More(MetadataSnapshot),
}

/// A state (8 bits), a count (32) and flags (24) that change together.
///
/// Lock-free: a transition repeats only where another one succeeded. Every transition that succeeds is Acquire and Release: what came before one
/// is seen by whoever makes a later one.
///
/// ```
/// use turgo_lockfree::counter::{Metadata, Released};
/// const OPEN: u8 = 0;
/// const CLOSED: u8 = 1;
///
/// let users = Metadata::new(OPEN, 0);
/// assert!(users.enter(OPEN, 10).is_ok());
/// assert!(users.change_state(OPEN, CLOSED).is_ok());
/// assert!(users.enter(OPEN, 10).is_err());
/// assert!(matches!(users.leave(), Ok(Released::Last(_))));
/// ```
pub struct Metadata {
    word: AtomicU64,
}

impl Metadata {
    /// All flags.
    pub const FLAGS_ALL: u32 = (1 << 24) - 1;

    crate::fence::maybe_const! {
        /// A word with these fields and a count of 0.
        #[must_use]
        pub fn new(state: u8, flags: u32) -> Self {
            Self { word: AtomicU64::new(MetadataSnapshot::new(state, 0, flags).0) }
        }
    }

    /// The fields now.
    #[must_use]
    pub fn load(&self) -> MetadataSnapshot {
        // Acquire: pairs with the Release in `update`.
        MetadataSnapshot(self.word.load(Ordering::Acquire))
    }

    /// Moves from one state to another.
    ///
    /// # Errors
    ///
    /// The fields, where the state is another.
    pub fn change_state(&self, from: u8, to: u8) -> Result<MetadataSnapshot, MetadataSnapshot> {
        self.update(|now| {
            (now.state() == from).then(|| MetadataSnapshot::new(to, now.count(), now.flags()))
        })
    }

    /// Raises the count, in this state only and up to `max`.
    ///
    /// # Errors
    ///
    /// The fields, where the state is another or the count has reached `max`.
    pub fn enter(&self, state: u8, max: u32) -> Result<MetadataSnapshot, MetadataSnapshot> {
        self.update(|now| {
            let is_open = now.state() == state || mutant!("C7 state not looked at");
            let has_room = now.count() < max || mutant!("C8 limit not looked at");
            (is_open && has_room)
                .then(|| MetadataSnapshot::new(now.state(), now.count() + 1, now.flags()))
        })
    }

    /// Lowers the count, and says whether that was the last.
    ///
    /// # Errors
    ///
    /// The fields, where the count is 0.
    pub fn leave(&self) -> Result<Released, MetadataSnapshot> {
        let left = self.update(|now| {
            let count = now.count().checked_sub(1)?;
            Some(MetadataSnapshot::new(now.state(), count, now.flags()))
        })?;
        Ok(if left.count() == 0 { Released::Last(left) } else { Released::More(left) })
    }

    /// Sets flags. Gives the fields before.
    pub fn set_flags(&self, flags: u32) -> MetadataSnapshot {
        let bits = u64::from(flags & Self::FLAGS_ALL) << 8;
        // AcqRel: as in `update`.
        MetadataSnapshot(self.word.fetch_or(bits, Ordering::AcqRel))
    }

    /// Clears flags. Gives the fields before.
    pub fn clear_flags(&self, flags: u32) -> MetadataSnapshot {
        let bits = u64::from(flags & Self::FLAGS_ALL) << 8;
        // AcqRel: as in `update`.
        MetadataSnapshot(self.word.fetch_and(!bits, Ordering::AcqRel))
    }

    /// Makes a transition where there is one; gives the fields after it, or those that had none.
    fn update(
        &self,
        next: impl Fn(MetadataSnapshot) -> Option<MetadataSnapshot>,
    ) -> Result<MetadataSnapshot, MetadataSnapshot> {
        let mut now = self.load();
        loop {
            let after = next(now).ok_or(now)?;
            // AcqRel, Acquire: sees what came before earlier transitions. Release: hands on what came before this one. Acquire: as in `load`.
            let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
            match self.word.compare_exchange_weak(now.0, after.0, success, failure) {
                Ok(_) => return Ok(after),
                Err(other) => now = MetadataSnapshot(other),
            }
        }
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(f)
    }
}
