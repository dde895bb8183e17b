//! Numbers for tasks: 32 bits lead to whatever runs, so that deques hold small words and a spawn allocates nothing once it is warm.
//!
//! A directory of segments gives each number a place: `number = segment << 10 | offset`. A segment is an array of [`Slot`]s, each of which holds
//! a closure or a pointer to a long-lived task; or it belongs to a *range*, the numbers of the nodes of one run of a graph
//! ([`Runnable`]).
//!
//! Slots belong to the worker that made their segment, and come from its own list of free ones. Whoever frees a slot of somebody else collects
//! a chain of them and returns the chain in one exchange ([`Purse`]). Threads outside of the pool share a queue of free slots.
//!
//! # Invariants
//!
//! - **N1** A number is in at most one place: free (in a list, a chain or the queue of its owner), or taken. Whoever took it may write to the slot, then hands it
//!   on through a queue; whoever took it from that queue may read it.
//! - **N2** An entry of the directory that leads to slots never changes, and the slots live as long as the arena.
//! - **N3** An entry that leads to a range changes only when the range is taken or released, which happens while none of its numbers is queued or runs
//!   ([`Runnable`] says how that is known).
//! - **N4** A returned chain is pushed with Release and taken as a whole with Acquire, so that its taker finds the links and may write to the slots. As the taker
//!   takes all, a head that comes again deceives nobody.
//! - **N5** Of the stretches of segments that were ranges and are free, no two are neighbours: what was given back in pieces is whole again, so ranges of many sizes do not
//!   use up the numbers.

use std::collections::BTreeMap;
use std::fmt;
use std::ptr;
use std::sync::{Arc, Mutex};

use turgo_lockfree::queue::SegmentQueue;
use turgo_machine::CachePadded;
use turgo_machine::atomic::{AtomicPtr, AtomicU32, Ordering};
use turgo_machine::mutant;

use crate::run::Runnable;

mod purse;
mod slot;
#[cfg(test)]
mod tests;

pub(crate) use purse::Purse;
pub(crate) use slot::Slot;

/// Slots of a segment.
pub(crate) const SLOTS: u32 = if cfg!(any(loom, shuttle)) { 4 } else { 1024 };

/// Segments there can be: 2^28 numbers, of which 16 GiB would be slots.
const SEGMENTS: u32 = if cfg!(any(loom, shuttle)) { 64 } else { 1 << 18 };

/// No number.
pub(crate) const NONE: u32 = u32::MAX;

/// A mark in an entry of the directory: it leads to a range.
const RANGE: usize = 1;

/// The numbers of nodes.
struct Range {
    /// The first number.
    base: u32,
    segments: u32,
    /// The index of the node that has the first number.
    first: u32,
    run: Arc<dyn Runnable>,
}

