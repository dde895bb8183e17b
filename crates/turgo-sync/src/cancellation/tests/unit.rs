//! Tests on one thread, and one on two.

use std::collections::HashSet;
use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};

use turgo_machine::thread;

use crate::access::Access;
use crate::cancellation::token::CancellationToken as Token;
use crate::tests::both;
use crate::tests::probe::{Wakes, poll, poll_idle};
use crate::{CancellationToken, local};

both!(
    a_parent_cancels_all_below_and_none_above,
    who_waits_is_told,
    nothing_is_left_of_what_was_dropped,
    a_long_chain_is_cancelled_without_recursion,
    guards_cancel_unless_they_are_disarmed,
    a_future_runs_until_it_is_cancelled,
);

fn a_parent_cancels_all_below_and_none_above<A: Access>() {
    let root = Token::<A>::new();
    let [left, right] = [(); 2].map(|()| root.child_token());
    let below: Vec<_> = (0..10).map(|_| left.child_token()).collect();
    let deep = below[3].child_token();
    left.cancel();
    assert!(left.is_cancelled() && deep.is_cancelled());
    assert!(below.iter().all(Token::is_cancelled));
    assert!(!root.is_cancelled() && !right.is_cancelled());
    assert!(left.child_token().is_cancelled(), "made cancelled");
    assert_eq!(root.token.in_tree().0, 2);
    left.cancel();
    root.cancel();
    assert!(right.is_cancelled() && root.is_cancelled());
    assert_eq!(root.token.in_tree().0, 0);
}

fn who_waits_is_told<A: Access>() {
    let root = Token::<A>::new();
    let child = root.child_token();
    let (wakes, waker) = Wakes::new();
    let mut waits = Box::pin(child.cancelled());
    let mut owned = Box::pin(root.child_token().cancelled_owned());
    let mut gives_up = Box::pin(child.cancelled());
    assert!(poll(&mut waits, &waker).is_pending());
    assert!(poll(&mut owned, &waker).is_pending());
    assert!(poll(&mut gives_up, &waker).is_pending());
    drop(gives_up);
    let never_polled = Box::pin(child.cancelled());
    root.cancel();
    assert_eq!(wakes.count(), 2);
    assert!(poll(&mut waits, &waker).is_ready() && poll(&mut owned, &waker).is_ready());
    assert!(poll(&mut Box::pin(child.cancelled()), &waker).is_ready(), "it was before");
    drop((waits, owned, never_polled, waker));
    assert_eq!(Arc::strong_count(&wakes), 1);
}

fn nothing_is_left_of_what_was_dropped<A: Access>() {
    let root = Token::<A>::new();
    for _ in 0..1000 {
        drop(root.child_token().child_token());
    }
    assert_eq!(root.token.in_tree(), (1, 3), "places are used again");
    // A chain of which only the ends have handles.
    let mut last = root.child_token();
    for _ in 0..1000 {
        last = last.child_token();
    }
    assert_eq!(root.token.in_tree(), (2, 3));
    let clone = last.clone();
    drop(last);
    assert_eq!(root.token.in_tree().0, 2);
    root.cancel();
    assert!(clone.is_cancelled());
    // Children of a token without handles are its parent's.
    let root = Token::<A>::new();
    let middle = root.child_token();
    let leaves: Vec<_> = (0..5).map(|_| middle.child_token()).collect();
    drop(middle);
    assert_eq!(root.token.in_tree().0, 6);
    drop(leaves[2].clone());
    root.cancel();
    assert!(leaves.iter().all(Token::is_cancelled));
    // A root without handles.
    let root = Token::<A>::new();
    let child = root.child_token();
    drop(root);
    child.cancel();
    assert!(child.is_cancelled());
}

fn a_long_chain_is_cancelled_without_recursion<A: Access>() {
    let mut tokens = vec![Token::<A>::new()];
    for index in 0..50_000 {
        tokens.push(tokens[index].child_token());
    }
    tokens[0].cancel();
    assert!(tokens.iter().all(Token::is_cancelled));
}

