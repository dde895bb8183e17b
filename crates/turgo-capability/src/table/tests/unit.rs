//! The table on one thread.

use core::time::Duration;
use std::sync::{Arc, OnceLock, Weak};

use turgo_machine::atomic::{AtomicBool, AtomicU64, Ordering};
use turgo_machine::clock::VirtualTime;

use crate::table::Config;
use crate::{
    AuditLog, Caveat, Change, Denied, Grant, GrantError, Handle, Object, Rate, Record, Refused,
    Request, Rights, RingLog, Table,
};

const READ: Rights = Rights::READ;
const WRITE: Rights = Rights::WRITE;

fn all() -> Grant {
    Grant::new(Rights::ALL)
}

fn with_time() -> (Table, VirtualTime) {
    let time = VirtualTime::new();
    (Table::new(Config { clock: time.clock(), ..Config::default() }), time)
}

#[test]
fn a_child_has_no_more_than_its_parent() {
    let table = Table::default();
    let tenant = Object::prefix(1 << 60, 3);
    let parent = table.mint(1, Grant::new(READ | Rights::GRANT).object(tenant).gas(10)).unwrap();
    let more = table.delegate(parent, Grant::new(READ | WRITE));
    assert_eq!(more, Err(Denied::Rights.into()), "T1");
    let elsewhere = Grant::new(READ).object(Object::one(1));
    assert_eq!(table.delegate(parent, elsewhere), Err(Denied::Object.into()), "T1");
    assert_eq!(table.delegate(parent, Grant::new(READ).gas(11)), Err(GrantError::Gas), "T1");
    let child = table.delegate(parent, Grant::new(READ).gas(4)).unwrap();
    assert_eq!((table.gas(parent), table.gas(child)), (Some(6), Some(4)));
    let grandchild = table.delegate(child, Grant::new(READ));
    assert_eq!(grandchild, Err(Denied::Rights.into()), "without GRANT nothing is passed on");
    assert!(table.check_on(child, READ, Object::one(1 << 60 | 5)).is_ok());
    assert_eq!(table.check_on(child, READ, Object::one(1 << 61)), Err(Denied::Object));
    let large = Caveat::All(vec![Caveat::User(1); 64]);
    let refused = table.delegate(parent, Grant::new(READ).gas(6).caveat(large));
    assert_eq!(refused, Err(GrantError::CaveatTooLarge));
    assert_eq!(table.gas(parent), Some(6), "what was handed down came back");
    assert!(table.gas_totals().add_up());
}

#[test]
fn caveats_are_asked_up_to_the_root() {
    let (table, time) = with_time();
    let root = table.mint(0, all().caveat(Caveat::User(7))).unwrap();
    let child = table.delegate(root, all().caveat(Caveat::Since(100))).unwrap();
    let leaf = table.delegate(child, all().object(Object::one(3))).unwrap();
    assert_eq!(table.check(leaf, READ), Err(Denied::Caveat), "T3");
    assert!(table.admit(leaf, READ).is_err(), "T3");
    let seven = Request::new().user(7).at(100);
    assert!(table.check_request(leaf, READ, &seven).is_ok());
    let eight = Request::new().user(8).at(100);
    assert_eq!(table.check_request(leaf, READ, &eight), Err(Denied::Caveat), "V1");
    let timeless = Request::new().user(7);
    assert_eq!(table.check_request(leaf, READ, &timeless), Err(Denied::Caveat));
    time.advance_to(100);
    assert!(table.check_request(leaf, READ, &timeless).is_ok(), "the table's time");
    let elsewhere = seven.clone().object(Object::one(4));
    assert_eq!(table.check_request(leaf, READ, &elsewhere), Err(Denied::Object));
    assert!(table.attenuate(leaf, READ));
    assert_eq!(table.check_request(leaf, WRITE, &seven), Err(Denied::Rights));
    assert!(table.revoke(root));
    assert_eq!(table.check_request(leaf, READ, &seven), Err(Denied::Dead));
}

