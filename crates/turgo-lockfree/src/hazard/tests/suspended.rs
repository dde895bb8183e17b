//! A thread suspended in the middle of a scan.

use super::exit::in_child;
use crate::hazard::pointer::sealed::Source;
use crate::hazard::{Cohort, Config, Domain};
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

#[test]
fn a_suspended_scan_of_a_cohort_keeps_what_it_has_and_holds_up_no_other() {
    let census = Census::leaked();
    let domain = Domain::with_config(Config { retired_max: 50, ..Config::default() });
    let cohort: &'static Cohort<Domain> = Box::leak(Box::new(Cohort::new(domain)));
    let retire = move |nodes: usize| {
        for _ in 0..nodes {
            // SAFETY: nobody else knows the node.
            unsafe { cohort.retire(Owned::new(Canary::new(census))) };
        }
    };
    suspend_at(
        "hazard scan",
        move || retire(50),
        || {
            retire(10_000);
            assert!(census.alive() <= 2 * 50, "{} alive", census.alive());
            let code = in_child(|| {
                let before = census.alive();
                retire(10_000);
                census.alive() <= before + 50
            });
            assert_eq!(code, 0, "nor the child of a fork");
            cohort.flush();
            assert_eq!(census.alive(), 50, "what the suspended thread has taken, and nothing else");
        },
    );
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_thread_without_a_record_that_is_suspended_in_a_scan_holds_up_no_other() {
    let census = Census::leaked();
    let domain = Domain::with_config(Config { retired_max: 50, ..Config::default() });
    let retire = move |domain: &Domain, nodes: usize| {
        for _ in 0..nodes {
            // SAFETY: nobody else knows the node.
            let node = unsafe { Owned::new(Canary::new(census)).into_retired() };
            // SAFETY: as above.
            unsafe { domain.inner().retire_orphan(node) };
        }
    };
    let stuck = domain.clone();
    suspend_at(
        "hazard scan",
        move || retire(&stuck, 50),
        || {
            retire(&domain, 10_000);
            // What the suspended thread has taken, and twice the threshold.
            assert!(census.alive() <= 3 * 50, "{} alive", census.alive());
        },
    );
    domain.flush();
    assert_eq!(census.alive(), 0);
}
