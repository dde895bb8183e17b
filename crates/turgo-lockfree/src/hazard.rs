//! Hazard pointers: a reader publishes the one node it uses, and a node that is published is not freed.
//!
//! After Maged M. Michael, *Hazard Pointers: Safe Memory Reclamation for Lock-Free Objects* (IEEE TPDS 2004), in the form with fences, which
//! models can check; the shape of the interface is that of C++26. Memory that waits is bounded: a reader that stops holds back the few
//! nodes it protects, and nothing else. With `T` threads (and one for those that have ended), a threshold of `R` and `H` slots in the domain,
//! no more than `(T + 1) * R + H` nodes wait. The list of a [`Cohort`] is one of all threads: there it is `(S + 1) * R + H`, with `S` threads that are
//! stopped in the middle of a scan.
//!
//! # Invariants
//!
//! - **H1** A slot is written only by its owner: the node with Release, then [`light`](turgo_machine::barrier::light), then the place the node
//!   was read from is read again. Only a node that is still there counts as protected.
//! - **H2** Whoever frees has taken the nodes first, then makes a [`heavy`](turgo_machine::barrier::heavy) fence, then reads every slot
//!   with Acquire. Either the reader's second read comes after the fence, and then it sees that the node was unlinked and does not use it; or its slot
//!   was written before, and then the scan finds it.
//! - **H3** A node is freed only if the scan found its address in no slot. A slot is emptied with Release, so that the scan that finds
//!   it empty comes after the reader's last use.
//! - **H4** Every node that was retired is in the list of one record, in the orphans of the domain, or with the one thread that scans. A thread that
//!   ends gives its list to the orphans, and every scan adopts them. A scan starts when a list reaches the threshold, which is at
//!   least twice the number of slots, so that each scan frees at least half.
//! - **H5** While a thread runs drops, what they retire is queued and not scanned: a chain of nodes that retire each other is freed by a loop, not by
//!   recursion. Of a thread that has no record of its own nobody knows that it runs drops: of these one at a time scans, and a second, third and fourth where
//!   two, three and four thresholds wait, so that one which is stopped does not keep the others from it.
//! - **H6** A slot is returned to the record it came from, by the thread it came to. A record with slots in use is not given to another
//!   thread (G4).
//!
//! # Choosing
//!
//! Take hazard pointers where a reader may stop for long while it holds a node, or where waiting memory must be bounded. They protect one
//! node each, so walking a list costs a fence for the compiler and a second read per node, and the structure must be made for it. [RCU](crate::rcu)
//! protects everything for one store.
//!
//! ```
//! use turgo_lockfree::hazard::{Domain, HazardPointer};
//! use turgo_lockfree::{Atomic, Owned, Reclaim};
//! use turgo_machine::atomic::Ordering;
//!
//! let domain = Domain::new();
//! let cell = Atomic::new("first");
//! let mut hazard = HazardPointer::new_in(&domain);
//! let seen = hazard.protect(&cell);
//!
//! let old = cell.swap(Owned::new("second"), Ordering::AcqRel);
//! // SAFETY: the swap unlinked the node, and nobody else did.
//! unsafe { domain.retire(old.into_owned()) };
//! domain.flush();
//! // SAFETY: the hazard pointer still protects it.
//! assert_eq!(unsafe { seen.deref() }, &"first");
//! assert_eq!(domain.stats().pending(), 1);
//!
//! hazard.reset_protection();
//! domain.flush();
//! assert_eq!(domain.stats().pending(), 0);
//! # let mut cell = cell;
//! # // SAFETY: nobody else knows the cell.
//! # drop(unsafe { cell.take() });
//! ```

mod cohort;
mod domain;
mod global;
mod pointer;
mod reader;
mod record;

#[cfg(test)]
pub(crate) mod tests;

pub use cohort::Cohort;
pub use domain::{Config, Domain};
pub use global::Hazard;
pub use pointer::{Guard, HazardPointer, Source};
pub use reader::Reader;
