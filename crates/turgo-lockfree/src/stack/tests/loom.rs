//! A node that is held out to the pops belongs to one thread.

use std::sync::Arc;

use turgo_machine::thread;

use super::super::Node;
use super::super::elimination::Elimination;
use crate::reclaim::tests::probe::model;

#[test]
fn a_node_that_is_held_out_goes_to_one() {
    model(3, || {
        let meeting = Arc::new(Elimination::new());
        let other = Arc::clone(&meeting);
        let taking = thread::spawn(move || {
            other.take().map(|node: crate::Owned<Node<u32>>| {
                // SAFETY: T4, it was taken out; nobody takes the value a second time.
                let value = unsafe { node.take() };
                // A mistake gives it to two: neither frees it before both are counted.
                (value, node)
            })
        });
        let back = meeting.offer(Node::new(7)).err();
        let taken = taking.join().unwrap();
        let owners = usize::from(back.is_some()) + usize::from(taken.is_some());
        if owners > 1 {
            std::mem::forget((back, taken));
            panic!("T4: the pusher and a pop have the same node");
        }
        // Held out and taken by nobody it was given back.
        assert_eq!(owners, 1);
        assert!(taken.is_none_or(|(value, _)| value == 7));
    });
}
