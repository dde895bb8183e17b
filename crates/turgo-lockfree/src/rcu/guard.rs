//! What readers hold.

use core::fmt;
use core::marker::PhantomData;

use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;

use super::domain::Inner;
use super::record::RcuRecord;
use crate::reclaim::{Atomic, Changed, ReadGuard, Shared, Shield};
use crate::registry::Record;

/// An open read section. Nothing that is unlinked from now on is freed before it is dropped. Not `Send`; sections nest.
///
/// Entering and leaving are wait-free.
pub struct Guard<'d, S: Source> {
    record: &'d Record<RcuRecord>,
    source: &'d S,
    /// The section belongs to this thread.
    local: PhantomData<*mut ()>,
}

impl<S: Source> fmt::Debug for Guard<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let section = self.record.own();
        f.debug_struct("rcu::Guard")
            .field("sequence", &section.sequence())
            .field("nesting", &section.nesting())
            .finish()
    }
}

impl<'d, S: Source> Guard<'d, S> {
    /// The section of `record` that the caller has begun.
    #[inline(always)]
    pub(super) fn new(record: &'d Record<RcuRecord>, source: &'d S) -> Self {
        Self { record, source, local: PhantomData }
    }

    pub(super) fn source(&self) -> &'d S {
        self.source
    }

    /// Reads a pointer; the node, if it is one of this domain's, lives as long as the guard.
    #[inline(always)]
    pub fn dereference<'g, T>(&'g self, src: &Atomic<T>) -> Shared<'g, T> {
        // Acquire: pairs with the Release that stored the node; sees what it was made of.
        src.load(Ordering::Acquire)
    }
}

impl<S: Source> Drop for Guard<'_, S> {
    #[inline(always)]
    fn drop(&mut self) {
        self.source.inner().unlock(self.record);
        if mutant!("U6 run by the drop of a guard") {
            self.source.inner().flush(Some(self.record));
        }
    }
}

impl<S: Source> ReadGuard for Guard<'_, S> {
    type Shield<'g>
        = RegionShield<'g>
    where
        Self: 'g;

    #[inline(always)]
    fn shield(&self) -> RegionShield<'_> {
        RegionShield::new()
    }
}

/// A shield of a guard that protects everything: nothing at run time. Every operation is wait-free.
#[derive(Debug)]
pub struct RegionShield<'g>(PhantomData<(&'g (), *mut ())>);

impl RegionShield<'_> {
    /// A shield of whatever the caller borrows.
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

// SAFETY: R1, it reads inside of the section of the guard it borrows; R2 by U1 to U4.
unsafe impl Shield for RegionShield<'_> {
    #[inline(always)]
    fn protect<'s, T>(&'s mut self, src: &Atomic<T>) -> Shared<'s, T> {
        // Acquire: pairs with the Release that stored the node; sees what it was made of.
        src.load(Ordering::Acquire)
    }

    #[inline(always)]
    fn try_protect<'s, T>(
        &'s mut self,
        expected: Shared<'_, T>,
        src: &Atomic<T>,
    ) -> Result<Shared<'s, T>, Changed> {
        let now = self.protect(src);
        if now == expected { Ok(now) } else { Err(Changed) }
    }

    #[inline(always)]
    fn swap(&mut self, _other: &mut Self) {}

    #[inline(always)]
    fn reset(&mut self) {}
}

/// Where a guard comes from: [`Rcu`](super::Rcu) or a [`Domain`](super::Domain).
pub trait Source: sealed::Source {}

impl<S: sealed::Source> Source for S {}

pub(super) mod sealed {
    #[expect(unnameable_types, reason = "sealed: nobody outside can name or implement it")]
    #[expect(private_interfaces, reason = "sealed: nobody outside can name or call it")]
    pub trait Source: Send + Sync {
        fn inner(&self) -> &super::Inner;
    }
}
