//! Stacks: last in, first out, for any number of threads.
//!
//! [`TreiberStack`] is Treiber's list (IBM RJ 5118, 1986) with an elimination array for when threads collide (Hendler, Shavit and Yerushalmi,
//! SPAA 2004): a push and a pop that meet there cancel out without touching the top.
//!
//! # Invariants
//!
//! - **T1** `top` and the `next` of nodes form a list. A node's `next` does not change once the node is linked.
//! - **T2** Whoever moves `top` past a node by compare-and-swap, or takes the whole list, owns the value and retires the node; nobody else touches the
//!   value.
//! - **T3** A pop protects the top node before it reads `next`, so the node is neither freed nor linked again before the compare-and-swap
//!   that relies on it.
//! - **T4** A node in the elimination array was never linked. Whoever takes it out by compare-and-swap owns it alone, the pusher that puts it
//!   there included.
//! - **T5** A place whose node was taken stays taken until the push that had put the node there has seen it. So a push that finds its node there
//!   finds its own, and not one of another push that got the same memory: that one would be taken back from a push that has returned.

mod elimination;

#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::fmt;
use core::mem::MaybeUninit;
use core::panic::{RefUnwindSafe, UnwindSafe};

use turgo_machine::atomic::{Ordering, fence};
use turgo_machine::cell::UnsafeCell;
use turgo_machine::{CachePadded, mutant};

use crate::drain::drop_all;
use crate::patience::Contention;
use crate::pause;
use crate::rcu::Rcu;
use crate::reclaim::{Atomic, Owned, ReadGuard, Reclaim, Shared, Shield};
use elimination::Elimination;

struct Node<T> {
    /// T2.
    value: UnsafeCell<MaybeUninit<T>>,
    next: Atomic<Node<T>>,
}

impl<T> Node<T> {
    fn new(value: T) -> Owned<Self> {
        let value = UnsafeCell::new(MaybeUninit::new(value));
        Owned::new(Self { value, next: Atomic::null() })
    }

    /// # Safety
    ///
    /// The caller owns the value (T2 or T4), and takes it once.
    unsafe fn take(&self) -> T {
        self.value.with(|value| {
            // SAFETY: the caller owns the value: nobody writes to it.
            let value = unsafe { &*value };
            // SAFETY: a node is made with a value, and it is taken once.
            unsafe { value.assume_init_read() }
        })
    }
}

/// A stack for any number of threads.
///
/// Lock-free: an operation repeats only where another one succeeded. Linearizable. Treiber 1986 with the elimination of Hendler, Shavit and
/// Yerushalmi 2004. Nodes are reclaimed by `R`: [`Rcu`], or [`Hazard`](crate::hazard::Hazard) for bounded garbage.
///
/// ```
/// let stack = turgo_lockfree::stack::TreiberStack::new();
/// stack.push(1);
/// stack.push_all([2, 3]);
/// assert_eq!(stack.pop(), Some(3));
/// assert!(stack.take_all().eq([2, 1]));
/// ```
pub struct TreiberStack<T, R: Reclaim = Rcu> {
    top: CachePadded<Atomic<Node<T>>>,
    elimination: Elimination<T>,
    reclaim: R,
}

// SAFETY: T2. A value moves from the thread that pushes it to the one that pops it, and is never shared.
unsafe impl<T: Send, R: Reclaim> Sync for TreiberStack<T, R> {}
// SAFETY: owning the stack is owning its values; `R` is `Send`.
unsafe impl<T: Send, R: Reclaim> Send for TreiberStack<T, R> {}
// No user code runs in the middle of an operation, and a domain catches what a drop throws (N4).
impl<T, R: Reclaim> UnwindSafe for TreiberStack<T, R> {}
impl<T, R: Reclaim> RefUnwindSafe for TreiberStack<T, R> {}

impl<T> TreiberStack<T> {
    crate::fence::maybe_const! {
        /// An empty stack over the default domain of RCU.
        ///
        /// ```
        /// use turgo_lockfree::stack::TreiberStack;
        /// static STACK: TreiberStack<u32> = TreiberStack::new();
        /// STACK.push(1);
        /// assert_eq!(STACK.pop(), Some(1));
        /// ```
        #[must_use]
        pub fn new() -> Self {
            Self::new_in(Rcu)
        }
    }
}

