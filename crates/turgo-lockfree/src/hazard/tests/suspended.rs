//! A thread suspended in the middle of a scan.

use crate::hazard::{Config, Domain};
use crate::pause::suspend_at;
use crate::reclaim::tests::canary::{Canary, Census};
use crate::{Owned, Reclaim};

#[test]
fn a_suspended_scan_keeps_what_it_has_and_holds_up_no_other() {
    let census = Census::leaked();
    let domain = Domain::with_config(Config { retired_max: 50, ..Config::default() });
    let retire = move |domain: &Domain, nodes: usize| {
        for _ in 0..nodes {
            // SAFETY: nobody else knows the node.
            unsafe { domain.retire(Owned::new(Canary::new(census))) };
        }
    };
    let stuck = domain.clone();
    suspend_at(
        "hazard scan",
        move || {
            retire(&stuck, 10);
            stuck.flush();
        },
        || {
            retire(&domain, 10_000);
            assert!(census.alive() <= 10 + 2 * 50, "{} alive", census.alive());
            domain.flush();
            assert_eq!(census.alive(), 10, "what the suspended thread has taken, and nothing else");
        },
    );
    assert_eq!(census.alive(), 0);
}
