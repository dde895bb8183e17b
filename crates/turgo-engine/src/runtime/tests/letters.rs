//! Letters on their way: L1 and L2.

use std::sync::Arc;
use std::task::{Context, Waker};

use super::Wakes;
use crate::letter::{Letter, Reason};
use crate::runtime::letters::{LetterOutlet, Mail};
use crate::runtime::ring::{Received, Receiver, ring};

fn letter(scan: usize, position: u64) -> Arc<Letter> {
    let (reason, raw) = (Reason::Bad(String::new()), vec![0; 50_000]);
    Arc::new(Letter { scan, partition: 0, position, reason, raw })
}

/// The positions of the letters in a ring whose senders are gone.
fn arrived(mut ring: Receiver<Mail>) -> Vec<u64> {
    let mut positions = Vec::new();
    while let Received::Message(mail) = ring.recv(|| Ok::<_, ()>(())).unwrap() {
        positions.extend(mail.letters.iter().map(|letter| letter.position));
    }
    positions
}

/// L1: two letters fill a mail, and one mail the ring.
#[test]
fn letters_wait_for_room_and_wake_their_chain_when_there_is_some() {
    let (sender, mut receiver) = ring(100);
    let mut outlet = LetterOutlet::new(vec![Some(sender)]);
    outlet.put((0..5).map(|position| letter(0, position)).collect());
    let (wakes, waker) = Wakes::new();
    assert!(outlet.poll_flush(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(wakes.count(), 0);
    let Ok(Received::Message(mail)) = receiver.recv(|| Ok::<_, ()>(())) else {
        panic!("the first mail is there");
    };
    assert_eq!(mail.letters.len(), 2);
    assert_eq!(wakes.count(), 1);
    assert!(outlet.poll_flush(&mut Context::from_waker(&waker)).is_pending(), "one at a time");
}

/// L2.
#[test]
fn letters_that_wait_when_a_chain_goes_away_are_sent() {
    let ((first, one), (second, other)) = (ring(1), ring(1));
    let mut outlet = LetterOutlet::new(vec![Some(first), None, Some(second)]);
    for (position, scan) in [0, 2, 0, 1, 2, 0].into_iter().enumerate() {
        outlet.put(vec![letter(scan, position as u64)]);
    }
    assert!(outlet.poll_flush(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(outlet);
    assert_eq!(arrived(one), [0, 2, 5]);
    assert_eq!(arrived(other), [1, 4]);
}
