//! The default domain, with a path to the calling thread's record that is one load.
//!
//! Without `std` no thread has a record to come back to: each section or hazard pointer takes one and gives it back.

use alloc::sync::Weak;

use super::Full;
use super::InReadSection;
use super::config::Config;
use super::domain::Inner;
use super::guard::{Guard, RegionShield, sealed};
use super::handle::{Cookie, operations};
use super::qsbr::Qsbr;
use super::reader::Reader;
use super::record::RcuRecord;
use super::stall::Stall;
use crate::reclaim::{Owned, Reclaim, ReclaimStats, Retired};
use crate::registry::{Record, global_domain};

global_domain!(Inner, RcuRecord, Inner::new(Config::DEFAULT, Weak::new()));

/// The default domain of RCU, one per process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Rcu;

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
    fn protects<'d, 'g>(&'d self, _shield: &RegionShield<'g>) -> bool
    where
        Self::Guard<'d>: 'g,
    {
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
///
/// # Panics
///
/// When 32,767 sections are open already.
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
