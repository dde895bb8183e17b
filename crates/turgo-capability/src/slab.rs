//! Slots that are never moved, never unmapped and never anything else: what makes it safe to look at any slot at any time.
//!
//! The slots lie in chunks, each twice as long as the one before; a chunk is made when the first of its slots is needed, and stays until the slab is
//! dropped. Free slots form a stack.
//!
//! # Invariants
//!
//! - **S1** A chunk is published once, by a compare-exchange from null, and freed by the drop of the slab. So a reference to a slot is good for as
//!   long as the slab is borrowed. An index names a chunk and a place in it; only `reserve` makes indices, so the place is within the chunk.
//! - **S2** A slot belongs to whoever reserved it until it is published, then to its handles, then to whoever killed its occupant, until it is
//!   released. Only an owner writes what describes an occupant.
//! - **S3** The head of the free stack names slot *and* generation, and each generation of a slot is released at most once. So a head that comes
//!   again is the very same push, with the same successor: a compare-exchange is never deceived (no ABA), and there is no tag that could wrap.
//! - **S4** A slot whose generations are used up is retired: it is not released, and no handle is made twice.
//! - **S5** Each shard has its own stack, and a slot stays with the shard that reserved it first (the forest's F6 needs it). So tenants of different
//!   shards do not contend for the head, either; the price is that a shard cannot use the free slots of another.
//!
//! The stack is Treiber's (*Systems Programming: Coping with Parallelism*, IBM RJ 5118, 1986).
#![expect(
    unsafe_code,
    reason = "chunks are shared by pointer, which is what lets the slab grow while it is read"
)]

use core::ptr;

use turgo_machine::CachePadded;
use turgo_machine::atomic::{AtomicPtr, AtomicU64, Ordering};
use turgo_machine::mutant;

use crate::epoch::AtomicStamp;
use crate::handle::{Handle, MARK};
use crate::state::{AtomicWord, Detail, Word};

/// What is known of one capability: a cache line.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Slot {
    pub(crate) word: AtomicWord,
    pub(crate) stamp: AtomicStamp,
    /// The parent's handle or 0; of a free slot: the next free one's, or 0.
    pub(crate) link: Detail,
    pub(crate) object: Detail,
    /// Nanoseconds of the table's clock.
    pub(crate) deadline: Detail,
}

#[cfg(not(any(loom, shuttle)))]
const _: () = assert!(size_of::<Slot>() == 64);

/// Slots of the first chunk. In models small, so that chunks are made in them.
const FIRST: u64 = if cfg!(loom) { 1 } else { 1024 };
/// Bits of an index that name a place in a chunk; those above name the chunk.
const PLACE_BITS: u32 = 26;
/// All that an index can name; more than there ever are.
const CHUNKS: usize = MARK as usize >> PLACE_BITS;
/// Slots of all chunks whose places have so many bits: some 134 million.
const SLOTS_MAX: u64 = (2 << PLACE_BITS) - FIRST;

const _: () = assert!(SLOTS_MAX <= u32::MAX as u64, "slots are counted in 32 bits");
const _: () = assert!((PLACE_BITS - FIRST.ilog2()) < CHUNKS as u32, "every chunk has a number");

/// Slots that grow without moving.
#[derive(Debug)]
pub(crate) struct Slab {
    chunks: [AtomicPtr<Slot>; CHUNKS],
    /// Of each shard the handle of the first free slot's next occupant, or 0.
    free: Box<[CachePadded<AtomicU64>]>,
    /// Slots that were ever reserved.
    len: CachePadded<AtomicU64>,
    /// Slots that were given up because their generations were used up.
    retired: AtomicU64,
    len_max: u64,
    generation_first: u32,
}

/// The slab has as many occupants as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlabFull;

impl Slab {
    /// A slab of up to `len_max` slots, whose generations begin at `generation_first`.
    pub(crate) fn new(len_max: u32, shards: usize, generation_first: u32) -> Self {
        assert!(generation_first > 0, "a handle is not zero");
        let len_max = u64::from(len_max).min(SLOTS_MAX);
        Self {
            chunks: core::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            free: (0..shards).map(|_| CachePadded::new(AtomicU64::new(0))).collect(),
            len: CachePadded::new(AtomicU64::new(0)),
            retired: AtomicU64::new(0),
            len_max,
            generation_first,
        }
    }

