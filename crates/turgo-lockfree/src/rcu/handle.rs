//! A domain as its users hold it, and the operations that it shares with the default domain.

use alloc::sync::Arc;
use core::fmt;

use super::config::Config;
use super::domain::Inner;
use super::guard::{Guard, RegionShield, sealed};
use super::qsbr::Qsbr;
use super::reader::Reader;
use super::record::RcuRecord;
use super::stall::Stall;
use super::{Full, InReadSection};
use crate::reclaim::{Owned, Reclaim, ReclaimStats, Retired};
use crate::registry::Record;

/// A moment of one domain that a grace period of it can be behind. In another domain it means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cookie(pub(super) u64);

/// A set of readers and of what was retired under them. A clone is another handle of the same domain.
///
/// When the last handle is dropped, everything that was retired is freed, and every callback called: at once, or by the thread of
/// [`Executor::Background`](super::Executor::Background) or one that ends just then, as soon as that is done. A handle inside of a value or a callback that waits
/// here is one, too: such a domain has to be flushed, or lives for ever.
#[derive(Clone)]
pub struct Domain {
    pub(super) inner: Arc<Inner>,
}

impl Default for Domain {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("rcu::Domain").field("stats", &self.stats()).finish()
    }
}

impl Domain {
    /// A domain of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::with_config(Config::DEFAULT)
    }

    /// A domain that works as `config` says.
    #[must_use]
    pub fn with_config(config: Config) -> Self {
        Self { inner: Arc::new_cyclic(|domain| Inner::new(config, domain.clone())) }
    }

    #[inline]
    fn inner(&self) -> &Inner {
        &self.inner
    }

    #[cfg(any(feature = "std", loom, shuttle))]
    fn record(&self) -> Option<&Record<RcuRecord>> {
        super::global::DOMAINS.try_with(|table| table.record(&self.inner)).ok()
    }

    #[cfg(not(any(feature = "std", loom, shuttle)))]
    fn record(&self) -> Option<&Record<RcuRecord>> {
        None
    }
}