#[test]
fn an_actor_acts_on_its_descendants_only() {
    let table = Table::default();
    let root = table.mint(0, all()).unwrap();
    let (left, right) =
        (table.delegate(root, all()).unwrap(), table.delegate(root, all()).unwrap());
    let leaf = table.delegate(left, all()).unwrap();
    assert_eq!(table.revoke_as(right, leaf), Err(Denied::Authority), "T5");
    assert_eq!(table.revoke_as(leaf, left), Err(Denied::Authority), "T5");
    assert_eq!(table.attenuate_as(right, leaf, READ), Err(Denied::Authority), "T5");
    assert_eq!(table.attenuate_as(left, leaf, READ), Ok(true));
    assert_eq!(table.revoke_as(leaf, leaf), Err(Denied::Rights));
    assert_eq!(table.revoke_as(root, leaf), Ok(true));
    assert_eq!(table.revoke_as(right, right), Ok(true), "anybody may give up what is theirs");
    assert_eq!(table.revoke_as(right, right), Err(Denied::Dead));
}

#[test]
fn trees_and_the_table_have_limits() {
    let table = Table::new(Config { capabilities_max: 64, ..Config::default() });
    let mut last = table.mint(0, all()).unwrap();
    for _ in 1..64 {
        last = table.delegate(last, all()).unwrap();
    }
    assert_eq!(table.describe(last).unwrap().depth, 63);
    assert_eq!(table.delegate(last, all()), Err(GrantError::TooDeep));
    assert_eq!(table.mint(0, all()), Err(GrantError::Full));
    assert!(table.revoke(last));
    assert!(table.mint(0, all()).is_ok());
}

#[test]
fn gas_comes_back_from_the_revoked() {
    let table = Table::default();
    let root = table.mint(0, all().gas(100)).unwrap();
    let session = table.delegate(root, all().gas(50)).unwrap();
    let query = table.delegate(session, all().gas(20)).unwrap();
    let shares = table.delegate(query, all()).unwrap();
    let mut lease = table.lease(shares, 5).unwrap();
    assert!(lease.spend(2));
    assert_eq!(table.gas(query), Some(15), "it spends from the nearest budget");
    assert!(table.revoke(session));
    assert_eq!(table.gas(root), Some(80));
    assert!(matches!(table.lease(query, 1), Err(Denied::Dead)));
    assert!(table.gas_totals().add_up());
    table.sweep(u32::MAX);
    assert_eq!(table.gas(root), Some(95), "of the query, past the session's closed budget");
    drop(lease);
    let totals = table.gas_totals();
    assert_eq!((totals.balances, totals.lent, totals.spent), (98, 0, 2), "E3");
    assert!(totals.add_up());
    assert!(table.revoke(root));
    assert_eq!(table.gas_totals().returned, 98, "T2");
    let poor = table.mint(0, all()).unwrap();
    assert!(matches!(table.lease(poor, 1), Err(Denied::Gas)));
    assert_eq!(table.delegate(poor, all().gas(1)), Err(GrantError::Gas));
}

#[test]
fn rates_add_up_from_below() {
    let (table, time) = with_time();
    let rate = |burst| Rate::new(Duration::from_nanos(10), burst);
    let tenant = table.mint(0, all().rate(rate(3))).unwrap();
    let session = table.delegate(tenant, all()).unwrap();
    let query = table.delegate(session, all().rate(rate(2))).unwrap();
    assert!(table.take(query, 2).is_ok());
    assert!(matches!(table.take(query, 1), Err(Denied::Rate(_))));
    assert!(table.take(session, 1).is_ok());
    assert!(matches!(table.take(session, 1), Err(Denied::Rate(_))), "the tenant's");
    time.advance(Duration::from_nanos(10));
    assert!(table.take(query, 1).is_ok());
    assert_eq!(table.describe(query).unwrap().rate, Some(rate(2)));
    table.revoke(tenant);
    assert_eq!(table.take(query, 1), Err(Denied::Dead));
    let free = table.mint(0, all()).unwrap();
    assert!(table.take(free, u64::MAX).is_ok(), "no rate, no limit");
}

#[test]
fn deadlines_end_with_a_tick() {
    let (table, time) = with_time();
    let session = table.mint(3, all().until(1_000)).unwrap();
    let query = table.delegate(session, all()).unwrap();
    time.advance_to(999);
    assert_eq!(table.tick(), 0);
    assert!(table.check(query, READ).is_ok());
    time.advance_to(1_000);
    assert_eq!(table.tick(), 1);
    assert_eq!(table.check(query, READ), Err(Denied::Dead), "F7");
    assert_eq!(table.tick(), 0, "whoever asks in vain leaves nothing to end");
    assert_eq!(table.sweep(100), 2);
    assert_eq!(table.statistics().present(), 0);
}

