//! The default domain, with a path to the calling thread's record that is one load.
//!
//! Without `std` no thread has a record to come back to: each section or hazard pointer takes one and gives it back.

#[cfg(any(feature = "std", loom, shuttle))]
use core::cell::Cell;
#[cfg(any(feature = "std", loom, shuttle))]
use core::ptr;

#[cfg(any(feature = "std", loom, shuttle))]
use turgo_machine::thread::thread_local;

#[cfg(not(any(loom, shuttle)))]
use super::domain::Config;
use super::domain::Inner;
use super::pointer::{Guard, HazardPointer, sealed};
use super::reader::Reader;
use super::record::HazardRecord;
use crate::reclaim::{Reclaim, ReclaimStats, Retired};
use crate::registry::Record;
#[cfg(any(feature = "std", loom, shuttle))]
use crate::registry::{Exit, LocalTable};

#[cfg(not(any(loom, shuttle)))]
static GLOBAL: Inner = Inner::new(Config::DEFAULT);

#[cfg(loom)]
loom::lazy_static! {
    static ref GLOBAL: Inner = Inner::new(super::domain::Config::DEFAULT);
}

#[cfg(all(shuttle, not(loom)))]
shuttle::lazy_static! {
    static ref GLOBAL: Inner = Inner::new(super::domain::Config::DEFAULT);
}

#[cfg(all(feature = "std", not(any(loom, shuttle))))]
thread_local! {
    /// The calling thread's record: no destructor, so no check whether it ran.
    static HOT: Cell<*const Record<HazardRecord>> = const { Cell::new(ptr::null()) };
}

#[cfg(any(loom, shuttle))]
thread_local! {
    static HOT: Cell<*const Record<HazardRecord>> = Cell::new(ptr::null());
}

#[cfg(any(feature = "std", loom, shuttle))]
thread_local! {
    static EXIT: Exit<Inner> = Exit::new(|| { let _ = HOT.try_with(|hot| hot.set(ptr::null())); });
}

#[cfg(all(feature = "std", not(any(loom, shuttle))))]
thread_local! {
    pub(super) static DOMAINS: LocalTable<Inner> = const { LocalTable::new() };
}

#[cfg(any(loom, shuttle))]
thread_local! {
    pub(super) static DOMAINS: LocalTable<Inner> = LocalTable::new();
}

/// The default domain of hazard pointers, one per process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Hazard;

/// The calling thread's record, unless it is ending.
#[cfg(any(feature = "std", loom, shuttle))]
#[inline(always)]
fn record() -> Option<&'static Record<HazardRecord>> {
    let hot = HOT.with(Cell::get);
    // SAFETY: G1, the domain is never dropped; `HOT` is set to a record of it or null.
    unsafe { hot.as_ref() }.or_else(join)
}

#[cfg(not(any(feature = "std", loom, shuttle)))]
fn record() -> Option<&'static Record<HazardRecord>> {
    None
}

#[cfg(any(feature = "std", loom, shuttle))]
#[cold]
fn join() -> Option<&'static Record<HazardRecord>> {
    let record = EXIT.try_with(|exit| exit.join(&GLOBAL)).ok()?;
    HOT.with(|hot| hot.set(record));
    Some(record)
}

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
