//! A worker's free slots, and those of others that it is about to return.

use std::cell::Cell;

use super::{Arena, NONE, Slot};

/// How many slots of one owner are returned at once.
const CHAIN_MAX: u32 = 64;

/// What one worker has of the arena; never shared. Taking and giving are wait-free, but where the arena grows and where a chain is returned (lock-free).
#[derive(Debug)]
pub(crate) struct Purse {
    owner: u32,
    free: Cell<u32>,
    /// A chain of slots of one other owner.
    foreign: Cell<Chain>,
}

#[derive(Debug, Clone, Copy)]
struct Chain {
    owner: u32,
    first: u32,
    last: u32,
    length: u32,
}

impl Chain {
    const EMPTY: Self = Self { owner: NONE, first: NONE, last: NONE, length: 0 };
}

impl Purse {
    pub(crate) fn new(owner: u32) -> Self {
        Self { owner, free: Cell::new(NONE), foreign: Cell::new(Chain::EMPTY) }
    }

    /// A free slot.
    #[inline(always)]
    pub(crate) fn take<'a>(&self, arena: &'a Arena) -> (u32, &'a Slot) {
        let mut id = self.free.get();
        if id == NONE {
            id = self.refill(arena);
        }
        // SAFETY: N1, a number of our list.
        let slot = unsafe { arena.slot(id) };
        self.free.set(slot.next());
        (id, slot)
    }

    #[cold]
    fn refill(&self, arena: &Arena) -> u32 {
        match arena.take_returned(self.owner) {
            NONE => arena.grow(self.owner),
            returned => returned,
        }
    }

    /// Frees a slot that the caller took from a queue (N1).
    #[inline(always)]
    pub(crate) fn give(&self, arena: &Arena, id: u32, slot: &Slot) {
        if slot.owner() == self.owner {
            slot.set_next(self.free.get());
            self.free.set(id);
        } else {
            self.give_foreign(arena, id, slot);
        }
    }

    fn give_foreign(&self, arena: &Arena, id: u32, slot: &Slot) {
        let mut chain = self.foreign.get();
        if chain.owner != slot.owner() || chain.length == CHAIN_MAX {
            self.flush(arena);
            chain = Chain { owner: slot.owner(), ..Chain::EMPTY };
        }
        slot.set_next(chain.first);
        let last = if chain.length == 0 { id } else { chain.last };
        self.foreign.set(Chain { first: id, last, length: chain.length + 1, ..chain });
    }

    /// Returns what belongs to others; before a worker rests, so that nothing lies with a sleeper.
    pub(crate) fn flush(&self, arena: &Arena) {
        let chain = self.foreign.replace(Chain::EMPTY);
        if chain.length > 0 {
            // SAFETY: N1, the chain is ours.
            let last = unsafe { arena.slot(chain.last) };
            arena.give_back(chain.owner, chain.first, last);
        }
    }
}
