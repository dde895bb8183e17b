//! Models of two threads.

use crate::CancellationToken;
use crate::block::block_on;
use crate::tests::probe::{both, model};

#[test]
fn a_wait_meets_a_cancellation_from_above() {
    model(2, || {
        let root = CancellationToken::new();
        let child = root.child_token();
        both(move || block_on(child.cancelled()), move || root.cancel());
    });
}

#[test]
fn a_child_made_meanwhile_is_cancelled() {
    model(2, || {
        let root = CancellationToken::new();
        let other = root.clone();
        let (child, ()) = both(move || other.child_token(), move || root.cancel());
        assert!(child.is_cancelled());
    });
}

#[test]
fn a_parent_is_dropped_while_its_parent_cancels() {
    model(2, || {
        let root = CancellationToken::new();
        let middle = root.child_token();
        let child = middle.child_token();
        both(move || drop(middle), move || root.cancel());
        assert!(child.is_cancelled());
    });
}

#[test]
fn two_cancel_at_once() {
    model(2, || {
        let root = CancellationToken::new();
        let child = root.child_token();
        let (one, other) = (root.clone(), child.clone());
        both(move || one.cancel(), move || other.cancel());
        assert!(root.is_cancelled() && child.is_cancelled());
    });
}
