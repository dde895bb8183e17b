//! The records of a domain's threads: each thread writes its own, and whoever reclaims reads all of them without a lock.
//!
//! # Invariants
//!
//! - **G1** Records are pushed and never unlinked; they are freed with the registry, which is when nobody uses the domain. So a scan may
//!   hold a record for as long as it holds the domain.
//! - **G2** A record belongs to the thread that set its `used` flag, until that thread clears it. What the owner alone may touch is in cells
//!   that only it opens.
//! - **G3** Clearing `used` is a Release and setting it an Acquire, so that the next owner finds what the last one left.
//! - **G4** A record is only given back when nothing of it is in use: no slot protects anything, no read section is open. Otherwise it
//!   stays with whoever holds that, for ever if that was leaked.

use alloc::boxed::Box;
use core::ptr;

use turgo_machine::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use turgo_machine::mutant;

mod global;
mod identity;
#[cfg(any(feature = "std", loom, shuttle))]
mod local;
mod member;
mod tally;
#[cfg(test)]
mod tests;

pub(crate) use global::global_domain;
pub(crate) use identity::Identity;
#[cfg(any(feature = "std", loom, shuttle))]
pub(crate) use local::{Exit, LocalTable};
pub(crate) use member::Member;
pub(crate) use tally::{SharedTally, Tally};

/// A thread's part of a domain.
pub(crate) struct Record<P> {
    /// Written before the record is published, never after (G1).
    next: *mut Record<P>,
    used: AtomicBool,
    /// Who owns it, for reports.
    pub(crate) identity: Identity,
    pub(crate) payload: P,
}

impl<P> core::ops::Deref for Record<P> {
    type Target = P;

    #[inline(always)]
    fn deref(&self) -> &P {
        &self.payload
    }
}

/// All records of a domain.
#[derive(Debug)]
pub(crate) struct Registry<P> {
    head: AtomicPtr<Record<P>>,
    len: AtomicUsize,
}

// SAFETY: it owns its records, which it hands out by reference.
unsafe impl<P: Send + Sync> Send for Registry<P> {}
// SAFETY: as above; records are published by the Release in `acquire`.
unsafe impl<P: Send + Sync> Sync for Registry<P> {}

impl<P> Registry<P> {
    crate::fence::maybe_const! {
        pub(crate) fn new() -> Self {
            Self { head: AtomicPtr::new(ptr::null_mut()), len: AtomicUsize::new(0) }
        }
    }

    /// How many records there are.
    pub(crate) fn len(&self) -> usize {
        // Relaxed: a number for thresholds and reports.
        self.len.load(Ordering::Relaxed)
    }

    /// A record for the calling thread: one that nobody uses, or a new one. Lock-free.
    pub(crate) fn acquire(&self, make: impl FnOnce() -> P) -> &Record<P> {
        for record in self.iter() {
            // Relaxed: only to leave out those that are taken; the exchange decides.
            if !record.used.load(Ordering::Relaxed) && record.claim() {
                record.identity.set();
                return record;
            }
        }
        crate::fence::decide();
        let identity = Identity::default();
        identity.set();
        // Relaxed: a number for thresholds and reports.
        self.len.fetch_add(1, Ordering::Relaxed);
        let new = Box::into_raw(Box::new(Record {
            next: ptr::null_mut(),
            used: AtomicBool::new(true),
            identity,
            payload: make(),
        }));
        // Relaxed: only compared; `iter` reads it again.
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: the record is not published yet.
            unsafe { (*new).next = head };
            if mutant!("G1 record pushed over another") {
                // Release: as below.
                self.head.store(new, Ordering::Release);
                // SAFETY: as below.
                return unsafe { &*new };
            }
            // Release: publishes the record to the Acquire load in `iter`. Relaxed: only compared.
            match self.head.compare_exchange_weak(head, new, Ordering::Release, Ordering::Relaxed) {
                // SAFETY: G1, it lives as long as `self`.
                Ok(_) => return unsafe { &*new },
                Err(now) => head = now,
            }
        }
    }

    /// Gives a record back (G4). Wait-free.
    pub(crate) fn release(&self, record: &Record<P>) {
        record.identity.clear();
        let order =
            if mutant!("G3 given back Relaxed") { Ordering::Relaxed } else { Ordering::Release };
        // Release: G3, pairs with the Acquire in `claim`.
        record.used.store(false, order);
    }

    /// Every record, used or not. Wait-free but for the number of threads.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Record<P>> {
        // Acquire: sees the records that the Release in `acquire` published.
        let mut at = self.head.load(Ordering::Acquire);
        core::iter::from_fn(move || {
            if at.is_null() {
                return None;
            }
            // SAFETY: G1, records live as long as `self`.
            let record = unsafe { &*at };
            at = record.next;
            Some(record)
        })
    }
}

impl<P> Record<P> {
    fn claim(&self) -> bool {
        // Acquire: G3, pairs with the Release in `release`. Relaxed: somebody else took it.
        let took = self.used.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        took.is_ok() || mutant!("G2 record taken by two")
    }
}

impl<P> Drop for Registry<P> {
    fn drop(&mut self) {
        // Relaxed: `&mut` means that nobody else uses it.
        let mut at = self.head.load(Ordering::Relaxed);
        while !at.is_null() {
            // SAFETY: G1, every record came from a box, and nobody uses the domain any more.
            let record = unsafe { Box::from_raw(at) };
            at = record.next;
        }
    }
}
