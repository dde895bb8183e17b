//! Snapshots: what goes on, what is refused, and what a cut through a table in use looks like.
#![expect(clippy::unwrap_used, reason = "functions that tests share are tests, too")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use turgo_machine::clock::VirtualTime;

use super::*;
use crate::denied::Denied;
use crate::limit::{Caveat, Rate, Request};
use crate::object::Object;
use crate::pause::suspend_at;
use crate::rights::Rights;
use crate::table::{Config, Grant};

mod hostile;

const READ: Rights = Rights::READ;
const WRITE: Rights = Rights::WRITE;

fn all() -> Grant {
    Grant::new(Rights::ALL)
}

/// The wall clock after so many seconds.
fn wall(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
}

fn take(table: &Table, kept: &[(&str, Handle)]) -> Snapshot {
    table.snapshot(kept, wall(0)).expect("it is of this table")
}

fn restore(snapshot: &Snapshot) -> Table {
    Table::restore(Config::default(), snapshot.as_bytes(), wall(0)).expect("it is whole").table
}

fn with_time() -> (Table, VirtualTime) {
    let time = VirtualTime::new();
    (Table::new(Config { clock: time.clock(), ..Config::default() }), time)
}

#[test]
fn a_restored_table_goes_on() {
    let table = Table::default();
    let root = table.mint(7, all().gas(100).object(Object::prefix(7 << 47, 16))).unwrap();
    let child = table.delegate(root, Grant::new(READ | WRITE | Rights::GRANT).gas(30)).unwrap();
    let asked = table.delegate(child, Grant::new(READ).caveat(Caveat::User(5))).unwrap();
    let gone = table.delegate(child, all_of(&table, child)).unwrap();
    let below_gone = table.mint(3, all()).unwrap();
    let orphan = table.delegate(below_gone, all()).unwrap();
    table.revoke(gone);
    table.revoke(below_gone);
    table.attenuate(child, READ | Rights::GRANT);
    let mut lease = table.lease(child, 10).unwrap();
    assert!(lease.spend(4));

    let kept = [("root", root), ("child", child), ("gone", gone)];
    let snapshot = take(&table, &kept);
    assert_eq!(snapshot.shards_moving(), 0);
    let bytes = snapshot.as_bytes();
    let Restored { table: new, kept } = Table::restore(Config::default(), bytes, wall(0)).unwrap();
    assert_eq!(kept.find("child"), Some(child));
    assert_eq!(kept.find("nobody"), None);
    assert_eq!(kept.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["root", "child", "gone"]);

    for handle in [root, child, asked] {
        let mut before = table.describe(handle).unwrap();
        before.gas = new.describe(handle).unwrap().gas;
        assert_eq!(new.describe(handle).unwrap(), before);
    }
    for handle in [gone, below_gone, orphan] {
        assert_eq!(new.check(handle, Rights::NONE), Err(Denied::Dead), "P3, P6");
    }
    assert_eq!(new.check(child, WRITE), Err(Denied::Rights), "attenuated before");
    assert_eq!(new.check(asked, READ), Err(Denied::Caveat));
    assert!(new.check_request(asked, READ, &Request::new().user(5)).is_ok());
    assert_eq!(new.handles().count(), 3);
    assert_eq!(new.statistics().present(), 3);
    assert!(new.statistics().version() >= 7);
    let totals = new.gas_totals();
    assert_eq!((totals.granted, totals.balances, totals.lent, totals.spent), (100, 90, 0, 10));
    assert!(totals.add_up(), "P4: {totals:?}");

    assert!(new.revoke(root));
    for handle in [root, child, asked] {
        assert_eq!(new.check(handle, Rights::NONE), Err(Denied::Dead), "the cascade goes on");
    }
    new.sweep(u32::MAX);
    assert_eq!(new.gas_totals().returned, 90, "and so does the way up of gas");
    let fresh: Vec<Handle> = (0..80).map(|at| new.mint(at % 8, all()).unwrap()).collect();
    let old = [root, child, asked, gone, below_gone, orphan];
    assert!(fresh.iter().all(|handle| !old.contains(handle)), "P6: no handle is made twice");
    assert!(old.iter().all(|handle| new.check(*handle, Rights::NONE).is_err()), "P6");
}

/// All that a capability may do.
fn all_of(table: &Table, handle: Handle) -> Grant {
    Grant::new(table.effective_rights(handle).unwrap())
}

