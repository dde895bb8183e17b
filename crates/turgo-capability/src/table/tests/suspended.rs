//! Threads suspended in the middle of a check, a change, a tick or a spending: the others go on, and no rule gives way.

use core::time::Duration;

use super::super::*;
use crate::pause::suspend_at;

const READ: Rights = Rights::READ;

fn all() -> Grant {
    Grant::new(Rights::ALL)
}

/// What others do meanwhile, in the same tenant and in another one.
fn others_go_on(table: &Table, place: &str) {
    for tenant in [0, 1] {
        let root = table.mint(tenant, all().gas(50)).unwrap();
        for _ in 0..100 {
            let child = table.delegate(root, all().gas(3)).unwrap();
            let leaf = table.delegate(child, all()).unwrap();
            assert!(table.check(leaf, READ).is_ok(), "{place}");
            assert!(table.attenuate(child, READ), "{place}");
            assert_eq!(table.check(leaf, Rights::WRITE), Err(Denied::Rights), "{place}");
            assert!(table.revoke(child), "{place}");
            assert_eq!(table.check(leaf, READ), Err(Denied::Dead), "{place}");
            table.tick();
            table.sweep(20);
        }
        assert_eq!(table.gas(root), Some(50), "{place}");
    }
}

#[test]
fn a_suspended_check_holds_up_nobody_and_is_not_deceived() {
    let table = Table::default();
    let root = table.mint(0, all()).unwrap();
    let weak = table.delegate(root, Grant::new(READ)).unwrap();
    let answer = suspend_at(
        "check",
        || table.check(weak, Rights::WRITE),
        || {
            others_go_on(&table, "check");
            assert!(table.revoke(weak));
            // The slot of what is looked at goes to somebody with all rights.
            let strong = table.mint(0, all()).unwrap();
            assert_eq!(strong.index(), weak.index());
            assert!(table.check(strong, Rights::ALL).is_ok());
        },
    );
    assert!(answer.is_err(), "F3, F5");
    assert!(table.check(weak, Rights::NONE).is_err());
}

#[test]
fn a_revocation_suspended_before_its_bump_holds_up_nobody() {
    let table = Table::default();
    let root = table.mint(0, all()).unwrap();
    let child = table.delegate(root, all()).unwrap();
    assert!(table.check(child, READ).is_ok());
    let won = suspend_at(
        "revoke, killed",
        || table.revoke(root),
        || {
            assert!(!table.revoke(root), "the other one has killed it");
            assert_eq!(table.check(child, Rights::NONE), Err(Denied::Dead), "F2: the loser bumps");
            assert!(table.delegate(root, all()).is_err() && table.delegate(child, all()).is_err());
            others_go_on(&table, "revoke, killed");
        },
    );
    assert!(won);
    assert_eq!(table.check(child, Rights::NONE), Err(Denied::Dead));
}

#[test]
fn a_revocation_suspended_behind_its_bump_holds_up_nobody() {
    let table = Table::default();
    let root = table.mint(0, all().gas(10)).unwrap();
    let child = table.delegate(root, all()).unwrap();
    assert!(table.check(child, READ).is_ok());
    let revoked = suspend_at(
        "revoke, bumped",
        || table.revoke(root),
        || {
            assert_eq!(table.check(child, Rights::NONE), Err(Denied::Dead), "nobody waits for it");
            others_go_on(&table, "revoke, bumped");
            assert_ne!(table.mint(0, all()).unwrap().index(), root.index(), "S2: it is its own");
        },
    );
    assert!(revoked);
    assert_eq!(table.mint(0, all()).unwrap().index(), root.index());
}

