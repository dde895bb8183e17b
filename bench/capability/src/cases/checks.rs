//! Checks: of one capability, of columns of many in random order, and with changes between.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use turgo_capability::{Grant, Handle, Rights, Table};

use super::chained::Chained;
use super::maps::{Dash, DashAhash, Locked, Map, Papaya};
use bench_harness::{Case, Work};
use bench_harness::{Random, shared};

/// One in so many operations changes something.
const CHANGE: u64 = 1_000;

pub(super) fn all() -> Grant {
    Grant::new(Rights::ALL)
}

pub(crate) fn one() -> Vec<Case> {
    vec![
        Case { name: "turgo, depth 1", make: deep::<1> },
        Case { name: "turgo, depth 8", make: deep::<8> },
        Case { name: "turgo, depth 64", make: deep::<64> },
        Case { name: "turgo, admit", make: admitted },
        Case { name: "chained", make: chained_one },
        Case { name: "dashmap", make: one_of::<Dash> },
        Case { name: "dashmap, ahash", make: one_of::<DashAhash> },
        Case { name: "papaya, ahash", make: one_of::<Papaya> },
        Case { name: "RwLock, ahash", make: one_of::<Locked> },
    ]
}

/// The last of a chain.
fn chain(table: &Table, depth: usize) -> Handle {
    let root = table.mint(0, all()).expect("an empty table");
    (1..depth).fold(root, |last, _| table.delegate(last, all()).expect("less than 64 levels"))
}

fn deep<const DEPTH: usize>(threads: usize) -> Vec<Work> {
    let table = Table::default();
    let handle = chain(&table, DEPTH);
    shared(threads, (table, handle), |(table, handle), operations| {
        let check = |_: &u64| table.check(black_box(*handle), Rights::READ).is_ok();
        (0..operations).filter(check).count() as u64
    })
}

fn admitted(threads: usize) -> Vec<Work> {
    let table = Table::default();
    let handle = chain(&table, 1);
    shared(threads, (table, handle), |(table, handle), operations| {
        let admit = |_: &u64| black_box(table.admit(black_box(*handle), Rights::READ)).is_ok();
        (0..operations).filter(admit).count() as u64
    })
}

fn chained_one(threads: usize) -> Vec<Work> {
    let table = Chained::default();
    let id = table.mint(u16::MAX);
    shared(threads, (table, id), |(table, id), operations| {
        (0..operations).filter(|_| table.check(black_box(*id), 1)).count() as u64
    })
}

fn chained_column<const LEN: usize>(threads: usize) -> Vec<Work> {
    assert_eq!(threads, 1);
    let table = Chained::default();
    let mut keys: Vec<u64> = (0..LEN).map(|_| table.mint(u16::MAX)).collect();
    shuffle(&mut keys);
    let mut at = 0;
    vec![Box::new(move |operations| {
        let mut passed = 0;
        for _ in 0..operations {
            passed += u64::from(table.check(keys[at], 1));
            at = if at + 1 == LEN { 0 } else { at + 1 };
        }
        passed
    })]
}

fn one_of<M: Map>(threads: usize) -> Vec<Work> {
    let map = M::default();
    map.insert(7, u16::MAX);
    shared(threads, map, |map, operations| {
        (0..operations).filter(|_| map.allows(black_box(7), 1)).count() as u64
    })
}

macro_rules! columns {
    ($len:literal) => {
        vec![
            Case { name: "turgo", make: column::<$len> },
            Case { name: "turgo, batches of 256", make: batches::<$len> },
            Case { name: "chained", make: chained_column::<$len> },
            Case { name: "dashmap", make: column_of::<Dash, $len> },
            Case { name: "dashmap, ahash", make: column_of::<DashAhash, $len> },
            Case { name: "papaya, ahash", make: column_of::<Papaya, $len> },
            Case { name: "RwLock, ahash", make: column_of::<Locked, $len> },
        ]
    };
}

pub(crate) fn thousand() -> Vec<Case> {
    columns!(1_000)
}

pub(crate) fn hundred_thousand() -> Vec<Case> {
    columns!(100_000)
}

pub(crate) fn million() -> Vec<Case> {
    columns!(1_000_000)
}

