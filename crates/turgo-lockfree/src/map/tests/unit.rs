//! One thread: the map does what a sequential map does, with hazard pointers and with RCU.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;

use super::Plain;
use crate::map::RcuHashMap;
use crate::reclaim::Reclaim;
use crate::reclaim::tests::canary::{Canary, Census};
use crate::{hazard, rcu};

#[derive(Debug, Clone)]
enum Step {
    Insert(u16, u32),
    TryInsert(u16, u32),
    Upsert(u16, u32),
    Remove(u16),
    RemoveIfEven(u16),
    Get(u16),
}

/// Keys collide in their hashes (Plain sees the lowest byte) and in their buckets.
fn any_step() -> impl Strategy<Value = Step> {
    let key = prop_oneof![0_u16..8, (0_u16..8).prop_map(|key| key << 8 | 3), 0_u16..600];
    (key, any::<u32>(), 0..6).prop_map(|(key, value, kind)| match kind {
        0 => Step::Insert(key, value),
        1 => Step::TryInsert(key, value),
        2 => Step::Upsert(key, value),
        3 => Step::Remove(key),
        4 => Step::RemoveIfEven(key),
        _ => Step::Get(key),
    })
}

fn follows_a_model<R: Reclaim>(reclaim: R, capacity: usize, steps: &[Step]) {
    let map = RcuHashMap::new_in(capacity, Plain, reclaim);
    let mut model = HashMap::new();
    for step in steps {
        match *step {
            Step::Insert(key, value) => {
                assert_eq!(map.insert(key, value), model.insert(key, value).is_none(), "{step:?}");
            }
            Step::TryInsert(key, value) => {
                let refused = map.try_insert(key, value).err();
                let there = model.contains_key(&key);
                assert_eq!(refused, there.then_some((key, value)), "{step:?}");
                model.entry(key).or_insert(value);
            }
            Step::Upsert(key, value) => {
                let new = map.upsert(key, |old| old.map_or(value, |old| old ^ value));
                let before = model.get(&key).copied();
                model.insert(key, before.map_or(value, |old| old ^ value));
                assert_eq!(new, before.is_none(), "{step:?}");
            }
            Step::Remove(key) => {
                assert_eq!(map.remove(&key), model.remove(&key).is_some(), "{step:?}");
            }
            Step::RemoveIfEven(key) => {
                let even = model.get(&key).is_some_and(|value| value % 2 == 0);
                assert_eq!(map.remove_if(&key, |value| value % 2 == 0), even, "{step:?}");
                if even {
                    model.remove(&key);
                }
            }
            Step::Get(key) => assert_eq!(map.get(&key), model.get(&key).copied(), "{step:?}"),
        }
        assert_eq!(map.len(), model.len());
    }
    for (key, value) in model {
        assert_eq!(map.get(&key), Some(value));
    }
}

proptest! {
    #[test]
    fn it_follows_a_sequential_map(
        capacity in 0_usize..40,
        steps in prop::collection::vec(any_step(), 0..300),
    ) {
        follows_a_model(rcu::Rcu, capacity, &steps);
        follows_a_model(hazard::Hazard, capacity, &steps);
    }
}

#[test]
fn it_grows_and_loses_nothing() {
    let map = RcuHashMap::with_capacity(0);
    for key in 0..10_000_u32 {
        assert!(map.insert(key, u64::from(key) * 3));
    }
    assert_eq!(map.len(), 10_000);
    assert!(map.capacity() >= 10_000, "{}", map.capacity());
    assert!((0..10_000).all(|key| map.get(&key) == Some(u64::from(key) * 3)));
    let mut keys: Vec<u32> = map.pin().iter().map(|(key, _)| *key).collect();
    keys.sort_unstable();
    assert!(keys.into_iter().eq(0..10_000));
    map.pin().retain(|key, _| key % 2 == 0);
    assert_eq!(map.len(), 5_000);
    map.pin().clear();
    assert!(map.is_empty() && map.pin().iter().next().is_none());
}

fn frees_each_value_once<R: Reclaim>(reclaim: R) {
    let census = Census::leaked();
    let map = RcuHashMap::new_in(0, Plain, &reclaim);
    for key in 0..200_u16 {
        map.insert(key, Canary::new(census));
    }
    for key in 0..100 {
        map.insert(key, Canary::new(census));
        map.remove(&(key + 100));
    }
    assert!(map.try_insert(0, Canary::new(census)).is_err());
    drop(map);
    reclaim.flush();
    assert_eq!(census.alive(), 0);
}

