//! The packed words of a slot and their transitions. Every read-modify-write of a slot is here.
//!
//! ```text
//! word   generation:32 | alive:1 | caveats:1 | rights:16 | shard:7 | limits:1 | depth:6
//! stamp  epoch:47 | caveats:1 | effective rights:16, see `epoch`
//! link   the parent's handle, or 0 for a root; of a free slot: the next free slot and its generation
//! ```
//!
//! What a check looks at lies where it needs no shifting: generation and life where a handle has its generation and its mark, and the shard where
//! it is a distance in bytes between lines of 128.

use turgo_machine::atomic::{AtomicU64, Ordering};
use turgo_machine::mutant;

use crate::handle::{Handle, MARK};
use crate::rights::Rights;

/// Levels below a root.
pub(crate) const DEPTH_MAX: u8 = 63;
/// Shards that a word can name; fewer in models, where each costs.
pub(crate) const SHARDS_MAX: usize = if cfg!(loom) { 2 } else { 128 };

const LIMITS: u64 = 1 << 6;
const SHARD_AT: u32 = 7;
const SHARD_MASK: u64 = 127;
const RIGHTS_AT: u32 = 14;
const RIGHTS: u64 = (u16::MAX as u64) << RIGHTS_AT;
const CAVEATS: u64 = 1 << 30;
const ALIVE: u64 = MARK;
const GENERATION_AT: u32 = 32;

const _: () = assert!(DEPTH_MAX as u64 == LIMITS - 1, "the depth is below the mark of limits");
const _: () = assert!(RIGHTS << 1 & CAVEATS != 0, "the rights are below the mark of caveats");

/// A slot's occupant: which one it is, whether it lives, what it may do at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(u64);

impl Word {
    /// A slot that nobody occupies, as its next occupant will find it.
    pub(crate) const fn vacant(generation: u32) -> Self {
        Self((generation as u64) << GENERATION_AT)
    }

    pub(crate) fn alive(generation: u32, rights: Rights, shard: u8, depth: u8) -> Self {
        debug_assert!(usize::from(shard) < SHARDS_MAX);
        debug_assert!(depth <= DEPTH_MAX);
        let place = u64::from(depth) | u64::from(shard) << SHARD_AT;
        let rights = u64::from(rights.bits()) << RIGHTS_AT;
        Self(u64::from(generation) << GENERATION_AT | ALIVE | rights | place)
    }

    pub(crate) fn with_caveats(self, yes: bool) -> Self {
        Self(self.0 | if yes { CAVEATS } else { 0 })
    }

    pub(crate) fn with_limits(self, yes: bool) -> Self {
        Self(self.0 | if yes { LIMITS } else { 0 })
    }

    /// Whether `handle` is to the occupant, and it lives (F1).
    #[inline(always)]
    pub(crate) fn is(self, handle: Handle) -> bool {
        handle.is_to(self.0)
    }

    #[inline(always)]
    pub(crate) fn shard(self) -> usize {
        (self.0 >> SHARD_AT) as usize % SHARDS_MAX
    }

    pub(crate) fn shard_byte(self) -> u8 {
        u8::try_from(self.shard()).expect("shards have seven bits")
    }

    pub(crate) fn depth(self) -> u8 {
        self.0 as u8 % (DEPTH_MAX + 1)
    }

    pub(crate) fn rights(self) -> Rights {
        Rights::from_bits((self.0 >> RIGHTS_AT) as u16)
    }

    fn with_rights(self, rights: Rights) -> Self {
        Self(self.0 & !RIGHTS | u64::from(rights.bits()) << RIGHTS_AT)
    }

    pub(crate) fn has_caveats(self) -> bool {
        self.0 & CAVEATS != 0
    }

    pub(crate) fn has_limits(self) -> bool {
        self.0 & LIMITS != 0
    }

    pub(crate) fn is_alive(self) -> bool {
        self.0 & ALIVE != 0
    }

    pub(crate) fn generation(self) -> u32 {
        (self.0 >> GENERATION_AT) as u32
    }

    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// What [`bits`](Self::bits) gave, for a table of so many shards; nothing for what no slot ever has.
    pub(crate) fn from_bits(bits: u64, shards: usize) -> Option<Self> {
        let word = Self(bits);
        let known = if word.is_alive() {
            word.generation() < u32::MAX
        } else {
            word.rights().is_empty() && word.depth() == 0
        };
        (known && word.generation() > 0 && (bits >> SHARD_AT & SHARD_MASK) < shards as u64)
            .then_some(word)
    }

    /// The slot without this occupant, as a kill or a sweep leaves it.
    pub(crate) fn vacated(self) -> Self {
        if self.is_alive() { self.killed() } else { self }
    }

    /// Whether this is what the death of `handle`'s occupant left, so that whoever killed it may not have bumped yet (F2). Once the slot has gone on to
    /// another owner, they have (F5).
    pub(crate) fn is_grave_of(self, handle: Handle) -> bool {
        !self.is_alive() && self.generation() == handle.generation() + 1
    }

    /// This occupant with what another look at it found it still has.
    pub(crate) fn narrowed(self, later: Self) -> Self {
        debug_assert_eq!(self.generation(), later.generation());
        self.with_rights(self.rights() & later.rights())
    }

