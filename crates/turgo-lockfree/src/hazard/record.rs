//! A thread's slots and the list of what it retired.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ptr;

use turgo_machine::CachePadded;
use turgo_machine::atomic::{AtomicPtr, Ordering};
use turgo_machine::cell::UnsafeCell;
use turgo_machine::mutant;

use crate::reclaim::{Header, List, Retired};
use crate::registry::Tally;

/// Slots of one block. Few in models, where each is one more place to switch threads.
pub(super) const SLOTS: usize = if cfg!(loom) { 2 } else { 8 };

/// Eight slots on a cache line of their own, and which of them are in use, which only the owner knows.
pub(super) struct Block {
    slots: CachePadded<[AtomicPtr<Header>; SLOTS]>,
    /// G2: opened by the owner of the record only. A byte for each slot and not a mask: looking for a free one depends on branches, which are
    /// predicted, and not on the value that the last reader wrote.
    used: CachePadded<UnsafeCell<[bool; SLOTS]>>,
    next: AtomicPtr<Block>,
}

impl Block {
    fn new() -> Self {
        Self {
            slots: CachePadded::new(core::array::from_fn(|_| AtomicPtr::new(ptr::null_mut()))),
            used: CachePadded::new(UnsafeCell::new([false; SLOTS])),
            next: AtomicPtr::new(ptr::null_mut()),
        }
    }

    #[inline(always)]
    pub(super) fn slot(&self, index: usize) -> &AtomicPtr<Header> {
        // The remainder is the index itself, and spares the fast path a check that could fail.
        &self.slots[index % SLOTS]
    }

    #[inline(always)]
    fn used<R>(&self, change: impl FnOnce(&mut [bool; SLOTS]) -> R) -> R {
        // SAFETY: G2, the owner calls; `change` runs nothing of the user's.
        self.used.with_mut(|used| change(unsafe { &mut *used }))
    }

    /// The owner takes a free slot.
    #[inline(always)]
    fn take(&self) -> Option<usize> {
        self.used(|used| {
            for (index, used) in used.iter_mut().enumerate() {
                if !*used {
                    *used = !mutant!("H6 slot handed out twice");
                    return Some(index);
                }
            }
            None
        })
    }

    /// The owner returns a slot.
    #[inline(always)]
    pub(super) fn put(&self, index: usize) {
        self.used(|used| {
            debug_assert!(used[index], "a slot is returned twice");
            used[index % SLOTS] = false;
        });
    }

    /// The next block of the record.
    fn next(&self) -> Option<&Block> {
        // Acquire: pairs with the Release in `HazardRecord::take_extra`; sees an initialised block.
        let next = self.next.load(Ordering::Acquire);
        // SAFETY: blocks are freed with their record.
        unsafe { next.as_ref() }
    }
}

/// What only the owner touches.
#[derive(Default)]
struct Owner {
    retired: List,
    /// How many nodes make a scan worthwhile; 0 before the first look.
    limit: usize,
    /// How many bytes make a scan worthwhile.
    bytes_limit: usize,
    /// Addresses a scan found, kept for the next one's use.
    seen: Vec<usize>,
    /// H5: drops are being run.
    reclaiming: bool,
}

impl Owner {
    fn is_due(&self) -> bool {
        self.retired.len >= self.limit || self.retired.bytes >= self.bytes_limit
    }
}

/// A thread's part of a domain of hazard pointers.
pub(super) struct HazardRecord {
    first: Block,
    /// G2: the thread has no place for the record, which goes back to the registry with its last slot (H6).
    leaving: UnsafeCell<bool>,
    owner: CachePadded<UnsafeCell<Owner>>,
    pub(super) tally: Tally,
}

// SAFETY: G2, the cells are opened by the owner only, and owners follow each other (G3). Lists hold retired nodes, which are `Send`.
unsafe impl Send for HazardRecord {}
// SAFETY: as above; the rest is atomics.
unsafe impl Sync for HazardRecord {}

impl HazardRecord {
    pub(super) fn new() -> Self {
        Self {
            first: Block::new(),
            leaving: UnsafeCell::new(false),
            owner: CachePadded::new(UnsafeCell::new(Owner::default())),
            tally: Tally::default(),
        }
    }

