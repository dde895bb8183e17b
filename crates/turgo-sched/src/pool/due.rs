//! The tasks of a node that have deadlines: the earliest first.
//!
//! All workers of a node share one such queue, so that whoever is free takes the most urgent task of the node, as the [admission test](crate::admission::Deadlines::shared) has it. It
//! is a heap for each class of urgency under a lock that only tasks with deadlines take; who has none pays for a look at one word.
//!
//! # Invariants
//!
//! - **U1** Of a class, the task with the earliest deadline is taken; of those with the same one, the one that was pushed first.
//! - **U2** A bit of `some` is set exactly while its heap holds a task, when nobody has the lock. It is written before the fence of the push that follows, so whoever lies
//!   down afterwards finds the task (S2, S3).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use turgo_machine::atomic::{AtomicU32, Ordering};
use turgo_machine::mutant;

use super::class::{CLASSES, Class};

/// The queue. Pushing and taking block for a heap's operation of another thread.
#[derive(Debug)]
pub(super) struct Due {
    /// A bit for each class.
    some: AtomicU32,
    // LOCK: taken by tasks with deadlines only, twice each, for an operation on a heap.
    heaps: Mutex<Heaps>,
}

/// A task: by deadline, and then in turn; its number, and whose it is.
type Entry = (u64, u64, u32, u32);

#[derive(Debug, Default)]
struct Heaps {
    pushed: u64,
    classes: [BinaryHeap<Reverse<Entry>>; CLASSES],
}

impl Due {
    pub(super) fn new() -> Self {
        // LOCK: see the field.
        Self { some: AtomicU32::new(0), heaps: Mutex::default() }
    }

    fn heaps(&self) -> MutexGuard<'_, Heaps> {
        // LOCK: see the field. Nobody panics with it.
        self.heaps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a tenant's task. Whoever does notifies.
    pub(super) fn push(&self, class: Class, deadline_ns: u64, id: u32, tenant: u32) {
        let mut heaps = self.heaps();
        let turn = heaps.pushed;
        heaps.pushed += 1;
        let deadline_ns = if mutant!("U1 in turn") { 0 } else { deadline_ns };
        heaps.classes[class as usize].push(Reverse((deadline_ns, turn, id, tenant)));
        self.write(&heaps);
    }

    /// The most urgent of a class, and whose it is.
    pub(super) fn pop(&self, class: Class) -> Option<(u32, u32)> {
        let mut heaps = self.heaps();
        let Reverse((_, _, id, tenant)) = heaps.classes[class as usize].pop()?;
        self.write(&heaps);
        Some((id, tenant))
    }

    /// U2.
    fn write(&self, heaps: &Heaps) {
        let bit =
            |class: Class| if heaps.classes[class as usize].is_empty() { 0 } else { class.bit() };
        let some = Class::ALL.into_iter().map(bit).fold(0, |bits, bit| bits | u32::from(bit));
        if mutant!("U2 the word stays") {
            return;
        }
        // Relaxed: the lock orders the writers; the fence of the push (S2) and that of who lies down (S3) pair.
        self.some.store(some, Ordering::Relaxed);
    }

    /// The word that says which classes have tasks. A hint, but for whoever has lain down.
    pub(super) fn some(&self) -> &AtomicU32 {
        &self.some
    }

    #[inline(always)]
    pub(super) fn has(&self, class: Class) -> bool {
        // Relaxed: U2.
        self.some.load(Ordering::Relaxed) & u32::from(class.bit()) != 0
    }

    pub(super) fn is_empty(&self) -> bool {
        // Relaxed: U2.
        self.some.load(Ordering::Relaxed) == 0
    }

    /// How many wait. Takes the lock only if there are any.
    pub(super) fn len(&self) -> usize {
        if self.is_empty() { 0 } else { self.heaps().classes.iter().map(BinaryHeap::len).sum() }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
