//! Treiber's stack (IBM 1986) over crossbeam-epoch.

use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crossbeam_epoch::{Atomic, Owned, pin};

struct Node<T> {
    value: ManuallyDrop<T>,
    next: Atomic<Node<T>>,
}

pub(crate) struct EpochStack<T> {
    top: Atomic<Node<T>>,
}

impl<T: Send> EpochStack<T> {
    pub(crate) fn new() -> Self {
        Self { top: Atomic::null() }
    }

    pub(crate) fn push(&self, value: T) {
        let guard = pin();
        let mut node = Owned::new(Node { value: ManuallyDrop::new(value), next: Atomic::null() });
        loop {
            let top = self.top.load(Relaxed, &guard);
            node.next.store(top, Relaxed);
            match self.top.compare_exchange(top, node, Release, Relaxed, &guard) {
                Ok(_) => return,
                Err(other) => node = other.new,
            }
        }
    }

    pub(crate) fn pop(&self) -> Option<T> {
        let guard = pin();
        loop {
            let top = self.top.load(Acquire, &guard);
            // SAFETY: it cannot be freed while pinned.
            let node = unsafe { top.as_ref() }?;
            let next = node.next.load(Relaxed, &guard);
            if self.top.compare_exchange(top, next, Acquire, Relaxed, &guard).is_ok() {
                // SAFETY: it was unlinked.
                unsafe { guard.defer_destroy(top) };
                // SAFETY: the exchange succeeded once for this node; what is left of it has no value to drop.
                return Some(unsafe { ptr::read(&*node.value) });
            }
        }
    }
}