/// Where a number leads.
pub(crate) enum Place<'a> {
    /// To a slot.
    Slot(&'a Slot),
    /// To the node of this index.
    Node(&'a dyn Runnable, u32),
}

pub(crate) struct Arena {
    directory: Box<[AtomicPtr<Slot>]>,
    /// Segments that have been given out, of slots and of ranges.
    used: AtomicU32,
    /// LOCK: taken twice per run of a graph, never per task: which segments were ranges and are free (N5), the number of each stretch by its first.
    free: Mutex<BTreeMap<u32, u32>>,
    /// Chains returned to each worker (N4).
    returned: Box<[CachePadded<AtomicU32>]>,
    /// Free slots of threads outside of the pool.
    outside: SegmentQueue<u32>,
}

// SAFETY: N1 to N3 say who may touch what the directory leads to; ranges hold what is `Send + Sync`, slots what was `Send` when it was put there.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

impl Arena {
    /// For so many workers.
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            directory: directory(),
            used: AtomicU32::new(0),
            free: Mutex::default(),
            returned: (0..workers).map(|_| CachePadded::new(AtomicU32::new(NONE))).collect(),
            outside: SegmentQueue::new(),
        }
    }

    /// The owner of slots of threads outside of the pool.
    fn outsider(&self) -> u32 {
        u32::try_from(self.returned.len()).expect("workers are numbered with 32 bits")
    }

    /// Where a number leads.
    ///
    /// # Safety
    ///
    /// The number was handed out and is not free; the caller may read what it leads to (N1).
    #[inline(always)]
    pub(crate) unsafe fn place(&self, id: u32) -> Place<'_> {
        let entry = self.entry(id);
        if entry.addr() & RANGE == 0 {
            // SAFETY: N2, and the offset is below the number of slots.
            let slot = unsafe { entry.add((id % SLOTS) as usize) };
            // SAFETY: N2.
            return Place::Slot(unsafe { &*slot });
        }
        // SAFETY: N3, the number is not free.
        let range = unsafe { &*range_of(entry) };
        Place::Node(&*range.run, range.first + (id - range.base))
    }

    #[inline(always)]
    fn entry(&self, id: u32) -> *mut Slot {
        // Acquire: pairs with the Release stores in `grow` and `reserve`.
        self.directory[(id / SLOTS) as usize].load(Ordering::Acquire)
    }

    /// The slot of a number that leads to one.
    ///
    /// # Safety
    ///
    /// The number was handed out by `grow`.
    #[inline(always)]
    pub(crate) unsafe fn slot(&self, id: u32) -> &Slot {
        // SAFETY: N2, and the offset is below the number of slots.
        let slot = unsafe { self.entry(id).add((id % SLOTS) as usize) };
        // SAFETY: N2.
        unsafe { &*slot }
    }

    /// A new segment of slots for `owner`; its first number. All of them are the caller's, linked in order, the last to [`NONE`].
    ///
    /// # Panics
    ///
    /// If there are 2^28 numbers already.
    #[cold]
    pub(crate) fn grow(&self, owner: u32) -> u32 {
        let segment = self.segments(1);
        let base = segment * SLOTS;
        let link = |offset: u32| if offset + 1 == SLOTS { NONE } else { base + offset + 1 };
        let slots: Box<[Slot]> = (0..SLOTS).map(|offset| Slot::new(owner, link(offset))).collect();
        let first = Box::into_raw(slots).cast::<Slot>();
        // Release: publishes the slots to the Acquire in `entry`.
        self.directory[segment as usize].store(first, Ordering::Release);
        base
    }

    /// `count` segments in a row that nobody has had.
    fn segments(&self, count: u32) -> u32 {
        // Relaxed: numbers of segments; their content is published by the directory.
        let first = self.used.fetch_add(count, Ordering::Relaxed);
        if first.checked_add(count).is_none_or(|end| end > SEGMENTS) {
            // Relaxed: as above. Others that came between panic as well, and give theirs back.
            self.used.fetch_sub(count, Ordering::Relaxed);
            panic!("more than 2^28 tasks at once");
        }
        first
    }

    /// Numbers for `nodes` nodes of a run, in a row; the first of them. The node of number `base + i` is run as index `first + i`.
    ///
    /// # Panics
    ///
    /// If there are 2^28 numbers already.
    pub(crate) fn reserve(&self, run: Arc<dyn Runnable>, first: u32, nodes: u32) -> u32 {
        let segments = nodes.div_ceil(SLOTS).max(1);
        let start = self.reuse(segments).unwrap_or_else(|| self.segments(segments));
        let base = start * SLOTS;
        let range = Box::into_raw(Box::new(Range { base, segments, first, run }));
        let entry = range.cast::<Slot>().map_addr(|address| address | RANGE);
        for segment in start..start + segments {
            // Release: publishes the range to the Acquire in `entry`.
            self.directory[segment as usize].store(entry, Ordering::Release);
        }
        base
    }

    fn reuse(&self, segments: u32) -> Option<u32> {
        let mut free = self.free.lock().expect("nobody panics with it");
        let (&start, &count) = free.iter().find(|(_, count)| **count >= segments)?;
        free.remove(&start);
        if count > segments {
            free.insert(start + segments, count - segments);
        }
        Some(start)
    }

    /// Segments that were a range are free (N5).
    fn put_back(&self, start: u32, count: u32) {
        let mut free = self.free.lock().expect("nobody panics with it");
        let (mut start, mut count) = (start, count);
        if !mutant!("N5 pieces stay pieces") {
            if let Some((&before, &many)) = free.range(..start).next_back()
                && before + many == start
            {
                free.remove(&before);
                (start, count) = (before, many + count);
            }
            count += free.remove(&(start + count)).unwrap_or(0);
        }
        free.insert(start, count);
    }

    /// The run that has a number, to be kept beyond the release of its range.
    ///
    /// # Safety
    ///
    /// The number is one of a range that was not released.
    pub(crate) unsafe fn run_of(&self, id: u32) -> Arc<dyn Runnable> {
        let entry = self.entry(id);
        debug_assert!(entry.addr() & RANGE != 0, "the number of a node");
        // SAFETY: N3, by the caller's promise.
        Arc::clone(unsafe { &(*range_of(entry)).run })
    }

    /// Gives a range back.
    ///
    /// # Safety
    ///
    /// `base` came from [`reserve`](Self::reserve), was not released, and none of the range's numbers is queued or runs any more (N3).
    pub(crate) unsafe fn release(&self, base: u32) {
        let entry = self.entry(base);
        debug_assert!(entry.addr() & RANGE != 0, "the number of a node");
        // SAFETY: N3: it came from a box in `reserve`, and nobody looks at it any more.
        let range = unsafe { Box::from_raw(range_of(entry)) };
        debug_assert!(range.base == base, "the first number of a range");
        let start = base / SLOTS;
        for segment in start..start + range.segments {
            // Relaxed: nobody has a number that leads here; `reserve` publishes anew.
            self.directory[segment as usize].store(ptr::null_mut(), Ordering::Relaxed);
        }
        self.put_back(start, range.segments);
    }

    /// Returns the chain from `first` to `last`, whose links are written, to its owner.
    fn give_back(&self, owner: u32, first: u32, last: &Slot) {
        let Some(returned) = self.returned.get(owner as usize) else {
            return self.give_back_outside(first);
        };
        // Relaxed: the exchange decides.
        let mut head = returned.load(Ordering::Relaxed);
        loop {
            last.set_next(head);
            let order = if mutant!("N4 a chain returned Relaxed") {
                Ordering::Relaxed
            } else {
                // Release: publishes links and emptied slots to the Acquire in `take_returned`.
                Ordering::Release
            };
            // Relaxed: a failure is tried again.
            match returned.compare_exchange_weak(head, first, order, Ordering::Relaxed) {
                Ok(_) => return,
                Err(other) => head = other,
            }
        }
    }

    fn give_back_outside(&self, first: u32) {
        let mut next = first;
        while next != NONE {
            let id = next;
            // SAFETY: N1, the chain is ours.
            next = unsafe { self.slot(id) }.next();
            self.outside.push(id);
        }
    }

    /// All that was returned to a worker.
    fn take_returned(&self, owner: u32) -> u32 {
        let returned = &self.returned[owner as usize];
        // Relaxed: only to spare the exchange; what is seen late is taken later.
        if returned.load(Ordering::Relaxed) == NONE {
            return NONE;
        }
        // Acquire: pairs with the Release in `give_back`.
        returned.swap(NONE, Ordering::Acquire)
    }

    /// A free slot for a thread outside of the pool.
    pub(crate) fn take_outside(&self) -> (u32, &Slot) {
        if let Some(id) = self.outside.pop() {
            // SAFETY: N1, it is nobody else's.
            return (id, unsafe { self.slot(id) });
        }
        let first = self.grow(self.outsider());
        // SAFETY: N1, `grow` gave us all of them.
        let slot = unsafe { self.slot(first) };
        self.give_back_outside(slot.next());
        (first, slot)
    }

    /// The slots that long-lived tasks have.
    ///
    /// # Safety
    ///
    /// Nobody takes or frees slots meanwhile.
    pub(crate) unsafe fn tasks(&self) -> impl Iterator<Item = &Slot> {
        // Relaxed: nobody else uses the arena.
        let used = self.used.load(Ordering::Relaxed);
        let is_slots = |entry: *mut Slot| !entry.is_null() && entry.addr() & RANGE == 0;
        let segments = (0..used).filter(move |segment| is_slots(self.entry(segment * SLOTS)));
        let ids = segments.flat_map(|segment| segment * SLOTS..(segment + 1) * SLOTS);
        // SAFETY: the directory leads to slots here.
        ids.map(|id| unsafe { self.slot(id) }).filter(|slot| slot.is_task())
    }

    /// Segments given out.
    #[cfg(test)]
    pub(crate) fn segments_used(&self) -> u32 {
        // Relaxed: for tests that look when all is quiet.
        self.used.load(Ordering::Relaxed)
    }
}

