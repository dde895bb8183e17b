//! Pointers to shared nodes: [`Atomic`] in a structure, [`Owned`] before a node is shared, [`Shared`] while a reader uses it.
//!
//! All three keep a *tag* in the bits of the address that alignment leaves free (three at least).
//!
//! # Invariants
//!
//! - **P1** An [`Owned`] is the only pointer to its node; where it was unlinked a moment ago and readers are still at it, whoever made it an
//!   `Owned` does nothing but look at it and retire it.
//! - **P2** A [`Shared`] is a copy of what was in an [`Atomic`] and promises nothing by itself: only dereferencing is unsafe,
//!   and whoever dereferences says what protects the node.
//! - **P3** A tag never leaves the low bits: every dereference masks it off, every write of a tag keeps the address.
//!
//! # Pointers to what was there before
//!
//! Exchanges compare addresses. A push reads the first node of a list without protecting it, stores it as its own node's `next` and exchanges it for that
//! node. Where the first node was freed in between, and a new one at the same address is the first by now, the exchange succeeds, as it should; by
//! the letter of the rules of provenance `next` is a pointer to the former node all the same. Every list of this kind has that flaw, in C++ as well
//! ("pointer lifetime-end zap", P1726); to protect the first node in every push would cost a fence. No compiler makes use of it for a
//! pointer that went through an atomic. Where a pointer is dereferenced after an exchange by the thread that made it, it is the one that the exchange or a
//! validation found.

use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::ptr::{self, NonNull};

use turgo_machine::atomic::{AtomicPtr, Ordering};
use turgo_machine::mutant;

use super::retired::{Node, Retired};

/// The bits of a pointer to a node that are free for a tag.
const fn tag_mask<T>() -> usize {
    align_of::<Node<T>>() - 1
}

/// The address without its tag.
#[inline(always)]
fn untagged<T>(raw: *mut Node<T>) -> *mut Node<T> {
    let mask = if mutant!("P3 tag left in the address") { 0 } else { tag_mask::<T>() };
    raw.map_addr(|address| address & !mask)
}

/// The same address with another tag (P3).
#[inline(always)]
fn tagged<T>(raw: *mut Node<T>, tag: usize) -> *mut Node<T> {
    raw.map_addr(|address| (address & !tag_mask::<T>()) | (tag & tag_mask::<T>()))
}

/// A node that nobody else knows, as a `Box` that can be shared later.
///
/// The node carries two words more than its value, so that retiring it never allocates.
///
/// ```
/// use turgo_lockfree::Owned;
/// let mut node = Owned::new(5);
/// *node += 1;
/// assert_eq!(node.into_inner(), 6);
/// ```
pub struct Owned<T> {
    raw: NonNull<Node<T>>,
    marker: PhantomData<Box<T>>,
}

// SAFETY: P1, it owns its value as a `Box` does.
unsafe impl<T: Send> Send for Owned<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Owned<T> {}

impl<T> Owned<T> {
    /// Allocates a node.
    #[inline]
    #[must_use]
    pub fn new(value: T) -> Self {
        Self { raw: NonNull::from(Box::leak(Node::boxed(value))), marker: PhantomData }
    }

    /// The value, out of its node.
    #[must_use]
    pub fn into_inner(self) -> T {
        let raw = untagged(self.into_raw());
        // SAFETY: P1 and P3, the node came from a box and is ours.
        unsafe { Box::from_raw(raw) }.into_value()
    }

