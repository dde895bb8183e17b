//! Models of two threads on a map whose keys are their own hashes.
//!
//! Threads that only read are the spawned ones: loom takes back a thread's steps less thoroughly than it tries older values for its loads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use turgo_machine::cell::UnsafeCell;
use turgo_machine::thread;

use super::Plain;
use crate::map::RcuHashMap;
use crate::reclaim::Reclaim;
use crate::reclaim::tests::probe::{Probe, model};
use crate::{hazard, rcu};

/// Leaked: under loom a thread's record is given back after it was joined.
type Map<R> = &'static RcuHashMap<u8, Probe, Plain, R>;

fn map<R: Reclaim + 'static>(buckets: usize, keys: &[u8], domain: R) -> Map<R> {
    let map = Box::leak(Box::new(RcuHashMap::new_in(buckets, Plain, domain)));
    keys.iter().for_each(|key| _ = map.insert(*key, Probe::new()));
    map
}

fn rcu(keys: &[u8]) -> Map<rcu::Domain> {
    map(4, keys, rcu::Domain::new())
}

fn hazard(keys: &[u8]) -> Map<hazard::Domain> {
    let config = hazard::Config { retired_max: 1, bytes_max: 1 };
    map(4, keys, hazard::Domain::with_config(config))
}

/// Runs `other` on a second thread beside `this`.
fn beside<R: Reclaim + 'static>(
    map: Map<R>,
    other: impl FnOnce(Map<R>) + Send + 'static,
    this: impl FnOnce(Map<R>),
) {
    let thread = thread::spawn(move || other(map));
    this(map);
    thread.join().expect("it does not panic");
}

/// A value that is written before it is put into the map.
struct Written(UnsafeCell<u8>);

// SAFETY: loom finds accesses that are not ordered.
unsafe impl Sync for Written {}

#[test]
fn what_is_found_was_published() {
    model(3, || {
        let map: &RcuHashMap<u8, Written, Plain, _> =
            Box::leak(Box::new(RcuHashMap::new_in(4, Plain, rcu::Domain::new())));
        // Registers this thread, so that nothing but the map orders the two.
        assert!(map.is_empty() && !map.contains_key(&0));
        let reader = thread::spawn(move || {
            // SAFETY: as above.
            let read = |value: &Written| value.0.with(|value| unsafe { *value });
            assert!(matches!(map.read(&0, read), None | Some(7)));
        });
        // Written inside of the read section: its fence would order what comes before.
        map.upsert(0, |_| {
            let value = Written(UnsafeCell::new(0));
            // SAFETY: as above.
            value.0.with_mut(|value| unsafe { *value = 7 });
            value
        });
        reader.join().expect("it does not panic");
    });
}

#[test]
fn an_entry_put_behind_one_that_is_removed_stays() {
    model(2, || {
        // 0 and 128 are neighbours in bucket 0: in the order of the list 0 comes first.
        let map = rcu(&[0]);
        beside(map, |map| assert!(map.remove(&0)), |map| assert!(map.insert(128, Probe::new())));
        assert!(map.contains_key(&128));
        assert!(!map.contains_key(&0));
    });
}

#[test]
fn a_removed_entry_is_not_found_again() {
    model(2, || {
        let map = rcu(&[128]);
        beside(
            map,
            |map| assert!(map.insert(0, Probe::new())),
            |map| {
                assert!(map.remove(&128));
                assert!(!map.contains_key(&128));
            },
        );
    });
}

#[test]
fn a_replaced_entry_is_found_at_all_times() {
    model(2, || {
        let map = rcu(&[0]);
        beside(
            map,
            |map| map.read(&0, Probe::check).expect("it is there"),
            |map| assert!(!map.insert(0, Probe::new())),
        );
    });
}

#[test]
fn two_that_remove_an_entry_agree_on_who_did() {
    model(2, || {
        let map = rcu(&[0]);
        let other = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&other);
        let mut own = false;
        beside(
            map,
            move |map| told.store(map.remove(&0), Ordering::Relaxed),
            |map| own = map.remove(&0),
        );
        assert_ne!(own, other.load(Ordering::Relaxed));
        assert_eq!(map.len(), 0);
    });
}

#[test]
fn entries_of_a_bucket_that_is_being_split_are_kept() {
    model(2, || {
        // Two entries in one bucket: there are two now, and the second has no slot yet.
        let map = map(1, &[0, 2], rcu::Domain::new());
        beside(
            map,
            |map| assert!(map.insert(1, Probe::new())),
            |map| assert!(map.insert(3, Probe::new())),
        );
        for key in 0..4 {
            assert!(map.contains_key(&key), "{key}");
        }
    });
}

#[test]
fn a_walk_with_hazard_pointers_never_touches_what_was_freed() {
    model(2, || {
        let map = hazard(&[0, 128]);
        beside(
            map,
            |map| _ = map.read(&128, Probe::check),
            |map| {
                assert!(map.remove(&0));
                assert!(map.remove(&128));
            },
        );
    });
}
