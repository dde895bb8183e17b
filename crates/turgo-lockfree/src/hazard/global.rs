//! The default domain, with a path to the calling thread's record that is one load.
//!
//! Without `std` no thread has a record to come back to: each section or hazard pointer takes one and gives it back.

use super::domain::{Config, Inner};
use super::pointer::{Guard, HazardPointer, sealed};
use super::reader::Reader;
use super::record::HazardRecord;
use crate::reclaim::{Reclaim, ReclaimStats, Retired};
use crate::registry::{Record, global_domain};

global_domain!(Inner, HazardRecord, Inner::new(Config::DEFAULT));

/// The default domain of hazard pointers, one per process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Hazard;

impl Default for HazardPointer<'static> {
    fn default() -> Self {
        Self::new()
    }
}

impl HazardPointer<'static> {
    /// A hazard pointer of the default domain.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self::of(&GLOBAL, record().unwrap_or_else(|| GLOBAL.transient()))
    }
}

#[expect(private_interfaces, reason = "sealed: nobody outside can name or call it")]
impl sealed::Source for Hazard {
    #[inline(always)]
    fn slot(&self) -> HazardPointer<'_> {
        HazardPointer::new()
    }

    fn inner(&self) -> &Inner {
        &GLOBAL
    }

    fn record(&self) -> Option<&Record<HazardRecord>> {
        record()
    }
}

// SAFETY: as for `Domain`.
unsafe impl Reclaim for Hazard {
    const REGION: bool = false;
    type Guard<'d> = Guard<'d, Self>;

    #[inline]
    fn enter(&self) -> Self::Guard<'_> {
        Guard::new(self)
    }

    #[inline]
    fn owns<'d>(&'d self, _guard: &Self::Guard<'d>) -> bool {
        true
    }

    #[inline]
    fn protects<'d, 'g>(&'d self, shield: &HazardPointer<'g>) -> bool
    where
        Self::Guard<'d>: 'g,
    {
        shield.is_of(&GLOBAL)
    }

    #[inline]
    unsafe fn retire_raw(&self, node: Retired) {
        match record() {
            // SAFETY: the caller's promise.
            Some(record) => unsafe { GLOBAL.retire(record, node) },
            // SAFETY: as above.
            None => unsafe { GLOBAL.retire_orphan(node) },
        }
    }

    fn stats(&self) -> ReclaimStats {
        GLOBAL.stats()
    }

    fn flush(&self) {
        GLOBAL.flush(record());
    }
}

impl Hazard {
    /// A place in the domain that the caller holds, instead of one that is looked up.
    #[must_use]
    pub fn register(&self) -> Reader<'_, Self> {
        Reader::new(self)
    }

    /// Makes the domain usable in the child of a fork: slots of the threads that are gone protect nothing any more, and what they had retired is leaked.
    ///
    /// # Safety
    ///
    /// The calling thread is the only one, in the child of a fork, and the fork was not made while this thread was inside of a call of this domain.
    pub unsafe fn after_fork_child(&self) {
        // SAFETY: the caller's promise.
        unsafe { GLOBAL.after_fork_child(record()) };
    }
}