    /// The slot of a handle of this slab. Wait-free.
    #[inline(always)]
    pub(crate) fn slot(&self, handle: Handle) -> Option<&Slot> {
        let index = handle.index() as usize;
        self.at(index >> PLACE_BITS, index % (1 << PLACE_BITS))
    }

    /// The slot at a place that `place` gave, in itself or in the index of a handle (S1), if it was made.
    #[inline(always)]
    fn at(&self, chunk: usize, place: usize) -> Option<&Slot> {
        // Acquire: pairs with the Release in `grow`: the slots are made.
        let first = self.chunks[chunk].load(Ordering::Acquire);
        if first.is_null() {
            return None;
        }
        debug_assert!(place < chunk_len(chunk), "S1");
        // SAFETY: S1, the place is within the chunk.
        let slot = unsafe { first.add(place) };
        // SAFETY: S1.
        Some(unsafe { &*slot })
    }

    /// The slot that was reserved for the first time after `count` others, and its index. For walks over all slots.
    pub(crate) fn nth(&self, count: u32) -> Option<(u32, &Slot)> {
        let (chunk, place) = place(count);
        Some((index_of(chunk, place), self.at(chunk, place)?))
    }

    /// Asks for the line of a slot that will be looked at soon.
    #[inline(always)]
    pub(crate) fn prefetch(&self, handle: Handle) {
        if let Some(slot) = self.slot(handle) {
            turgo_machine::prefetch::read(slot);
        }
    }

    /// The stack of a shard's free slots.
    fn free(&self, shard: u8) -> &AtomicU64 {
        let wanders = mutant!("S5 slots wander between shards");
        &self.free[if wanders { 0 } else { usize::from(shard) }]
    }

    /// A slot for a new occupant in this shard, which the caller owns (S2). Lock-free; allocates where a chunk is full.
    pub(crate) fn reserve(&self, shard: u8) -> Result<Handle, SlabFull> {
        let free = self.free(shard);
        // Acquire: pairs with the Release in `release`: the link below is that of this push or a later one.
        let mut head = free.load(Ordering::Acquire);
        while let Some(first) = Handle::from_bits(head) {
            let slot = self.slot(first).expect("what is free was made");
            let next = slot.link.load();
            // Acquire: pairs with the Release in `release`: what the last owner did to the slot was before. Also on failure, as above.
            let done = free.compare_exchange_weak(head, next, Ordering::Acquire, Ordering::Acquire);
            match done {
                Ok(_) => return Ok(Handle::new(first.index(), slot.word.peek().generation())),
                Err(now) => head = now,
            }
        }
        self.reserve_new()
    }

