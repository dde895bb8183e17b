//! Slots on threads of the machine, and models of growth and of the free stack.

use super::*;
use crate::rights::Rights;
use crate::state::Kill;

/// Publishes an occupant with these rights.
fn occupy(slab: &Slab, handle: Handle, rights: u16) {
    let word = Word::alive(handle.generation(), Rights::from_bits(rights), 0, 0);
    slab.slot(handle).unwrap().word.publish(word);
}

/// Kills the occupant and releases the slot.
fn vacate(slab: &Slab, handle: Handle) {
    assert!(matches!(slab.slot(handle).unwrap().word.kill(handle), Kill::Won(_)));
    slab.release(handle, 0);
}

#[cfg(not(any(loom, shuttle)))]
mod unit {
    use super::*;

    #[test]
    fn indices_have_places_of_their_own() {
        let mut expected = (0, 0);
        for index in 0..10_000 {
            assert_eq!(place(index), expected, "index {index}");
            expected.1 += 1;
            if expected.1 == chunk_len(expected.0) {
                expected = (expected.0 + 1, 0);
            }
        }
        let (chunk, last) = place((SLOTS_MAX - 1) as u32);
        assert_eq!(last, chunk_len(chunk) - 1);
        assert_eq!(index_of(chunk, last) >> PLACE_BITS, chunk as u32);
        for count in (0..10_000).chain([SLOTS_MAX as u32 - 1]) {
            let (chunk, place) = place(count);
            assert_eq!(Slab::count_of(index_of(chunk, place)), Some(count));
        }
        for chunk in 0..CHUNKS {
            let behind = (chunk << PLACE_BITS | chunk_len(chunk).min((1 << PLACE_BITS) - 1)) as u32;
            let made = chunk as u32 == PLACE_BITS - FIRST.ilog2();
            assert_eq!(Slab::count_of(behind).is_some(), made, "S1: no place of chunk {chunk}");
        }
        assert_eq!(Slab::count_of(u32::MAX >> 1), None);
    }

    #[test]
    fn slots_stay_where_they_are() {
        let slab = Slab::new(u32::MAX, 1, 1);
        let handles: Vec<Handle> = (0..5_000).map(|_| slab.reserve(0).unwrap()).collect();
        let first: *const Slot = slab.slot(handles[0]).unwrap();
        assert_eq!(slab.len(), 5_000);
        assert!(slab.nth(100_000).is_none());
        assert!(core::ptr::eq(first, slab.slot(handles[0]).unwrap()), "S1");
        for (count, handle) in (0..).zip(&handles) {
            let (index, slot) = slab.nth(count).unwrap();
            assert_eq!(index, handle.index(), "S1");
            assert!(core::ptr::eq(slot, slab.slot(*handle).unwrap()), "S1");
        }
    }

    #[test]
    fn a_slot_comes_back_with_another_generation() {
        let slab = Slab::new(2, 1, 1);
        let first = slab.reserve(0).unwrap();
        occupy(&slab, first, 1);
        let other = slab.reserve(0).unwrap();
        assert_eq!(slab.reserve(0), Err(SlabFull));
        vacate(&slab, first);
        let second = slab.reserve(0).unwrap();
        assert_eq!(second.index(), first.index());
        assert_eq!(second.generation(), 2);
        occupy(&slab, second, 1);
        let word = slab.slot(second).unwrap().word.load();
        assert!(word.is(second));
        assert!(!word.is(first), "H2: a stale handle matches nothing");
        slab.give_up(other, 0);
        assert_eq!(slab.reserve(0).unwrap().generation(), 2, "S3: given up, and never again");
    }

    #[test]
    fn used_up_generations_retire_a_slot() {
        let slab = Slab::new(1, 1, u32::MAX - 2);
        for left in [2, 1] {
            let handle = slab.reserve(0).unwrap();
            assert_eq!(handle.generation(), u32::MAX - left);
            occupy(&slab, handle, 1);
            vacate(&slab, handle);
        }
        assert_eq!(slab.reserve(0), Err(SlabFull), "S4");
        assert_eq!(slab.retired(), 1);
    }

    #[test]
    fn threads_share_out_the_slots() {
        let slab = Slab::new(64, 1, 1);
        std::thread::scope(|scope| {
            for thread in 1..=4 {
                let slab = &slab;
                scope.spawn(move || {
                    for _ in 0..5_000 {
                        let mine: Vec<_> = (0..8).filter_map(|_| slab.reserve(0).ok()).collect();
                        mine.iter().for_each(|handle| occupy(slab, *handle, thread));
                        for handle in mine {
                            let word = slab.slot(handle).unwrap().word.load();
                            assert_eq!(word.rights().bits(), thread, "S2: two owners");
                            vacate(slab, handle);
                        }
                    }
                });
            }
        });
        let mut all: Vec<u32> = (0..64).map(|_| slab.reserve(0).unwrap().index()).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..64), "none was lost and none is there twice");
    }
}

#[cfg(loom)]
mod models {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;
    use crate::forest::tests::explore;

    #[test]
    fn a_chunk_is_published_once() {
        explore(3, || {
            let slab = Arc::new(Slab::new(8, 1, 1));
            slab.reserve(0).unwrap();
            let other = Arc::clone(&slab);
            let theirs = thread::spawn(move || {
                let handle = other.reserve(0).unwrap();
                occupy(&other, handle, 1);
                handle
            });
            let mine = slab.reserve(0).unwrap();
            occupy(&slab, mine, 2);
            let theirs = theirs.join().unwrap();
            assert!(slab.slot(theirs).unwrap().word.load().is(theirs), "S1");
            assert!(slab.slot(mine).unwrap().word.load().is(mine), "S1");
        });
    }

    #[test]
    fn a_free_slot_has_one_taker() {
        explore(3, || {
            let slab = Arc::new(Slab::new(2, 1, 1));
            let both = [slab.reserve(0).unwrap(), slab.reserve(0).unwrap()];
            both.iter().for_each(|handle| occupy(&slab, *handle, 1));
            both.iter().for_each(|handle| vacate(&slab, *handle));
            let other = Arc::clone(&slab);
            // Takes two, brings the first back: the head names the same slot again, with another successor.
            let theirs = thread::spawn(move || {
                let first = other.reserve(0).ok();
                let second = other.reserve(0).ok();
                if let Some(handle) = first {
                    occupy(&other, handle, 1);
                    vacate(&other, handle);
                }
                second
            });
            let mine = slab.reserve(0).ok();
            let theirs = theirs.join().unwrap();
            let last = slab.reserve(0).ok();
            let mut taken: Vec<u32> =
                [mine, theirs, last].iter().flatten().map(|handle| handle.index()).collect();
            taken.sort_unstable();
            assert!(taken.windows(2).all(|pair| pair[0] != pair[1]), "S3: {taken:?}");
        });
    }
}