    /// Without its occupant, and with the generation of the next one. The shard stays, for whoever comes too late to kill it, and so do
    /// the marks, for whoever buries it.
    fn killed(self) -> Self {
        let generation = self.generation() + 1;
        let kept = (SHARDS_MAX as u64 - 1) << SHARD_AT | LIMITS | CAVEATS;
        Self(u64::from(generation) << GENERATION_AT | self.0 & kept)
    }
}

/// What became of an attempt to kill.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kill {
    /// This call killed it, and owes the bump and the freeing.
    Won(Word),
    /// Another call killed it, and may not have bumped yet.
    Lost(Word),
}

/// What became of an attempt to narrow.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Narrow {
    /// The rights are what was asked for. A bump is owed, also where another call had narrowed before.
    Done(Word),
    /// The occupant is gone.
    Dead(Word),
}

/// The word of a slot.
#[derive(Debug)]
pub(crate) struct AtomicWord(AtomicU64);

impl AtomicWord {
    pub(crate) fn new(word: Word) -> Self {
        Self(AtomicU64::new(word.0))
    }

    /// Reads it before the epoch is known, for the shard alone.
    #[inline(always)]
    pub(crate) fn peek(&self) -> Word {
        // Relaxed: the shard of a generation does not change, and `load` asks for the generation.
        Word(self.0.load(Ordering::Relaxed))
    }

    #[inline(always)]
    pub(crate) fn load(&self) -> Word {
        // Acquire: pairs with the Release in `publish`: link, object and deadline are the occupant's, or later ones'.
        Word(self.0.load(Ordering::Acquire))
    }

    /// Reads it again after link, object or deadline, whose Acquire loads keep this one behind them (F3).
    #[inline(always)]
    pub(crate) fn reload(&self) -> Word {
        // Relaxed: the Acquire loads before it order it; where they read a later occupant's value, this reads its word or a dead one.
        Word(self.0.load(Ordering::Relaxed))
    }

    /// Makes the slot's new occupant known.
    pub(crate) fn publish(&self, word: Word) {
        debug_assert!(!self.peek().is_alive(), "S2: nobody occupies it");
        debug_assert!(word.is_alive());
        debug_assert_eq!(self.peek().generation(), word.generation());
        // Release: publishes link, object and deadline to the Acquire in `load`.
        self.0.store(word.0, Ordering::Release);
    }

    /// Sets what a snapshot says, before anybody else knows the slot.
    pub(crate) fn restore(&self, word: Word) {
        // Relaxed: whoever gets the table, gets it by a way that synchronises.
        self.0.store(word.0, Ordering::Relaxed);
    }

    /// Passes a generation by that was reserved and never published. Only the slot's owner calls it.
    pub(crate) fn skip(&self) -> Word {
        let next = self.peek().killed();
        if mutant!("F2 what is given up tells nothing") {
            // Relaxed: planted.
            self.0.store(next.0, Ordering::Relaxed);
            return next;
        }
        // Release: for the Acquire loads in `kill` and `narrow`: whoever comes too late for an earlier occupant, and finds this, sees the bump for its death (F2).
        self.0.store(next.0, Ordering::Release);
        next
    }

    /// Kills the occupant that `handle` refers to.
    pub(crate) fn kill(&self, handle: Handle) -> Kill {
        // Acquire: where another call killed it and the slot has moved on since, this thread sees that one's bump.
        let mut now = Word(self.0.load(Ordering::Acquire));
        while now.is(handle) {
            // AcqRel: the bump after it, a Release, carries it to whoever reads the epoch; Acquire as above, also on failure.
            let done = self.0.compare_exchange_weak(
                now.0,
                now.killed().0,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match done {
                Ok(_) => return Kill::Won(now),
                Err(moved) => now = Word(moved),
            }
        }
        Kill::Lost(now)
    }

    /// Takes all rights but `keep` from the occupant that `handle` refers to.
    pub(crate) fn narrow(&self, handle: Handle, keep: Rights) -> Narrow {
        // Acquire: as in `kill`.
        let mut now = Word(self.0.load(Ordering::Acquire));
        while now.is(handle) {
            let next = now.with_rights(now.rights().narrowed(keep)).0;
            // AcqRel: as in `kill`.
            let done =
                self.0.compare_exchange_weak(now.0, next, Ordering::AcqRel, Ordering::Acquire);
            match done {
                Ok(_) => return Narrow::Done(now),
                Err(moved) => now = Word(moved),
            }
        }
        Narrow::Dead(now)
    }
}

/// A word that the owner writes before it publishes the occupant, and that readers read between two looks at the slot's word.
#[derive(Debug)]
pub(crate) struct Detail(AtomicU64);

impl Detail {
    pub(crate) fn new(bits: u64) -> Self {
        Self(AtomicU64::new(bits))
    }

    #[inline(always)]
    pub(crate) fn load(&self) -> u64 {
        // Acquire: pairs with the Release in `store`: whoever reads a later occupant's value sees, on looking at the word again,
        // that the earlier one is gone (F3).
        self.0.load(Ordering::Acquire)
    }

    /// Only the slot's owner calls it, after the last occupant was killed.
    pub(crate) fn store(&self, bits: u64) {
        if mutant!("F3 details are stored Relaxed") {
            // Relaxed: planted.
            self.0.store(bits, Ordering::Relaxed);
            return;
        }
        // Release: pairs with the Acquire in `load`; the owner has seen the kill, or made it.
        self.0.store(bits, Ordering::Release);
    }
}
