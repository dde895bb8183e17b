//! Nodes of one structure, which are freed with it at the latest.
//!
//! - **K1** A node of a cohort is in the cohort's list, or with a thread that scans. Dropping the cohort frees the list without a look
//!   at the slots: nobody reads the structure any more. Whoever retires into a cohort promises that.
//! - **K2** Each scan takes the list for itself, and nothing else keeps others from it: who is stopped in the middle of a scan keeps what it took, and
//!   whoever retires next scans what has come since. A fork leaves nothing set that a child could wait for.

use turgo_machine::mutant;

use super::pointer::{Guard, HazardPointer, Source};
use crate::reclaim::{List, Reclaim, ReclaimStats, Retired, SharedList};

/// What was retired by one structure: a domain's hazard pointers protect it while the structure lives, and dropping the cohort frees the rest. Lock-free.
///
/// A structure that holds its nodes in a cohort may hold values that borrow, and when it is gone all of them are. It has the cohort
/// as its last field, so that it is dropped last.
///
/// To retire into a cohort is to promise, besides what [`Reclaim::retire_raw`] asks for, that nobody reads the node any more when the cohort is
/// dropped: no hazard pointer keeps it then. What waits is bounded as in the domain: by the threshold in the list, and once more for each thread that
/// is stopped in the middle of a scan. In the child of a fork, what another thread had taken to scan is leaked.
pub struct Cohort<S: Source> {
    source: S,
    list: SharedList,
}

impl<S: Source> core::fmt::Debug for Cohort<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Cohort").field("waiting", &self.list.len()).finish_non_exhaustive()
    }
}

impl<S: Source> Cohort<S> {
    /// An empty cohort of a domain.
    pub fn new(source: S) -> Self {
        Self { source, list: SharedList::new() }
    }
}

// SAFETY: as for `Domain`; what is not freed before is freed when the cohort is dropped, which is when nobody reads (K1).
unsafe impl<S: Source> Reclaim for Cohort<S> {
    const REGION: bool = false;
    type Guard<'d>
        = Guard<'d, S>
    where
        Self: 'd;

    fn enter(&self) -> Self::Guard<'_> {
        Guard::new(&self.source)
    }

    fn owns<'d>(&'d self, guard: &Self::Guard<'d>) -> bool {
        core::ptr::eq(self.source.inner(), guard.source().inner())
    }

    fn protects<'d, 'g>(&'d self, shield: &HazardPointer<'g>) -> bool
    where
        Self::Guard<'d>: 'g,
    {
        shield.is_of(self.source.inner())
    }

    unsafe fn retire_raw(&self, node: Retired) {
        let mut list = List::new();
        self.source.inner().count_retired(list.push(node));
        self.list.push(&mut list);
        let waiting = self.list.len();
        if waiting >= self.source.inner().limit() {
            self.source.inner().reclaim_shared(self.source.record(), &self.list, waiting);
        }
    }

    fn stats(&self) -> ReclaimStats {
        self.source.inner().stats()
    }

    fn flush(&self) {
        let inner = self.source.inner();
        while inner.reclaim_shared(self.source.record(), &self.list, 0) > 0 {}
    }
}

impl<S: Source> Drop for Cohort<S> {
    fn drop(&mut self) {
        if !mutant!("K1 list forgotten") {
            self.source.inner().run_unread(&mut self.list.take());
        }
    }
}
