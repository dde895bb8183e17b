//! Nodes that wait to be freed: the header every node carries, lists through it, and how a node ends.
//!
//! # Invariants
//!
//! - **N1** Every node is one allocation that begins with a [`Header`], so a pointer to the one is a pointer to the other.
//! - **N2** The header belongs to whoever owns the node (its [`Owned`](super::Owned), then the [`Retired`], then the list that
//!   holds it). Readers touch only the value, so a header may be written while the value is read, and no reference to a whole
//!   node is ever made.
//! - **N3** A node is in at most one list, and leaves it to be run exactly once. The table in its header is null until it is
//!   retired; retiring a node whose table is set is caught in builds with debug assertions.
//! - **N4** What a node runs is the user's and may panic or retire more: it runs with no list borrowed, and what a panic leaves in
//!   the list stays in the list. Without `std`, where no panic can be caught, it ends the process.

use alloc::boxed::Box;
use core::mem::{self, ManuallyDrop};
use core::ptr::{self, NonNull};

use turgo_machine::atomic::{AtomicPtr, AtomicUsize, Ordering};
use turgo_machine::mutant;

/// How a retired node ends, and how large it is.
#[derive(Debug)]
pub(crate) struct Table {
    run: unsafe fn(NonNull<Header>),
    bytes: usize,
}

/// What every node begins with (N1).
#[derive(Debug)]
pub(crate) struct Header {
    next: *mut Header,
    table: *const Table,
}

/// A value with its header.
#[repr(C)]
pub(crate) struct Node<T> {
    header: Header,
    /// In models: whether the node was freed.
    #[cfg(loom)]
    life: super::life::Life,
    value: T,
}

const _: () = assert!(core::mem::offset_of!(Node<u8>, header) == 0, "N1");

impl<T> Node<T> {
    const FREE: &'static Table = &Table { run: free::<T>, bytes: size_of::<Self>() };

    /// A node on the heap.
    pub(crate) fn boxed(value: T) -> Box<Self> {
        let header = Header { next: ptr::null_mut(), table: ptr::null() };
        Box::new(Self {
            header,
            #[cfg(loom)]
            life: super::life::Life::new(),
            value,
        })
    }

    /// The value of a node, without a reference to its header (N2).
    ///
    /// # Safety
    ///
    /// `node` points to a node that has not been freed.
    #[inline(always)]
    pub(crate) unsafe fn value(node: *mut Self) -> *mut T {
        #[cfg(loom)]
        // SAFETY: models never give the memory of a node back.
        unsafe { &(*node).life }.check();
        // SAFETY: the caller's pointer is to a live node, and this makes no reference.
        unsafe { &raw mut (*node).value }
    }

    /// Where the value lies behind the beginning of the node.
    pub(crate) const VALUE_AT: usize = core::mem::offset_of!(Self, value);

    /// Drops the value of a node in a model and keeps its memory, so that whoever looks at it later is found out.
    #[cfg(loom)]
    pub(crate) fn end(self: Box<Self>) {
        self.life.end();
        let node = Box::leak(self);
        // SAFETY: N3, it is run once, and never given back.
        unsafe { ptr::drop_in_place(&raw mut node.value) };
    }

    /// The value, out of its node.
    pub(crate) fn into_value(self) -> T {
        self.value
    }
}

/// Frees a node and drops its value.
unsafe fn free<T>(header: NonNull<Header>) {
    // SAFETY: N1 and N3, the node came from a box of this type and is run once.
    let node = unsafe { Box::from_raw(header.cast::<Node<T>>().as_ptr()) };
    #[cfg(loom)]
    node.end();
    #[cfg(not(loom))]
    drop(node);
}

/// Frees a node and calls the closure that was in it.
unsafe fn call<F: FnOnce()>(header: NonNull<Header>) {
    // SAFETY: N1 and N3, as in `free`; `Retired::call` made it.
    let node = unsafe { Box::from_raw(header.cast::<Node<ManuallyDrop<F>>>().as_ptr()) };
    ManuallyDrop::into_inner(node.into_value())();
}

/// A node that is nobody's any more and waits to be run. Dropping it leaks the node.
#[must_use = "a retired node that is dropped is leaked"]
#[derive(Debug)]
pub struct Retired(NonNull<Header>);

// SAFETY: whoever makes one promises that the node may be run on any thread (`Retired::from_node`); a closure is `Send`.
unsafe impl Send for Retired {}