fn range_of(entry: *mut Slot) -> *mut Range {
    entry.map_addr(|address| address & !RANGE).cast()
}

/// Two mebibytes of nulls, of which the system gives only the pages that are used.
fn directory() -> Box<[AtomicPtr<Slot>]> {
    #[cfg(not(any(loom, shuttle)))]
    {
        let zeroed = Box::<[AtomicPtr<Slot>]>::new_zeroed_slice(SEGMENTS as usize);
        // SAFETY: all bits zero is an atomic null pointer.
        unsafe { zeroed.assume_init() }
    }
    #[cfg(any(loom, shuttle))]
    (0..SEGMENTS).map(|_| AtomicPtr::new(ptr::null_mut())).collect()
}

impl Drop for Arena {
    fn drop(&mut self) {
        // Relaxed: nobody else uses the arena.
        for segment in 0..self.used.load(Ordering::Relaxed) {
            let entry = self.entry(segment * SLOTS);
            if entry.is_null() {
                continue;
            }
            if entry.addr() & RANGE == 0 {
                let slots = ptr::slice_from_raw_parts_mut(entry, SLOTS as usize);
                // SAFETY: N2: `grow` made it from a box.
                drop(unsafe { Box::from_raw(slots) });
                continue;
            }
            let range = range_of(entry);
            // SAFETY: N3: it lives until its last segment was looked at.
            let Range { base, segments, .. } = unsafe { &*range };
            if segment + 1 == base / SLOTS + segments {
                // SAFETY: N3: `reserve` made it from a box, and no later entry leads to it.
                drop(unsafe { Box::from_raw(range) });
            }
        }
    }
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Arena { .. }")
    }
}