fn guards_cancel_unless_they_are_disarmed<A: Access>() {
    let token = Token::<A>::new();
    let guard = token.clone().drop_guard();
    assert!(!guard.token().is_cancelled());
    assert_eq!(guard.disarm(), token);
    assert!(!token.drop_guard_ref().disarm().is_cancelled());
    assert!(!token.is_cancelled());
    drop(token.child_token().drop_guard());
    assert!(!token.is_cancelled());
    {
        let guard = token.drop_guard_ref();
        assert!(!guard.token().is_cancelled());
    }
    assert!(token.is_cancelled());
    let other = Token::<A>::default();
    drop(other.clone().drop_guard());
    assert!(other.is_cancelled() && other != token);
    assert_eq!(HashSet::from([token.clone(), token]).len(), 1);
    assert!(format!("{other:?}").contains("true"));
}

fn a_future_runs_until_it_is_cancelled<A: Access>() {
    let token = Token::<A>::new();
    assert_eq!(poll_idle(&mut Box::pin(token.run_until_cancelled(ready(1)))), Poll::Ready(Some(1)));
    let mut runs = Box::pin(token.run_until_cancelled(pending::<u8>()));
    let mut owned = Box::pin(token.clone().run_until_cancelled_owned(pending::<u8>()));
    let (wakes, waker) = Wakes::new();
    assert!(poll(&mut runs, &waker).is_pending() && poll(&mut owned, &waker).is_pending());
    token.cancel();
    assert_eq!(wakes.count(), 2);
    assert_eq!(poll(&mut runs, &waker), Poll::Ready(None));
    assert_eq!(poll(&mut owned, &waker), Poll::Ready(None));
    assert_eq!(poll_idle(&mut Box::pin(token.run_until_cancelled(ready(1)))), Poll::Ready(None));
}

/// Uses the tree, and panics.
struct Rude(CancellationToken);

impl Wake for Rude {
    fn wake(self: Arc<Self>) {
        assert!(self.0.child_token().is_cancelled());
        panic!("planned");
    }
}

#[test]
fn a_waker_that_panics_holds_nothing_and_keeps_nobody() {
    let root = CancellationToken::new();
    let rude = Waker::from(Arc::new(Rude(root.clone())));
    let (wakes, waker) = Wakes::new();
    let mut first = Box::pin(root.cancelled());
    assert!(poll(&mut first, &rude).is_pending());
    let child = root.child_token();
    let mut second = Box::pin(child.cancelled());
    assert!(poll(&mut second, &waker).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| root.cancel())).is_err());
    assert_eq!(wakes.count(), 1);
    assert!(child.is_cancelled());
    assert_eq!(root.token.in_tree().0, 0);
}

/// Panics, and uses no token, because wakers may go to any thread.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("planned");
    }
}

#[test]
fn a_waker_that_panics_keeps_nobody_on_one_thread() {
    let root = local::CancellationToken::new();
    let child = root.child_token();
    let (wakes, waker) = Wakes::new();
    let (mut first, mut second) = (Box::pin(root.cancelled()), Box::pin(child.cancelled()));
    assert!(poll(&mut first, &Waker::from(Arc::new(Panics))).is_pending());
    assert!(poll(&mut second, &waker).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| root.cancel())).is_err());
    assert_eq!(wakes.count(), 1);
    assert!(child.is_cancelled() && root.child_token().is_cancelled());
    assert_eq!(root.token.in_tree().0, 0);
}

#[test]
fn threads_make_and_drop_children() {
    let root = CancellationToken::new();
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let root = root.clone();
            thread::spawn(move || {
                let mut kept = Vec::new();
                while !root.is_cancelled() {
                    let child = root.child_token();
                    kept.push(child.child_token());
                    if kept.len() > 20 {
                        kept.clear();
                    }
                }
                assert!(kept.iter().all(CancellationToken::is_cancelled));
            })
        })
        .collect();
    std::thread::sleep(std::time::Duration::from_millis(20));
    root.cancel();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(root.token.in_tree().0, 0);
}
