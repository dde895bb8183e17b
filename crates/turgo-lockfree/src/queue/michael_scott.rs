//! An unbounded queue as a list, after Michael and Scott (PODC 1996).
//!
//! # Invariants
//!
//! - **M1** From `head` the `next` of nodes lead to every node behind it; the node at `head` is a dummy whose value is gone, or never was. A
//!   `next` changes once, from null.
//! - **M2** `tail` is never behind `head`: a pop moves `tail` on before it moves `head` past the node `tail` names. So a node that `tail` names is
//!   not retired.
//! - **M3** Whoever moves `head` from one node to the next owns the value of the next, and retires the first.
//! - **M4** A pop protects the second node through the first one's `next`, and looks into it only once it has moved `head` from the first. As the
//!   first is protected, `head` cannot have come back to it: it named the first all the time, so the second was not retired before it was protected.
//! - **M5** A node's number is one more than that of the node before it.

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

struct Node<T> {
    /// M3.
    value: UnsafeCell<MaybeUninit<T>>,
    /// M5. Written only before the node is linked.
    number: usize,
    next: Atomic<Node<T>>,
}

impl<T> Node<T> {
    fn new(value: MaybeUninit<T>, number: usize) -> Owned<Self> {
        Owned::new(Self { value: UnsafeCell::new(value), number, next: Atomic::null() })
    }

    /// # Safety
    ///
    /// The node has a value, the caller owns it (M3), and takes it once.
    unsafe fn take(&self) -> T {
        self.value.with(|value| {
            // SAFETY: the caller owns the value: nobody writes to it.
            let value = unsafe { &*value };
            // SAFETY: the caller says that there is a value, and takes it once.
            unsafe { value.assume_init_read() }
        })
    }
}

/// An unbounded queue for any number of producers and consumers.
///
/// Lock-free: an operation repeats only where another one succeeded. Linearizable. Michael and Scott 1996. Nodes are reclaimed by `R`:
/// [`Rcu`], or [`Hazard`](crate::hazard::Hazard) for bounded garbage. One allocation per item:
/// [`SegmentQueue`](super::SegmentQueue) needs fewer.
///
/// ```
/// let queue = turgo_lockfree::queue::MsQueue::new();
/// queue.push(1);
/// queue.push_batch([2, 3]);
/// assert_eq!(queue.len(), 3);
/// assert_eq!(queue.pop(), Some(1));
/// ```
pub struct MsQueue<T, R: Reclaim = Rcu> {
    head: CachePadded<Atomic<Node<T>>>,
    tail: CachePadded<Atomic<Node<T>>>,
    reclaim: R,
}

// SAFETY: M3. A value moves from the thread that pushes it to the one that pops it, and is never shared.
unsafe impl<T: Send, R: Reclaim> Sync for MsQueue<T, R> {}
// SAFETY: owning the queue is owning its values; `R` is `Send`.
unsafe impl<T: Send, R: Reclaim> Send for MsQueue<T, R> {}
// No user code runs in the middle of an operation, and a domain catches what a drop throws (N4).
impl<T, R: Reclaim> UnwindSafe for MsQueue<T, R> {}
impl<T, R: Reclaim> RefUnwindSafe for MsQueue<T, R> {}

impl<T> MsQueue<T> {
    /// An empty queue over the default domain of RCU.
    #[must_use]
    pub fn new() -> Self {
        Self::new_in(Rcu)
    }
}

impl<T, R: Reclaim> MsQueue<T, R> {
    /// An empty queue whose nodes `reclaim` frees.
    #[must_use]
    pub fn new_in(reclaim: R) -> Self {
        let dummy = Node::new(MaybeUninit::uninit(), 0).into_shared();
        let (head, tail) = (Atomic::null(), Atomic::null());
        // Relaxed: nobody else knows the queue.
        head.store(dummy, Ordering::Relaxed);
        // Relaxed: as above.
        tail.store(dummy, Ordering::Relaxed);
        Self { head: CachePadded::new(head), tail: CachePadded::new(tail), reclaim }
    }

    /// Adds a value at the end.
    pub fn push(&self, value: T) {
        let node = Node::new(MaybeUninit::new(value), 0).into_shared();
        // SAFETY: the chain is one node of our own.
        unsafe { self.link(node, node) };
    }

