//! The list of those who wait: doubly linked through nodes that it does not own.

use core::ptr::NonNull;

use super::node::{Node, part};
use crate::access::Access;

/// A list. Only the holder touches it, and only the holder touches the links of its nodes (Q1), all of which exist (Q6).
pub(crate) struct List<A: Access> {
    front: Option<NonNull<Node<A>>>,
    back: Option<NonNull<Node<A>>>,
}

impl<A: Access> List<A> {
    pub(super) const fn new() -> Self {
        Self { front: None, back: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.front.is_none()
    }

    pub(super) fn front(&self) -> Option<NonNull<Node<A>>> {
        self.front
    }

    pub(super) fn back(&self) -> Option<NonNull<Node<A>>> {
        self.back
    }

    /// # Safety
    ///
    /// The caller holds the list; the node exists and is in none.
    pub(super) unsafe fn push_back(&mut self, node: NonNull<Node<A>>) {
        let back = self.back.replace(node);
        // SAFETY: the caller's promise.
        unsafe { part(node, |part| (part.previous, part.next) = (back, None)) };
        match back {
            // SAFETY: Q1, it is in the list.
            Some(back) => unsafe { part(back, |part| part.next = Some(node)) },
            None => self.front = Some(node),
        }
    }

    /// # Safety
    ///
    /// The caller holds the list; the node exists and is in none.
    pub(super) unsafe fn push_front(&mut self, node: NonNull<Node<A>>) {
        let front = self.front.replace(node);
        // SAFETY: the caller's promise.
        unsafe { part(node, |part| (part.previous, part.next) = (None, front)) };
        match front {
            // SAFETY: Q1, it is in the list.
            Some(front) => unsafe { part(front, |part| part.previous = Some(node)) },
            None => self.back = Some(node),
        }
    }

    /// Takes out the first, if there is one.
    ///
    /// # Safety
    ///
    /// The caller holds the list.
    #[inline(always)]
    pub(super) unsafe fn pop_front(&mut self) {
        let Some(front) = self.front else { return };
        // SAFETY: Q1, the caller holds the list.
        self.front = unsafe { part(front, |part| part.next) };
        match self.front {
            // SAFETY: Q1, it is in the list.
            Some(next) => unsafe { part(next, |part| part.previous = None) },
            None => self.back = None,
        }
    }

    /// Takes a node out.
    ///
    /// # Safety
    ///
    /// The caller holds the list.
    ///
    /// # Panics
    ///
    /// If the node is not where its links say: a mistake in this crate.
    pub(super) unsafe fn remove(&mut self, node: NonNull<Node<A>>) {
        // SAFETY: Q1, the caller holds the list.
        let (previous, next) = unsafe { part(node, |part| (part.previous, part.next)) };
        let here = Some(node);
        match previous {
            // SAFETY: Q1, it is in the list.
            Some(previous) => unsafe {
                part(previous, |part| {
                    assert!(part.next == here, "a node is where its links say");
                    part.next = next;
                });
            },
            None => {
                assert!(self.front == here, "a node is where its links say");
                self.front = next;
            }
        }
        match next {
            // SAFETY: Q1, it is in the list.
            Some(next) => unsafe { part(next, |part| part.previous = previous) },
            None => self.back = previous,
        }
    }
}
