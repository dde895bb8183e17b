//! The forest on one thread.

use super::*;

const READ: Rights = Rights::READ;
const WRITE: Rights = Rights::WRITE;

fn forest() -> Forest {
    Forest::new(u32::MAX, 4, 1)
}

fn all() -> Seed {
    Seed::of(Rights::ALL)
}

#[test]
fn a_revoke_reaches_every_descendant() {
    let forest = forest();
    let root = forest.mint(all());
    let mut chain = vec![root];
    while let Some(child) = forest.delegate(*chain.last().unwrap(), all()) {
        chain.push(child);
    }
    assert_eq!(chain.len(), usize::from(DEPTH_MAX) + 1);
    let beside = forest.delegate(root, all()).unwrap();
    assert!(chain.iter().all(|handle| forest.allows(*handle, READ)));
    assert!(forest.revoke(chain[1]));
    assert!(!forest.revoke(chain[1]), "dead already");
    assert!(forest.allows(root, READ) && forest.allows(beside, READ));
    assert!(chain[1..].iter().all(|handle| !forest.allows(*handle, Rights::NONE)), "F1");
    assert!(forest.delegate(chain[9], all()).is_none(), "the dead delegate nothing");
}

#[test]
fn rights_are_those_of_all_ancestors() {
    let forest = forest();
    let root = forest.mint(all());
    let middle = forest.delegate(root, Seed::of(READ | WRITE)).unwrap();
    let leaf = forest.delegate(middle, all()).unwrap();
    assert!(forest.allows(leaf, READ | WRITE));
    assert!(!forest.allows(leaf, Rights::DROP), "F1");
    assert!(forest.narrow(middle, READ));
    assert!(forest.allows(leaf, READ) && !forest.allows(leaf, WRITE), "F2");
    assert!(forest.narrow(middle, WRITE));
    assert!(!forest.allows(leaf, READ) && !forest.allows(leaf, WRITE), "R2: nothing comes back");
    assert!(forest.allows(root, Rights::ALL));
}

#[test]
fn a_stale_handle_is_of_no_use() {
    let forest = forest();
    let old = forest.mint(Seed::of(WRITE));
    forest.revoke(old);
    let new = forest.mint(all());
    assert_eq!(old.index(), new.index());
    assert!(!forest.allows(old, Rights::NONE), "H2");
    assert!(!forest.narrow(old, READ) && !forest.revoke(old), "H2");
    assert!(forest.look(old).is_none() && forest.object(old).is_none());
    assert!(forest.allows(new, Rights::ALL));
}

#[test]
fn epochs_of_shards_are_apart() {
    let forest = forest();
    let here = forest.mint(all());
    let there = forest.mint_in(3, all());
    let child = forest.delegate(there, all()).unwrap();
    assert!(forest.allows(child, READ) && forest.allows(here, READ));
    let before: Vec<_> = (0..4).map(|shard| forest.epoch(shard).count()).collect();
    assert_eq!(before, [1; 4]);
    forest.revoke(there);
    let after: Vec<_> = (0..4).map(|shard| forest.epoch(shard).count()).collect();
    assert_eq!(after, [1, 1, 1, 2], "F6: the tenant's own stamps are void, no other's");
    assert!(!forest.allows(child, READ));
}

#[test]
fn a_stamp_of_one_shard_vouches_for_nobody_in_another() {
    let forest = forest();
    let strong = forest.mint_in(1, all());
    assert!(forest.allows(strong, Rights::ALL));
    forest.revoke(strong);
    let weak = forest.mint_in(2, Seed::of(READ));
    assert!(!forest.allows(weak, WRITE), "F6: as many epochs, and another shard's");
    assert_ne!(weak.index(), strong.index(), "S5");
    assert_eq!(forest.mint_in(1, all()).index(), strong.index(), "S5");
}