    /// Adds values at the end, next to each other, in one step.
    pub fn push_batch(&self, values: impl IntoIterator<Item = T>) {
        // The values first: the iterator may panic.
        let mut values = values.into_iter().collect::<Vec<T>>().into_iter();
        let Some(first) = values.next() else { return };
        let first = Node::new(MaybeUninit::new(first), 0).into_shared();
        let mut last = first;
        for value in values {
            let node = Node::new(MaybeUninit::new(value), 0).into_shared();
            // SAFETY: it is a node of our own.
            let before = unsafe { last.deref() };
            // Relaxed: published when the chain is linked.
            before.next.store(node, Ordering::Relaxed);
            last = node;
        }
        // SAFETY: the chain is our own.
        unsafe { self.link(first, last) };
    }

    /// Links a chain behind the last node.
    ///
    /// # Safety
    ///
    /// The nodes from `first` to `last` are the caller's own, each with a value.
    unsafe fn link(&self, first: Shared<'_, Node<T>>, last: Shared<'_, Node<T>>) {
        let guard = self.reclaim.enter();
        let mut shield = guard.shield();
        let contention = Contention::new();
        loop {
            let tail = shield.protect(&self.tail);
            // SAFETY: the shield protects it, and M2: what `tail` names was not retired.
            let node = unsafe { tail.deref() };
            // Acquire: pairs with the Release below: `tail` moves to a node whose content is there.
            let next = node.next.load(Ordering::Acquire);
            if !next.is_null() {
                self.help(tail, next);
                continue;
            }
            // SAFETY: the chain is the caller's own, and not linked yet.
            unsafe { Self::number(first, node.number) };
            pause::point("queue push");
            // Release: hands the chain to the Acquire in `protect` and above. Relaxed: tried again.
            let linked =
                node.next.compare_exchange(next, first, Ordering::Release, Ordering::Relaxed);
            if linked.is_ok() || mutant!("M1 link changed twice") {
                if linked.is_err() {
                    // Release: as above.
                    node.next.store(first, Ordering::Release);
                }
                pause::point("queue linked");
                self.help(tail, last);
                return;
            }
            contention.wait();
        }
    }

    /// Numbers a chain that will follow the node of number `before` (M5).
    ///
    /// # Safety
    ///
    /// The chain is the caller's own.
    unsafe fn number(first: Shared<'_, Node<T>>, before: usize) {
        let (mut next, mut number) = (first, before);
        while !next.is_null() {
            number = number.wrapping_add(usize::from(!mutant!("M5 numbers left out")));
            let node = next.as_ptr();
            // SAFETY: the caller owns the chain, so nobody else reads or writes the number.
            unsafe { (*node).number = number };
            // SAFETY: as above.
            let link = unsafe { &(*node).next };
            // Relaxed: as above.
            next = link.load(Ordering::Relaxed);
        }
    }

    /// Moves `tail` on, unless somebody has.
    fn help(&self, tail: Shared<'_, Node<T>>, next: Shared<'_, Node<T>>) {
        // Release: hands the node to the Acquire in `protect`. Relaxed: somebody else has moved it.
        let _ = self.tail.compare_exchange(tail, next, Ordering::Release, Ordering::Relaxed);
    }

    /// Takes the oldest value.
    pub fn pop(&self) -> Option<T> {
        let (value, node) = self.unlink()?;
        // SAFETY: M3 and M2: neither `head` nor `tail` names it, and its value is gone.
        unsafe { self.reclaim.retire_unchecked(node) };
        Some(value)
    }

    /// Takes up to `max` of the oldest values, one after the other, to the end of `out`, and says how many.
    pub fn pop_batch(&self, max: usize, out: &mut Vec<T>) -> usize {
        let before = out.len();
        out.extend((0..max).map_while(|_| self.pop()));
        out.len() - before
    }