#[test]
fn a_revoke_does_not_wait_for_its_own_thread() {
    let table = Table::default();
    let session = table.mint(0, all()).unwrap();
    let admission = table.admit(session, READ).unwrap();
    assert_eq!(admission.handle(), session);
    assert!(table.revoke_sync(session).is_err());
    assert!(table.check(session, READ).is_err(), "revoked all the same");
    drop(admission);
    assert_eq!(table.revoke_sync(session), Ok(false));
}

#[test]
fn a_column_is_checked_as_one_by_one() {
    let table = Table::default();
    let handles: Vec<Handle> = (0..3_000u16)
        .map(|rights| table.mint(rights.into(), Grant::new(Rights::from_bits(rights))).unwrap())
        .collect();
    let dead: Vec<Handle> = handles.iter().copied().step_by(7).collect();
    assert_eq!(table.revoke_all(&dead), dead.len());
    let need = READ | Rights::DROP;
    let mut allowed = vec![false; handles.len()];
    let passed = table.check_batch(&handles, need, &mut allowed);
    let each: Vec<bool> = handles.iter().map(|handle| table.check(*handle, need).is_ok()).collect();
    assert_eq!(allowed, each);
    assert_eq!(passed, each.iter().filter(|yes| **yes).count());
    assert!(passed > 100);
    // Shards in turn, with stamps and without, and a revocation since the last time.
    assert!(table.revoke(*handles.iter().find(|one| table.check(**one, need).is_ok()).unwrap()));
    assert_eq!(table.check_batch(&handles, need, &mut allowed), passed - 1);
    assert_eq!(table.check_batch(&handles, need, &mut allowed), passed - 1);
}

#[test]
fn a_table_tells_what_is_there() {
    let table = Table::default();
    let root = table.mint(130, Grant::new(READ | WRITE | Rights::GRANT)).unwrap();
    let child = table.delegate(root, Grant::new(READ | WRITE).object(Object::one(9))).unwrap();
    table.attenuate(root, READ | Rights::GRANT);
    let seen = table.describe(child).unwrap();
    assert_eq!((seen.rights, seen.effective), (READ | WRITE, READ));
    assert_eq!((seen.object, seen.depth, seen.shard), (Object::one(9), 1, 2));
    assert_eq!((seen.parent, seen.deadline_ns, seen.caveat), (Some(root), None, None));
    assert_eq!(table.ancestry(child), [child, root]);
    assert!(table.dominates(root, child) && table.dominates(child, child));
    assert!(!table.dominates(child, root));
    assert_eq!(table.handles().collect::<Vec<_>>(), [root, child]);
    let before = table.statistics().version();
    assert_eq!(before, 3);
    table.revoke(root);
    assert_eq!(table.statistics().version(), 4);
    assert!(table.describe(child).is_none() && table.ancestry(child).is_empty());
    assert!(!table.dominates(child, child));
    assert_eq!(table.handles().count(), 0);
    assert_eq!(table.statistics().present(), 1, "the child's slot is not swept yet");
    assert!(format!("{table:?}").contains("revoked: 1"));
}

#[test]
fn a_full_log_stops_grants_and_no_revocation() {
    let config = Config { clock: VirtualTime::new().clock(), ..Config::default() };
    let table = Table::with_audit(config, RingLog::new(2));
    let root = table.mint(0, all().gas(5)).unwrap();
    let child = table.delegate(root, all()).unwrap();
    assert_eq!(table.delegate(root, all().gas(5)), Err(GrantError::Unrecorded), "T7");
    assert_eq!(table.gas(root), Some(5), "what was handed down came back");
    assert!(table.revoke(child), "T7");
    assert!(table.check(child, READ).is_err());
    assert_eq!((table.statistics().unrecorded, table.log().refused()), (2, 2));
    let mut out = Vec::new();
    assert_eq!(table.log().write_to(&mut out).unwrap(), 2);
    let lines = String::from_utf8(out).unwrap();
    let second = lines.lines().nth(1).unwrap();
    let start = format!("{{\"time_ns\":0,\"change\":\"Delegate\",\"actor\":\"{root:?}\",");
    assert!(second.starts_with(&start), "{second}");
    assert!(second.contains(&format!("\"subject\":\"{child:?}\"")), "{second}");
    table.attenuate(root, READ);
    let record = table.log().pop().unwrap();
    assert_eq!((record.change, record.rights, record.epoch), (Change::Attenuate, READ, 2));
}

