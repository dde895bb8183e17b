//! Who stands in line, step by step.

use super::*;
use crate::resources::{Lane, Resources};

fn need(part: f32) -> Resources {
    Resources::NONE.with(Lane::Memory, part)
}

fn claims() -> Claims {
    Claims::new(Resources([1.0; Resources::LANES]))
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
    assert_eq!(claims.take(need(0.75)), Ok(true));
    assert_eq!(claims.take(need(0.5)), Ok(false), "it does not fit");
    // Between the refusal and the line, what it needs is given back.
    assert_eq!(ids(claims.give(need(0.75))), []);
    assert_eq!(ids(claims.line_up(claim(1, 0.5))), [1], "Q1");
    assert_eq!(ids(claims.line_up(claim(2, 0.75))), []);
    assert_eq!(ids(claims.give(need(0.5))), [2], "Q1");
    assert_eq!(ids(claims.give(need(0.75))), []);
    assert_eq!(claims.capacity().free().get(Lane::Memory), 1.0);
}

#[test]
fn nobody_is_overtaken_in_line() {
    let claims = claims();
    assert_eq!(claims.take(need(0.5)), Ok(true));
    assert_eq!(claims.take(need(0.75)), Ok(false));
    assert_eq!(ids(claims.line_up(claim(1, 0.75))), []);
    // There is room for it, and somebody waits.
    assert_eq!(claims.take(need(0.125)), Ok(false), "Q2");
    assert_eq!(ids(claims.line_up(claim(2, 0.125))), []);
    assert_eq!(ids(claims.give(need(0.5))), [1, 2], "both fit now");
}

#[test]
fn what_never_fits_is_refused_for_good() {
    let claims = claims();
    assert!(claims.take(need(1.5)).is_err_and(|refused| refused.never));
    assert_eq!(claims.take(need(1.0)), Ok(true), "the refusal took nothing");
}
