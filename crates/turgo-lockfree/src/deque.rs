//! Work-stealing deques: an owner pushes and pops at one end without contention, others steal the oldest items at the other.
//!
//! After Chase and Lev (SPAA 2005) with the orderings of Lê, Pop, Cohen and Zappa Nardelli (PPoPP 2013), changed so that one
//! compare-and-swap can steal a batch, also out of a last-in-first-out deque. [`Worker`] grows; [`BoundedWorker`] gives back what does not fit.
//! Public names and behaviour are crossbeam-deque's.
//!
//! Items are at indices `top..bottom`, oldest first. Thieves read `top`, then `bottom`, copy up to `CLAIM_MAX` (8) items, and
//! compare-and-swap `top` past them. The owner of a last-in-first-out deque lowers `bottom` and then decides by `top`:
//!
//! - There are `CLAIM_MAX` items below: no thief can have an eye on this one, and it is taken without arbitration. This needs a sequentially
//!   consistent fence on both sides (D3).
//! - There are fewer: the owner adds a version to `top`, whose index stays. Whoever read it before will fail; whoever reads it after sees the lower `bottom`
//!   (D2). What was there before the addition tells whether the item has been stolen. This needs no such fence: all happens in the order of one word.
//!
//! So a pop costs one fence or one read-modify-write, where the classic algorithm needs both for the last item; and both only where thieves have come
//! near since the owner looked last.
//! The owner of a first-in-first-out deque takes from the top as thieves do, by an addition.
//!
//! # Invariants
//!
//! - **D1** `top <= bottom` outside of an owner's pop. Within one, `bottom` may be one less or `top` one more, which thieves take for an empty deque; their
//!   difference is signed.
//! - **D2** `top` only moves on, in index or version. An owner that takes an item nearer than `CLAIM_MAX` to the top changes the version first.
//! - **D3** A thief claims at most `CLAIM_MAX` items of a last-in-first-out deque, from a top it read *before* the bottom, with a
//!   sequentially consistent fence between. The owner lowers the bottom, has such a fence, and reads the top `t`. If the thief's fence comes first, the
//!   owner's `t` is no earlier than the thief's top, so the claim ends at `t + CLAIM_MAX` at the latest, below what the owner takes without
//!   arbitration. If the owner's comes first, the thief sees the lower bottom.
//! - **D4** An item belongs to whoever moved `top` past it, or took it off `bottom` as D2 and D3 say; the words that were read before are the
//!   item's only then (W3). The owner overwrites a slot only after it has read a `top` past it.
//! - **D5** `bottom` is stored with Release after the items below it were written.
//! - **D6** A thief reads the buffer *after* the bottom. Then the buffer holds every item below that bottom: items that were pushed after the
//!   deque grew are published after the new buffer is. Items never move within a buffer, so an older buffer that holds the item holds the right words,
//!   and no second look at the buffer is needed after reading (compare CVE-2021-32810, where the bottom was read again, and the buffer was not).
//! - **D7** A buffer lives as long as its deque: the larger one keeps it. They double in size, so all old ones together are smaller than the current
//!   one. Reclaiming them earlier would cost every steal a guard, to save less than half of the memory.
//! - **D8** The owner's copy of `top` is never ahead of it: it can only hide room.

mod bounded;
mod injector;
mod owner;
mod shared;
mod steal;
mod stealer;
mod top;
mod words;
mod worker;

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

pub use bounded::BoundedWorker;
pub use injector::Injector;
pub use steal::Steal;
pub use stealer::{Destination, Stealer};
pub use worker::Worker;