/// Panics instead of taking a record, while it is told to.
#[derive(Default)]
struct Broken {
    panics: AtomicBool,
}

impl AuditLog for Broken {
    fn append(&self, _record: &Record) -> Result<(), Refused> {
        // Relaxed: one thread.
        assert!(!self.panics.load(Ordering::Relaxed), "the log is broken");
        Ok(())
    }
}

#[test]
fn what_was_not_made_leaves_nothing_behind() {
    let config = Config { capabilities_max: 3, ..Config::default() };
    let table = Table::with_audit(config, Broken::default());
    let root = table.mint(0, all().gas(10)).unwrap();
    let caught = |act: &dyn Fn()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
    // Relaxed: one thread.
    table.log().panics.store(true, Ordering::Relaxed);
    for _ in 0..5 {
        assert!(caught(&|| _ = table.delegate(root, all().gas(4))).is_err());
        assert!(caught(&|| _ = table.mint(1, all().gas(u64::MAX / 4))).is_err());
        assert!(caught(&|| _ = table.revoke(root)).is_err());
    }
    // Relaxed: one thread.
    table.log().panics.store(false, Ordering::Relaxed);
    let large = Caveat::All(vec![Caveat::User(1); 64]);
    for _ in 0..5 {
        let refused = table.mint(1, all().gas(u64::MAX / 4).caveat(large.clone()));
        assert_eq!(refused, Err(GrantError::CaveatTooLarge));
    }
    let totals = table.gas_totals();
    assert_eq!((totals.granted, totals.balances, totals.returned), (10, 10, 0), "E4");
    assert!(
        table.delegate(root, all()).is_ok() && table.mint(1, all()).is_ok(),
        "all slots are there"
    );
    assert!(table.revoke(root));
}

/// Panics at a record of this number, from 1.
struct Breaking {
    at: u64,
    count: AtomicU64,
}

impl AuditLog for Breaking {
    fn append(&self, _record: &Record) -> Result<(), Refused> {
        // Relaxed: one thread.
        assert_ne!(self.count.fetch_add(1, Ordering::Relaxed) + 1, self.at, "the log broke");
        Ok(())
    }
}

#[test]
fn a_log_that_breaks_amid_many_revocations_loses_no_gas() {
    let log = Breaking { at: 5, count: AtomicU64::new(0) };
    let table = Table::with_audit(Config::default(), log);
    let root = table.mint(0, all().gas(10)).unwrap();
    let children = [1, 2].map(|gas| table.delegate(root, all().gas(gas)).unwrap());
    let revokes = || _ = table.revoke_all(&children);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(revokes)).is_err());
    assert!(children.iter().all(|child| table.check(*child, READ).is_ok()), "or gas would be back");
    assert_eq!(table.revoke_all(&children), 2);
    assert_eq!(table.gas(root), Some(10), "T2");
}

/// Looks at the table whenever a record comes.
#[derive(Default)]
struct Witness {
    table: OnceLock<Weak<Table<Witness>>>,
}

impl AuditLog for Witness {
    fn append(&self, record: &Record) -> Result<(), Refused> {
        let table = self.table.get().and_then(Weak::upgrade).unwrap();
        let seen = table.describe(record.subject).map(|seen| seen.rights);
        match record.change {
            Change::Mint | Change::Delegate => assert_eq!(seen, None, "T6"),
            Change::Attenuate | Change::Revoke => assert_eq!(seen, Some(Rights::ALL), "T6"),
        }
        Ok(())
    }
}

#[test]
fn records_come_before_their_changes() {
    let table = Arc::new(Table::with_audit(Config::default(), Witness::default()));
    table.log().table.set(Arc::downgrade(&table)).unwrap();
    let root = table.mint(0, all()).unwrap();
    let child = table.delegate(root, all()).unwrap();
    assert!(table.attenuate(child, READ) && table.revoke(root));
}
