//! A record held by name: for domains that come and go, where looking up the thread's record costs more than reading.

use core::fmt;
use core::marker::PhantomData;

use super::InReadSection;
use super::guard::{Guard, Source};
use super::record::RcuRecord;
use crate::reclaim::{Owned, Retired};
use crate::registry::{Member, Record};

/// A thread's place in a domain. Not `Send`. [`read_lock`](Self::read_lock) is wait-free and as fast as in the default domain.
///
/// ```
/// use turgo_lockfree::{Atomic, rcu::Domain};
/// let domain = Domain::new();
/// let reader = domain.register();
/// let shared = Atomic::new(1);
/// let guard = reader.read_lock();
/// // SAFETY: the node is never retired.
/// assert_eq!(unsafe { guard.dereference(&shared).deref() }, &1);
/// # drop(guard);
/// # let mut shared = shared;
/// # // SAFETY: nobody else knows it.
/// # drop(unsafe { shared.take() });
/// ```
pub struct Reader<'d, S: Source> {
    record: &'d Record<RcuRecord>,
    source: &'d S,
    /// The record belongs to this thread.
    local: PhantomData<*mut ()>,
}

impl<S: Source> fmt::Debug for Reader<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("nesting", &self.record.own().nesting()).finish()
    }
}

impl<'d, S: Source> Reader<'d, S> {
    pub(super) fn new(source: &'d S) -> Self {
        Self { record: source.inner().join(), source, local: PhantomData }
    }

    /// Begins a read section, inside of another one or not.
    ///
    /// # Panics
    ///
    /// When 32,767 sections are open already.
    #[inline]
    pub fn read_lock(&self) -> Guard<'_, S> {
        self.record.lock(&self.source.inner().periods);
        Guard::new(self.record, self.source)
    }

    /// Frees a node once no reader can hold it.
    ///
    /// # Safety
    ///
    /// As for [`Reclaim::retire`](crate::Reclaim::retire).
    #[inline]
    pub unsafe fn retire<T: Send + 'static>(&self, node: Owned<T>) {
        // SAFETY: the caller's promise.
        let node = unsafe { node.into_retired() };
        // SAFETY: as above.
        unsafe { self.source.inner().retire(Some(self.record), node) };
    }

    /// Calls `f` when every read section has ended that is open now.
    pub fn call(&self, f: impl FnOnce() + Send + 'static) {
        let inner = self.source.inner();
        inner.retire_handed(Retired::call(f));
        inner.run_handed_if_due(Some(self.record));
    }

    /// Waits until every read section has ended that was open when this was called. Blocking.
    ///
    /// # Errors
    ///
    /// [`InReadSection`] inside of a read section of this thread.
    pub fn synchronize(&self) -> Result<(), InReadSection> {
        self.source.inner().synchronize(Some(self.record))
    }

    /// Frees what can be freed without waiting.
    pub fn flush(&self) {
        self.source.inner().flush(Some(self.record));
    }
}

impl<S: Source> Drop for Reader<'_, S> {
    fn drop(&mut self) {
        self.source.inner().leave(self.record);
    }
}
