//! A slot that a thief frees and its owner takes again.

use loom::sync::Arc;
use turgo_machine::thread;

use super::{Arena, Purse, SLOTS, call};

#[test]
fn a_returned_slot_is_the_owners() {
    loom::model(|| {
        let arena = Arc::new(Arena::new(2));
        let owner = Purse::new(0);
        let taken: Vec<u32> = (0..SLOTS).map(|_| owner.take(&arena).0).collect();
        for id in &taken {
            // SAFETY: it was just taken.
            unsafe { arena.slot(*id).fill(call, u64::from(*id)) };
        }
        let others = Arc::clone(&arena);
        let thief = thread::spawn(move || {
            let purse = Purse::new(1);
            for id in [taken[0], taken[1]] {
                // SAFETY: it was handed out.
                let slot = unsafe { others.slot(id) };
                // SAFETY: it was filled with that.
                assert_eq!(unsafe { slot.read::<u64>() }, u64::from(id));
                purse.give(&others, id, slot);
            }
            purse.flush(&others);
        });
        // One of the two, or one of a new segment.
        let (id, slot) = owner.take(&arena);
        // SAFETY: it was just taken: N4, the thief's reading came before.
        unsafe { slot.fill(call, u64::from(id) + 1) };
        thief.join().expect("a thief");
    });
}
