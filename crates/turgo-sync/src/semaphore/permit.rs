//! Permits of a semaphore, borrowed and owned.

use core::fmt;
use core::mem;
use core::ptr;

use super::Semaphore;
use crate::access::Access;
use crate::fairness::Fairness;

/// Permits of a semaphore, which go back when this is dropped.
#[must_use = "permits go back to the semaphore when this is dropped"]
#[clippy::has_significant_drop]
pub struct SemaphorePermit<'a, F: Fairness, A: Access> {
    pub(super) semaphore: &'a Semaphore<F, A>,
    pub(super) permits: usize,
}

/// Permits of a semaphore together with a share of the semaphore. They go back when this is dropped.
#[must_use = "permits go back to the semaphore when this is dropped"]
#[clippy::has_significant_drop]
pub struct OwnedSemaphorePermit<F: Fairness, A: Access> {
    pub(super) semaphore: A::Handle<Semaphore<F, A>>,
    pub(super) permits: usize,
}

impl<F: Fairness, A: Access> SemaphorePermit<'_, F, A> {
    /// Never gives these permits back: the semaphore has fewer from now on.
    pub fn forget(mut self) {
        self.semaphore.forgotten(mem::take(&mut self.permits));
    }

    /// Makes one permit of two of the same semaphore.
    ///
    /// # Panics
    ///
    /// If they are of two semaphores.
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        assert!(
            ptr::eq(self.semaphore, other.semaphore),
            "merging permits from different semaphore instances"
        );
        self.permits += mem::take(&mut other.permits);
    }

    /// Takes `n` permits out of these; nothing if there are not so many.
    #[must_use = "permits that are split off go back when they are dropped"]
    pub fn split(&mut self, n: usize) -> Option<Self> {
        self.permits = self.permits.checked_sub(n)?;
        Some(Self { semaphore: self.semaphore, permits: n })
    }

    /// How many permits these are.
    #[must_use]
    pub fn num_permits(&self) -> usize {
        self.permits
    }
}

impl<'a, F: Fairness, A: Access> SemaphorePermit<'a, F, A> {
    /// The semaphore they are of.
    #[must_use]
    pub fn semaphore(&self) -> &'a Semaphore<F, A> {
        self.semaphore
    }
}

impl<F: Fairness, A: Access> OwnedSemaphorePermit<F, A> {
    /// Never gives these permits back: the semaphore has fewer from now on.
    pub fn forget(mut self) {
        self.semaphore.forgotten(mem::take(&mut self.permits));
    }

    /// Makes one permit of two of the same semaphore.
    ///
    /// # Panics
    ///
    /// If they are of two semaphores.
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        assert!(
            ptr::eq(&raw const *self.semaphore, &raw const *other.semaphore),
            "merging permits from different semaphore instances"
        );
        self.permits += mem::take(&mut other.permits);
    }

    /// Takes `n` permits out of these; nothing if there are not so many.
    #[must_use = "permits that are split off go back when they are dropped"]
    pub fn split(&mut self, n: usize) -> Option<Self> {
        self.permits = self.permits.checked_sub(n)?;
        Some(Self { semaphore: self.semaphore.clone(), permits: n })
    }

    /// How many permits these are.
    #[must_use]
    pub fn num_permits(&self) -> usize {
        self.permits
    }

    /// The semaphore they are of.
    #[must_use]
    pub fn semaphore(&self) -> &A::Handle<Semaphore<F, A>> {
        &self.semaphore
    }
}

impl<F: Fairness, A: Access> Drop for SemaphorePermit<'_, F, A> {
    #[inline(always)]
    fn drop(&mut self) {
        self.semaphore.permits.give(self.permits as u64);
    }
}

impl<F: Fairness, A: Access> Drop for OwnedSemaphorePermit<F, A> {
    #[inline(always)]
    fn drop(&mut self) {
        self.semaphore.permits.give(self.permits as u64);
    }
}

impl<F: Fairness, A: Access> fmt::Debug for SemaphorePermit<'_, F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { semaphore, permits } = self;
        f.debug_struct("SemaphorePermit")
            .field("semaphore", semaphore)
            .field("permits", permits)
            .finish()
    }
}

impl<F: Fairness, A: Access> fmt::Debug for OwnedSemaphorePermit<F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { semaphore, permits } = self;
        f.debug_struct("OwnedSemaphorePermit")
            .field("semaphore", &**semaphore)
            .field("permits", permits)
            .finish()
    }
}
