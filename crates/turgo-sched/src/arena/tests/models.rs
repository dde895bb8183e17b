//! A slot that a thief frees and its owner takes again.

use loom::sync::Arc;
use turgo_machine::thread;

use super::{Arena, Purse, SLOTS, call};

/// Whether the owner has taken a returned slot in some run of the model.
static COMES_BACK: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

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
        let returned = [taken[0], taken[1]];
        let others = Arc::clone(&arena);
        let owner = thread::spawn(move || {
            // One of the two, or one of a new segment.
            let (id, slot) = owner.take(&others);
            // SAFETY: it was just taken: N4, the thief's reading came before.
            unsafe { slot.fill(call, u64::from(id) + 1) };
            COMES_BACK.fetch_or(returned.contains(&id), std::sync::atomic::Ordering::Relaxed);
        });
        let purse = Purse::new(1);
        for id in returned {
            // SAFETY: it was handed out.
            let slot = unsafe { arena.slot(id) };
            // SAFETY: it was filled with that.
            assert_eq!(unsafe { slot.read::<u64>() }, u64::from(id));
            purse.give(&arena, id, slot);
        }
        purse.flush(&arena);
        owner.join().expect("an owner");
    });
    let comes_back = COMES_BACK.load(std::sync::atomic::Ordering::Relaxed);
    assert!(comes_back, "otherwise the model shows nothing");
}
