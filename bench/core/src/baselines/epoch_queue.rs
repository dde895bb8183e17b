//! Michael and Scott's queue (PODC 1996) over crossbeam-epoch.

use std::mem::MaybeUninit;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crossbeam_epoch::{Atomic, Owned, Shared, pin};
use crossbeam_epoch::{Guard, unprotected};
use turgo_machine::CachePadded;

struct Node<T> {
    /// Taken by whoever moves the head onto this node; the first node has none.
    value: MaybeUninit<T>,
    next: Atomic<Node<T>>,
}

pub(crate) struct EpochQueue<T> {
    head: CachePadded<Atomic<Node<T>>>,
    tail: CachePadded<Atomic<Node<T>>>,
}

impl<T: Send> EpochQueue<T> {
    pub(crate) fn new() -> Self {
        let first = Owned::new(Node { value: MaybeUninit::uninit(), next: Atomic::null() });
        // SAFETY: nobody else sees it yet.
        let first = first.into_shared(unsafe { unprotected() });
        let end = || {
            let end = Atomic::null();
            end.store(first, Relaxed);
            CachePadded::new(end)
        };
        Self { head: end(), tail: end() }
    }

    pub(crate) fn push(&self, value: T) {
        let guard = pin();
        let node = Owned::new(Node { value: MaybeUninit::new(value), next: Atomic::null() });
        let node = node.into_shared(&guard);
        loop {
            let tail = self.tail.load(Acquire, &guard);
            // SAFETY: it is freed only after the tail has left it, and not while pinned.
            let next = &unsafe { tail.deref() }.next;
            let found = next.load(Acquire, &guard);
            if !found.is_null() {
                _ = self.tail.compare_exchange(tail, found, Release, Relaxed, &guard);
            } else if next.compare_exchange(found, node, Release, Relaxed, &guard).is_ok() {
                _ = self.tail.compare_exchange(tail, node, Release, Relaxed, &guard);
                return;
            }
        }
    }

    pub(crate) fn pop(&self) -> Option<T> {
        let guard = pin();
        loop {
            let head = self.head.load(Acquire, &guard);
            // SAFETY: it cannot be freed while pinned.
            let next = unsafe { head.deref() }.next.load(Acquire, &guard);
            // SAFETY: as above.
            let node = unsafe { next.as_ref() }?;
            let tail = self.tail.load(Relaxed, &guard);
            if tail == head {
                _ = self.tail.compare_exchange(tail, next, Release, Relaxed, &guard);
            }
            if self.head.compare_exchange(head, next, AcqRel, Relaxed, &guard).is_ok() {
                return Some(self.taken(head, node, &guard));
            }
        }
    }

    /// The value of the node that the head moved onto, and the end of the one it left.
    fn taken(&self, left: Shared<'_, Node<T>>, node: &Node<T>, guard: &Guard) -> T {
        // SAFETY: head and tail have left it.
        unsafe { guard.defer_destroy(left) };
        // SAFETY: the exchange succeeded once for this node, so its value is read once.
        unsafe { node.value.assume_init_read() }
    }
}