#[test]
fn every_value_is_freed_once() {
    frees_each_value_once(rcu::Domain::new());
    frees_each_value_once(hazard::Domain::new());
}

#[test]
fn what_is_pinned_stays_alive_when_it_is_removed() {
    let (domain, census) = (rcu::Domain::new(), Census::leaked());
    let map = RcuHashMap::new_in(0, Plain, &domain);
    map.insert(1_u8, Canary::new(census));
    let pinned = map.pin();
    let first = pinned.get(&1).expect("it is there");
    let replaced = pinned.insert(1, Canary::new(census)).expect("it was there");
    assert!(core::ptr::eq(first, replaced));
    let removed = pinned.remove(&1).expect("it was there");
    domain.flush();
    first.check();
    removed.check();
    assert_eq!(census.alive(), 2);
    drop(pinned);
    domain.flush();
    assert_eq!(census.alive(), 0);
}

#[test]
fn what_is_unlinked_is_retired_behind_the_section() {
    let domain = rcu::Domain::with_config(rcu::Config { batch: 4, ..rcu::Config::default() });
    let census = Census::leaked();
    let map = RcuHashMap::new_in(0, Plain, &domain);
    for _ in 0..100 {
        map.insert(1_u8, Canary::new(census));
    }
    // Inside of a section nodes are only queued: without a retirement outside of one nothing would ever be freed.
    assert!(census.alive() < 20, "{} alive", census.alive());
}

/// A key whose comparison panics when it is told to.
#[derive(Debug, Clone, Eq)]
struct Touchy(u8, bool);

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        assert!(!self.1 && !other.1, "told to");
        self.0 == other.0
    }
}

impl core::hash::Hash for Touchy {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        state.write_u8(self.0);
    }
}

#[test]
fn a_panic_of_the_users_code_leaves_the_map_whole() {
    let (domain, census) = (rcu::Domain::new(), Census::leaked());
    let map = RcuHashMap::new_in(0, Plain, &domain);
    for key in 0..20 {
        map.insert(Touchy(key, false), Canary::new(census));
    }
    let panics = |f: &dyn Fn()| assert!(catch_unwind(AssertUnwindSafe(f)).is_err());
    panics(&|| _ = map.insert(Touchy(3, true), Canary::new(census)));
    panics(&|| _ = map.try_insert(Touchy(3, true), Canary::new(census)));
    panics(&|| _ = map.remove(&Touchy(3, true)));
    panics(&|| _ = map.upsert(Touchy(3, false), |_| panic!("told to")));
    panics(&|| _ = map.remove_if(&Touchy(3, false), |_| panic!("told to")));
    panics(&|| map.read(&Touchy(3, false), |_| panic!("told to")).unwrap());
    assert_eq!(map.len(), 20);
    for key in 0..20 {
        map.read(&Touchy(key, false), Canary::check).expect("it is still there");
        assert!(map.remove(&Touchy(key, false)));
    }
    drop(map);
    domain.flush();
    assert_eq!(census.alive(), 0);
}

#[test]
#[should_panic(expected = "a map larger than memory")]
fn a_capacity_past_all_memory_is_refused() {
    drop(RcuHashMap::<u8, u8>::with_capacity(usize::MAX));
}

fn visits_all_once<R: Reclaim>(reclaim: R) {
    let map = RcuHashMap::new_in(0, Plain, reclaim);
    // Plain sees the lowest byte: four keys have one hash.
    (0_u16..1024).for_each(|key| assert!(map.insert(key, key)));
    let mut seen = Vec::new();
    map.for_each(|key, value| {
        assert_eq!(key, value);
        seen.push(*key);
        // An entry of the same hash that comes just now may come next.
        map.insert(key | 0x800, *key | 0x800);
        map.remove(&(key | 0x800));
    });
    seen.sort_unstable();
    assert_eq!(seen, (0..1024).collect::<Vec<_>>(), "each was there all the while");
    map.retain(|key, _| key % 3 == 0);
    let mut left = Vec::new();
    map.for_each(|key, _| left.push(*key));
    left.sort_unstable();
    assert_eq!(left, (0..1024).filter(|key| key % 3 == 0).collect::<Vec<_>>());
    assert_eq!(map.len(), left.len());
    map.clear();
    assert!(map.is_empty());
    map.for_each(|key, _| panic!("{key} is gone"));
}

#[test]
fn all_entries_are_visited_once_also_where_hashes_are_alike() {
    visits_all_once(rcu::Domain::new());
    visits_all_once(hazard::Domain::new());
}
