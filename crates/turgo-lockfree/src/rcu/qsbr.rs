//! Readers that say when they do *not* read: reading itself costs nothing.
//!
//! - **Q1** A record of this kind publishes a section for as long as it is online. Saying that the thread is quiescent publishes the
//!   period that it finds then: what it read before is over (U3), and what it reads from now on it reads in that period (U1). No fence is
//!   needed, as the record never looks idle meanwhile.
//! - **Q2** Going online is the beginning of an outermost section, with its fence (U2).
//! - **Q3** What was read cannot be kept across a quiescent state: it borrows the reader, and the reader is borrowed mutably for that.
//!
//! What breaks Q3 does not compile:
//!
//! ```compile_fail,E0502
//! # use turgo_lockfree::{Atomic, rcu::Domain};
//! # let (domain, shared) = (Domain::new(), Atomic::new(1));
//! let mut worker = domain.register_qsbr();
//! let node = worker.dereference(&shared);
//! worker.quiescent();
//! drop(node);
//! ```

use core::fmt;
use core::marker::PhantomData;

use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;

use super::InReadSection;
use super::guard::{RegionShield, Source};
use super::record::RcuRecord;
use crate::reclaim::{Atomic, ReadGuard, Shared};
use crate::registry::{Member, Record};

/// A thread that reads all the time and reports quiescent states: for workers that run short tasks. Not `Send`. Every operation is wait-free, but
/// [`synchronize`](Self::synchronize), which blocks.
///
/// While it is online and reports nothing it holds up every grace period of the domain: go offline before the thread parks. Dropping it ends that; leaking it
/// stalls the domain. What the thread retires is freed while it is online, too, so a drop or a callback that waits for readers is refused there.
///
/// ```
/// use turgo_lockfree::{Atomic, rcu::Domain};
/// let domain = Domain::new();
/// let shared = Atomic::new(1);
/// let mut worker = domain.register_qsbr();
/// // SAFETY: the node is never retired.
/// assert_eq!(unsafe { worker.dereference(&shared).deref() }, &1);
/// worker.quiescent();
/// worker.while_offline(|| domain.synchronize());
/// # let mut shared = shared;
/// # // SAFETY: nobody else knows it.
/// # drop(unsafe { shared.take() });
/// ```
pub struct Qsbr<'d, S: Source> {
    record: &'d Record<RcuRecord>,
    source: &'d S,
    online: bool,
    /// The section belongs to this thread.
    local: PhantomData<*mut ()>,
}

impl<S: Source> fmt::Debug for Qsbr<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let section = self.record.own();
        f.debug_struct("Qsbr")
            .field("online", &self.online)
            .field("sequence", &section.sequence())
            .finish()
    }
}

impl<'d, S: Source> Qsbr<'d, S> {
    /// A reader that is online.
    pub(super) fn new(source: &'d S) -> Self {
        let record = source.inner().join();
        record.set_qsbr(true);
        let mut new = Self { record, source, online: false, local: PhantomData };
        new.online();
        new
    }

    /// Reads a pointer; the node, if it is one of this domain's, lives until the next quiescent state.
    ///
    /// # Panics
    ///
    /// When the reader is offline.
    #[inline(always)]
    pub fn dereference<'g, T>(&'g self, src: &Atomic<T>) -> Shared<'g, T> {
        assert!(self.online, "an offline reader reads");
        // Acquire: pairs with the Release that stored the node; sees what it was made of.
        src.load(Ordering::Acquire)
    }

    /// Says that nothing read before is used any more.
    #[inline]
    pub fn quiescent(&mut self) {
        if self.online {
            self.record.renew(&self.source.inner().periods);
        }
    }

    /// Says that the thread reads nothing until it is online again.
    pub fn offline(&mut self) {
        self.online = false;
        self.record.set_idle();
    }

    /// Begins to read again.
    pub fn online(&mut self) {
        if !self.online {
            if !mutant!("Q2 online without a store") {
                self.record.lock_outermost(&self.source.inner().periods);
            }
            self.online = true;
        }
    }

    /// Calls `f` offline: for parking, sleeping and other calls that may take long.
    pub fn while_offline<R>(&mut self, f: impl FnOnce() -> R) -> R {
        let was_online = self.online;
        self.offline();
        let result = f();
        if was_online {
            self.online();
        }
        result
    }

    /// Whether the reader holds up grace periods.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.online
    }

    /// Waits, offline, until every section has ended that was open when this was called. Blocking.
    ///
    /// # Errors
    ///
    /// [`InReadSection`] where another reader of this thread would be waited for.
    pub fn synchronize(&mut self) -> Result<(), InReadSection> {
        let inner = self.source.inner();
        self.while_offline(|| inner.synchronize(None))
    }
}

impl<S: Source> ReadGuard for Qsbr<'_, S> {
    type Shield<'g>
        = RegionShield<'g>
    where
        Self: 'g;

    fn shield(&self) -> RegionShield<'_> {
        assert!(self.online, "an offline reader reads");
        RegionShield::new()
    }
}

impl<S: Source> Drop for Qsbr<'_, S> {
    fn drop(&mut self) {
        self.offline();
        self.record.set_qsbr(false);
        self.source.inner().leave(self.record);
    }
}
