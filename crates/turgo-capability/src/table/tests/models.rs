//! Admitted work beside a revocation that waits for it.

use loom::sync::Arc;
use loom::thread;
use turgo_machine::cell::UnsafeCell;
use turgo_machine::clock::Clock;

use crate::Rights;
use crate::forest::tests::explore;
use crate::table::{Config, Grant, Table};

#[test]
fn a_revoke_that_waited_leaves_no_admitted_work() {
    explore(2, || {
        let clock = Clock::real();
        // Leaked: the domain's own count of its users is not one that loom sees.
        let table: &'static Table =
            Box::leak(Box::new(Table::new(Config { capabilities_max: 4, shards: 1, clock })));
        let session = table.mint(0, Grant::new(Rights::ALL)).unwrap();
        // What admitted work reads, and the revoker takes away: loom reports it where the two meet.
        let rows = Arc::new(UnsafeCell::new(1));
        let theirs = Arc::clone(&rows);
        let works = thread::spawn(move || {
            if let Ok(_admission) = table.admit(session, Rights::READ) {
                theirs.with(|_| ());
            }
        });
        assert!(table.revoke_sync(session).unwrap());
        rows.with_mut(|_| ());
        works.join().unwrap();
    });
}
