//! What readers hold: hazard pointers, and the guard that hands them out.

use core::fmt;
use core::marker::PhantomData;
use core::mem;

use turgo_machine::atomic::{AtomicPtr, Ordering};
use turgo_machine::mutant;

use super::domain::{Domain, Inner};
use super::record::{Block, HazardRecord};
use crate::fence::light;
use crate::reclaim::{Atomic, Changed, Header, ReadGuard, Shared, Shield};
use crate::registry::Record;

/// A slot in which its thread publishes the node it uses. Not `Send`.
///
/// Making and dropping one costs a few cycles; holding one across operations costs nothing and is the fastest way to read.
/// [`protect`](Self::protect) is lock-free, [`try_protect`](Self::try_protect) and [`reset_protection`](Self::reset_protection) are wait-free.
pub struct HazardPointer<'d> {
    block: &'d Block,
    index: usize,
    record: &'d Record<HazardRecord>,
    domain: &'d Inner,
    /// The slot belongs to this thread (H6).
    local: PhantomData<*mut ()>,
}

impl fmt::Debug for HazardPointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: our own slot, only printed.
        let protected = self.slot().load(Ordering::Relaxed);
        f.debug_struct("HazardPointer").field("protected", &protected).finish_non_exhaustive()
    }
}

impl<'d> HazardPointer<'d> {
    /// A hazard pointer of a domain.
    #[must_use]
    pub fn new_in(domain: &'d Domain) -> Self {
        domain.hazard_pointer()
    }

    #[inline(always)]
    pub(super) fn of(domain: &'d Inner, record: &'d Record<HazardRecord>) -> Self {
        let (block, index) = record.take_slot(|| domain.count_block());
        Self { block, index, record, domain, local: PhantomData }
    }

    /// Whether scans of `domain` look at its slot.
    pub(super) fn is_of(&self, domain: &Inner) -> bool {
        core::ptr::eq(self.domain, domain)
    }

    #[inline(always)]
    fn slot(&self) -> &AtomicPtr<Header> {
        self.block.slot(self.index)
    }

    /// Publishes a node, or null.
    #[inline(always)]
    fn publish<T>(&self, node: Shared<'_, T>) {
        let node = node.with_tag(0).raw().cast();
        // Release: H3, what was read of the node before comes before the Acquire of a scan that finds another one here.
        self.slot().store(node, Ordering::Release);
    }

    /// Reads `src` and protects the node it finds until the next call or the drop.
    #[inline]
    pub fn protect<'s, T>(&'s mut self, src: &Atomic<T>) -> Shared<'s, T> {
        // Relaxed: a guess, which is checked below.
        let node = src.load(Ordering::Relaxed);
        let now = self.publish_and_look(node, src);
        if now == node {
            // Not `node`: if that was freed and its memory is a new node by now, only this one is a pointer to the new node.
            return now;
        }
        if mutant!("H1 protect without validation") {
            return node;
        }
        self.protect_slow(now, src)
    }

    /// The node was replaced meanwhile, by `node`.
    #[cold]
    fn protect_slow<'s, T>(
        &'s mut self,
        mut node: Shared<'s, T>,
        src: &Atomic<T>,
    ) -> Shared<'s, T> {
        loop {
            let now = self.publish_and_look(node, src);
            if now == node {
                return now;
            }
            node = now;
        }
    }

    /// Publishes a node and sees which one is there then (H1).
    #[inline(always)]
    fn publish_and_look<'s, T>(&self, node: Shared<'_, T>, src: &Atomic<T>) -> Shared<'s, T> {
        self.publish(node);
        if !mutant!("H1 protect without light") {
            light();
        }
        // Acquire: pairs with the Release that stored the node; sees what it was made of.
        src.load(Ordering::Acquire)
    }

    /// Protects `expected` if `src` still holds it.
    ///
    /// # Errors
    ///
    /// [`Changed`] where it does not; nothing is protected then.
    #[inline]
    pub fn try_protect<'s, T>(
        &'s mut self,
        expected: Shared<'_, T>,
        src: &Atomic<T>,
    ) -> Result<Shared<'s, T>, Changed> {
        self.publish(expected);
        if !mutant!("H1 try_protect without light") {
            light();
        }
        // Acquire: as in `protect`.
        let now = src.load(Ordering::Acquire);
        if now == expected {
            return Ok(now);
        }
        self.reset_protection();
        Err(Changed)
    }

    /// Protects nothing any more.
    #[inline]
    pub fn reset_protection(&mut self) {
        // Release: H3, what was read of the node comes before the Acquire of a scan that finds the slot empty.
        let order =
            if mutant!("H3 slot emptied Relaxed") { Ordering::Relaxed } else { Ordering::Release };
        self.slot().store(core::ptr::null_mut(), order);
    }

    #[cold]
    fn leave(&self) {
        self.domain.leave_if_unused(self.record);
    }
}

impl Drop for HazardPointer<'_> {
    #[inline]
    fn drop(&mut self) {
        self.reset_protection();
        self.block.put(self.index);
        if self.record.is_leaving() {
            self.leave();
        }
    }
}

// SAFETY: R1 by H1, R2 by H2 and H3.
unsafe impl Shield for HazardPointer<'_> {
    #[inline]
    fn protect<'s, T>(&'s mut self, src: &Atomic<T>) -> Shared<'s, T> {
        HazardPointer::protect(self, src)
    }

    #[inline]
    fn try_protect<'s, T>(
        &'s mut self,
        expected: Shared<'_, T>,
        src: &Atomic<T>,
    ) -> Result<Shared<'s, T>, Changed> {
        HazardPointer::try_protect(self, expected, src)
    }

    #[inline]
    fn swap(&mut self, other: &mut Self) {
        mem::swap(self, other);
    }

    #[inline]
    fn reset(&mut self) {
        self.reset_protection();
    }
}

/// Where a guard gets its slots from: [`Hazard`](super::Hazard) or a [`Domain`].
pub trait Source: sealed::Source {}

impl<S: sealed::Source> Source for S {}

pub(super) mod sealed {
    use super::{HazardPointer, HazardRecord, Inner, Record};

    #[expect(unnameable_types, reason = "sealed: nobody outside can name or implement it")]
    #[expect(private_interfaces, reason = "sealed: nobody outside can name or call it")]
    pub trait Source: Send + Sync {
        fn slot(&self) -> HazardPointer<'_>;
        fn inner(&self) -> &Inner;
        /// The calling thread's, if it has a place to keep one.
        fn record(&self) -> Option<&Record<HazardRecord>>;
    }
}

/// Says that its thread reads. It protects nothing: its shields do.
#[derive(Debug)]
pub struct Guard<'d, S: Source> {
    source: &'d S,
    local: PhantomData<*mut ()>,
}

impl<'d, S: Source> Guard<'d, S> {
    #[inline]
    pub(super) fn new(source: &'d S) -> Self {
        Self { source, local: PhantomData }
    }

    pub(super) fn source(&self) -> &'d S {
        self.source
    }
}

impl<S: Source> ReadGuard for Guard<'_, S> {
    type Shield<'g>
        = HazardPointer<'g>
    where
        Self: 'g;

    #[inline]
    fn shield(&self) -> HazardPointer<'_> {
        self.source.slot()
    }
}