impl<T, R: Reclaim> TreiberStack<T, R> {
    crate::fence::maybe_const! {
        /// An empty stack whose nodes `reclaim` frees.
        #[must_use]
        pub fn new_in(reclaim: R) -> Self {
            Self { top: CachePadded::new(Atomic::null()), elimination: Elimination::new(), reclaim }
        }
    }

    /// Puts a value on top.
    pub fn push(&self, value: T) {
        let mut node = Node::new(value);
        let contention = Contention::new();
        loop {
            // Relaxed: only compared and stored.
            let top = self.top.load(Ordering::Relaxed);
            // Relaxed: published by the exchange below.
            node.next.store(top, Ordering::Relaxed);
            pause::point("stack push");
            let order =
                if mutant!("T1 Relaxed link") { Ordering::Relaxed } else { Ordering::Release };
            // Release: hands the node to the Acquire in `protect`. Relaxed: tried again.
            match self.top.compare_exchange_weak(top, node, order, Ordering::Relaxed) {
                Ok(_) => return,
                Err(error) => node = error.new,
            }
            match self.elimination.offer(node) {
                Ok(()) => return,
                Err(back) => node = back,
            }
            contention.wait();
        }
    }

    /// Takes the value on top.
    pub fn pop(&self) -> Option<T> {
        let (value, node) = self.unlink()?;
        if let Some(node) = node {
            // SAFETY: T2, we unlinked it, and its value is gone.
            unsafe { self.reclaim.retire_unchecked(node) };
        }
        Some(value)
    }

    /// Takes the top node out of the list and the value out of the node, which is left to be retired once no section is open. A node that was
    /// met in the elimination array was never shared and is gone already.
    fn unlink(&self) -> Option<(T, Option<Owned<Node<T>>>)> {
        let guard = self.reclaim.enter();
        let mut shield = guard.shield();
        let contention = Contention::new();
        loop {
            let top = if mutant!("T3 top unprotected") {
                // Acquire: as below.
                self.top.load(Ordering::Acquire)
            } else {
                // Acquire, in `protect`: pairs with the Release in `push`.
                shield.protect(&self.top)
            };
            // SAFETY: T3, the shield protects it.
            let Some(node) = (unsafe { top.as_ref() }) else {
                // SeqCst: between this thread's earlier operations and a last look, so that two threads that each push to one stack and find another
                // empty agree on an order. Pairs with itself.
                fence(Ordering::SeqCst);
                // Acquire: as in `push`.
                if self.top.load(Ordering::Acquire).is_null() {
                    return None;
                }
                continue;
            };
            // Relaxed: T1, it was written before the node was linked.
            let next = node.next.load(Ordering::Relaxed);
            pause::point("stack pop");
            // AcqRel, Release: whoever frees the node comes after. Acquire: a later node's `next` hangs on this. Relaxed: tried again.
            let moved =
                self.top.compare_exchange_weak(top, next, Ordering::AcqRel, Ordering::Relaxed);
            if moved.is_ok() || mutant!("T2 both take") {
                // SAFETY: T2, we moved `top` past it.
                let value = unsafe { node.take() };
                // SAFETY: T2.
                let node = unsafe { top.into_owned() };
                return Some((value, Some(node)));
            }
            if let Some(node) = self.elimination.take() {
                // SAFETY: T4.
                return Some((unsafe { node.take() }, None));
            }
            contention.wait();
        }
    }

    /// Puts all values on top in one step, the last of them uppermost.
    pub fn push_all(&self, values: impl IntoIterator<Item = T>) {
        // Freed with its values where the iterator panics.
        let chain = Chain { top: Atomic::null() };
        let mut bottom = Shared::null();
        for value in values {
            let node = Node::new(value);
            // Relaxed: nobody else knows the chain.
            let below = chain.top.load(Ordering::Relaxed);
            // Relaxed: as above.
            node.next.store(below, Ordering::Relaxed);
            let node = node.into_shared();
            if below.is_null() {
                bottom = node;
            }
            // Relaxed: as above.
            chain.top.store(node, Ordering::Relaxed);
        }
        // SAFETY: the node is in our chain.
        let Some(bottom) = (unsafe { bottom.as_ref() }) else { return };
        // Relaxed: nobody else knows the chain. Taken out of it, so that it frees nothing.
        let first = chain.top.swap(Shared::null(), Ordering::Relaxed);
        drop(chain);
        loop {
            // Relaxed: only compared and stored.
            let top = self.top.load(Ordering::Relaxed);
            // Relaxed: published by the exchange below.
            bottom.next.store(top, Ordering::Relaxed);
            // Release: hands the nodes to the Acquire in `protect`. Relaxed: tried again.
            let linked =
                self.top.compare_exchange_weak(top, first, Ordering::Release, Ordering::Relaxed);
            if linked.is_ok() {
                return;
            }
        }
    }

