//! A delegation and its revocation, beside an entry that is inserted and removed.

use turgo_capability::{Config, Grant, Handle, Rights, RingLog, Table};

use super::chained::Chained;
use super::maps::{Dash, DashAhash, Locked, Map, Papaya};
use bench_harness::shared;
use bench_harness::{Case, Work};

pub(crate) fn pairs() -> Vec<Case> {
    vec![
        Case { name: "turgo", make: pair },
        Case { name: "turgo, audit", make: audited },
        Case { name: "chained", make: chained },
        Case { name: "dashmap", make: pair_of::<Dash> },
        Case { name: "dashmap, ahash", make: pair_of::<DashAhash> },
        Case { name: "papaya, ahash", make: pair_of::<Papaya> },
        Case { name: "RwLock, ahash", make: pair_of::<Locked> },
    ]
}

fn all() -> Grant {
    Grant::new(Rights::ALL)
}

/// Each thread is a tenant.
fn pair(threads: usize) -> Vec<Work> {
    let table: &'static Table = Box::leak(Box::new(Table::default()));
    tenants(
        threads,
        |tenant| table.mint(tenant, all()).expect("an empty table"),
        move |root| {
            let child = table.delegate(root, all()).expect("the root is alive");
            table.revoke(child)
        },
    )
}

fn audited(threads: usize) -> Vec<Work> {
    let log = RingLog::new(1_024);
    let table: &'static Table<RingLog> =
        Box::leak(Box::new(Table::with_audit(Config::default(), log)));
    tenants(
        threads,
        |tenant| table.mint(tenant, all()).expect("an empty table"),
        move |root| {
            let child = table.delegate(root, all()).expect("the root is alive");
            let revoked = table.revoke(child);
            // Somebody has to take the records out.
            revoked && table.log().pop().is_some() && table.log().pop().is_some()
        },
    )
}

/// The list of children of each thread's root grows: a child that was revoked stays in it, until somebody walks it.
fn chained(threads: usize) -> Vec<Work> {
    let table: &'static Chained = Box::leak(Box::new(Chained::default()));
    (0..threads)
        .map(|_| {
            let root = table.mint(u16::MAX);
            Box::new(move |operations: u64| {
                let pair = |_: &u64| {
                    let child = table.delegate(root, u16::MAX).expect("the root is alive");
                    table.revoke(child)
                };
                (0..operations).filter(pair).count() as u64
            }) as Work
        })
        .collect()
}

fn tenants(
    threads: usize,
    mint: impl Fn(u64) -> Handle,
    pair: impl Fn(Handle) -> bool + Copy + Send + 'static,
) -> Vec<Work> {
    (0..threads)
        .map(|thread| {
            let root = mint(thread as u64);
            Box::new(move |operations: u64| (0..operations).filter(|_| pair(root)).count() as u64)
                as Work
        })
        .collect()
}

fn pair_of<M: Map>(threads: usize) -> Vec<Work> {
    shared(threads, M::default(), |map, operations| {
        // Threads have keys of their own by the address of something on their stack.
        let here = 0u8;
        let key = std::ptr::from_ref(&here) as u64;
        let mut done = 0;
        for at in 0..operations {
            map.insert(key + at * 64, u16::MAX);
            done += u64::from(map.remove(key + at * 64));
        }
        done
    })
}
