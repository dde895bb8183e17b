//! Slots that wander between workers.

use super::{Arena, Purse, SLOTS, Slot};

#[cfg(loom)]
mod models;

unsafe fn call(_: &Slot, _: u32, _: &crate::pool::Worker) {}

#[cfg(not(any(loom, shuttle)))]
mod unit {
    use std::collections::HashSet;
    use std::sync::Arc;

    use crate::arena::{NONE, Place};
    use crate::pool::Worker;
    use crate::run::{Ran, Runnable};

    use super::*;

    #[test]
    fn no_number_is_given_out_twice() {
        let (arena, first, second) = (Arena::new(2), Purse::new(0), Purse::new(1));
        let mut taken = HashSet::new();
        for round in 0..5_000u32 {
            let purse = if round.is_multiple_of(3) { &second } else { &first };
            let (id, slot) = purse.take(&arena);
            assert!(taken.insert(id), "N1");
            // SAFETY: it was just taken.
            unsafe { slot.fill(call, u64::from(id)) };
            if round.is_multiple_of(2) {
                let id = *taken.iter().next().expect("one is taken");
                taken.remove(&id);
                // SAFETY: it was handed out.
                let slot = unsafe { arena.slot(id) };
                // SAFETY: it was filled with that.
                assert_eq!(unsafe { slot.read::<u64>() }, u64::from(id));
                let purse = if round.is_multiple_of(4) { &second } else { &first };
                purse.give(&arena, id, slot);
            }
        }
    }

    #[test]
    fn what_others_free_comes_back() {
        let (arena, owner, thief) = (Arena::new(2), Purse::new(0), Purse::new(1));
        for _ in 0..50 {
            let taken: Vec<_> = (0..SLOTS).map(|_| owner.take(&arena)).collect();
            taken.into_iter().for_each(|(id, slot)| thief.give(&arena, id, slot));
            thief.flush(&arena);
        }
        assert!(arena.segments_used() <= 2, "{} segments", arena.segments_used());
    }

    #[test]
    fn slots_of_threads_outside_come_back() {
        let (arena, purse) = (Arena::new(1), Purse::new(0));
        for _ in 0..5 * SLOTS {
            let (id, slot) = arena.take_outside();
            purse.give(&arena, id, slot);
        }
        purse.flush(&arena);
        assert!(arena.segments_used() <= 2);
    }

    struct Nothing;

    impl Runnable for Nothing {
        fn run(&self, _: u32, _: &Worker) -> Ran {
            Ran::Nothing
        }

        fn number(&self, index: u32) -> u32 {
            index
        }

        fn finished(self: Arc<Self>, _: &Worker) {}
    }

    #[test]
    fn ranges_are_used_again() {
        let arena = Arena::new(1);
        let run: Arc<dyn Runnable> = Arc::new(Nothing);
        for nodes in [1, SLOTS, SLOTS + 1, 7 * SLOTS] {
            let base = arena.reserve(Arc::clone(&run), 5, nodes);
            // SAFETY: it was handed out.
            let place = unsafe { arena.place(base + nodes - 1) };
            assert!(matches!(place, Place::Node(_, index) if index == 5 + nodes - 1));
            // SAFETY: none of them is queued.
            unsafe { arena.release(base) };
        }
        let used = arena.segments_used();
        let (first, second) =
            (arena.reserve(Arc::clone(&run), 0, 3 * SLOTS), arena.reserve(run, 0, 1));
        assert_eq!(arena.segments_used(), used);
        assert!(first.abs_diff(second) >= SLOTS, "they do not overlap");
        assert_ne!(first, NONE);
    }

    #[test]
    fn ranges_of_many_sizes_do_not_use_up_the_numbers() {
        let arena = Arena::new(1);
        let run: Arc<dyn Runnable> = Arc::new(Nothing);
        let mut random = crate::random::Random::new(1, 0);
        let mut held = std::collections::VecDeque::new();
        for _ in 0..20_000 {
            // Two hundred segments at once are the most.
            let nodes = (1 + random.below(50)) * SLOTS;
            held.push_back(arena.reserve(Arc::clone(&run), 0, nodes));
            if held.len() == 4 {
                let base = held.remove(random.below(4) as usize).expect("four are held");
                // SAFETY: none of them is queued.
                unsafe { arena.release(base) };
            }
        }
        assert!(arena.segments_used() < 1_000, "N5: {} segments", arena.segments_used());
    }
}
