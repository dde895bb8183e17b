//! Sharing memory without locks, and knowing when it can be freed.
//!
//! - [`reclaim`]: one trait over two ways of knowing, [`hazard`] pointers and [`rcu`]. Containers take it as a parameter, but for
//!   [`SegmentQueue`](queue::SegmentQueue), which needs neither.
//! - [`queue`], [`stack`], [`deque`], [`ring`] and `map`: containers, with names that users of crossbeam know.
//! - [`RcuCell`]: a value that is replaced as a whole, in arc-swap's shape. [`counter`]: counting without contention.
//!
//! Every type names its progress guarantee and the paper it follows; every module numbers its invariants, and the tests of the crate
//! show for each a wrong version that they find. `docs/book/lockfree.md` is a tutorial.
//!
//! Where memory runs out, what has to allocate (making a structure, pushing to one that grows, a thread's first use of a domain or counter) ends
//! the process, as `Box` does, before it has changed anything. Popping, stealing, reading, retiring and freeing need no memory, but where a domain of RCU
//! reports a stall or starts its thread.
//!
//! Without the feature `std` there are no thread-local values and no map; what needs a thread's own record takes one for the time of an
//! operation, which is slower. A drop or a callback that panics while a domain runs it is caught and counted; without `std` it ends the process.

#![cfg_attr(not(any(feature = "std", loom, shuttle, mutants)), no_std)]

extern crate alloc;

pub mod counter;
pub mod deque;
mod drain;
mod fence;
pub mod hazard;
#[cfg(feature = "std")]
pub mod map;
mod patience;
mod pause;
#[cfg(all(test, not(any(loom, shuttle))))]
mod poison;
pub mod queue;
pub mod rcu;
mod rcu_cell;
pub mod reclaim;
mod registry;
pub mod ring;
pub mod stack;

pub use rcu_cell::{RcuCell, Replaced};
pub use reclaim::{Atomic, Owned, Reclaim, Shared};

/// The code of the book's chapter is compiled and run with the tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/book/lockfree.md")]
struct Tutorial;
