//! Real threads on one map.

use turgo_machine::thread;

use super::Plain;
use crate::map::RcuHashMap;
use crate::reclaim::Reclaim;
use crate::reclaim::tests::canary::{Canary, Census};
use crate::{hazard, rcu};

type Map<R> = &'static RcuHashMap<u16, Canary, Plain, R>;

/// Runs `work` on four threads and joins them.
fn on_four<R: Reclaim + 'static>(map: Map<R>, work: impl Fn(Map<R>, u16) + Copy + Send + 'static) {
    let threads: Vec<_> = (0..4).map(|number| thread::spawn(move || work(map, number))).collect();
    for thread in threads {
        thread.join().expect("no canary was dead and no assertion failed");
    }
}

/// Everyone changes the same few keys while the map grows under keys that each has for itself.
fn hammer<R: Reclaim + 'static>(reclaim: R) {
    let census = Census::leaked();
    let map: Map<R> = Box::leak(Box::new(RcuHashMap::new_in(0, Plain, reclaim)));
    on_four(map, move |map, number| {
        for round in 0..3_000_u16 {
            let shared = round % 7;
            match (round + number) % 3 {
                0 => _ = map.insert(shared, Canary::new(census)),
                1 => _ = map.remove(&shared),
                _ => _ = map.upsert(shared, |_| Canary::new(census)),
            }
            map.read(&shared, Canary::check);
            let own = 8 + (round % 500) * 4 + number;
            let there = map.contains_key(&own);
            assert_eq!(there, round >= 500 && (round / 500) % 2 == 1, "{own}");
            if there {
                assert!(map.remove(&own));
            } else {
                assert!(map.insert(own, Canary::new(census)));
            }
        }
    });
    (0..2_100).for_each(|key| _ = map.remove(&key));
    assert_eq!(map.len(), 0);
    map.domain().flush();
    assert_eq!(census.alive(), 0);
}

#[test]
fn nothing_is_lost_or_read_after_it_was_freed_with_rcu() {
    hammer(rcu::Domain::with_config(rcu::Config { batch: 40, ..rcu::Config::default() }));
}

#[test]
fn nothing_is_lost_or_read_after_it_was_freed_with_hazard_pointers() {
    hammer(hazard::Domain::with_config(hazard::Config { retired_max: 40, bytes_max: 1 << 20 }));
}

#[test]
fn a_key_that_is_replaced_is_never_missing() {
    let census = Census::leaked();
    let map: Map<rcu::Rcu> = Box::leak(Box::new(RcuHashMap::new_in(0, Plain, rcu::Rcu)));
    map.insert(1, Canary::new(census));
    on_four(map, move |map, number| {
        for _ in 0..20_000 {
            if number == 0 {
                assert!(!map.insert(1, Canary::new(census)), "it is replaced");
            } else {
                map.read(&1, Canary::check).expect("it is always there");
            }
        }
    });
}