    /// Takes all values in one step, from the top down.
    ///
    /// Those that are not taken from the iterator are dropped with it.
    pub fn take_all(&self) -> TakeAll<'_, T, R> {
        // AcqRel, Acquire: pairs with the Release in `push`. Release: whoever frees the nodes comes after.
        let first = self.top.swap(Shared::null(), Ordering::AcqRel);
        let chain = Atomic::null();
        // Relaxed: T2, the nodes are ours.
        chain.store(first, Ordering::Relaxed);
        TakeAll { chain: Chain { top: chain }, stack: self }
    }

    /// Whether there was nothing on the stack.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        // SeqCst: as in `pop`.
        fence(Ordering::SeqCst);
        // Acquire: as in `pop`.
        self.top.load(Ordering::Acquire).is_null()
    }
}

/// Nodes of our own.
struct Chain<T> {
    top: Atomic<Node<T>>,
}

impl<T> Chain<T> {
    /// The value of the first node, and the node.
    fn next(&mut self) -> Option<(T, Owned<Node<T>>)> {
        // SAFETY: the nodes of a chain are its own; they were unlinked, or never linked.
        let node = unsafe { self.top.take() }?;
        // Relaxed: as above.
        self.top.store(node.next.load(Ordering::Relaxed), Ordering::Relaxed);
        // SAFETY: T2.
        Some((unsafe { node.take() }, node))
    }
}

impl<T> Drop for Chain<T> {
    fn drop(&mut self) {
        drop_all(|| self.next().map(|(value, _node)| value));
    }
}

/// What [`TreiberStack::take_all`] took.
pub struct TakeAll<'a, T, R: Reclaim> {
    chain: Chain<T>,
    stack: &'a TreiberStack<T, R>,
}

// SAFETY: it owns its values.
unsafe impl<T: Send, R: Reclaim> Send for TakeAll<'_, T, R> {}

impl<T, R: Reclaim> Iterator for TakeAll<'_, T, R> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let (value, node) = self.chain.next()?;
        // SAFETY: T2, the list was taken out of the stack; a slow pop may still read the node.
        unsafe { self.stack.reclaim.retire_unchecked(node) };
        Some(value)
    }
}

impl<T, R: Reclaim> Drop for TakeAll<'_, T, R> {
    fn drop(&mut self) {
        // Retires what is left: the chain by itself would free nodes that a slow pop may still read.
        drop_all(|| self.next());
    }
}

impl<T, R: Reclaim> Drop for TreiberStack<T, R> {
    fn drop(&mut self) {
        // Relaxed: nobody else uses the stack.
        let first = self.top.swap(Shared::null(), Ordering::Relaxed);
        let chain = Chain { top: Atomic::null() };
        // Relaxed: as above.
        chain.top.store(first, Ordering::Relaxed);
    }
}

impl<T, R: Reclaim + Default> Default for TreiberStack<T, R> {
    fn default() -> Self {
        Self::new_in(R::default())
    }
}

impl<T, R: Reclaim> Extend<T> for TreiberStack<T, R> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        self.push_all(values);
    }
}

impl<T> FromIterator<T> for TreiberStack<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let stack = Self::new();
        stack.push_all(values.into_iter().collect::<Vec<T>>());
        stack
    }
}

impl<T, R: Reclaim> fmt::Debug for TreiberStack<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("TreiberStack { .. }")
    }
}

impl<T, R: Reclaim> fmt::Debug for TakeAll<'_, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("TakeAll { .. }")
    }
}
