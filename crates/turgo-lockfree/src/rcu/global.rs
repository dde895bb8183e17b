//! The default domain, with a path to the calling thread's record that is one load.
//!
//! Without `std` no thread has a record to come back to: each section or hazard pointer takes one and gives it back.

#[cfg(any(feature = "std", loom, shuttle))]
use core::cell::Cell;
#[cfg(any(feature = "std", loom, shuttle))]
use core::ptr;

#[cfg(any(feature = "std", loom, shuttle))]
use turgo_machine::thread::thread_local;

use super::Full;
#[cfg(not(any(loom, shuttle)))]
use alloc::sync::Weak;

use super::InReadSection;
#[cfg(not(any(loom, shuttle)))]
use super::config::Config;
use super::domain::Inner;
use super::guard::{Guard, sealed};
use super::handle::{Cookie, operations};
use super::qsbr::Qsbr;
use super::reader::Reader;
use super::record::RcuRecord;
use super::stall::Stall;
use crate::reclaim::{Owned, Reclaim, ReclaimStats, Retired};
use crate::registry::Record;
#[cfg(any(feature = "std", loom, shuttle))]
use crate::registry::{Exit, LocalTable};

#[cfg(not(any(loom, shuttle)))]
static GLOBAL: Inner = Inner::new(Config::DEFAULT, Weak::new());

#[cfg(loom)]
loom::lazy_static! {
    static ref GLOBAL: Inner = Inner::new(super::config::Config::DEFAULT, alloc::sync::Weak::new());
}

#[cfg(all(shuttle, not(loom)))]
shuttle::lazy_static! {
    static ref GLOBAL: Inner = Inner::new(super::config::Config::DEFAULT, alloc::sync::Weak::new());
}

#[cfg(all(feature = "std", not(any(loom, shuttle))))]
thread_local! {
    /// The calling thread's record: no destructor, so no check whether it ran.
    static HOT: Cell<*const Record<RcuRecord>> = const { Cell::new(ptr::null()) };
}

#[cfg(any(loom, shuttle))]
thread_local! {
    static HOT: Cell<*const Record<RcuRecord>> = Cell::new(ptr::null());
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

/// The default domain of RCU, one per process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Rcu;

/// The calling thread's record, unless it is ending.
#[cfg(any(feature = "std", loom, shuttle))]
#[inline(always)]
fn record() -> Option<&'static Record<RcuRecord>> {
    let hot = HOT.with(Cell::get);
    // SAFETY: G1, the domain is never dropped; `HOT` is set to a record of it or null.
    unsafe { hot.as_ref() }.or_else(join)
}

#[cfg(not(any(feature = "std", loom, shuttle)))]
fn record() -> Option<&'static Record<RcuRecord>> {
    None
}

#[cfg(any(feature = "std", loom, shuttle))]
#[cold]
fn join() -> Option<&'static Record<RcuRecord>> {
    let record = EXIT.try_with(|exit| exit.join(&GLOBAL)).ok()?;
    HOT.with(|hot| hot.set(record));
    Some(record)
}

impl Rcu {
    #[inline(always)]
    fn inner(&self) -> &'static Inner {
        &GLOBAL
    }

    #[inline(always)]
    fn record(&self) -> Option<&'static Record<RcuRecord>> {
        record()
    }
}

operations!(Rcu);

// SAFETY: as for `Domain`.
unsafe impl Reclaim for Rcu {
    const REGION: bool = true;
    type Guard<'d> = Guard<'d, Self>;

    #[inline]
    fn enter(&self) -> Self::Guard<'_> {
        let record = match record() {
            Some(record) => {
                record.lock(&GLOBAL.periods);
                record
            }
            None => GLOBAL.lock_transient(),
        };
        Guard::new(record, self)
    }

    #[inline]
    fn owns<'d>(&'d self, _guard: &Self::Guard<'d>) -> bool {
        true
    }

    #[inline]
    unsafe fn retire_raw(&self, node: Retired) {
        // SAFETY: the caller's promise.
        unsafe { GLOBAL.retire(record(), node) };
    }

    fn stats(&self) -> ReclaimStats {
        GLOBAL.stats()
    }

    fn flush(&self) {
        GLOBAL.flush(record());
    }
}

/// Begins a read section of the default domain. Wait-free once the thread has a record.
#[inline]
pub fn read_lock() -> Guard<'static, Rcu> {
    Rcu.enter_static()
}

impl Rcu {
    #[inline]
    fn enter_static(self) -> Guard<'static, Self> {
        const HANDLE: &Rcu = &Rcu;
        HANDLE.enter()
    }
}

/// Waits until every read section of the default domain has ended that was open when this was called. Blocking.
///
/// # Panics
///
/// Inside of a read section of the default domain, which it would wait for.
pub fn synchronize() {
    Rcu.synchronize();
}

/// As [`synchronize`], but says so where it would wait for ever.
///
/// # Errors
///
/// [`InReadSection`] inside of a read section of the default domain.
pub fn try_synchronize() -> Result<(), InReadSection> {
    Rcu.try_synchronize()
}

/// Calls `f` when every read section of the default domain has ended that is open now. Lock-free.
pub fn call(f: impl FnOnce() + Send + 'static) {
    Rcu.call(f);
}

/// Waits until all callbacks that were given to [`call`] before have run. Blocking.
///
/// # Errors
///
/// [`InReadSection`] inside of a read section or a callback of the default domain.
pub fn barrier() -> Result<(), InReadSection> {
    Rcu.barrier()
}
