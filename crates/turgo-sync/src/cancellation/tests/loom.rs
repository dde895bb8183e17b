//! Models of two threads.

use turgo_machine::thread;

use crate::CancellationToken;
use crate::block::block_on;
use crate::tests::probe::model;

#[test]
fn a_wait_meets_a_cancellation_from_above() {
    model(2, || {
        let root = CancellationToken::new();
        let child = root.child_token();
        let waits = thread::spawn(move || block_on(child.cancelled()));
        root.cancel();
        waits.join().unwrap();
    });
}

#[test]
fn a_child_made_meanwhile_is_cancelled() {
    model(2, || {
        let root = CancellationToken::new();
        let other = root.clone();
        let makes = thread::spawn(move || other.child_token());
        root.cancel();
        assert!(makes.join().unwrap().is_cancelled());
    });
}

#[test]
fn a_parent_is_dropped_while_its_parent_cancels() {
    model(2, || {
        let root = CancellationToken::new();
        let middle = root.child_token();
        let child = middle.child_token();
        let drops = thread::spawn(move || drop(middle));
        root.cancel();
        drops.join().unwrap();
        assert!(child.is_cancelled());
    });
}

#[test]
fn two_cancel_at_once() {
    model(2, || {
        let root = CancellationToken::new();
        let child = root.child_token();
        let cancels = thread::spawn({
            let child = child.clone();
            move || child.cancel()
        });
        root.cancel();
        cancels.join().unwrap();
        assert!(root.is_cancelled() && child.is_cancelled());
    });
}
