//! Threads suspended in the middle of a check, a revocation, an attenuation or a delegation: the others go on, and no rule gives way.

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
