//! Nodes of one structure, which are freed with it at the latest.
//!
//! - **K1** A node of a cohort is in the cohort's list, or with the one thread that scans it. Dropping the cohort frees the list without a look
//!   at the slots: nobody reads the structure any more. Whoever retires into a cohort promises that.

use turgo_machine::atomic::{AtomicBool, Ordering};
use turgo_machine::mutant;

use super::pointer::{Guard, HazardPointer, Source};
use crate::reclaim::{List, Reclaim, ReclaimStats, Retired, SharedList};

/// What was retired by one structure: a domain's hazard pointers protect it while the structure lives, and dropping the cohort frees the rest. Lock-free.
///
/// A structure that holds its nodes in a cohort may hold values that borrow, and when it is gone all of them are. It has the cohort
/// as its last field, so that it is dropped last.
///
/// To retire into a cohort is to promise, besides what [`Reclaim::retire_raw`] asks for, that nobody reads the node any more when the cohort is
/// dropped: no hazard pointer keeps it then. One thread at a time scans; while it is stopped in the middle, what waits is not bounded. In the child of
/// a fork a cohort that another thread was scanning frees nothing before it is dropped, and what that thread had taken is leaked.
pub struct Cohort<S: Source> {
    source: S,
    list: SharedList,
    scanning: AtomicBool,
}

impl<S: Source> core::fmt::Debug for Cohort<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Cohort").field("waiting", &self.list.len()).finish_non_exhaustive()
    }
}

impl<S: Source> Cohort<S> {
    /// An empty cohort of a domain.
    pub fn new(source: S) -> Self {
        Self { source, list: SharedList::new(), scanning: AtomicBool::new(false) }
    }

    /// Frees what no slot protects, unless another thread is at it, or this one further up.
    fn scan(&self) {
        // Acquire: pairs with the Release below. Relaxed: somebody else scans.
        let began =
            self.scanning.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        if began.is_err() {
            return;
        }
        let mut list = self.list.take();
        self.source.inner().reclaim_list(&mut list);
        self.list.push(&mut list);
        // Release: pairs with the Acquire above.
        self.scanning.store(false, Ordering::Release);
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

    fn protects<'d>(&'d self, shield: &HazardPointer<'d>) -> bool {
        shield.is_of(self.source.inner())
    }

    unsafe fn retire_raw(&self, node: Retired) {
        let mut list = List::new();
        self.source.inner().count_retired(list.push(node));
        self.list.push(&mut list);
        if self.list.len() >= self.source.inner().limit() {
            self.scan();
        }
    }

    fn stats(&self) -> ReclaimStats {
        self.source.inner().stats()
    }

    fn flush(&self) {
        self.scan();
    }
}

impl<S: Source> Drop for Cohort<S> {
    fn drop(&mut self) {
        if !mutant!("K1 list forgotten") {
            self.source.inner().run_unread(&mut self.list.take());
        }
    }
}