    /// Gives the node up as a pointer that the caller has to free or share.
    #[must_use]
    pub fn into_shared<'a>(self) -> Shared<'a, T> {
        Shared::from_raw(self.into_raw())
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> usize {
        self.raw.addr().get() & tag_mask::<T>()
    }

    /// The same node with another tag.
    #[must_use]
    pub fn with_tag(self, tag: usize) -> Self {
        // SAFETY: P1, this owner gives the node up and the new one takes it.
        unsafe { Self::from_raw(tagged(self.into_raw(), tag)) }
    }

    /// Marks the node as retired.
    ///
    /// # Safety
    ///
    /// As for [`Reclaim::retire_unchecked`](super::Reclaim::retire_unchecked).
    pub(crate) unsafe fn into_retired(self) -> Retired {
        let raw = untagged(self.into_raw());
        // SAFETY: P1, an owned node is never null.
        let node = unsafe { NonNull::new_unchecked(raw) };
        // SAFETY: P1; the rest is the caller's promise.
        unsafe { Retired::from_node(node) }
    }

    fn into_raw(self) -> *mut Node<T> {
        let raw = self.raw.as_ptr();
        core::mem::forget(self);
        raw
    }

    /// # Safety
    ///
    /// `raw` is a node, tagged or not, that nobody else owns.
    unsafe fn from_raw(raw: *mut Node<T>) -> Self {
        debug_assert!(!untagged(raw).is_null(), "an owned pointer is never null");
        // SAFETY: a node is never null.
        Self { raw: unsafe { NonNull::new_unchecked(raw) }, marker: PhantomData }
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        let raw = untagged(self.raw.as_ptr());
        // SAFETY: P1 and P3, the node came from a box and is ours.
        let node = unsafe { Box::from_raw(raw) };
        #[cfg(loom)]
        node.end();
        #[cfg(not(loom))]
        drop(node);
    }
}

impl<T> Deref for Owned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: P1, the node lives as long as its owner.
        let value = unsafe { Node::value(untagged(self.raw.as_ptr())) };
        // SAFETY: P1, nobody writes to it while the owner is borrowed.
        unsafe { &*value }
    }
}

impl<T> DerefMut for Owned<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: P1, the node lives as long as its owner.
        let value = unsafe { Node::value(untagged(self.raw.as_ptr())) };
        // SAFETY: P1, nobody else knows it.
        unsafe { &mut *value }
    }
}

impl<T: fmt::Debug> fmt::Debug for Owned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Owned").field(&**self).finish()
    }
}

/// A pointer that was read from an [`Atomic`], with its tag; it may be null.
///
/// `'a` is how long a [`Shield`](super::Shield) or a guard keeps the node from being freed, where one does (P2).
pub struct Shared<'a, T> {
    raw: *mut Node<T>,
    marker: PhantomData<&'a T>,
}

impl<T> Clone for Shared<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<'_, T> {}

impl<T> PartialEq for Shared<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.raw, other.raw)
    }
}

impl<T> Eq for Shared<'_, T> {}

impl<T> Default for Shared<'_, T> {
    fn default() -> Self {
        Self::null()
    }
}

impl<T> fmt::Debug for Shared<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shared({:p}, tag {})", untagged(self.raw), self.tag())
    }
}

impl<'a, T> Shared<'a, T> {
    /// No node.
    #[must_use]
    pub const fn null() -> Self {
        Self { raw: ptr::null_mut(), marker: PhantomData }
    }

    pub(crate) fn from_raw(raw: *mut Node<T>) -> Self {
        Self { raw, marker: PhantomData }
    }

    /// The node with its tag.
    pub(crate) fn raw(self) -> *mut Node<T> {
        self.raw
    }

    /// Whether there is no node, whatever the tag.
    #[inline]
    #[must_use]
    pub fn is_null(self) -> bool {
        untagged(self.raw).is_null()
    }

    /// The tag.
    #[inline]
    #[must_use]
    pub fn tag(self) -> usize {
        self.raw.addr() & tag_mask::<T>()
    }

    /// The same node with another tag; bits of `tag` that do not fit are dropped.
    #[inline]
    #[must_use]
    pub fn with_tag(self, tag: usize) -> Self {
        Self::from_raw(tagged(self.raw, tag))
    }

    /// Whether both point to the same node, whatever their tags.
    #[must_use]
    pub fn same_node(self, other: Shared<'_, T>) -> bool {
        ptr::eq(untagged(self.raw), untagged(other.raw))
    }