#[test]
fn an_attenuation_suspended_before_its_bump_holds_up_nobody() {
    let table = Table::default();
    let root = table.mint(0, all()).unwrap();
    let child = table.delegate(root, all()).unwrap();
    assert!(table.check(child, Rights::WRITE).is_ok());
    let narrowed = suspend_at(
        "attenuate, narrowed",
        || table.attenuate(root, Rights::ALL - Rights::WRITE),
        || {
            others_go_on(&table, "attenuate, narrowed");
            assert!(table.attenuate(root, Rights::ALL - Rights::WRITE), "too late, and alive");
            assert_eq!(table.check(child, Rights::WRITE), Err(Denied::Rights), "F2");
            assert!(table.check(child, READ).is_ok());
        },
    );
    assert!(narrowed);
    assert_eq!(table.check(child, Rights::WRITE), Err(Denied::Rights));
}

#[test]
fn an_attenuation_may_rely_on_a_suspended_revocation() {
    let table = Table::default();
    let root = table.mint(0, all()).unwrap();
    let child = table.delegate(root, all()).unwrap();
    assert!(table.check(child, Rights::WRITE).is_ok());
    suspend_at(
        "revoke, killed",
        || table.revoke(root),
        || {
            assert!(!table.attenuate(root, READ), "it is dead");
            assert!(table.check(child, Rights::WRITE).is_err(), "F2: gone once that returned");
        },
    );
}

#[test]
fn a_suspended_tick_holds_up_nobody() {
    let time = turgo_machine::clock::VirtualTime::new();
    let table = Table::new(Config { clock: time.clock(), ..Config::default() });
    let root = table.mint(0, all().until(10)).unwrap();
    let child = table.delegate(root, all()).unwrap();
    assert!(table.check(child, READ).is_ok());
    time.advance(Duration::from_nanos(10));
    let ended = suspend_at(
        "tick, taken",
        || table.tick(),
        || {
            table.tick();
            assert_eq!(table.check(child, READ), Err(Denied::Dead), "F7: the later tick returned");
            others_go_on(&table, "tick, taken");
        },
    );
    assert_eq!(ended, 1);
}

#[test]
fn whoever_spends_finds_no_budget_past_the_dead() {
    let table = Table::default();
    let root = table.mint(0, all().gas(100)).unwrap();
    let poor = table.delegate(root, all().gas(0)).unwrap();
    let query = table.delegate(poor, all()).unwrap();
    assert!(matches!(table.lease(query, 10), Err(Denied::Gas)), "nothing is in its budget");
    let leased = suspend_at(
        "limits",
        || table.lease(query, 10).map(|lease| lease.left()),
        || {
            others_go_on(&table, "limits");
            assert!(table.revoke(poor));
        },
    );
    assert_eq!(leased, Err(Denied::Dead), "T1: not from what is further up");
    assert_eq!(table.gas(root), Some(100));
}

#[test]
fn no_rate_is_forgotten_beside_a_revocation() {
    let table = Table::default();
    let rate = Rate::new(Duration::from_secs(60), 1);
    let root = table.mint(0, all().rate(rate).gas(1)).unwrap();
    let session = table.delegate(root, all()).unwrap();
    // With limits of its own, and no rate among them.
    let query = table.delegate(session, all().gas(1)).unwrap();
    let taken = suspend_at("limits", || table.take(query, 1), || assert!(table.revoke(session)));
    assert_eq!(taken, Err(Denied::Dead), "or a token would be missing from the tenant's");
    assert!(table.take(root, 1).is_ok());
}

#[test]
fn a_delegation_suspended_before_it_is_published_is_dead_on_arrival() {
    let table = Table::default();
    let root = table.mint(0, all().gas(10)).unwrap();
    let child = suspend_at(
        "delegate",
        || table.delegate(root, all().gas(4)),
        || {
            others_go_on(&table, "delegate");
            assert!(table.revoke(root));
        },
    );
    assert_eq!(table.check(child.unwrap(), Rights::NONE), Err(Denied::Dead), "F1");
    table.sweep(u32::MAX);
    let totals = table.gas_totals();
    assert!(totals.add_up(), "{totals:?}");
    assert_eq!(table.statistics().present(), 2, "what the others left");
}
