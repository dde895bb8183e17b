//! A thread suspended while it leads.

use crate::pause::suspend_at;
use crate::rcu::{Config, Domain};
use crate::reclaim::tests::canary::{Canary, Census};
use crate::{Owned, Reclaim};

#[test]
fn a_suspended_leader_holds_up_grace_periods_and_no_thread() {
    let census = Census::leaked();
    let domain = Domain::with_config(Config { batch: 10, ..Config::default() });
    let stuck = domain.clone();
    suspend_at(
        "rcu period",
        move || stuck.synchronize(),
        || {
            let cookie = domain.cookie();
            for _ in 0..1_000 {
                let guard = domain.read_lock();
                // SAFETY: nobody else knows the node.
                unsafe { domain.retire(Owned::new(Canary::new(census))) };
                drop(guard);
                let held = Canary::new(census);
                domain.call(move || held.check());
                assert!(!domain.poll_cookie(cookie), "nobody leads");
                assert_eq!(domain.poll(usize::MAX), 0);
            }
            domain.flush();
            assert_eq!(census.alive(), 2_000, "and nothing is freed unasked");
        },
    );
    domain.barrier().unwrap();
    assert_eq!(census.alive(), 0);
}
