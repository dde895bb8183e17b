//! Where a push and a pop that collided at the top of a stack can meet. Invariants: [the module above](super).

use turgo_machine::atomic::Ordering;
use turgo_machine::{CachePadded, mutant, thread};

use super::Node;
use crate::pause;
use crate::reclaim::{Atomic, Owned, Shared};

/// Places to meet.
const PLACES: usize = if cfg!(any(loom, shuttle)) { 1 } else { 4 };

/// How long a push waits for a pop, in looks.
const LOOKS_MAX: u32 = if cfg!(any(loom, shuttle)) { 1 } else { 32 };

/// Tag of a place whose node was taken: the push that had put it there has yet to see that (T5).
const TAKEN: usize = 1;

pub(super) struct Elimination<T> {
    places: [CachePadded<Atomic<Node<T>>>; PLACES],
}

// SAFETY: T4. A node goes from the thread that holds it out to the one that takes it, and is never shared.
unsafe impl<T: Send> Sync for Elimination<T> {}
// SAFETY: it owns nothing but what threads hold out just now.
unsafe impl<T: Send> Send for Elimination<T> {}

impl<T> Elimination<T> {
    #[cfg(not(any(loom, shuttle)))]
    pub(super) const fn new() -> Self {
        Self { places: [const { CachePadded::new(Atomic::null()) }; PLACES] }
    }

    #[cfg(any(loom, shuttle))]
    pub(super) fn new() -> Self {
        Self { places: core::array::from_fn(|_| CachePadded::new(Atomic::null())) }
    }

    /// Where a node is held out. The allocator spreads nodes of different threads over different lines.
    fn place_of(&self, node: Shared<'_, Node<T>>) -> &Atomic<Node<T>> {
        #[cfg_attr(
            any(loom, shuttle),
            expect(clippy::modulo_one, reason = "models have one place")
        )]
        let place = &self.places[(node.as_ptr().addr() >> 6) % PLACES];
        place
    }

    /// Holds a node out to the pops for a moment. Gives it back where none came.
    pub(super) fn offer(&self, node: Owned<Node<T>>) -> Result<(), Owned<Node<T>>> {
        let offered = node.into_shared();
        let place = self.place_of(offered);
        // Release: hands the node to the Acquire in `take`. Relaxed: the place is taken, nothing was read.
        let empty = Shared::null();
        if place.compare_exchange(empty, offered, Ordering::Release, Ordering::Relaxed).is_err() {
            // SAFETY: nobody else has seen it.
            return Err(unsafe { offered.into_owned() });
        }
        pause::point("stack offered");
        let is_taken = (0..LOOKS_MAX).any(|_| {
            thread::spin_loop();
            // Relaxed: only compared.
            place.load(Ordering::Relaxed) != offered
        });
        // Relaxed: T5, we only take back what we know.
        let back = || place.compare_exchange(offered, empty, Ordering::Relaxed, Ordering::Relaxed);
        if !is_taken && (back().is_ok() || mutant!("T4 taken back unasked")) {
            // SAFETY: T4 and T5, we took it out.
            return Err(unsafe { offered.into_owned() });
        }
        // Relaxed: T5, the place is ours until this, and there is nothing behind it.
        place.store(empty, Ordering::Relaxed);
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
            let tag = if mutant!("T5 place given up by the pop") { 0 } else { TAKEN };
            let left = Shared::null().with_tag(tag);
            // Acquire: pairs with the Release in `offer`. Relaxed: nothing was taken.
            let order = (Ordering::Acquire, Ordering::Relaxed);
            if let Some(taken) = place.exchange_for(offered, left, order.0, order.1) {
                // SAFETY: T4, we took it out. Where its memory was held out a second time since it was read it is an offer all the same.
                return Some(unsafe { taken.into_owned() });
            }
        }
        None
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use alloc::sync::Arc;

    use super::*;
    use crate::pause::suspend_at;

    /// What goes to another thread.
    struct Sent<T>(T);

    // SAFETY: the test sends nodes with numbers, and places for them, as a stack does.
    unsafe impl<T> Send for Sent<T> {}
    // SAFETY: as above.
    unsafe impl<T> Sync for Sent<T> {}

    impl<T> Sent<T> {
        fn received(self) -> T {
            self.0
        }
    }

    /// As if `node` were freed and its memory became a node of another push.
    fn reborn(mut node: Owned<Node<u32>>, value: u32) -> Owned<Node<u32>> {
        let mut other = Node::new(value);
        core::mem::swap(&mut *node, &mut *other);
        node
    }

    fn value(node: &Node<u32>) -> u32 {
        // SAFETY: the node has a value, and a number can be taken more than once.
        unsafe { node.take() }
    }

    #[test]
    fn a_push_does_not_take_back_the_node_of_another() {
        let shared = Arc::new(Sent(Elimination::<u32>::new()));
        let (elimination, offering, first) = (&shared.0, Arc::clone(&shared), Sent(Node::new(1)));
        let offer = move || {
            let offering = offering;
            offering.0.offer(first.received()).err().map(Sent)
        };
        let back = suspend_at("stack offered", offer, || {
            let taken = elimination.take().expect("it is held out");
            assert_eq!(value(&taken), 1);
            let later = reborn(taken, 2).into_shared();
            let place = elimination.place_of(later);
            // Release, Relaxed: as in `offer`, of which this is the first step.
            let (release, relaxed) = (Ordering::Release, Ordering::Relaxed);
            if place.compare_exchange(Shared::null(), later, release, relaxed).is_err() {
                // SAFETY: nobody else has seen it.
                drop(unsafe { later.into_owned() });
            }
        });
        assert_eq!(
            back.map(|node| value(&node.received())),
            None,
            "the first push took back the second's"
        );
        assert!(elimination.offer(Node::new(3)).is_err(), "the places are free again");
    }
}