pub(super) fn shuffle<T>(items: &mut [T]) {
    let mut random = Random::new(11);
    for last in (1..items.len()).rev() {
        items.swap(last, (random.next() % (last as u64 + 1)) as usize);
    }
}

/// A column of capabilities in random order, each checked once: their stamps are there.
pub(super) fn handles(len: usize) -> (Table, Vec<Handle>) {
    let table = Table::default();
    let root = table.mint(0, all()).expect("an empty table");
    let mut handles: Vec<Handle> =
        (0..len).map(|_| table.delegate(root, all()).expect("there is room")).collect();
    shuffle(&mut handles);
    assert!(handles.iter().all(|handle| table.check(*handle, Rights::READ).is_ok()));
    (table, handles)
}

fn column<const LEN: usize>(threads: usize) -> Vec<Work> {
    assert_eq!(threads, 1);
    let (table, handles) = handles(LEN);
    let mut at = 0;
    vec![Box::new(move |operations| {
        let mut passed = 0;
        for _ in 0..operations {
            passed += u64::from(table.check(handles[at], Rights::READ).is_ok());
            at = if at + 1 == LEN { 0 } else { at + 1 };
        }
        passed
    })]
}

fn batches<const LEN: usize>(threads: usize) -> Vec<Work> {
    assert_eq!(threads, 1);
    let (table, handles) = handles(LEN);
    let mut at = 0;
    let mut allowed = [false; 256];
    vec![Box::new(move |operations| {
        let (mut passed, mut left) = (0, operations as usize);
        while left > 0 {
            let len = left.min(256).min(LEN - at);
            let batch = &handles[at..at + len];
            passed += table.check_batch(batch, Rights::READ, black_box(&mut allowed[..len]));
            at = (at + len) % LEN;
            left -= len;
        }
        passed as u64
    })]
}

fn column_of<M: Map, const LEN: usize>(threads: usize) -> Vec<Work> {
    assert_eq!(threads, 1);
    let map = M::default();
    let mut keys: Vec<u64> = (0..LEN as u64).collect();
    keys.iter().for_each(|key| map.insert(*key, u16::MAX));
    shuffle(&mut keys);
    let mut at = 0;
    vec![Box::new(move |operations| {
        let mut passed = 0;
        for _ in 0..operations {
            passed += u64::from(map.allows(keys[at], 1));
            at = if at + 1 == LEN { 0 } else { at + 1 };
        }
        passed
    })]
}

/// Checks of a thousand, and one operation in a thousand delegates and revokes, which makes all stamps void.
pub(crate) fn with_changes() -> Vec<Case> {
    vec![
        Case { name: "turgo", make: changing },
        Case { name: "dashmap", make: changing_of::<Dash> },
        Case { name: "dashmap, ahash", make: changing_of::<DashAhash> },
        Case { name: "papaya, ahash", make: changing_of::<Papaya> },
        Case { name: "RwLock, ahash", make: changing_of::<Locked> },
    ]
}

fn changing(threads: usize) -> Vec<Work> {
    let (table, handles) = handles(1_000);
    shared(threads, (table, handles), |(table, handles), operations| {
        let mut done = 0;
        for at in 0..operations {
            let handle = handles[(at % 1_000) as usize];
            done += u64::from(if at % CHANGE == 0 {
                let child = table.delegate(handle, all()).expect("it is alive");
                table.revoke(child)
            } else {
                table.check(handle, Rights::READ).is_ok()
            });
        }
        done
    })
}

fn changing_of<M: Map>(threads: usize) -> Vec<Work> {
    let map = M::default();
    let mut keys: Vec<u64> = (0..1_000).collect();
    keys.iter().for_each(|key| map.insert(*key, u16::MAX));
    shuffle(&mut keys);
    let next = Arc::new(AtomicU64::new(1_000));
    shared(threads, (map, keys, next), |(map, keys, next), operations| {
        let mut done = 0;
        for at in 0..operations {
            done += u64::from(if at % CHANGE == 0 {
                let key = next.fetch_add(1, Ordering::Relaxed);
                map.insert(key, u16::MAX);
                map.remove(key)
            } else {
                map.allows(keys[(at % 1_000) as usize], 1)
            });
        }
        done
    })
}
