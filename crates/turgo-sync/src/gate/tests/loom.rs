//! Models of the gate by itself.

use std::sync::Arc;

use turgo_machine::thread;

use crate::access::Shared;
use crate::gate::Gate;
use crate::tests::probe::{Wakes, model, poll, poll_idle};

/// Lets all go.
fn open(gate: &Gate<Shared>) {
    gate.change(|now| Some(now.transition_to_next_generation(now.number() + 1)));
}

/// One of an older generation comes to the list behind one of a newer.
#[test]
fn an_older_wait_behind_a_newer_is_let_go() {
    model(3, || {
        let gate: &'static Gate<Shared> = Box::leak(Box::new(Gate::new(0)));
        let since = gate.now();
        let comes = thread::spawn(move || {
            let mut older = Box::pin(gate.pass(since));
            let (wakes, waker) = Wakes::new();
            let waits = poll(&mut older, &waker).is_pending();
            (older, wakes, waits)
        });
        // Holds the list, so that the older one goes to the inbox.
        let mut first = Box::pin(gate.pass(since));
        _ = poll_idle(&mut first);
        open(gate);
        let mut newer = Box::pin(gate.pass(gate.now()));
        assert!(poll_idle(&mut newer).is_pending());
        let (older, wakes, waits) = comes.join().unwrap();
        assert!(!waits || wakes.count() == 1, "who waits is woken");
        drop(older);
        drop(newer);
        assert!(!gate.has_waiters());
    });
}

/// Who reads the new number does not wait for the generation that it ended.
#[test]
fn the_number_and_the_generation_change_together() {
    model(3, || {
        let gate = Arc::new(Gate::<Shared>::new(0));
        let looks = thread::spawn({
            let gate = gate.clone();
            move || {
                let now = gate.now();
                assert_eq!(now.number(), now.generation());
            }
        });
        open(&gate);
        looks.join().unwrap();
    });
}