    /// Its blocks, for the owner and for a scan.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Block> {
        core::iter::successors(Some(&self.first), |block| block.next())
    }

    /// The owner takes a free slot; `grown` is called where that needs a new block.
    #[inline(always)]
    pub(super) fn take_slot(&self, grown: impl FnOnce()) -> (&Block, usize) {
        match self.first.take() {
            Some(index) => (&self.first, index),
            None => self.take_extra(grown),
        }
    }

    #[cold]
    fn take_extra(&self, grown: impl FnOnce()) -> (&Block, usize) {
        let mut last = &self.first;
        while let Some(block) = last.next() {
            if let Some(index) = block.take() {
                return (block, index);
            }
            last = block;
        }
        grown();
        let new = Box::into_raw(Box::new(Block::new()));
        // SAFETY: it was made just now and is freed with the record.
        let block = unsafe { &*new };
        let index = block.take().expect("a new block has free slots");
        // Release: publishes the block to the Acquire load in `Block::next`.
        last.next.store(new, Ordering::Release);
        (block, index)
    }

    /// Whether the owner uses no slot; otherwise the last one that is returned gives the record back (H6).
    pub(super) fn is_unused_or_leaves(&self) -> bool {
        let unused = self.blocks().all(|block| block.used(|used| !used.contains(&true)));
        self.set_leaving(!unused);
        unused
    }

    /// Says whether the record goes back to the registry with its last slot.
    pub(super) fn set_leaving(&self, is: bool) {
        // SAFETY: G2, the owner calls.
        self.leaving.with_mut(|leaving| unsafe { *leaving = is });
    }

    /// Whether the record goes back to the registry with its last slot.
    #[inline(always)]
    pub(super) fn is_leaving(&self) -> bool {
        // SAFETY: G2, the owner calls.
        self.leaving.with(|leaving| unsafe { *leaving })
    }

    /// Forgets everything, in the child of a fork where the owner is gone. What it had retired is leaked: it may have been at it.
    ///
    /// # Safety
    ///
    /// There is one thread, and the record is not its own.
    pub(super) unsafe fn reset(&self) {
        for block in self.blocks() {
            for slot in block.slots.iter() {
                // Relaxed: there is one thread.
                slot.store(ptr::null_mut(), Ordering::Relaxed);
            }
            block.used(|used| *used = [false; SLOTS]);
        }
        self.set_leaving(false);
        // A list that is dropped leaks its nodes, and the addresses may have been on the move.
        self.owner(|owner| {
            core::mem::forget(core::mem::take(&mut owner.seen));
            *owner = Owner::default();
        });
    }

    fn owner<R>(&self, change: impl FnOnce(&mut Owner) -> R) -> R {
        // SAFETY: G2, the owner calls; `change` runs nothing of the user's, so it does not get here again.
        self.owner.with_mut(|owner| change(unsafe { &mut *owner }))
    }

    /// Queues a node; true where a scan is due.
    #[inline]
    pub(super) fn push(&self, node: Retired) -> bool {
        self.owner(|owner| {
            let bytes = owner.retired.push(node);
            self.tally.retire(bytes);
            owner.is_due() && (!owner.reclaiming || mutant!("H5 drops run inside of drops"))
        })
    }

    /// Whether a scan is due, by limits that may have grown.
    pub(super) fn is_due(&self, limit: usize, bytes_max: usize) -> bool {
        self.owner(|owner| {
            if owner.limit == 0 {
                owner.bytes_limit = bytes_max;
            }
            owner.limit = limit;
            owner.is_due()
        })
    }

    /// Queues what a scan could not free; true where drops have retired so much meanwhile that the next scan is due.
    pub(super) fn put_back(
        &self,
        kept: &mut List,
        seen: Vec<usize>,
        limit: usize,
        bytes_max: usize,
    ) -> bool {
        self.owner(|owner| {
            owner.limit = limit;
            // What is protected now cannot make a scan due by its size alone.
            owner.bytes_limit = kept.bytes.saturating_add(bytes_max);
            owner.retired.append(kept);
            owner.seen = seen;
            owner.is_due()
        })
    }

    /// What was queued.
    pub(super) fn take_retired(&self) -> List {
        self.owner(|owner| core::mem::take(&mut owner.retired))
    }

    /// The space for addresses.
    pub(super) fn take_seen(&self) -> Vec<usize> {
        self.owner(|owner| core::mem::take(&mut owner.seen))
    }

    /// Gives the space back.
    pub(super) fn give_seen(&self, seen: Vec<usize>) {
        self.owner(|owner| owner.seen = seen);
    }

    /// Begins to run drops; false where that goes on already (H5).
    pub(super) fn begin(&self) -> bool {
        let began = self.owner(|owner| !core::mem::replace(&mut owner.reclaiming, true));
        began || mutant!("H5 drops run inside of drops")
    }

    /// No drops run any more.
    pub(super) fn end(&self) {
        self.owner(|owner| owner.reclaiming = false);
    }
}

impl Drop for HazardRecord {
    fn drop(&mut self) {
        // Relaxed: `&mut` means that nobody else uses it.
        let mut next = self.first.next.load(Ordering::Relaxed);
        while !next.is_null() {
            // SAFETY: blocks come from boxes, and nobody uses the domain any more.
            let block = unsafe { Box::from_raw(next) };
            // Relaxed: as above.
            next = block.next.load(Ordering::Relaxed);
        }
    }
}
