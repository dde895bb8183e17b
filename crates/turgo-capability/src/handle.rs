//! Who refers to a capability: a generation, a bit that is always there, and an index, in 64 bits.
//!
//! - **H1** Only a table makes handles. A copy of a handle is the same authority; a number is none.
//! - **H2** A slot's generation is in every handle to it and grows with each occupant, so that a handle to what was here before matches nothing.

use core::fmt;
use core::num::NonZeroU64;

use turgo_machine::mutant;

/// The bit of every handle that is where a slot's word says that its occupant lives: generation and life are compared as one.
pub(crate) const MARK: u64 = 1 << 31;

/// A capability, as its holder sees it: opaque, eight bytes, free to copy. It means something in the table that made it and in no other: tables
/// number alike, and one that is asked about another's handle answers for whatever it has under that number. A service has one table.
///
/// There is no way to make one from a number: a component has what it was given.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Handle(NonZeroU64);

const _: () = assert!(size_of::<Option<Handle>>() == 8);

impl Handle {
    /// The handle of a slot's occupant.
    #[inline(always)]
    pub(crate) fn new(index: u32, generation: u32) -> Self {
        debug_assert!(u64::from(index) < MARK, "an index has 31 bits");
        let bits = u64::from(generation) << 32 | MARK | u64::from(index);
        Self(NonZeroU64::new(bits).expect("it has the mark"))
    }

    /// What [`bits`](Self::bits) gave; nothing for what it gives never.
    #[inline(always)]
    pub(crate) fn from_bits(bits: u64) -> Option<Self> {
        NonZeroU64::new(bits).filter(|bits| bits.get() & MARK != 0).map(Self)
    }

    #[inline(always)]
    pub(crate) fn bits(self) -> u64 {
        self.0.get()
    }

    /// Whether it is to what a slot's word says: the generation, and that its occupant is alive (H2).
    #[inline(always)]
    pub(crate) fn is_to(self, word: u64) -> bool {
        if mutant!("H2 any generation") {
            return word & MARK != 0;
        }
        (word ^ self.0.get()) >> MARK.trailing_zeros() == 0
    }

    #[inline(always)]
    pub(crate) fn index(self) -> u32 {
        (self.0.get() & (MARK - 1)) as u32
    }

    #[inline(always)]
    pub(crate) fn generation(self) -> u32 {
        (self.0.get() >> 32) as u32
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index(), self.generation())
    }
}