#[test]
fn many_are_revoked_with_one_bump() {
    let forest = forest();
    let roots: Vec<Handle> = (0..100).map(|_| forest.mint(all())).collect();
    let mut dying = Dying::new(&forest);
    assert!(roots.iter().all(|root| dying.kill(*root)));
    let mut dead = Vec::new();
    assert_eq!(dying.bury(|handle, _| dead.push(handle)), 100);
    dead.reverse();
    assert_eq!(dead, roots);
    assert_eq!(forest.epoch(0).count(), 2);
    assert!(roots.iter().all(|root| !forest.allows(*root, Rights::NONE)));
}

#[test]
fn the_sweeper_takes_back_what_is_dead_by_ancestry() {
    let forest = forest();
    let root = forest.mint(all());
    let kept = forest.mint(all());
    let children: Vec<Handle> = (0..10).map(|_| forest.delegate(root, all()).unwrap()).collect();
    let expired = forest.mint(all().until(5));
    forest.revoke(root);
    assert_eq!(forest.sweep(1000).bury(|_, _| ()), 10);
    forest.tick(5);
    assert_eq!(forest.sweep(1000).bury(|_, _| ()), 1, "what has expired, too");
    assert!(forest.look(expired).is_none());
    assert_eq!(forest.occupants().collect::<Vec<_>>(), [kept]);
    let again: Vec<Handle> = (0..12).map(|_| forest.mint(all())).collect();
    assert_eq!(forest.slab().len(), 13, "their slots are used again");
    assert!(children.iter().all(|child| !again.contains(child)));
}

#[test]
fn a_deadline_ends_a_tree() {
    let forest = forest();
    let root = forest.mint(all().until(100));
    let child = forest.delegate(root, all().until(50)).unwrap();
    let grandchild = forest.delegate(child, all()).unwrap();
    assert!(forest.allows(grandchild, READ));
    assert_eq!(forest.tick(49), 0);
    assert!(forest.allows(grandchild, READ));
    assert_eq!(forest.tick(50), 1);
    assert!(!forest.allows(child, READ) && !forest.allows(grandchild, READ), "F7");
    assert!(forest.allows(root, READ));
    assert_eq!(forest.tick(20), 0, "time does not go back");
    assert_eq!(forest.now_ns(), 50);
    assert!(!forest.allows(child, READ));
    assert_eq!(forest.tick(1000), 1);
    assert!(!forest.allows(root, READ));
    assert!(!forest.allows(forest.mint(all().until(7)), READ), "expired on arrival");
}

#[test]
fn ancestry_ends_at_the_root() {
    let forest = forest();
    let root = forest.mint(all());
    let child = forest.delegate(root, Seed::of(READ).until(9)).unwrap();
    let seen: Vec<_> = forest.ancestry(child).map(|a| (a.handle, a.deadline_ns)).collect();
    assert_eq!(seen, [(child, Some(9)), (root, None)]);
    forest.revoke(root);
    assert_eq!(forest.ancestry(child).count(), 1, "what is above is gone");
}

#[test]
fn a_stamp_vouches_for_what_a_walk_would_find() {
    let forest = forest();
    let root = forest.mint(all());
    let asked = forest.mint(Seed { has_caveats: true, ..all() });
    let weak = forest.delegate(root, Seed::of(READ | WRITE)).unwrap();
    assert!(!forest.vouches(weak, READ), "F4: nobody has walked");
    assert!(forest.allows(weak, READ) && forest.allows(asked, READ));
    for (need, yes) in
        [(Rights::NONE, true), (READ, true), (READ | WRITE, true), (Rights::ALL, false)]
    {
        assert_eq!(forest.vouches(weak, need), yes, "R1: {need}");
        assert!(!forest.vouches(asked, need), "T3");
    }
    assert!(!forest.vouches(weak, WRITE | Rights::DROP), "R1: all of them");
    assert!(forest.narrow(root, READ));
    assert!(!forest.vouches(weak, READ), "F4: of another epoch");
    assert!(
        forest.allows(weak, READ) && forest.vouches(weak, READ) && !forest.vouches(weak, WRITE)
    );
    forest.revoke(weak);
    assert!(!forest.vouches(weak, Rights::NONE), "H2");
}
