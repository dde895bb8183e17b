//! The forest in every interleaving and reordering that the memory model allows, within a bound of preemptions.

use loom::sync::Arc;
use loom::thread;

use super::*;

const READ: Rights = Rights::READ;
const WRITE: Rights = Rights::WRITE;

fn forest() -> Arc<Forest> {
    Arc::new(Forest::new(8, 1, 1))
}

fn all() -> Seed {
    Seed::of(Rights::ALL)
}

#[test]
fn a_child_of_a_revoked_parent_is_dead_on_arrival() {
    explore(3, || {
        let forest = forest();
        let root = forest.mint(all());
        let other = Arc::clone(&forest);
        let child = thread::spawn(move || {
            let child = other.delegate(root, all())?;
            let _ = other.allows(child, READ);
            Some(child)
        });
        forest.revoke(root);
        if let Some(child) = child.join().unwrap() {
            assert!(!forest.allows(child, Rights::NONE), "F1");
        }
    });
}

#[test]
fn a_check_beside_a_revoke_leaves_no_stamp_behind() {
    explore(3, || {
        let forest = forest();
        let root = forest.mint(all());
        let child = forest.delegate(root, all()).unwrap();
        let other = Arc::clone(&forest);
        let checks = thread::spawn(move || other.allows(child, READ));
        forest.revoke(root);
        assert!(!forest.allows(child, Rights::NONE), "F2");
        checks.join().unwrap();
        assert!(!forest.allows(child, Rights::NONE), "F4");
    });
}

#[test]
fn what_was_seen_before_a_revoke_is_not_stamped_after_it() {
    explore(3, || {
        let forest = forest();
        let root = forest.mint(all());
        let child = forest.delegate(root, all()).unwrap();
        let other = Arc::clone(&forest);
        let revokes = thread::spawn(move || other.revoke(root));
        let _ = forest.allows(child, READ);
        assert!(revokes.join().unwrap());
        assert!(!forest.allows(child, Rights::NONE), "F4");
    });
}

#[test]
fn a_walk_is_not_led_astray_by_a_new_occupant() {
    explore(3, || {
        let forest = forest();
        let (root, refuge) = (forest.mint(all()), forest.mint(all()));
        let middle = forest.delegate(root, all()).unwrap();
        forest.revoke(root);
        let other = Arc::clone(&forest);
        let recycles = thread::spawn(move || {
            other.revoke(middle);
            // The slot of `root` is free, and then that of `middle`, which is taken first.
            other.delegate(refuge, all()).unwrap()
        });
        assert!(!forest.allows(middle, Rights::NONE), "F3");
        let new = recycles.join().unwrap();
        assert_eq!(new.index(), middle.index());
        assert!(forest.allows(new, READ));
    });
}

#[test]
fn whoever_finds_a_child_finds_its_parent() {
    explore(3, || {
        let forest = forest();
        let (weak, strong) = (forest.mint(Seed::of(READ)), forest.mint(all()));
        forest.revoke(strong);
        let other = Arc::clone(&forest);
        let delegates = thread::spawn(move || other.delegate(weak, all()).unwrap());
        for found in forest.occupants() {
            assert!(!forest.allows(found, WRITE), "F3");
        }
        let child = delegates.join().unwrap();
        assert!(forest.allows(child, READ) && !forest.allows(child, WRITE), "F3");
    });
}

#[test]
fn a_walk_through_a_recycled_ancestor_fails() {
    explore(3, || {
        let forest = forest();
        let (root, refuge) = (forest.mint(all()), forest.mint(all()));
        let middle = forest.delegate(root, all()).unwrap();
        let leaf = forest.delegate(middle, all()).unwrap();
        forest.revoke(root);
        let other = Arc::clone(&forest);
        let recycles = thread::spawn(move || {
            other.revoke(middle);
            let new = other.delegate(refuge, all()).unwrap();
            assert!(other.allows(new, READ));
        });
        assert!(!forest.allows(leaf, Rights::NONE), "F1");
        recycles.join().unwrap();
        assert!(!forest.allows(leaf, Rights::NONE), "F1");
    });
}

#[test]
fn a_stamp_of_a_new_occupant_vouches_for_nobody_else() {
    explore(3, || {
        let forest = forest();
        let weak = forest.mint(Seed::of(READ));
        let other = Arc::clone(&forest);
        let recycles = thread::spawn(move || {
            other.revoke(weak);
            let strong = other.mint(all());
            assert_eq!(strong.index(), weak.index());
            assert!(other.allows(strong, Rights::ALL));
        });
        assert!(!forest.allows(weak, WRITE), "F5");
        recycles.join().unwrap();
        assert!(!forest.allows(weak, Rights::NONE), "H2");
    });
}