impl Retired {
    /// Marks a node as retired.
    ///
    /// # Safety
    ///
    /// The node is nobody else's to free, and freeing it later on another thread is right for its value.
    pub(crate) unsafe fn from_node<T>(node: NonNull<Node<T>>) -> Self {
        let header = node.cast::<Header>();
        // SAFETY: N1 and N2, the header is the caller's.
        let before = unsafe { mem::replace(&mut (*header.as_ptr()).table, Node::<T>::FREE) };
        if mutant!("R4 retiring allocates") {
            core::mem::forget(core::hint::black_box(Box::new(0)));
        }
        if !mutant!("N3 double retire unseen") {
            debug_assert!(before.is_null(), "a node is retired twice");
        }
        Self(header)
    }

    /// A node that calls `f` when it is run.
    pub(crate) fn call<F: FnOnce() + Send + 'static>(f: F) -> Self {
        let mut node = Node::boxed(ManuallyDrop::new(f));
        node.header.table = Node::<F>::CALL;
        Self(NonNull::from(Box::leak(node)).cast())
    }

    /// The size of the allocation in bytes.
    pub(crate) fn bytes(&self) -> usize {
        // SAFETY: N2 and N3, the header is ours and its table was set when it was retired.
        unsafe { bytes(self.0) }
    }

    /// Ends the node.
    ///
    /// # Safety
    ///
    /// No reader can reach the node any more.
    pub(crate) unsafe fn run(self) {
        // SAFETY: N2, the header is ours.
        let table = unsafe { (*self.0.as_ptr()).table };
        // SAFETY: N3, the table was set when the node was retired and points to a constant.
        let run = unsafe { (*table).run };
        // SAFETY: the table fits the node, and the caller says that nobody reads it.
        unsafe { run(self.0) };
    }
}

impl<F: FnOnce()> Node<F> {
    const CALL: &'static Table = &Table { run: call::<F>, bytes: size_of::<Self>() };
}

/// The size of a retired node.
///
/// # Safety
///
/// The caller owns the header of a retired node.
unsafe fn bytes(header: NonNull<Header>) -> usize {
    // SAFETY: N2, the header is the caller's.
    let table = unsafe { (*header.as_ptr()).table };
    // SAFETY: N3, the table of a retired node points to a constant.
    unsafe { (*table).bytes }
}

/// Calls the user's `f`; false if it panicked. What was thrown is leaked, as dropping it could throw again. Without `std` no panic can be
/// caught, and unwinding would lose nodes and leave flags set for ever, so it ends the process: by a second panic.
pub(crate) fn caught(f: impl FnOnce()) -> bool {
    #[cfg(any(feature = "std", loom, shuttle))]
    return match std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)) {
        Ok(()) => true,
        Err(payload) => {
            mem::forget(payload);
            false
        }
    };
    #[cfg(not(any(feature = "std", loom, shuttle)))]
    {
        struct Ends;

        impl Drop for Ends {
            fn drop(&mut self) {
                panic!("a drop or a callback has panicked, which only the feature `std` survives");
            }
        }

        let ends = Ends;
        f();
        mem::forget(ends);
        true
    }
}

/// Retired nodes, last in first out, of one owner.
#[derive(Debug)]
pub(crate) struct List {
    head: *mut Header,
    tail: *mut Header,
    /// How many nodes.
    pub(crate) len: usize,
    /// The sum of their sizes.
    pub(crate) bytes: usize,
}

// SAFETY: a list owns its nodes, and a retired node may be run on any thread.
unsafe impl Send for List {}

impl Default for List {
    fn default() -> Self {
        Self::new()
    }
}

