//! A Treiber stack, small enough to be wrong on purpose.

use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;

use crate::reclaim::{Atomic, Owned, ReadGuard, Reclaim, Shared, Shield};

#[derive(Debug)]
pub(crate) struct Link<T> {
    value: T,
    next: Atomic<Link<T>>,
}

pub(crate) struct Stack<T: Send + Sync + 'static, R: Reclaim> {
    head: Atomic<Link<T>>,
    pub(crate) reclaim: R,
}

impl<T: Send + Sync + 'static, R: Reclaim> Stack<T, R> {
    pub(crate) fn new(reclaim: R) -> Self {
        Self { head: Atomic::null(), reclaim }
    }

    pub(crate) fn push(&self, value: T) {
        let mut node = Owned::new(Link { value, next: Atomic::null() });
        loop {
            // Relaxed: only compared.
            let head = self.head.load(Ordering::Relaxed);
            // Relaxed: published with the node.
            node.next.store(head, Ordering::Relaxed);
            // Release: publishes the node. Relaxed: tried again.
            match self.head.compare_exchange(head, node, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(error) => node = error.new,
            }
        }
    }

    /// Unlinks the first node, calls `f` with its value and retires it.
    pub(crate) fn pop(&self, f: impl FnOnce(&T)) -> bool {
        let node = {
            let guard = self.reclaim.enter();
            let mut shield = guard.shield();
            loop {
                let head = shield.protect(&self.head);
                // SAFETY: protected.
                let Some(link) = (unsafe { head.as_ref() }) else { return false };
                // Relaxed: never changes once the node is published.
                let next = link.next.load(Ordering::Relaxed);
                if mutant!("R2 retire before unlink") {
                    f(&link.value);
                    // SAFETY: wrong on purpose.
                    let node = unsafe { head.into_owned() };
                    // SAFETY: nobody finds the node any more.
                    unsafe { self.reclaim.retire(node) };
                    // Release: as below.
                    self.head.store(next, Ordering::Release);
                    return true;
                }
                // AcqRel: unlinks the node. Relaxed: tried again.
                let unlinked =
                    self.head.compare_exchange(head, next, Ordering::AcqRel, Ordering::Relaxed);
                if unlinked.is_ok() {
                    f(&link.value);
                    // SAFETY: not dereferenced before it is retired.
                    break unsafe { head.rebind::<'static>() };
                }
            }
        };
        // SAFETY: the exchange made it ours.
        let node = unsafe { node.into_owned() };
        // SAFETY: nobody finds the node any more.
        unsafe { self.reclaim.retire(node) };
        true
    }

    /// Calls `f` with the first value.
    pub(crate) fn peek(&self, f: impl FnOnce(&T)) {
        let guard = self.reclaim.enter();
        let mut shield = guard.shield();
        // SAFETY: protected.
        if let Some(link) = unsafe { shield.protect(&self.head).as_ref() } {
            f(&link.value);
        }
    }
}

impl<T: Send + Sync + 'static, R: Reclaim> Drop for Stack<T, R> {
    fn drop(&mut self) {
        // Relaxed: nobody else uses it.
        let mut at = self.head.swap(Shared::null(), Ordering::Relaxed);
        while !at.is_null() {
            // SAFETY: nobody else uses it.
            let node = unsafe { at.into_owned() };
            // Relaxed: as above.
            at = node.next.load(Ordering::Relaxed);
        }
    }
}