#[test]
fn a_slot_is_taken_when_its_last_occupant_is_known_to_be_dead() {
    explore(3, || {
        let forest = forest();
        let weak = forest.mint(Seed::of(READ));
        let (other, third) = (Arc::clone(&forest), Arc::clone(&forest));
        let revokes = thread::spawn(move || other.revoke(weak));
        let mints = thread::spawn(move || {
            let strong = third.mint(all());
            assert!(third.allows(strong, Rights::ALL));
        });
        assert!(!forest.allows(weak, WRITE), "F5");
        assert!(revokes.join().unwrap());
        mints.join().unwrap();
    });
}

#[test]
fn a_swept_slot_vouches_for_nobody() {
    explore(3, || {
        let forest = forest();
        let root = forest.mint(all());
        let child = forest.delegate(root, all()).unwrap();
        forest.revoke(root);
        let other = Arc::clone(&forest);
        let checks = thread::spawn(move || other.allows(child, Rights::NONE));
        assert_eq!(forest.sweep(2).bury(|_, _| ()), 1);
        let new = forest.mint(all());
        assert_eq!(new.index(), child.index());
        assert!(forest.allows(new, READ));
        assert!(!checks.join().unwrap(), "F5");
    });
}

#[test]
fn whoever_revokes_too_late_may_rely_on_it() {
    explore(3, || {
        let forest = forest();
        let root = forest.mint(all());
        let child = forest.delegate(root, all()).unwrap();
        assert!(forest.allows(child, READ));
        let other = Arc::clone(&forest);
        let first = thread::spawn(move || {
            let won = other.revoke(root);
            assert!(!other.allows(child, Rights::NONE), "F2");
            won
        });
        let won = forest.revoke(root);
        assert!(!forest.allows(child, Rights::NONE), "F2");
        assert!(first.join().unwrap() ^ won, "it dies once");
    });
}

#[test]
fn whoever_narrows_too_late_may_rely_on_it() {
    explore(3, || {
        let forest = forest();
        let root = forest.mint(all());
        let child = forest.delegate(root, all()).unwrap();
        assert!(forest.allows(child, WRITE));
        let other = Arc::clone(&forest);
        let first = thread::spawn(move || {
            assert!(other.narrow(root, READ));
            assert!(!other.allows(child, WRITE), "F2");
        });
        assert!(forest.narrow(root, READ));
        assert!(!forest.allows(child, WRITE), "F2");
        first.join().unwrap();
        assert!(forest.allows(child, READ));
    });
}

#[test]
fn whoever_narrows_what_is_dying_may_rely_on_it() {
    explore(3, || {
        let forest = forest();
        let root = forest.mint(all());
        let child = forest.delegate(root, all()).unwrap();
        assert!(forest.allows(child, WRITE));
        let other = Arc::clone(&forest);
        let revokes = thread::spawn(move || other.revoke(root));
        forest.narrow(root, READ);
        assert!(!forest.allows(child, WRITE), "F2");
        assert!(revokes.join().unwrap());
    });
}

#[test]
fn whoever_comes_when_the_slot_was_given_up_may_rely_on_it() {
    explore(3, || {
        let forest = forest();
        let root = forest.mint(all());
        let child = forest.delegate(root, all()).unwrap();
        assert!(forest.allows(child, READ));
        let (other, third) = (Arc::clone(&forest), Arc::clone(&forest));
        let revokes = thread::spawn(move || other.revoke(root));
        let gives_up = thread::spawn(move || {
            let place = Place::root(0);
            third.give_up(third.reserve(place).unwrap(), place);
        });
        forest.revoke(root);
        assert!(!forest.allows(child, Rights::NONE), "F2");
        revokes.join().unwrap();
        gives_up.join().unwrap();
    });
}

#[test]
fn a_tick_that_returned_has_ended_what_was_due() {
    explore(3, || {
        let forest = forest();
        let root = forest.mint(all().until(5));
        let other = Arc::clone(&forest);
        let checks = thread::spawn(move || other.allows(root, READ));
        forest.tick(5);
        assert!(!forest.allows(root, Rights::NONE), "F7");
        checks.join().unwrap();
        assert!(!forest.allows(root, Rights::NONE), "F7");
    });
}

#[test]
fn whoever_ticks_too_late_may_rely_on_it() {
    explore(3, || {
        let forest = forest();
        let root = forest.mint(all().until(5));
        assert!(forest.allows(root, READ));
        let other = Arc::clone(&forest);
        let first = thread::spawn(move || other.tick(6));
        forest.tick(5);
        assert!(!forest.allows(root, Rights::NONE), "F7");
        first.join().unwrap();
    });
}