    /// The value, or `None` where there is no node.
    ///
    /// # Safety
    ///
    /// For all of `'a` something keeps the node from being freed: the [`Shield`](super::Shield) it was read with, a guard of an RCU domain
    /// that was entered before it was read, or the caller owns it. Nobody writes to the value meanwhile.
    #[inline]
    #[must_use]
    pub unsafe fn as_ref(self) -> Option<&'a T> {
        if self.is_null() {
            return None;
        }
        // SAFETY: the caller says that the node is protected.
        Some(unsafe { self.deref() })
    }

    /// The value.
    ///
    /// # Safety
    ///
    /// As for [`Shared::as_ref`], and there is a node.
    #[inline]
    #[must_use]
    pub unsafe fn deref(self) -> &'a T {
        // SAFETY: the caller says that the node is live; P3.
        let value = unsafe { Node::value(untagged(self.raw)) };
        // SAFETY: the caller says that the node stays live for `'a` and is not written to.
        unsafe { &*value }
    }

    /// A pointer to the value: to read or move it out where the caller owns it. Null where there is no node.
    #[must_use]
    pub fn as_ptr(self) -> *mut T {
        if self.is_null() {
            return ptr::null_mut();
        }
        untagged(self.raw).wrapping_byte_add(Node::<T>::VALUE_AT).cast()
    }

    /// The same pointer for another lifetime, such as that of the shield that protects it by now.
    ///
    /// # Safety
    ///
    /// What [`Shared::as_ref`] asks for holds for `'b`, or the pointer is not dereferenced.
    #[must_use]
    pub unsafe fn rebind<'b>(self) -> Shared<'b, T> {
        Shared::from_raw(self.raw)
    }

    /// Takes the node as one's own; the tag stays.
    ///
    /// # Safety
    ///
    /// There is a node, and nobody else owns it. While a reader may still be at it, it is looked at and retired only: not written to, dropped or
    /// moved out of.
    #[must_use]
    pub unsafe fn into_owned(self) -> Owned<T> {
        // SAFETY: the caller's promise.
        unsafe { Owned::from_raw(self.raw) }
    }
}

impl<T> From<Owned<T>> for Shared<'_, T> {
    fn from(owned: Owned<T>) -> Self {
        owned.into_shared()
    }
}

/// What can be put into an [`Atomic`]: [`Owned`] or [`Shared`].
pub trait Pointer<T>: sealed::Pointer<T> {}

impl<T> Pointer<T> for Owned<T> {}
impl<T> Pointer<T> for Shared<'_, T> {}

mod sealed {
    use super::{Owned, Shared};

    #[expect(unnameable_types, reason = "sealed: nobody outside can name or implement it")]
    pub trait Pointer<T>: Sized {
        fn into_word(self) -> *mut ();
        /// # Safety
        ///
        /// `word` came from `into_word` of the same type and was not used.
        unsafe fn from_word(word: *mut ()) -> Self;
    }

    impl<T> Pointer<T> for Owned<T> {
        #[inline(always)]
        fn into_word(self) -> *mut () {
            self.into_raw().cast()
        }

        #[inline(always)]
        unsafe fn from_word(word: *mut ()) -> Self {
            // SAFETY: the caller gives back what it took (P1).
            unsafe { Owned::from_raw(word.cast()) }
        }
    }

    impl<T> Pointer<T> for Shared<'_, T> {
        #[inline(always)]
        fn into_word(self) -> *mut () {
            self.raw.cast()
        }

        #[inline(always)]
        unsafe fn from_word(word: *mut ()) -> Self {
            Shared::from_raw(word.cast())
        }
    }
}

/// Why [`Atomic::compare_exchange`] changed nothing.
#[derive(Debug)]
pub struct CompareExchangeError<'a, T, P> {
    /// What the atomic held.
    pub current: Shared<'a, T>,
    /// What was to be stored.
    pub new: P,
}

/// A pointer to a node that threads share, with a tag. Every operation is wait-free, [`Atomic::fetch_or`] lock-free.
///
/// Dropping an atomic does not free its node: whoever owns the structure does, with [`Atomic::take`].
pub struct Atomic<T> {
    raw: AtomicPtr<Node<T>>,
}

// SAFETY: it hands the value to other threads by reference and, once it is retired, as a whole.
unsafe impl<T: Send + Sync> Send for Atomic<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Atomic<T> {}

impl<T> Default for Atomic<T> {
    fn default() -> Self {
        Self::null()
    }
}

impl<T> fmt::Debug for Atomic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: only printed.
        fmt::Debug::fmt(&self.load(Ordering::Relaxed), f)
    }
}

impl<T> From<Owned<T>> for Atomic<T> {
    fn from(owned: Owned<T>) -> Self {
        Self { raw: AtomicPtr::new(owned.into_raw()) }
    }
}

impl<T> Atomic<T> {
    crate::fence::maybe_const! {
        /// No node.
        #[must_use]
        pub fn null() -> Self {
            Self { raw: AtomicPtr::new(ptr::null_mut()) }
        }
    }

