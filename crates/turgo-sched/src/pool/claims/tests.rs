//! Who stands in line, step by step.

use super::*;
use crate::resources::{Lane, Resources};

fn need(part: f32) -> Resources {
    Resources::NONE.with(Lane::Memory, part)
}

fn claims() -> Claims {
    Claims::new(Resources([1.0; Resources::LANES]), None)
}

fn claim(id: u32, part: f32) -> Claim {
    let grants = std::iter::once(AtomicU32::new(0)).collect();
    Claim { task: TaskView { need: need(part), ..TaskView::plain(id) }, index: 0, grants }
}

fn ids(granted: Vec<Claim>) -> Vec<u32> {
    granted.into_iter().map(|claim| claim.task.id).collect()
}

#[test]
fn nobody_stands_in_line_for_what_is_free() {
    let claims = claims();
    assert_eq!(claims.take(need(0.75), 0), Ok(true));
    assert_eq!(claims.take(need(0.5), 0), Ok(false), "it does not fit");
    // Between the refusal and the line, what it needs is given back.
    assert_eq!(ids(claims.give(need(0.75), 0)), []);
    assert_eq!(ids(claims.line_up(claim(1, 0.5))), [1], "Q1");
    assert_eq!(ids(claims.line_up(claim(2, 0.75))), []);
    assert_eq!(ids(claims.give(need(0.5), 0)), [2], "Q1");
    assert_eq!(ids(claims.give(need(0.75), 0)), []);
    assert_eq!(claims.capacity().free().get(Lane::Memory), 1.0);
}

#[test]
fn nobody_is_overtaken_in_line() {
    let claims = claims();
    assert_eq!(claims.take(need(0.5), 0), Ok(true));
    assert_eq!(claims.take(need(0.75), 0), Ok(false));
    assert_eq!(ids(claims.line_up(claim(1, 0.75))), []);
    // There is room for it, and somebody waits.
    assert_eq!(claims.take(need(0.125), 0), Ok(false), "Q2");
    assert_eq!(ids(claims.line_up(claim(2, 0.125))), []);
    assert_eq!(ids(claims.give(need(0.5), 0)), [1, 2], "both fit now");
}

#[test]
fn what_never_fits_is_refused_for_good() {
    let claims = claims();
    assert!(claims.take(need(1.5), 0).is_err_and(|refused| refused.never));
    assert_eq!(claims.take(need(1.0), 0), Ok(true), "the refusal took nothing");
}

fn shared(weights: &[u32]) -> Claims {
    Claims::new(Resources([1.0; Resources::LANES]), Some(weights))
}

fn claim_of(tenant: u32, id: u32, part: f32) -> Claim {
    let claim = claim(id, part);
    Claim { task: TaskView { tenant, ..claim.task }, ..claim }
}

#[test]
fn the_tenant_that_has_least_is_next() {
    let claims = shared(&[1, 2]);
    assert_eq!(claims.take(need(1.0), 0), Ok(true));
    for id in 0..6 {
        assert_eq!(ids(claims.line_up(claim_of(0, id, 0.125))), []);
    }
    for id in 10..16 {
        assert_eq!(ids(claims.line_up(claim_of(1, id, 0.125))), []);
    }
    // Of equals who was let in the longest ago; then the second has twice as much, and the first of a line is the oldest there.
    assert_eq!(ids(claims.give(need(1.0), 0)), [10, 0, 11, 1, 12, 13, 2, 14], "Q2");
    assert_eq!(claims.in_line(), [3, 1]);
    assert_eq!(ids(claims.give(need(0.125), 1)), [15], "it has less for its weight now");
}

#[test]
fn nobody_starves_who_needs_much() {
    let claims = shared(&[1, 1, 1]);
    assert_eq!(claims.take(need(0.5), 0), Ok(true));
    assert_eq!(claims.take(need(0.375), 1), Ok(true));
    // It has something already, and wants all there is.
    assert_eq!(claims.take(need(0.125), 2), Ok(true));
    assert_eq!(ids(claims.line_up(claim_of(2, 7, 1.0))), []);
    // The others come again and again, each before it has given back what it had.
    let mut held = std::collections::VecDeque::from([(0, 0.5), (1, 0.375)]);
    for round in 0..100 {
        if round == 10 {
            // What it has ends at some time.
            assert_eq!(ids(claims.give(need(0.125), 2)), []);
        }
        let Some((tenant, part)) = held.pop_front() else { break };
        assert_eq!(claims.take(need(part), tenant), Ok(false), "Q2");
        let mut granted = claims.line_up(claim_of(tenant, 100 + round, part));
        granted.extend(claims.give(need(part), tenant));
        if granted.iter().any(|claim| claim.task.id == 7) {
            assert!((10..30).contains(&round), "{round}");
            return;
        }
        held.extend(
            granted.iter().map(|claim| (claim.task.tenant, claim.task.need.get(Lane::Memory))),
        );
    }
    panic!("Q4: it starves");
}
