//! Which record of a domain is the calling thread's, and what happens to it when the thread ends.
//!
//! - **L1** A table keeps a domain's allocation from being re-used by a `Weak`, so equal addresses mean the same domain.
//! - **L2** When a thread ends its tables are dropped: every record goes back to its domain, if that still lives. Whoever asks afterwards, in
//!   the destructor of another thread-local value, gets no record and takes the slow path of the domain.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::ptr;

use turgo_machine::mutant;

use super::{Member, Record};

/// The record of a thread in a domain that is never dropped.
pub(crate) struct Exit<M: Member> {
    joined: Cell<Option<Joined<M>>>,
    /// Called before the record goes back: makes the thread's fast path forget it.
    forget: fn(),
}

/// A domain and the thread's record in it.
type Joined<M> = (&'static M, &'static Record<<M as Member>::Payload>);

impl<M: Member> Exit<M> {
    pub(crate) fn new(forget: fn()) -> Self {
        Self { joined: Cell::new(None), forget }
    }

    /// Makes a record the calling thread's.
    pub(crate) fn join(&self, domain: &'static M) -> &'static Record<M::Payload> {
        let record = domain.join();
        self.joined.set(Some((domain, record)));
        record
    }
}

impl<M: Member> Drop for Exit<M> {
    fn drop(&mut self) {
        (self.forget)();
        if let Some((domain, record)) = self.joined.take() {
            domain.leave(record);
        }
    }
}

/// The records of a thread in domains that come and go.
pub(crate) struct LocalTable<M: Member> {
    entries: RefCell<Vec<Entry<M>>>,
}

struct Entry<M: Member> {
    domain: Weak<M>,
    record: *const Record<M::Payload>,
}

impl<M: Member> LocalTable<M> {
    pub(crate) const fn new() -> Self {
        Self { entries: RefCell::new(Vec::new()) }
    }

    /// The calling thread's record in `domain`.
    pub(crate) fn record<'d>(&self, domain: &'d Arc<M>) -> &'d Record<M::Payload> {
        let found = self.find(domain);
        // SAFETY: L1, the record is one of this very domain, which lives as long as `domain` (G1).
        found.map_or_else(|| self.join(domain), |record| unsafe { &*record })
    }

    /// The calling thread's record in `domain`, if it has one.
    pub(crate) fn find(&self, domain: &Arc<M>) -> Option<*const Record<M::Payload>> {
        let entries = self.entries.borrow();
        let mut entries = entries.iter();
        let is_same = |entry: &&Entry<M>| ptr::eq(entry.domain.as_ptr(), Arc::as_ptr(domain));
        let found = entries.find(|entry| is_same(entry) || mutant!("L1 record of another domain"));
        found.map(|entry| entry.record)
    }

    #[cold]
    fn join<'d>(&self, domain: &'d Arc<M>) -> &'d Record<M::Payload> {
        let record = domain.join();
        let mut entries = self.entries.borrow_mut();
        entries.retain(|entry| entry.domain.strong_count() > 0);
        entries.push(Entry { domain: Arc::downgrade(domain), record });
        record
    }
}

impl<M: Member> Drop for LocalTable<M> {
    fn drop(&mut self) {
        for entry in self.entries.take() {
            if let Some(domain) = entry.domain.upgrade()
                && !mutant!("L2 record kept at the end")
            {
                // SAFETY: L1 and G1, the record lives as long as the domain.
                domain.leave(unsafe { &*entry.record });
            }
        }
    }
}