impl List {
    /// An empty list.
    pub(crate) const fn new() -> Self {
        Self { head: ptr::null_mut(), tail: ptr::null_mut(), len: 0, bytes: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_null()
    }

    /// Adds a node and says how large it is.
    #[inline]
    pub(crate) fn push(&mut self, node: Retired) -> usize {
        let (bytes, header) = (node.bytes(), node.0.as_ptr());
        // SAFETY: N2, the header comes with the node.
        unsafe { (*header).next = self.head };
        if self.head.is_null() {
            self.tail = header;
        }
        self.head = header;
        self.len += 1;
        self.bytes += bytes;
        bytes
    }

    /// Takes the node that came last.
    pub(crate) fn pop(&mut self) -> Option<Retired> {
        let header = NonNull::new(self.head)?;
        // SAFETY: N2, the list owns the headers of its nodes.
        self.head = unsafe { (*header.as_ptr()).next };
        if self.head.is_null() {
            self.tail = ptr::null_mut();
        }
        let node = Retired(header);
        self.len -= 1;
        self.bytes -= node.bytes();
        Some(node)
    }

    /// Moves all of `other` behind what is here.
    pub(crate) fn append(&mut self, other: &mut List) {
        let other = mem::take(other);
        if other.is_empty() {
            return;
        }
        if self.is_empty() {
            *self = other;
            return;
        }
        // SAFETY: N2, `tail` is a node of this list.
        unsafe { (*self.tail).next = other.head };
        self.tail = other.tail;
        self.len += other.len;
        self.bytes += other.bytes;
    }

    /// Splits the nodes into those for which `keep` is true, which stay, and the others, which it returns. `keep` gets a node's
    /// address.
    pub(crate) fn split(&mut self, mut keep: impl FnMut(usize) -> bool) -> List {
        let mut others = List::new();
        let mut all = mem::take(self);
        while let Some(node) = all.pop() {
            let list = if keep(node.0.addr().get()) { &mut *self } else { &mut others };
            list.push(node);
        }
        others
    }

    /// Takes the first `max` nodes.
    pub(crate) fn take(&mut self, max: usize) -> List {
        if max >= self.len {
            return mem::take(self);
        }
        let mut taken = List::new();
        while taken.len < max {
            let Some(node) = self.pop() else { break };
            taken.push(node);
        }
        taken
    }

    /// Runs every node and returns how many panicked; the others are run all the same (N4).
    ///
    /// # Safety
    ///
    /// No reader can reach any node of the list.
    pub(crate) unsafe fn run(&mut self) -> usize {
        let mut panics = 0;
        while !self.is_empty() {
            // SAFETY: the caller's promise is for all nodes.
            let run = || unsafe { self.run_until_panic() };
            if !caught(run) {
                panics += 1;
                if mutant!("N4 a panic loses the rest") {
                    mem::take(self);
                }
            }
        }
        panics
    }

    /// # Safety
    ///
    /// As for [`List::run`].
    unsafe fn run_until_panic(&mut self) {
        while let Some(node) = self.pop() {
            // SAFETY: the caller says that nobody reads the nodes.
            unsafe { node.run() };
        }
    }
}

/// Retired nodes that any thread may add to and that one takes all at once: a Treiber stack without `pop`, so it has no ABA.
/// Lock-free.
#[derive(Debug)]
pub(crate) struct SharedList {
    head: AtomicPtr<Header>,
    /// How many nodes were pushed and not yet taken; never less than are in the list.
    len: AtomicUsize,
}

impl SharedList {
    crate::fence::maybe_const! {
        pub(crate) fn new() -> Self {
            Self { head: AtomicPtr::new(ptr::null_mut()), len: AtomicUsize::new(0) }
        }
    }

    /// How many nodes there are, or are about to be.
    pub(crate) fn len(&self) -> usize {
        // Relaxed: a hint; the nodes are ordered by `head`.
        self.len.load(Ordering::Relaxed)
    }

    /// Adds a whole list.
    pub(crate) fn push(&self, list: &mut List) {
        let list = mem::take(list);
        if list.is_empty() {
            return;
        }
        // Relaxed: a hint.
        self.len.fetch_add(list.len, Ordering::Relaxed);
        // Relaxed: only compared; the nodes of others are not touched.
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: N2, the list is still ours.
            unsafe { (*list.tail).next = head };
            // Release: publishes headers, values and unlinking to the Acquire swap in `take`. Relaxed: only compared.
            let pushed = self.head.compare_exchange_weak(
                head,
                list.head,
                Ordering::Release,
                Ordering::Relaxed,
            );
            match pushed {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Takes everything.
    pub(crate) fn take(&self) -> List {
        // Relaxed: an empty list is left alone; whoever must see a push is ordered after it by other means.
        if self.head.load(Ordering::Relaxed).is_null() {
            return List::new();
        }
        // Acquire: sees what the Release in `push` published, through the later pushes, too, which are read-modify-writes.
        let head = self.head.swap(ptr::null_mut(), Ordering::Acquire);
        let mut list = List { head, tail: head, len: 0, bytes: 0 };
        let mut at = head;
        while let Some(header) = NonNull::new(at) {
            list.tail = at;
            list.len += 1;
            // SAFETY: N2, the swap made the nodes ours.
            list.bytes += unsafe { bytes(header) };
            // SAFETY: as above.
            at = unsafe { (*at).next };
        }
        // Relaxed: a hint.
        self.len.fetch_sub(list.len, Ordering::Relaxed);
        list
    }
}
