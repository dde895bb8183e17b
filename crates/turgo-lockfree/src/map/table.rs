//! The slots through which buckets are entered, in segments that double: growing moves nothing.

use alloc::boxed::Box;
use core::ptr;

use turgo_machine::CachePadded;
use turgo_machine::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use super::list::Entry;
use super::order::Order;
use crate::reclaim::{Atomic, Node, Shared};

/// Segments at the most: more would not fit into an address space.
#[cfg(not(loom))]
const SEGMENTS: usize = 48;
#[cfg(loom)]
const SEGMENTS: usize = 3;

/// The place in the list where a bucket begins. It is a link like that of an entry, so it is never unlinked (M4).
///
/// The two lowest bits of its word say how far it is: nobody's, claimed by one thread, in the list. The rest is its order.
pub(super) struct Slot<K, V> {
    word: AtomicU64,
    pub(super) next: Atomic<Entry<K, V>>,
    /// A pointer to a slot passes for one to an entry, and has its tag where the latter has it.
    _aligned: [Node<Entry<K, V>>; 0],
}

const CLAIMED: u64 = 1;
const LINKED: u64 = 2;
const STATES: u64 = 3;

impl<K, V> Slot<K, V> {
    fn new() -> Self {
        Self { word: AtomicU64::new(0), next: Atomic::null(), _aligned: [] }
    }

    /// Where it stands in the list, once it is claimed.
    #[inline(always)]
    pub(super) fn order(&self) -> Order {
        // Relaxed: whoever came here through the list is ordered behind the claim by the link (M1).
        Order::from_word(self.word.load(Ordering::Relaxed) & !STATES)
    }

    /// Whether it is in the list, so that operations may begin here (M5).
    #[inline(always)]
    pub(super) fn is_linked(&self) -> bool {
        // Acquire: M5, pairs with the Release in `set_linked`.
        self.word.load(Ordering::Acquire) & STATES == LINKED
    }

    /// Makes the calling thread the one that links the slot; false where another one is.
    pub(super) fn claim(&self, order: Order) -> bool {
        let word = order.word() | CLAIMED;
        // Relaxed: the order is published with the link.
        self.word.compare_exchange(0, word, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// The slot is in the list.
    pub(super) fn set_linked(&self, order: Order) {
        // Release: M5, pairs with the Acquire in `is_linked`.
        self.word.store(order.word() | LINKED, Ordering::Release);
    }

    /// A pointer for the list.
    pub(super) fn link(&self) -> Shared<'_, Entry<K, V>> {
        Shared::from_raw(ptr::from_ref(self).cast_mut().cast()).with_tag(super::list::SLOT)
    }
}

/// Slots by bucket.
pub(super) struct Table<K, V> {
    /// How many buckets are in use; a power of two.
    buckets: CachePadded<AtomicUsize>,
    /// The first has `1 << first_bits` slots, the second as many, each further one twice as many as the one before.
    segments: [AtomicPtr<Slot<K, V>>; SEGMENTS],
    first_bits: u32,
}

impl<K, V> Table<K, V> {
    /// A table with that many buckets, rounded up to a power of two. The slot of bucket 0 is linked: the list begins with it.
    ///
    /// # Panics
    ///
    /// Where the buckets would not fit into memory.
    pub(super) fn new(buckets: usize) -> Self {
        let fits = buckets <= isize::MAX.cast_unsigned() / size_of::<Slot<K, V>>();
        assert!(fits, "a map larger than memory");
        let buckets = buckets.max(1).next_power_of_two();
        let segments = core::array::from_fn(|_| AtomicPtr::new(ptr::null_mut()));
        let first_bits = buckets.trailing_zeros();
        let table =
            Self { buckets: CachePadded::new(AtomicUsize::new(buckets)), segments, first_bits };
        table.slot(0).set_linked(Order::of_slot(0));
        table
    }