#[test]
fn the_same_table_gives_the_same_bytes() {
    let (table, _) = with_time();
    let root = table.mint(1, all().rate(Rate::per_second(5))).unwrap();
    let handles: Vec<Handle> = (0..2_000).map(|_| table.delegate(root, all()).unwrap()).collect();
    assert_eq!(table.revoke_all(&handles[500..1_500]), 1_000);
    let first = take(&table, &[("root", root)]);
    let config = Config { clock: VirtualTime::new().clock(), ..Config::default() };
    let again = Table::restore(config, first.as_bytes(), wall(0)).unwrap();
    assert_eq!(take(&again.table, &[("root", root)]), first);
    assert!(format!("{first:?}").starts_with("Snapshot { bytes: "));
}

#[test]
fn time_goes_on_by_the_wall_clock() {
    let second = 1_000_000_000;
    let (table, time) = with_time();
    time.advance(Duration::from_secs(100));
    let session = table.mint(0, all().until(table.now_ns() + 10 * second)).unwrap();
    let slow = Rate::new(Duration::from_secs(5), 1);
    let query = table.delegate(session, all().rate(slow)).unwrap();
    let later = table.delegate(session, all().caveat(Caveat::Since(103 * second))).unwrap();
    table.take(query, 1).unwrap();
    let snapshot = take(&table, &[]);
    let after = |seconds: i64| {
        let time = VirtualTime::new();
        time.advance(Duration::from_secs(7));
        let config = Config { clock: time.clock(), ..Config::default() };
        let away = Duration::from_secs(seconds.unsigned_abs());
        let now = if seconds < 0 { wall(0) - away } else { wall(0) + away };
        let table = Table::restore(config, snapshot.as_bytes(), now).unwrap().table;
        (table, time)
    };
    let (new, time) = after(4);
    assert_eq!(new.now_ns(), 104 * second, "P7");
    assert!(new.check(session, READ).is_ok());
    assert!(new.check_request(later, READ, &Request::new()).is_ok(), "caveats know the time");
    let early = new.take(query, 1).unwrap_err();
    let Denied::Rate(throttled) = early else { panic!("{early:?}") };
    assert_eq!(throttled.retry_after, Some(Duration::from_secs(1)), "P7: four of five seconds");
    time.advance(Duration::from_secs(6));
    new.tick();
    assert_eq!(new.check(session, READ), Err(Denied::Dead), "ten seconds, the stop included");

    let (new, _) = after(10);
    assert_eq!(new.check(session, READ), Err(Denied::Dead), "P7: it came during the stop");
    assert_eq!(new.check(query, READ), Err(Denied::Dead));

    let (new, time) = after(-500);
    assert_eq!(new.now_ns(), 100 * second, "P7: set back");
    assert!(new.check(session, READ).is_ok());
    time.advance(Duration::from_secs(10));
    new.tick();
    assert_eq!(new.check(session, READ), Err(Denied::Dead), "and no deadline is later for it");
}

#[test]
fn a_revocation_between_two_passes_is_not_lost() {
    let table = Table::default();
    let (a, other) = (table.mint(1, all()).unwrap(), table.mint(2, all()).unwrap());
    let narrowed = table.mint(1, all()).unwrap();
    let mut after = None;
    let snapshot = suspend_at(
        "snapshot pass",
        || take(&table, &[]),
        || {
            assert!(table.revoke(a));
            assert!(table.attenuate(narrowed, READ));
            after = Some(table.mint(1, all()).unwrap());
        },
    );
    let new = restore(&snapshot);
    assert_eq!(snapshot.shards_moving(), 0, "another two passes were alike");
    assert!(new.check(a, Rights::NONE).is_err(), "P1");
    assert_eq!(new.check(narrowed, WRITE), Err(Denied::Rights), "P1");
    assert!(new.check(after.unwrap(), READ).is_ok() && new.check(other, READ).is_ok(), "P2");
}

#[test]
fn what_is_dead_by_ancestry_is_not_taken_along() {
    let table = Table::default();
    let root = table.mint(1, all().gas(10)).unwrap();
    let child = table.delegate(root, all().gas(4)).unwrap();
    let leaf = table.delegate(child, all()).unwrap();
    let snapshot = suspend_at(
        "snapshot swept",
        || take(&table, &[]),
        || {
            assert!(table.revoke(root));
        },
    );
    let new = restore(&snapshot);
    assert_eq!(new.handles().count(), 0, "P3");
    assert!([root, child, leaf].iter().all(|handle| new.check(*handle, READ).is_err()));
    assert!(new.gas_totals().add_up());
    assert_eq!(new.statistics().present(), 0);
}

