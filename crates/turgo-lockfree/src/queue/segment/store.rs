//! Segments that wait to be used again, and who may hold one up. Invariants: [the module above](super).

use alloc::boxed::Box;
use core::ptr;

use turgo_machine::atomic::{AtomicPtr, AtomicUsize, Ordering};
use turgo_machine::mutant;

use super::end::Segment;

pub(super) struct Store<T> {
    /// Threads that look at segments of which they have no cell (S6).
    visitors: AtomicUsize,
    /// Segments that were left, as a stack: it is only added to, or taken whole.
    left: AtomicPtr<Segment<T>>,
    /// A segment as good as new, or null.
    spare: AtomicPtr<Segment<T>>,
}

/// Somebody is looking at segments.
pub(super) struct Visit<'a, T> {
    store: &'a Store<T>,
}

impl<T> Drop for Visit<'_, T> {
    fn drop(&mut self) {
        // Release: what we did comes before the AcqRel in `is_alone`.
        self.store.visitors.fetch_sub(1, Ordering::Release);
    }
}

impl<T> Visit<'_, T> {
    /// Whether nobody else is looking.
    fn is_alone(&self) -> bool {
        // AcqRel: a read-modify-write, so that a visitor either came before and is seen, or comes after (Acquire in `visit`) and sees all that we
        // have seen: ends that have moved on.
        self.store.visitors.fetch_add(0, Ordering::AcqRel) == 1
            || mutant!("S6 freed under visitors")
    }

    /// A segment as good as new.
    pub(super) fn take(&self) -> *mut Segment<T> {
        // Acquire: pairs with the Release in `give`.
        let spare = self.store.spare.swap(ptr::null_mut(), Ordering::Acquire);
        if spare.is_null() { Segment::new() } else { spare }
    }

    /// Gives back a segment as good as new that nobody else knows.
    pub(super) fn give(&self, segment: *mut Segment<T>) {
        let (none, order) = (ptr::null_mut(), (Ordering::Release, Ordering::Relaxed));
        // Release: hands the segment to the Acquire in `take`. Relaxed: there is a spare one.
        if self.store.spare.compare_exchange(none, segment, order.0, order.1).is_err() {
            // SAFETY: the caller says that nobody else knows it, and it came from a box.
            drop(unsafe { Box::from_raw(segment) });
        }
    }

    /// Keeps a segment that an end has left, and sees which of those that were can be used again. `is_named` says of a segment whether a visitor could find
    /// it.
    pub(super) fn leave(
        &self,
        segment: *mut Segment<T>,
        is_named: impl Fn(*mut Segment<T>) -> bool,
    ) {
        self.keep(segment);
        // So that segments pile up unseen while somebody else is looking, and not every leaver walks over all.
        if !self.is_alone() {
            return;
        }
        // Acquire: pairs with the Release in `keep`.
        let mut rest = self.store.left.swap(ptr::null_mut(), Ordering::Acquire);
        let mut free = ptr::null_mut();
        while !rest.is_null() {
            let one = rest;
            // SAFETY: it was taken off the stack, and nobody frees it but us.
            let segment = unsafe { &*one };
            // Relaxed: acquired with the stack.
            rest = segment.below.load(Ordering::Relaxed);
            if segment.is_left() && !is_named(one) {
                // Relaxed: the list is ours.
                segment.below.store(free, Ordering::Relaxed);
                free = one;
            } else {
                self.keep(one);
            }
        }
        // S6: asked after it was seen that they are not named.
        let alone = self.is_alone();
        while !free.is_null() {
            let one = free;
            // SAFETY: as above.
            let segment = unsafe { &mut *one };
            // Relaxed: the list is ours.
            free = segment.below.load(Ordering::Relaxed);
            if alone {
                segment.reset();
                self.give(one);
            } else {
                self.keep(one);
            }
        }
    }

    fn keep(&self, segment: *mut Segment<T>) {
        // SAFETY: the caller has it until the exchange succeeds.
        let below = unsafe { &(*segment).below };
        // Relaxed: only compared and stored.
        let mut top = self.store.left.load(Ordering::Relaxed);
        loop {
            // Relaxed: published by the exchange.
            below.store(top, Ordering::Relaxed);
            let order = (Ordering::AcqRel, Ordering::Relaxed);
            // Release: hands the segment to the Acquire in `leave`; a later exchange continues it. Relaxed: tried again.
            match self.store.left.compare_exchange_weak(top, segment, order.0, order.1) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }
}

impl<T> Store<T> {
    crate::fence::maybe_const! {
        pub(super) fn new() -> Self {
            Self {
                visitors: AtomicUsize::new(0),
                left: AtomicPtr::new(ptr::null_mut()),
                spare: AtomicPtr::new(ptr::null_mut()),
            }
        }
    }

    /// Segments that have been left and not used again; the test has the queue alone.
    #[cfg(all(test, not(any(loom, shuttle))))]
    pub(super) fn waiting(&self) -> usize {
        let (mut count, mut next) = (0, self.left.load(Ordering::Relaxed));
        while !next.is_null() {
            count += 1;
            // SAFETY: the test has the queue alone, so nobody frees it.
            next = unsafe { &*next }.below.load(Ordering::Relaxed);
        }
        count
    }

    /// Begins to look at segments.
    pub(super) fn visit(&self) -> Visit<'_, T> {
        // AcqRel, Acquire: pairs with `Visit::is_alone` of a thread that came before. Release: continues it for those that come later.
        self.visitors.fetch_add(1, Ordering::AcqRel);
        Visit { store: self }
    }
}

impl<T> Drop for Store<T> {
    fn drop(&mut self) {
        for mut next in [&self.left, &self.spare].map(|list| list.load(Ordering::Relaxed)) {
            while !next.is_null() {
                // SAFETY: segments come from boxes, each is in one list, and nobody uses the queue any more.
                let segment = unsafe { Box::from_raw(next) };
                // Relaxed: as above. A spare one has none below it.
                next = segment.below.load(Ordering::Relaxed);
            }
        }
    }
}