    #[cold]
    fn reserve_new(&self) -> Result<Handle, SlabFull> {
        // Relaxed: the exchange gives the index to one caller, and the chunk is looked up with Acquire.
        let mut count = self.len.load(Ordering::Relaxed);
        loop {
            if count >= self.len_max {
                return Err(SlabFull);
            }
            // Relaxed: as above.
            let done = self.len.compare_exchange_weak(
                count,
                count + 1,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match done {
                Ok(_) => break,
                Err(now) => count = now,
            }
        }
        let (chunk, place) = place(u32::try_from(count).expect("below a limit of 32 bits"));
        // Relaxed: only compared.
        if self.chunks[chunk].load(Ordering::Relaxed).is_null() {
            self.grow(chunk);
        }
        Ok(Handle::new(index_of(chunk, place), self.generation_first))
    }

    /// Makes a chunk, unless somebody else is faster.
    fn grow(&self, chunk: usize) {
        let make = || Slot {
            word: AtomicWord::new(Word::vacant(self.generation_first)),
            stamp: AtomicStamp::new(),
            link: Detail::new(0),
            object: Detail::new(0),
            deadline: Detail::new(0),
        };
        let slots: Box<[Slot]> = (0..chunk_len(chunk)).map(|_| make()).collect();
        let new = Box::into_raw(slots).cast::<Slot>();
        if mutant!("S1 a chunk is replaced") {
            // Release: planted.
            self.chunks[chunk].store(new, Ordering::Release);
            return;
        }
        // Release: publishes the slots to the Acquire in `at`. Relaxed: what is there is looked up anew.
        let published = self.chunks[chunk].compare_exchange(
            ptr::null_mut(),
            new,
            Ordering::Release,
            Ordering::Relaxed,
        );
        if published.is_err() {
            let slots = ptr::slice_from_raw_parts_mut(new, chunk_len(chunk));
            // SAFETY: made above from a box of this length, and nobody else has seen it.
            drop(unsafe { Box::from_raw(slots) });
        }
    }

    /// Takes a slot of this shard back from its owner (S2), whose occupant was killed. Lock-free.
    pub(crate) fn release(&self, handle: Handle, shard: u8) {
        let slot = self.slot(handle).expect("what is released was reserved");
        let mut generation = slot.word.peek().generation();
        if generation == u32::MAX && !mutant!("S4 generations wrap") {
            // Relaxed: a number for reports.
            self.retired.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if mutant!("S3 a head without generation") {
            generation = 1;
        }
        let this = Handle::new(handle.index(), generation).bits();
        let free = self.free(shard);
        // Relaxed: only compared.
        let mut head = free.load(Ordering::Relaxed);
        loop {
            slot.link.store(head);
            // Release: publishes the link, and what the owner did, to the Acquire in `reserve`. Relaxed: only compared.
            let done = free.compare_exchange_weak(head, this, Ordering::Release, Ordering::Relaxed);
            match done {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Makes the next slot as a snapshot has it; the details of an occupant are the caller's to write. Nobody else knows the slab yet.
    pub(crate) fn restore(&mut self, word: Word) -> Result<&Slot, SlabFull> {
        let handle = self.reserve_new()?;
        self.slot(handle).expect("it was made just now").word.restore(word);
        if !word.is_alive() {
            // In the stack of its shard; stamps that another shard had left in it (S5) are none any more.
            self.release(handle, word.shard_byte());
        }
        Ok(self.slot(handle).expect("it was made just now"))
    }

    /// Slots that can ever be.
    pub(crate) const LEN_MAX: u64 = SLOTS_MAX;

    /// The index of the slot that was reserved for the first time after `count` others.
    pub(crate) fn index_of_count(count: u32) -> u32 {
        let (chunk, place) = place(count);
        index_of(chunk, place)
    }

    /// How many others were reserved for the first time before the slot of this index; nothing for an index that `reserve` never makes.
    pub(crate) fn count_of(index: u32) -> Option<u32> {
        let (chunk, place) = (index >> PLACE_BITS, index % (1 << PLACE_BITS));
        let within =
            u64::from(place) < FIRST.checked_shl(chunk)? && chunk <= PLACE_BITS - FIRST.ilog2();
        within.then(|| u32::try_from((FIRST << chunk) - FIRST).ok()?.checked_add(place))?
    }

    /// Takes back a slot that was reserved and not published.
    pub(crate) fn give_up(&self, reserved: Handle, shard: u8) {
        let slot = self.slot(reserved).expect("what is given up was reserved");
        // A generation is released once (S3), so this one is passed by.
        let _ = slot.word.skip();
        self.release(reserved, shard);
    }

    /// Slots that were ever reserved.
    pub(crate) fn len(&self) -> u32 {
        // Relaxed: an upper bound for walks over all slots; `nth` sees what is there.
        u32::try_from(self.len.load(Ordering::Relaxed)).expect("limited to 32 bits")
    }

    /// Slots whose generations are used up (S4).
    pub(crate) fn retired(&self) -> u64 {
        // Relaxed: a number for reports.
        self.retired.load(Ordering::Relaxed)
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        for (chunk, first) in self.chunks.iter().enumerate() {
            // Relaxed: `&mut` means that nobody else uses it.
            let first = first.load(Ordering::Relaxed);
            if !first.is_null() {
                let slots = ptr::slice_from_raw_parts_mut(first, chunk_len(chunk));
                // SAFETY: S1, made from a box of this length in `grow`.
                drop(unsafe { Box::from_raw(slots) });
            }
        }
    }
}

/// Slots of a chunk.
fn chunk_len(chunk: usize) -> usize {
    usize::try_from(FIRST << chunk).expect("chunks of 32-bit indices fit an address")
}

/// The chunk and the place in it, which is below [`chunk_len`], of the slot after `count` others.
fn place(count: u32) -> (usize, usize) {
    let at = u64::from(count) + FIRST;
    let chunk = at.ilog2() - FIRST.ilog2();
    (chunk as usize, (at - (FIRST << chunk)) as usize)
}

/// The index of a place.
fn index_of(chunk: usize, place: usize) -> u32 {
    debug_assert!(place < 1 << PLACE_BITS);
    u32::try_from(chunk << PLACE_BITS | place).expect("five bits of chunk, 26 of place")
}

#[cfg(test)]
mod tests;
