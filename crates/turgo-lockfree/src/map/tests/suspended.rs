//! Threads suspended in the middle of a change, among others that go on.

use std::sync::Arc;

use super::Plain;
use crate::hazard::Hazard;
use crate::map::RcuHashMap;
use crate::pause::suspend_at;
use crate::rcu::Rcu;
use crate::reclaim::Reclaim;

type Map<R> = RcuHashMap<u16, u32, Plain, R>;

/// Keys of one bucket: the lowest byte is hashed.
const KEYS: [u16; 3] = [0x005, 0x105, 0x205];

/// Suspends `change` of the first key at `place`; others see and change all keys meanwhile, `there` being what they find under the first.
fn others_go_on<R: Reclaim + Default + 'static>(
    place: &'static str,
    change: fn(&Map<R>) -> bool,
    there: Option<u32>,
) {
    let map = Arc::new(Map::<R>::new_in(0, Plain, R::default()));
    KEYS[usize::from(place == "map insert")..].iter().for_each(|key| {
        map.insert(*key, 1);
    });
    let stuck = Arc::clone(&map);
    let changed = suspend_at(
        place,
        move || change(&stuck),
        || {
            assert_eq!(map.get(&KEYS[0]), there, "{place}");
            for value in 2..100 {
                for key in &KEYS[1..] {
                    assert!(map.remove(key), "{place}");
                    assert_eq!(map.get(key), None, "{place}");
                    assert!(map.insert(*key, value), "{place}");
                    assert!(!map.insert(*key, value + 1), "{place}");
                    assert_eq!(map.get(key), Some(value + 1), "{place}");
                }
            }
            map.insert(KEYS[0], 1000);
            assert_eq!(map.get(&KEYS[0]), Some(1000), "{place}");
            (1000..1300).for_each(|key| assert!(map.insert(key, 0), "{place}"));
            R::default().flush();
        },
    );
    assert!(changed, "{place}");
    // A change that was made before the others' stays behind it; one that was not is made after it.
    let last = if place == "map insert" { Some(7) } else { Some(1000) };
    assert_eq!(map.get(&KEYS[0]), last, "{place}");
    assert!(KEYS[1..].iter().all(|key| map.get(key) == Some(100)));
}

fn everywhere<R: Reclaim + Default + 'static>() {
    others_go_on::<R>("map insert", |map| !map.insert(KEYS[0], 7), None);
    others_go_on::<R>("map marked", |map| map.remove(&KEYS[0]), None);
    others_go_on::<R>("map replaced", |map| !map.insert(KEYS[0], 7), Some(7));
}

#[test]
fn a_suspended_change_holds_up_no_other() {
    everywhere::<Rcu>();
    everywhere::<Hazard>();
}
