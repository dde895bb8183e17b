//! Histories of the map, under real threads or shuttle's schedules. Keys are few, and the map grows meanwhile.

use std::hash::{BuildHasherDefault, DefaultHasher};

use turgo_lockfree::map::RcuHashMap;
use turgo_lockfree::reclaim::Reclaim;
use turgo_lockfree::{hazard, rcu};

use crate::lincheck::Recorder;
use crate::lincheck::spec::{MapCall, MapEntry, MapResult};
use crate::threads::{Round, histories, linearizable_by};

const KEYS: u32 = 3;

/// Hashes alike in every run: a schedule that is replayed meets the same buckets.
type Map<R> = RcuHashMap<u32, u32, BuildHasherDefault<DefaultHasher>, R>;

/// One thread's mix of all operations. What an operation does not say about the value before is asked in the closure it calls.
fn mix<R: Reclaim>(
    map: &Map<R>,
    calls: &mut Recorder<'_, MapCall, MapResult>,
    thread: u32,
    round: Round,
) {
    let mut random = round.random(thread);
    for number in 0..round.size().1 {
        let (key, value) = (random.below(KEYS), thread * 1000 + number);
        match random.below(5) {
            0 => calls.record(MapCall::Get(key), || MapResult(map.get(&key))),
            1 => calls.record(MapCall::Insert(key, value), || {
                let mut before = None;
                map.upsert(key, |old| {
                    before = old.copied();
                    value
                });
                MapResult(before)
            }),
            2 => calls.record(MapCall::Remove(key), || {
                let mut before = None;
                let removed = map.remove_if(&key, |old| {
                    before = Some(*old);
                    true
                });
                MapResult(before.filter(|_| removed))
            }),
            3 => calls.record(MapCall::Get(key), || MapResult(map.read(&key, |value| *value))),
            _ => {
                // Refused without a word about the value that is there: asked for only where it is not refused.
                calls.record_all(|| match map.try_insert(key, value) {
                    Ok(()) => vec![(MapCall::InsertNew(key, value), MapResult(None))],
                    Err(_) => Vec::new(),
                });
            }
        }
        if number % 8 == 0 {
            map.insert(KEYS + value, value);
        }
    }
}

fn histories_with<R: Reclaim + 'static>(domain: fn() -> R) {
    histories(move |round| {
        linearizable_by(
            &MapEntry,
            MapCall::key,
            || RcuHashMap::new_in(0, BuildHasherDefault::default(), domain()),
            round.size().0,
            move |map, calls, thread| mix(map, calls, thread, round),
        );
    });
}

#[test]
fn map_histories_are_linearizable_with_rcu() {
    histories_with(rcu::Domain::new);
}

#[test]
fn map_histories_are_linearizable_with_hazard_pointers() {
    histories_with(hazard::Domain::new);
}