#[test]
fn no_gas_is_counted_twice() {
    let table = Table::default();
    let root = table.mint(1, all().gas(100)).unwrap();
    let child = table.delegate(root, all().gas(40)).unwrap();
    let mut lease = table.lease(child, 15).unwrap();
    let snapshot = suspend_at(
        "snapshot balance",
        || take(&table, &[]),
        || {
            // What the child has goes up, past the one whose balance was read already.
            assert!(table.revoke(child));
        },
    );
    assert!(lease.spend(5));
    drop(lease);
    let totals = restore(&snapshot).gas_totals();
    assert!(totals.add_up());
    assert_eq!((totals.granted, totals.balances, totals.spent), (100, 60, 40), "P4");
}

#[test]
fn others_go_on_while_a_snapshot_is_suspended() {
    for place in ["snapshot swept", "snapshot pass", "snapshot balance"] {
        let table = Table::default();
        let root = table.mint(1, all().gas(100)).unwrap();
        let snapshot = suspend_at(
            place,
            || take(&table, &[("root", root)]),
            || {
                for _ in 0..50 {
                    let child = table.delegate(root, all().gas(1)).unwrap();
                    assert!(table.check(child, READ).is_ok(), "{place}");
                    assert!(table.revoke(child), "{place}");
                    table.sweep(10);
                }
            },
        );
        assert!(restore(&snapshot).check(root, READ).is_ok(), "{place}");
    }
}

#[test]
fn cuts_beside_threads_keep_every_promise() {
    use turgo_machine::atomic::{AtomicBool, Ordering};
    let table = Table::new(Config { shards: 2, ..Config::default() });
    let steady = table.mint(0, all().gas(1_000)).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let change = |tenant| {
            let (table, done) = (&table, &done);
            scope.spawn(move || {
                // Relaxed: says to stop, nothing else.
                while !done.load(Ordering::Relaxed) {
                    let root = table.mint(tenant, all().gas(50)).unwrap();
                    let child = table.delegate(root, all().gas(20)).unwrap();
                    let leaf = table.delegate(child, Grant::new(READ).gas(5)).unwrap();
                    if let Ok(mut lease) = table.lease(leaf, 3) {
                        let _ = lease.spend(2);
                    }
                    table.attenuate(root, Rights::ALL - WRITE);
                    table.revoke(if root.index() % 2 == 0 { root } else { child });
                    table.revoke(root);
                    table.sweep(8);
                }
            })
        };
        let threads = [change(0), change(1)];
        let mut old = Vec::new();
        for _ in 0..60 {
            let before: Vec<Handle> =
                (0..4).map(|tenant| table.mint(tenant, Grant::new(READ)).unwrap()).collect();
            let gone = table.mint(0, all()).unwrap();
            table.revoke(gone);
            old.push(gone);
            let snapshot = take(&table, &[("gone", gone), ("steady", steady)]);
            let new = restore(&snapshot);
            assert!(new.check(steady, Rights::ALL).is_ok(), "P2");
            assert!(before.iter().all(|handle| new.check(*handle, READ).is_ok()), "P2");
            assert!(old.iter().all(|handle| new.check(*handle, Rights::NONE).is_err()), "P1, P6");
            let totals = new.gas_totals();
            assert!(totals.add_up() && totals.lent == 0, "P4: {totals:?}");
            let left: u64 = new.handles().filter_map(|handle| new.describe(handle)?.gas).sum();
            assert_eq!(left, totals.balances, "P3");
            table.revoke_all(&before);
        }
        // Relaxed: as above.
        done.store(true, Ordering::Relaxed);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_file_is_replaced_as_a_whole() {
    let folder = std::env::temp_dir().join(format!("turgo-snapshot-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("table");
    let table = Table::default();
    let root = table.mint(0, all()).unwrap();
    let first = take(&table, &[("root", root)]);
    first.write_to(&path).unwrap();
    table.revoke(root);
    let second = take(&table, &[("root", root)]);
    second.write_to(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), second.as_bytes());
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(first.write_to(folder.join("no such folder/table")).is_err());
    assert!(first.write_to("/").is_err(), "no name");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_is_kept_is_of_this_table() {
    let (table, other) = (Table::default(), Table::default());
    let mine = table.mint(0, all()).unwrap();
    let far = (0..3_000).map(|_| other.mint(0, all()).unwrap()).last().unwrap();
    assert_eq!(table.snapshot(&[("a", mine), ("b", far)], wall(0)), Err(KeepError::Foreign(1)));
    let long = "x".repeat(70_000);
    assert_eq!(table.snapshot(&[(&long, mine)], wall(0)), Err(KeepError::Name(0)));
    table.revoke(mine);
    let next = table.mint(0, all()).unwrap();
    table.revoke(next);
    let to_come = Handle::new(next.index(), next.generation() + 1);
    assert_eq!(table.snapshot(&[("c", to_come)], wall(0)), Err(KeepError::Foreign(0)));
    assert!(table.snapshot(&[("mine", mine), ("next", next)], wall(0)).is_ok());
}