/// The operations of a domain: the type names `inner` and `record`.
macro_rules! operations {
    ($type:ty) => {
        impl $type {
            /// Begins a read section, inside of another one or not. Wait-free once the thread has a record.
            ///
            /// # Panics
            ///
            /// When 32,767 sections are open already.
            #[inline]
            pub fn read_lock(&self) -> Guard<'_, Self> {
                self.enter()
            }

            /// A place in the domain that the caller holds, instead of one that is looked up.
            #[must_use]
            pub fn register(&self) -> Reader<'_, Self> {
                Reader::new(self)
            }

            /// A reader that reads all the time and reports when it does not.
            #[must_use]
            pub fn register_qsbr(&self) -> Qsbr<'_, Self> {
                Qsbr::new(self)
            }

            /// Makes the domain usable in the child of a fork: readers that are gone hold up nothing any more, and what their threads had retired is leaked.
            ///
            /// # Safety
            ///
            /// The calling thread is the only one, in the child of a fork, and the fork was not made while this thread was inside of a call of this
            /// domain, a callback included.
            pub unsafe fn after_fork_child(&self) {
                // SAFETY: the caller's promise.
                unsafe { self.inner().after_fork_child(self.record()) };
            }

            /// Waits until every read section has ended that was open when this was called. Blocking.
            ///
            /// # Panics
            ///
            /// Inside of a read section of this domain, which it would wait for.
            pub fn synchronize(&self) {
                if let Err(error) = self.try_synchronize() {
                    panic!("{error}");
                }
            }

            /// As [`synchronize`](Self::synchronize), but says so where it would wait for ever.
            ///
            /// # Errors
            ///
            /// [`InReadSection`] inside of a read section of this domain.
            pub fn try_synchronize(&self) -> Result<(), InReadSection> {
                self.inner().synchronize(self.record())
            }

            /// Calls `f` when every read section has ended that is open now, on whatever thread frees memory then. Lock-free but for
            /// other callbacks, which it may run.
            ///
            /// `f` runs outside of read sections and locks. A panic in it is caught and counted.
            pub fn call(&self, f: impl FnOnce() + Send + 'static) {
                let inner = self.inner();
                inner.retire_handed(Retired::call(f));
                inner.run_handed_if_due(self.record());
            }

            /// Waits until all callbacks that were given to [`call`](Self::call) before, by any thread, have run, and all that this thread and ended
            /// threads have retired is freed. Blocking.
            ///
            /// # Errors
            ///
            /// [`InReadSection`] inside of a read section or a callback of this domain.
            pub fn barrier(&self) -> Result<(), InReadSection> {
                self.inner().barrier(self.record())
            }

            /// A cookie for this moment: [`poll_cookie`](Self::poll_cookie) says when every section that is open now has ended. Wait-free.
            #[must_use]
            pub fn cookie(&self) -> Cookie {
                Cookie(self.inner().stamp())
            }

            /// Whether every section has ended that was open when `cookie` was taken. Drives the grace period, but does not wait. Lock-free.
            #[must_use]
            pub fn poll_cookie(&self, cookie: Cookie) -> bool {
                self.inner().poll_stamp(cookie.0)
            }

            /// Frees nodes and runs callbacks that were handed to the domain, `budget` of them at most, and returns how many those were. Does nothing
            /// inside of a read section or a callback. Lock-free but for what the callbacks do.
            pub fn poll(&self, budget: usize) -> usize {
                self.inner().poll(self.record(), budget)
            }

            /// Retires a node unless the domain holds as much as it may.
            ///
            /// # Safety
            ///
            /// As for [`Reclaim::retire`].
            ///
            /// # Errors
            ///
            /// [`Full`] with the node.
            pub unsafe fn try_retire<T: Send + 'static>(
                &self,
                node: Owned<T>,
            ) -> Result<(), Full<Owned<T>>> {
                // SAFETY: the caller's promise.
                unsafe { self.inner().try_retire(self.record(), node) }
            }

            /// A grace period that is older than `ns` nanoseconds is reported as stalled; 0 is never.
            pub fn set_stall_after_ns(&self, ns: u64) {
                self.inner().set_stall_after_ns(ns);
            }

            /// Sets what is called with a stall, by the thread that drives the grace period, with no lock held: once when it is older than the limit and each time
            /// that its age has doubled. A panic in it is caught and counted. False if there is a hook already, which stays.
            pub fn set_stall_hook(&self, hook: impl Fn(&Stall) + Send + Sync + 'static) -> bool {
                self.inner().hook.set(alloc::boxed::Box::new(hook))
            }

            /// Looks whether a grace period is stalled at `now_ns` by the domain's clock, and calls the hook if it is.
            pub fn check_stalls(&self, now_ns: u64) {
                self.inner().check_stalls(now_ns);
            }
        }

        #[expect(private_interfaces, reason = "sealed: nobody outside can name or call it")]
        impl sealed::Source for $type {
            #[inline(always)]
            fn inner(&self) -> &Inner {
                <$type>::inner(self)
            }
        }
    };
}

pub(super) use operations;

operations!(Domain);

// SAFETY: R1 and R2 by U1 to U4, R3 by U6.
unsafe impl Reclaim for Domain {
    const REGION: bool = true;
    type Guard<'d> = Guard<'d, Self>;

    fn enter(&self) -> Self::Guard<'_> {
        let record = match self.record() {
            Some(record) => {
                record.lock(&self.inner.periods);
                record
            }
            None => self.inner.lock_transient(),
        };
        Guard::new(record, self)
    }

    fn owns<'d>(&'d self, guard: &Self::Guard<'d>) -> bool {
        Arc::ptr_eq(&self.inner, &guard.source().inner)
    }

    fn protects<'d, 'g>(&'d self, _shield: &RegionShield<'g>) -> bool
    where
        Self::Guard<'d>: 'g,
    {
        true
    }

    unsafe fn retire_raw(&self, node: Retired) {
        // SAFETY: the caller's promise.
        unsafe { self.inner.retire(self.record(), node) };
    }

    fn stats(&self) -> ReclaimStats {
        self.inner.stats()
    }

    fn flush(&self) {
        self.inner.flush(self.record());
    }
}
