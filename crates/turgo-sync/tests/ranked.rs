//! Locks with ranks: what the witness sees, and what types allow.
#![cfg(all(debug_assertions, not(any(loom, shuttle))))]

use std::panic::{AssertUnwindSafe, catch_unwind};

use turgo_sync::Mutex;
use turgo_sync::ranked::{Level, LockedAt, PiMutex, Ranked, Watched};

turgo_sync::lock_order! { Outer < Middle < Inner }

/// What the witness says when this is done.
fn complaint(f: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(f)).err()?;
    Some(*panic.downcast::<String>().expect("a message"))
}

fn watched(level: u32) -> Watched<Mutex<u32>> {
    Watched::new(Mutex::new(level), "a lock", Level::new(level))
}

#[test]
fn the_wrong_order_is_told_with_what_is_held_and_where() {
    let (outer, inner) = (watched(1), watched(2));
    let held = inner.lock();
    let message = complaint(|| drop(outer.lock())).expect("the wrong order");
    assert!(message.starts_with("locks in the wrong order: `a lock` of level 1"), "{message}");
    assert!(message.contains("\n  `a lock` of level 2"), "{message}");
    assert_eq!(message.matches(file!()).count(), 2, "where both were asked for: {message}");
    drop(held);
    let _outer = outer.lock();
    let _inner = inner.lock();
}

#[test]
fn a_try_waits_for_nobody_but_counts() {
    let (outer, inner) = (watched(1), watched(2));
    let held = inner.lock();
    let tried = outer.try_lock().expect("nobody has it");
    drop(held);
    drop(inner.lock());
    drop(tried);
    let _tried = inner.try_lock().expect("nobody has it");
    assert!(complaint(|| drop(outer.lock())).is_some());
}

#[test]
fn peers_go_by_address() {
    let peers = [watched(1), watched(1)];
    {
        let _first = peers[0].lock();
        let _second = peers[1].lock();
    }
    let _second = peers[1].lock();
    assert!(complaint(|| drop(peers[0].lock())).is_some());
}

#[test]
fn those_without_a_level_go_in_any_order_but_not_twice() {
    let (some, other) = (watched(0), watched(7));
    {
        let _other = other.lock();
        let _some = some.lock();
    }
    let _some = some.lock();
    let _other = other.lock();
    assert!(complaint(|| drop(some.lock())).is_some());
}

#[test]
fn guards_may_be_dropped_in_any_order() {
    let locks = [watched(1), watched(2), watched(3)];
    let [first, second, third] = locks.each_ref().map(Watched::lock);
    drop(first);
    drop(third);
    drop(second);
    assert!(complaint(|| drop(locks.each_ref().map(Watched::lock))).is_none());
}

#[test]
fn what_came_after_a_complaint_is_whole() {
    let (outer, inner) = (watched(1), watched(2));
    let held = inner.lock();
    assert!(complaint(|| drop(outer.lock())).is_some());
    drop(held);
    // Nobody has either, and this thread's list is empty.
    drop(outer.lock());
    drop(inner.lock());
}

#[test]
fn types_let_pass_what_is_in_order() {
    let outer: Ranked<Mutex<u32>, Outer> = Ranked::new(Mutex::new(1));
    let middle: [Ranked<Mutex<u32>, Middle>; 2] =
        [2, 3].map(|value| Ranked::new(Mutex::new(value)));
    let inner: Ranked<PiMutex<u32>, Inner> = Ranked::new(PiMutex::new(4));
    let mut held = LockedAt::nothing_held();
    for (one, two) in [(0, 1), (1, 0)] {
        let (a, mut held) = outer.blocking_lock(&mut held);
        let (b, c, mut held) = middle[one].blocking_lock_two(&middle[two], &mut held);
        let (d, _held) = inner.blocking_lock(&mut held);
        let d = d.expect("nobody died");
        assert_eq!((*a, *b, *c, *d), (1, 2 + one as u32, 2 + two as u32, 4));
    }
}

#[test]
fn what_was_tried_counts_for_types_too() {
    let middle: Ranked<Mutex<u32>, Middle> = Ranked::new(Mutex::new(1));
    let outer: Ranked<Mutex<u32>, Outer> = Ranked::new(Mutex::new(2));
    let inner: Ranked<Mutex<u32>, Inner> = Ranked::new(Mutex::new(3));
    let mut held = LockedAt::nothing_held();
    let (a, mut held) = middle.blocking_lock(&mut held);
    let (b, mut held) = outer.try_lock(&mut held).expect("nobody has it");
    let (c, _held) = inner.blocking_lock(&mut held);
    assert_eq!((*a, *b, *c), (1, 2, 3));
}

#[test]
fn a_lock_is_no_peer_of_its_own() {
    let middle: Ranked<Mutex<u32>, Middle> = Ranked::new(Mutex::new(1));
    let mut held = LockedAt::nothing_held();
    assert!(
        catch_unwind(AssertUnwindSafe(|| drop(middle.blocking_lock_two(&middle, &mut held))))
            .is_err()
    );
}
