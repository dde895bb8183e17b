//! A place for a closure, or for a pointer to a long-lived task.

use std::mem::{MaybeUninit, align_of, size_of};

use turgo_machine::atomic::{AtomicU32, Ordering};
use turgo_machine::cell::UnsafeCell;

use crate::pool::Worker;

/// Bytes of a slot that a closure can have.
pub(crate) const PAYLOAD: usize = 48;

/// In place of a link: a long-lived task has the slot. No number is as large.
const TASK: u32 = u32::MAX - 1;

/// What runs a slot: it gets the slot's number, and frees it unless the task stays.
pub(crate) type Call = unsafe fn(&Slot, u32, &Worker);

/// One cache line: what to call, on what, who owns the slot and what follows it in a list of free ones.
#[repr(C)]
#[cfg_attr(not(turgo_without = "alignment"), repr(align(64)))]
pub(crate) struct Slot {
    call: UnsafeCell<Option<Call>>,
    payload: UnsafeCell<MaybeUninit<[u64; PAYLOAD / 8]>>,
    /// The next of a list or chain, while the slot is free.
    next: AtomicU32,
    /// The worker that takes it; the number of workers for threads outside.
    owner: u32,
}

#[cfg(not(any(loom, shuttle)))]
const _: () = assert!(size_of::<Slot>() == 64, "one line");

impl Slot {
    pub(super) fn new(owner: u32, next: u32) -> Self {
        Self {
            call: UnsafeCell::new(None),
            payload: UnsafeCell::new(MaybeUninit::uninit()),
            next: AtomicU32::new(next),
            owner,
        }
    }

    #[inline(always)]
    pub(super) fn owner(&self) -> u32 {
        self.owner
    }

    #[inline(always)]
    pub(super) fn next(&self) -> u32 {
        // Relaxed: lists and chains are published as a whole (N4).
        self.next.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(super) fn set_next(&self, next: u32) {
        // Relaxed: as above.
        self.next.store(next, Ordering::Relaxed);
    }

    /// A long-lived task has the slot; until it is freed.
    pub(crate) fn mark_task(&self) {
        self.set_next(TASK);
    }

    /// Whether a long-lived task has it, for whoever has the arena for itself.
    pub(crate) fn is_task(&self) -> bool {
        self.next() == TASK
    }

    /// Whether a value of this type goes into the slot as it is.
    pub(crate) const fn fits<T>() -> bool {
        size_of::<T>() <= PAYLOAD && align_of::<T>() <= 8
    }

    /// Fills the slot.
    ///
    /// # Safety
    ///
    /// The slot is the caller's (N1), `T` [fits](Self::fits), and `call` reads a `T`.
    #[inline(always)]
    pub(crate) unsafe fn fill<T>(&self, call: Call, value: T) {
        debug_assert!(Self::fits::<T>(), "a payload that fits");
        self.payload.with_mut(|payload| {
            // SAFETY: N1, nobody else touches it; it fits.
            unsafe { payload.cast::<T>().write(value) }
        });
        self.call.with_mut(|place| {
            // SAFETY: N1, nobody else touches it.
            unsafe { *place = Some(call) }
        });
    }

    /// What to call.
    ///
    /// # Safety
    ///
    /// The slot was filled and is the caller's to read (N1).
    #[inline(always)]
    pub(crate) unsafe fn call(&self) -> Call {
        self.call.with(|call| {
            // SAFETY: N1, nobody writes meanwhile.
            let call = unsafe { *call };
            call.expect("a number is queued after its slot was filled")
        })
    }

    /// Forgets what to call: at the end of a long-lived task.
    ///
    /// # Safety
    ///
    /// The slot is the caller's (N1).
    pub(crate) unsafe fn clear(&self) {
        self.call.with_mut(|call| {
            // SAFETY: N1.
            unsafe { *call = None }
        });
    }

    /// A copy of the payload; it is read once, or what it holds is.
    ///
    /// # Safety
    ///
    /// The slot holds a `T` and is the caller's to read (N1).
    #[inline(always)]
    pub(crate) unsafe fn read<T>(&self) -> T {
        self.payload.with(|payload| {
            // SAFETY: N1, and a `T` was written there.
            unsafe { payload.cast::<T>().read() }
        })
    }
}
