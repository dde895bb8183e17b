//! A record held by name: for domains that come and go, where looking up the thread's record costs more than reading.

use core::fmt;
use core::marker::PhantomData;

use super::pointer::{HazardPointer, Source};
use super::record::HazardRecord;
use crate::reclaim::Owned;
use crate::registry::{Member, Record};

/// A thread's place in a domain. Not `Send`.
///
/// ```
/// use turgo_lockfree::{Atomic, hazard::Domain};
/// let domain = Domain::new();
/// let reader = domain.register();
/// let shared = Atomic::new(1);
/// let mut hazard = reader.hazard_pointer();
/// // SAFETY: the node is never retired.
/// assert_eq!(unsafe { hazard.protect(&shared).deref() }, &1);
/// # drop(hazard);
/// # let mut shared = shared;
/// # // SAFETY: nobody else knows it.
/// # drop(unsafe { shared.take() });
/// ```
pub struct Reader<'d, S: Source> {
    record: &'d Record<HazardRecord>,
    source: &'d S,
    /// The record belongs to this thread.
    local: PhantomData<*mut ()>,
}

impl<S: Source> fmt::Debug for Reader<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("hazard::Reader").finish_non_exhaustive()
    }
}

impl<'d, S: Source> Reader<'d, S> {
    pub(super) fn new(source: &'d S) -> Self {
        Self { record: source.inner().join(), source, local: PhantomData }
    }

    /// A hazard pointer. Wait-free while the thread holds eight at most.
    #[inline]
    #[must_use]
    pub fn hazard_pointer(&self) -> HazardPointer<'_> {
        HazardPointer::of(self.source.inner(), self.record)
    }

    /// Frees a node once no hazard pointer protects it.
    ///
    /// # Safety
    ///
    /// As for [`Reclaim::retire`](crate::Reclaim::retire).
    #[inline]
    pub unsafe fn retire<T: Send + 'static>(&self, node: Owned<T>) {
        // SAFETY: the caller's promise.
        let node = unsafe { node.into_retired() };
        // SAFETY: as above.
        unsafe { self.source.inner().retire(self.record, node) };
    }

    /// Frees what no hazard pointer protects, of what this thread and ended threads have retired.
    pub fn flush(&self) {
        self.source.inner().flush(Some(self.record));
    }
}

impl<S: Source> Drop for Reader<'_, S> {
    fn drop(&mut self) {
        self.source.inner().leave(self.record);
    }
}