    /// A pointer to a new node.
    #[must_use]
    pub fn new(value: T) -> Self {
        Owned::new(value).into()
    }

    /// What is stored. Nothing protects the node but what the caller brings along: compare it, look at its tag, or dereference it inside a
    /// read section of an RCU domain.
    #[inline]
    #[must_use]
    pub fn load<'a>(&self, order: Ordering) -> Shared<'a, T> {
        Shared::from_raw(self.raw.load(order))
    }

    /// Stores `new`. What was there is forgotten, not freed.
    #[inline]
    pub fn store<P: Pointer<T>>(&self, new: P, order: Ordering) {
        self.raw.store(new.into_word().cast(), order);
    }

    /// Stores `new` and returns what was there.
    #[inline]
    pub fn swap<'a, P: Pointer<T>>(&self, new: P, order: Ordering) -> Shared<'a, T> {
        Shared::from_raw(self.raw.swap(new.into_word().cast(), order))
    }

    /// Stores `new` where `current` is stored, tag included, and returns what is stored then.
    ///
    /// # Errors
    ///
    /// What was stored instead, and `new`.
    #[inline]
    pub fn compare_exchange<'a, P: Pointer<T>>(
        &self,
        current: Shared<'_, T>,
        new: P,
        success: Ordering,
        failure: Ordering,
    ) -> Result<Shared<'a, T>, CompareExchangeError<'a, T, P>> {
        let new = new.into_word().cast();
        match self.raw.compare_exchange(current.raw, new, success, failure) {
            Ok(_) => Ok(Shared::from_raw(new)),
            Err(now) => Err(refused(now, new)),
        }
    }

    /// Stores `new` where `current` is stored and returns what was there. Where `current` was freed since it was read, and its memory is another node by
    /// now, only what this returns is a pointer to that node.
    pub(crate) fn exchange_for<'a>(
        &self,
        current: Shared<'_, T>,
        new: Shared<'_, T>,
        success: Ordering,
        failure: Ordering,
    ) -> Option<Shared<'a, T>> {
        self.raw.compare_exchange(current.raw, new.raw, success, failure).ok().map(Shared::from_raw)
    }

    /// As [`Atomic::compare_exchange`], but may fail where it need not: for loops.
    ///
    /// # Errors
    ///
    /// What was stored, and `new`.
    #[inline]
    pub fn compare_exchange_weak<'a, P: Pointer<T>>(
        &self,
        current: Shared<'_, T>,
        new: P,
        success: Ordering,
        failure: Ordering,
    ) -> Result<Shared<'a, T>, CompareExchangeError<'a, T, P>> {
        let new = new.into_word().cast();
        match self.raw.compare_exchange_weak(current.raw, new, success, failure) {
            Ok(_) => Ok(Shared::from_raw(new)),
            Err(now) => Err(refused(now, new)),
        }
    }

    /// Sets bits of the tag and returns what was there before. `success` orders the write and `failure` the reads before it.
    pub fn fetch_or<'a>(&self, tag: usize, success: Ordering, failure: Ordering) -> Shared<'a, T> {
        let mut now = self.load(failure);
        loop {
            match self.compare_exchange_weak(now, now.with_tag(now.tag() | tag), success, failure) {
                Ok(_) => return now,
                Err(error) => now = error.current,
            }
        }
    }

    /// Takes the node out of a structure that nobody else uses any more.
    ///
    /// # Safety
    ///
    /// This atomic is the last pointer to its node: no other atomic holds it, it is not retired, and no reader can reach it.
    pub unsafe fn take(&mut self) -> Option<Owned<T>> {
        // Relaxed: `&mut` means that nobody else uses it.
        let raw = self.raw.swap(ptr::null_mut(), Ordering::Relaxed);
        if untagged(raw).is_null() {
            return None;
        }
        // SAFETY: the caller's promise makes it ours (P1).
        Some(unsafe { Owned::from_raw(raw) })
    }
}

/// The error of an exchange that stored nothing.
fn refused<'a, T, P: Pointer<T>>(
    now: *mut Node<T>,
    new: *mut Node<T>,
) -> CompareExchangeError<'a, T, P> {
    // SAFETY: `new` came from `into_word` of this very type and was not stored.
    let new = unsafe { P::from_word(new.cast()) };
    CompareExchangeError { current: Shared::from_raw(now), new }
}
