//! Hash maps from `u64` to `u64`: reads alone, and one write in twenty. Keys are spread evenly; every read finds its key.
//!
//! A write replaces the value of a key that is there by one that says the same, so reads can be checked.

use std::collections::HashMap;
use std::hint::black_box;

use ahash::RandomState;
use turgo_lockfree::hazard::Hazard;
use turgo_lockfree::map::RcuHashMap;
use turgo_lockfree::reclaim::Reclaim;

use bench_harness::Random;
use bench_harness::{Case, Work};

trait Map: Send + Sync + 'static {
    fn make(keys: u64) -> Self;
    fn read(&self, key: u64) -> Option<u64>;
    fn write(&self, key: u64, value: u64);
}

macro_rules! each {
    ($work:ident, $keys:literal) => {
        vec![
            Case {
                name: "turgo RcuHashMap",
                make: $work::<RcuHashMap<u64, u64, RandomState>, $keys>,
            },
            Case {
                name: "turgo RcuHashMap, hazard",
                make: $work::<RcuHashMap<u64, u64, RandomState, Hazard>, $keys>,
            },
            Case { name: "papaya", make: $work::<papaya::HashMap<u64, u64, RandomState>, $keys> },
            Case { name: "dashmap", make: $work::<dashmap::DashMap<u64, u64, RandomState>, $keys> },
            Case {
                name: "scc HashIndex",
                make: $work::<scc::HashIndex<u64, u64, RandomState>, $keys>,
            },
            Case { name: "scc HashMap", make: $work::<scc::HashMap<u64, u64, RandomState>, $keys> },
            Case { name: "RwLock std", make: $work::<std::sync::RwLock<Std>, $keys> },
            Case { name: "RwLock parking_lot", make: $work::<parking_lot::RwLock<Std>, $keys> },
        ]
    };
}

pub(crate) fn reads() -> Vec<Case> {
    each!(read, 4_096)
}

pub(crate) fn reads_of_many() -> Vec<Case> {
    each!(read, 262_144)
}

/// Without `scc::HashIndex`: its `update` links a new entry and then marks the old one, which may be in different parts of a bucket, and a `peek` that
/// goes through them meanwhile finds neither. On two threads and more that happens within seconds, and a read that misses its key ends the run.
pub(crate) fn mix() -> Vec<Case> {
    let mut cases = each!(mixed, 4_096);
    cases.retain(|case| case.name != "scc HashIndex");
    cases
}

fn read<M: Map, const KEYS: u64>(threads: usize) -> Vec<Work> {
    work::<M>(threads, KEYS, |map, random, operations| {
        (0..operations)
            .map(|_| {
                let key = random.next() % KEYS;
                u64::from(black_box(map.read(key)) == Some(key))
            })
            .sum()
    })
}

fn mixed<M: Map, const KEYS: u64>(threads: usize) -> Vec<Work> {
    work::<M>(threads, KEYS, |map, random, operations| {
        (0..operations)
            .map(|operation| {
                let key = random.next() % KEYS;
                if operation % 20 == 0 {
                    map.write(key, key);
                    return 1;
                }
                u64::from(black_box(map.read(key)) == Some(key))
            })
            .sum()
    })
}

fn work<M: Map>(threads: usize, keys: u64, work: fn(&M, &mut Random, u64) -> u64) -> Vec<Work> {
    let map = std::sync::Arc::new(M::make(keys));
    (0..threads)
        .map(|index| {
            let (map, mut random) = (std::sync::Arc::clone(&map), Random::new(index as u64 + 1));
            Box::new(move |operations| work(&map, &mut random, operations)) as Work
        })
        .collect()
}

impl<R: Reclaim + Default + 'static> Map for RcuHashMap<u64, u64, RandomState, R> {
    fn make(keys: u64) -> Self {
        let map = Self::new_in(keys as usize, RandomState::new(), R::default());
        (0..keys).for_each(|key| Map::write(&map, key, key));
        map
    }

    fn read(&self, key: u64) -> Option<u64> {
        self.get(&key)
    }

    fn write(&self, key: u64, value: u64) {
        self.insert(key, value);
    }
}

impl Map for papaya::HashMap<u64, u64, RandomState> {
    fn make(keys: u64) -> Self {
        let map = Self::with_capacity_and_hasher(keys as usize, RandomState::new());
        (0..keys).for_each(|key| Map::write(&map, key, key));
        map
    }

    fn read(&self, key: u64) -> Option<u64> {
        self.pin().get(&key).copied()
    }

    fn write(&self, key: u64, value: u64) {
        self.pin().insert(key, value);
    }
}

impl Map for dashmap::DashMap<u64, u64, RandomState> {
    fn make(keys: u64) -> Self {
        let map = Self::with_capacity_and_hasher(keys as usize, RandomState::new());
        (0..keys).for_each(|key| Map::write(&map, key, key));
        map
    }

    fn read(&self, key: u64) -> Option<u64> {
        self.get(&key).map(|entry| *entry)
    }

    fn write(&self, key: u64, value: u64) {
        self.insert(key, value);
    }
}

impl Map for scc::HashIndex<u64, u64, RandomState> {
    fn make(keys: u64) -> Self {
        let map = Self::with_capacity_and_hasher(keys as usize, RandomState::new());
        (0..keys).for_each(|key| map.insert_sync(key, key).expect("keys differ"));
        map
    }

    fn read(&self, key: u64) -> Option<u64> {
        self.peek_with(&key, |_, value| *value)
    }

    fn write(&self, key: u64, value: u64) {
        self.get_sync(&key).expect("it is there").update(value);
    }
}

impl Map for scc::HashMap<u64, u64, RandomState> {
    fn make(keys: u64) -> Self {
        let map = Self::with_capacity_and_hasher(keys as usize, RandomState::new());
        (0..keys).for_each(|key| Map::write(&map, key, key));
        map
    }

    fn read(&self, key: u64) -> Option<u64> {
        self.read_sync(&key, |_, value| *value)
    }

    fn write(&self, key: u64, value: u64) {
        self.upsert_sync(key, value);
    }
}

type Std = HashMap<u64, u64, RandomState>;

impl Map for std::sync::RwLock<Std> {
    fn make(keys: u64) -> Self {
        Self::new((0..keys).map(|key| (key, key)).collect())
    }

    fn read(&self, key: u64) -> Option<u64> {
        std::sync::RwLock::read(self).expect("nobody panics").get(&key).copied()
    }

    fn write(&self, key: u64, value: u64) {
        std::sync::RwLock::write(self).expect("nobody panics").insert(key, value);
    }
}

impl Map for parking_lot::RwLock<Std> {
    fn make(keys: u64) -> Self {
        Self::new((0..keys).map(|key| (key, key)).collect())
    }

    fn read(&self, key: u64) -> Option<u64> {
        parking_lot::RwLock::read(self).get(&key).copied()
    }

    fn write(&self, key: u64, value: u64) {
        parking_lot::RwLock::write(self).insert(key, value);
    }
}
