//! Tenants, their sessions, and a query that loses its right between two batches.
//!
//! `cargo run --release -p turgo-capability --example sessions`
//!
//! A worker runs queries batch by batch and holds one handle for each. It asks before every batch; the
//! answer changes with the next batch when a session ends, a deadline passes, or a budget is used up. Nobody tells the worker.

use std::time::Duration;

use turgo_capability::{
    Caveat, Config, Denied, Grant, GrantError, Handle, Object, Rate, Request, Rights, RingLog,
    Table,
};
use turgo_machine::clock::VirtualTime;

/// Identifiers from the left: 16 bits of tenant, 47 of object.
fn tenant_objects(tenant: u64) -> Object {
    Object::prefix(tenant << 47, 16)
}

fn stream(tenant: u64, number: u64) -> Object {
    Object::one(tenant << 47 | number)
}

const ROWS: u64 = 1_000;

/// A query as the worker sees it.
struct Query {
    name: &'static str,
    reads: Object,
    right: Handle,
    batches: u32,
}

impl Query {
    /// Runs one batch, if it may.
    fn run_batch(&mut self, table: &Table<RingLog>) -> Result<(), Denied> {
        let admission = table.admit(self.right, Rights::READ)?;
        table.check_on(admission.handle(), Rights::READ, self.reads)?;
        let mut lease = table.lease(self.right, ROWS)?;
        if !lease.spend(ROWS) {
            return Err(Denied::Gas);
        }
        self.batches += 1;
        Ok(())
    }
}

fn main() -> Result<(), GrantError> {
    let time = VirtualTime::new();
    let config = Config { clock: time.clock(), ..Config::default() };
    let table = Table::with_audit(config, RingLog::new(1_024));

    // The service grants each tenant all of its own objects, a budget of rows, and a rate of new queries.
    let tenant = |number, rows| {
        let grant = Grant::new(Rights::ALL).object(tenant_objects(number)).gas(rows);
        table.mint(number, grant.rate(Rate::per_second(2)))
    };
    let (acme, zenith) = (tenant(1, 10 * ROWS)?, tenant(2, 2 * ROWS)?);

    // A session may read and pass that on, for an hour.
    let hour = Duration::from_secs(3_600);
    let until = table.now_ns() + hour.as_nanos() as u64;
    let session =
        |parent| table.delegate(parent, Grant::new(Rights::READ | Rights::GRANT).until(until));
    let (alice, bob, zoe) = (session(acme)?, session(acme)?, session(zenith)?);

    // A query may read one stream.
    let start = |name, session, reads| {
        table.take(session, 1)?;
        let right = table.delegate(session, Grant::new(Rights::READ).object(reads))?;
        Ok::<_, GrantError>(Query { name, reads, right, batches: 0 })
    };
    let mut queries = [
        start("alice's", alice, stream(1, 7))?,
        start("bob's", bob, stream(1, 7))?,
        start("zoe's", zoe, stream(2, 7))?,
    ];
    let third = start("one more", bob, stream(1, 8)).err();
    assert!(matches!(third, Some(GrantError::Denied(Denied::Rate(_)))), "two a second");
    time.advance(Duration::from_secs(1));
    let elsewhere = start("nosy", bob, stream(2, 7)).err();
    assert_eq!(elsewhere, Some(Denied::Object.into()), "another tenant's stream");

    for turn in 0..4 {
        if turn == 2 {
            // Alice logs out, and what was admitted for her has ended when this returns.
            table.revoke_sync(alice).expect("this thread runs no batch of its own");
        }
        for query in &mut queries {
            match query.run_batch(&table) {
                Ok(()) => println!("turn {turn}: {} batch {}", query.name, query.batches),
                Err(why) => println!("turn {turn}: {} query stops: {why}", query.name),
            }
        }
    }
    assert_eq!(queries.each_ref().map(|query| query.batches), [2, 4, 2]);
    assert_eq!(table.check(queries[0].right, Rights::READ), Err(Denied::Dead), "with her session");
    assert_eq!(table.gas(zenith), Some(0), "zoe's tenant has used its rows up");

    // Time ends the others.
    time.advance(hour);
    table.tick();
    assert!(queries.iter_mut().all(|query| query.run_batch(&table) == Err(Denied::Dead)));
    assert_eq!(table.sweep(u32::MAX), 5, "two sessions, three queries: their slots are free again");

    // A caveat narrows further: the auditor reads, but only as herself and at most a hundred rows.
    let caveat = Caveat::All(vec![Caveat::User(99), Caveat::AtMost(1, 100)]);
    let auditor = table.delegate(acme, Grant::new(Rights::READ).caveat(caveat))?;
    let request = Request::new().user(99).object(stream(1, 7));
    assert!(table.check_request(auditor, Rights::READ, &request.clone().number(1, 100)).is_ok());
    assert!(table.check_request(auditor, Rights::READ, &request.number(1, 101)).is_err());

    let totals = table.gas_totals();
    assert!(totals.add_up());
    let mut log = Vec::new();
    let records = table.log().write_to(&mut log).expect("a vector takes all");
    println!("{} rows of {} spent; {records} records", totals.spent, totals.granted);
    Ok(())
}

#[cfg(not(any(loom, shuttle)))]
#[test]
fn a_query_loses_its_right_between_two_batches() {
    main().expect("everything that should be granted is");
}