    /// Moves `head` on; gives the value and the old dummy, to be retired once no section is open.
    fn unlink(&self) -> Option<(T, Owned<Node<T>>)> {
        let guard = self.reclaim.enter();
        let (mut first, mut second) = (guard.shield(), guard.shield());
        let contention = Contention::new();
        loop {
            let head = first.protect(&self.head);
            // SAFETY: the shield protects it.
            let dummy = unsafe { head.deref() };
            let next = if mutant!("M4 second node unprotected") {
                // Acquire: as below.
                dummy.next.load(Ordering::Acquire)
            } else {
                // Acquire, in `protect`: pairs with the Release in `link`.
                second.protect(&dummy.next)
            };
            // Nothing follows the first, so `head` still names it: there was nothing in the queue.
            if next.is_null() {
                // SeqCst: between this thread's earlier operations and a last look, so that two threads that each push to one queue and find another
                // empty agree on an order. Pairs with itself.
                fence(Ordering::SeqCst);
                // Acquire: as in `link`.
                if dummy.next.load(Ordering::Acquire).is_null() {
                    return None;
                }
                continue;
            }
            // Acquire: pairs with the Release in `help`; `tail` is at least as far as that.
            if self.tail.load(Ordering::Acquire) == head && !mutant!("M2 lagging tail") {
                self.help(head, next);
            }
            pause::point("queue pop");
            // AcqRel, Release: whoever frees the dummy comes after, and `help` before. Acquire: as in `protect`. Relaxed: tried again.
            let moved = self.head.compare_exchange(head, next, Ordering::AcqRel, Ordering::Relaxed);
            if moved.is_ok() || mutant!("M3 both take") {
                pause::point("queue popped");
                // SAFETY: M4: `head` was moved from the first node to it, and `second` protects it.
                let node = unsafe { next.deref() };
                // SAFETY: M3.
                let value = unsafe { node.take() };
                // SAFETY: M3, M2.
                return Some((value, unsafe { head.into_owned() }));
            }
            contention.wait();
        }
    }

    /// Values in the queue at one instant during the call. Lock-free: repeats where one was popped meanwhile.
    #[must_use]
    pub fn len(&self) -> usize {
        let guard = self.reclaim.enter();
        let (mut first, mut last) = (guard.shield(), guard.shield());
        loop {
            let head = first.protect(&self.head);
            let tail = last.protect(&self.tail);
            // SAFETY: the shield protects it, and M2.
            let end = unsafe { tail.deref() };
            // Acquire: as in `link`.
            let next = end.next.load(Ordering::Acquire);
            if !next.is_null() {
                self.help(tail, next);
                continue;
            }
            // Acquire: as in `unlink`. `end` was the last node while `head` was this one.
            if self.head.load(Ordering::Acquire) == head {
                // SAFETY: the shield protects it.
                let start = unsafe { head.deref() };
                return end.number.wrapping_sub(start.number);
            }
        }
    }

    /// Whether there was nothing in the queue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let guard = self.reclaim.enter();
        let mut first = guard.shield();
        let head = first.protect(&self.head);
        // SAFETY: the shield protects it.
        let dummy = unsafe { head.deref() };
        // SeqCst: as in `unlink`.
        fence(Ordering::SeqCst);
        // Acquire: as in `link`. A dummy that has been popped past has a successor: then there was something.
        dummy.next.load(Ordering::Acquire).is_null()
    }

    /// Whether `tail` names a node that can be reached from `head` (M2).
    #[cfg(all(test, not(any(loom, shuttle))))]
    pub(super) fn is_tail_linked(&self) -> bool {
        let tail = self.tail.load(Ordering::Acquire);
        let mut next = self.head.load(Ordering::Acquire);
        while !next.is_null() && next != tail {
            // SAFETY: the test has the queue alone, or all others suspended.
            next = unsafe { next.deref() }.next.load(Ordering::Acquire);
        }
        next == tail
    }
}

impl<T, R: Reclaim> Drop for MsQueue<T, R> {
    fn drop(&mut self) {
        // SAFETY: nobody else uses the queue; `tail` names a node of the list and is not followed any more.
        let Some(mut dummy) = (unsafe { self.head.take() }) else { return };
        drop_all(|| {
            // SAFETY: as above; the dummy before it goes.
            let node = unsafe { dummy.next.take() }?;
            // SAFETY: M3: it becomes the dummy.
            let value = unsafe { node.take() };
            dummy = node;
            Some(value)
        });
    }
}

impl<T, R: Reclaim + Default> Default for MsQueue<T, R> {
    fn default() -> Self {
        Self::new_in(R::default())
    }
}

impl<T, R: Reclaim> fmt::Debug for MsQueue<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("MsQueue { .. }")
    }
}