    pub(super) fn buckets(&self) -> usize {
        // Relaxed: every number that ever was is right, only slower (M5).
        self.buckets.load(Ordering::Relaxed)
    }

    /// Doubles the number of buckets if it is still `buckets`.
    pub(super) fn grow(&self, buckets: usize) {
        let (segment, _) = self.place(buckets);
        if segment < SEGMENTS {
            // Relaxed: as in `buckets`.
            _ = self.buckets.compare_exchange(
                buckets,
                buckets * 2,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
    }

    /// The segment of a bucket, and where in it its slot is.
    #[inline(always)]
    fn place(&self, bucket: usize) -> (usize, usize) {
        let multiple = bucket >> self.first_bits;
        let segment = (usize::BITS - multiple.leading_zeros()) as usize;
        match segment {
            0 => (0, bucket),
            _ => (segment, bucket - (1 << (self.first_bits as usize + segment - 1))),
        }
    }

    /// How many slots a segment has.
    fn len(&self, segment: usize) -> usize {
        1 << (self.first_bits as usize + segment.saturating_sub(1))
    }

    /// The slot of a bucket.
    #[inline(always)]
    pub(super) fn slot(&self, bucket: usize) -> &Slot<K, V> {
        let (segment, index) = self.place(bucket);
        // Acquire: pairs with the Release in `make`.
        let mut slots = self.segments[segment].load(Ordering::Acquire);
        if slots.is_null() {
            slots = self.make(segment);
        }
        // SAFETY: `index` is below the segment's length, see `place`.
        let slot = unsafe { slots.add(index) };
        // SAFETY: M4, a segment lives as long as the table.
        unsafe { &*slot }
    }

    #[cold]
    fn make(&self, segment: usize) -> *mut Slot<K, V> {
        let slots: Box<[Slot<K, V>]> = (0..self.len(segment)).map(|_| Slot::new()).collect();
        let slots = Box::into_raw(slots).cast::<Slot<K, V>>();
        // AcqRel: Release publishes the slots to the Acquire in `slot`. Acquire on failure: another thread's slots are used.
        let made = self.segments[segment].compare_exchange(
            ptr::null_mut(),
            slots,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        match made {
            Ok(_) => slots,
            Err(others) => {
                // SAFETY: nobody else has seen ours.
                unsafe { self.free(segment, slots) };
                others
            }
        }
    }

    /// # Safety
    ///
    /// `slots` were made for this segment and are not used any more.
    unsafe fn free(&self, segment: usize, slots: *mut Slot<K, V>) {
        let slots = ptr::slice_from_raw_parts_mut(slots, self.len(segment));
        // SAFETY: `make` made them as a box of this length.
        drop(unsafe { Box::from_raw(slots) });
    }
}

impl<K, V> Drop for Table<K, V> {
    fn drop(&mut self) {
        for segment in 0..SEGMENTS {
            // Relaxed: nobody else uses it.
            let slots = self.segments[segment].load(Ordering::Relaxed);
            if !slots.is_null() {
                // SAFETY: nobody else uses the table.
                unsafe { self.free(segment, slots) };
            }
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_has_a_slot_of_its_own() {
        for first in [1, 4] {
            let table = Table::<u8, u8>::new(first);
            let mut slots: Vec<_> =
                (0..64).map(|bucket| ptr::from_ref(table.slot(bucket))).collect();
            assert!((0..64).all(|bucket| ptr::eq(table.slot(bucket), slots[bucket])));
            slots.sort();
            slots.dedup();
            assert_eq!(slots.len(), 64);
        }
    }

    #[test]
    fn a_slot_is_claimed_once_and_keeps_its_order() {
        let table = Table::<u8, u8>::new(4);
        let (slot, order) = (table.slot(3), Order::of_slot(3));
        assert!(slot.claim(order));
        assert!(!slot.claim(order));
        assert!(!slot.is_linked());
        slot.set_linked(order);
        assert!(slot.is_linked() && slot.order() == order);
        assert!(table.slot(0).is_linked());
    }
}
