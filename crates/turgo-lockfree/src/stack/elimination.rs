//! Where a push and a pop that collided at the top of a stack can meet. Invariants: [the module above](super).

use turgo_machine::atomic::Ordering;
use turgo_machine::{CachePadded, mutant, thread};

use super::Node;
use crate::reclaim::{Atomic, Owned, Shared};

/// Places to meet.
const PLACES: usize = if cfg!(any(loom, shuttle)) { 1 } else { 4 };

/// How long a push waits for a pop, in looks.
const LOOKS_MAX: u32 = if cfg!(any(loom, shuttle)) { 1 } else { 32 };

pub(super) struct Elimination<T> {
    places: [CachePadded<Atomic<Node<T>>>; PLACES],
}

impl<T> Elimination<T> {
    pub(super) fn new() -> Self {
        Self { places: core::array::from_fn(|_| CachePadded::new(Atomic::null())) }
    }

    /// Holds a node out to the pops for a moment. Gives it back where none came.
    pub(super) fn offer(&self, node: Owned<Node<T>>) -> Result<(), Owned<Node<T>>> {
        let offered = node.into_shared();
        // The allocator spreads nodes of different threads over different lines.
        #[cfg_attr(
            any(loom, shuttle),
            expect(clippy::modulo_one, reason = "models have one place")
        )]
        let place = &self.places[(offered.as_ptr().addr() >> 6) % PLACES];
        // Release: hands the node to the Acquire in `take`. Relaxed: the place is taken, nothing was read.
        let empty = Shared::null();
        if place.compare_exchange(empty, offered, Ordering::Release, Ordering::Relaxed).is_err() {
            // SAFETY: nobody else has seen it.
            return Err(unsafe { offered.into_owned() });
        }
        for _ in 0..LOOKS_MAX {
            // Relaxed: only compared. A node of ours cannot be there a second time.
            if place.load(Ordering::Relaxed) != offered {
                return Ok(());
            }
            thread::spin_loop();
        }
        // Relaxed: we only take back what we know.
        let back = place.compare_exchange(offered, empty, Ordering::Relaxed, Ordering::Relaxed);
        if back.is_ok() || mutant!("T4 taken back unasked") {
            // SAFETY: T4, we took it out.
            return Err(unsafe { offered.into_owned() });
        }
        Ok(())
    }

    /// Takes a node that is being held out.
    pub(super) fn take(&self) -> Option<Owned<Node<T>>> {
        for place in &self.places {
            // Relaxed: the exchange below orders what is in the node.
            let offered = place.load(Ordering::Relaxed);
            if offered.is_null() {
                continue;
            }
            // Acquire: pairs with the Release in `offer`. Relaxed: nothing was taken.
            let empty = Shared::null();
            let taken =
                place.compare_exchange(offered, empty, Ordering::Acquire, Ordering::Relaxed);
            if taken.is_ok() {
                // SAFETY: T4, we took it out. Where the same node was held out a second time since it was read it is an offer all the same.
                return Some(unsafe { offered.into_owned() });
            }
        }
        None
    }
}
