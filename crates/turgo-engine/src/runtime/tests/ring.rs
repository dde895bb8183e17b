//! Rings: the bound, the wakes, and both ways to be left alone.

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::thread;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::Schema;

use super::{Wakes, rows, this_thread, within};
use crate::message::{Batch, Message};
use crate::runtime::ring::{Received, Receiver, Sender, Weigh, ring};
use crate::time::WATERMARK_NONE;

#[derive(Debug, PartialEq, Eq)]
struct Stone {
    bytes: usize,
    from: usize,
    number: usize,
}

impl Weigh for Stone {
    fn bytes(&self) -> usize {
        self.bytes
    }
}

fn stone(bytes: usize) -> Stone {
    Stone { bytes, from: 0, number: 0 }
}

/// Sends and parks the thread while there is no room.
fn send_blocking(ring: &Sender<Stone>, stone: Stone) {
    let waker = this_thread();
    while ring.poll_ready(&mut Context::from_waker(&waker)).is_pending() {
        thread::park();
    }
    ring.send(stone);
}

/// Receives and parks the thread while there is nothing.
fn recv_parking(ring: &mut Receiver<Stone>) -> Received<Stone> {
    let waker = this_thread();
    loop {
        match ring.poll_recv(&mut Context::from_waker(&waker)) {
            Poll::Ready(received) => return received,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn a_full_ring_parks_its_sender_and_wakes_it_when_below_the_bound() {
    let (sender, mut receiver) = ring(100);
    let (wakes, waker) = Wakes::new();
    let mut cx = Context::from_waker(&waker);
    for _ in 0..2 {
        assert!(sender.poll_ready(&mut cx).is_ready());
        sender.send(stone(60));
    }
    assert!(sender.poll_ready(&mut cx).is_pending(), "120 bytes wait");
    assert!(sender.poll_ready(&mut cx).is_pending());
    assert_eq!(wakes.count(), 0);
    assert!(receiver.poll_recv(&mut cx).is_ready());
    assert_eq!(wakes.count(), 1, "60 bytes wait: woken once, however often it asked");
    assert!(sender.poll_ready(&mut cx).is_ready());
}

#[test]
fn a_sender_is_not_woken_while_the_ring_is_still_full() {
    let (sender, mut receiver) = ring(100);
    let (wakes, waker) = Wakes::new();
    let mut cx = Context::from_waker(&waker);
    sender.send(stone(1));
    sender.send(stone(500));
    assert!(sender.poll_ready(&mut cx).is_pending(), "a message larger than the bound passed");
    assert_eq!(receiver.poll_recv(&mut cx), Poll::Ready(Received::Message(stone(1))));
    assert_eq!(wakes.count(), 0);
    assert_eq!(receiver.poll_recv(&mut cx), Poll::Ready(Received::Message(stone(500))));
    assert_eq!(wakes.count(), 1);
}

#[test]
fn a_receiver_is_woken_by_a_message_and_by_the_last_sender_leaving() {
    let (sender, mut receiver) = ring(100);
    let (wakes, waker) = Wakes::new();
    let mut cx = Context::from_waker(&waker);
    assert!(receiver.poll_recv(&mut cx).is_pending());
    sender.send(stone(1));
    assert_eq!(wakes.count(), 1);
    assert!(receiver.poll_recv(&mut cx).is_ready());
    assert!(receiver.poll_recv(&mut cx).is_pending());
    let other = sender.clone();
    drop(sender);
    assert_eq!(wakes.count(), 1, "one sender is left");
    other.send(stone(2));
    drop(other);
    // R2: what was sent comes first.
    assert_eq!(receiver.poll_recv(&mut cx), Poll::Ready(Received::Message(stone(2))));
    assert_eq!(receiver.poll_recv(&mut cx), Poll::Ready(Received::Abandoned));
}

#[test]
fn a_ring_without_receiver_has_room_and_keeps_nothing() {
    let (sender, receiver) = ring(10);
    let (wakes, waker) = Wakes::new();
    let mut cx = Context::from_waker(&waker);
    sender.send(stone(10));
    assert!(sender.poll_ready(&mut cx).is_pending());
    drop(receiver);
    assert_eq!(wakes.count(), 1);
    sender.send(stone(1_000));
    assert!(sender.poll_ready(&mut cx).is_ready());
}

/// R1, against lost wakes: producers and a consumer that sleep whenever they can.
#[test]
fn no_wake_is_lost_between_producers_and_a_parked_task() {
    const PRODUCERS: usize = 3;
    const STONES: usize = 20_000;
    let received = within(|| {
        let (sender, mut receiver) = ring(2);
        for from in 0..PRODUCERS {
            let sender = sender.clone();
            let produce = move || {
                for number in 0..STONES {
                    send_blocking(&sender, Stone { bytes: 1, from, number });
                }
            };
            thread::Builder::new().spawn(produce).unwrap();
        }
        drop(sender);
        let mut next = [0; PRODUCERS];
        while let Received::Message(stone) = recv_parking(&mut receiver) {
            assert_eq!(stone.number, next[stone.from], "order is kept per sender");
            next[stone.from] += 1;
        }
        next
    });
    assert_eq!(received, [STONES; PRODUCERS]);
}

#[test]
fn a_thread_that_receives_is_woken_and_told_when_idle() {
    let (received, idle) = within(|| {
        let (sender, mut receiver) = ring(2);
        let produce = move || (0..20_000).for_each(|_| send_blocking(&sender, stone(1)));
        thread::Builder::new().spawn(produce).unwrap();
        let (mut received, mut idle) = (0, 0);
        let mut wait = || -> Result<Received<Stone>, Infallible> {
            receiver.recv(|| {
                idle += 1;
                Ok(())
            })
        };
        while let Ok(Received::Message(_)) = wait() {
            received += 1;
        }
        (received, idle)
    });
    assert_eq!(received, 20_000);
    assert!(idle <= 20_001, "at most once per message and once at the end: {idle}");
}

#[test]
fn an_error_while_idle_ends_receiving() {
    let (_sender, mut receiver) = ring::<Stone>(2);
    assert_eq!(receiver.recv(|| Err("full")), Err("full"));
}

#[test]
fn a_slice_weighs_what_it_holds_and_nothing_weighs_nothing() {
    let all = rows(&vec![7; 100_000]);
    let part = all.slice(50, 100);
    let weight = Message::Batch(part).bytes();
    assert!((800..2_000).contains(&weight), "100 of 100 000 numbers: {weight}");
    let options = RecordBatchOptions::new().with_row_count(Some(3));
    let none = RecordBatch::try_new_with_options(Schema::empty().into(), vec![], &options).unwrap();
    assert!(Message::Batch(Batch::derived(none, WATERMARK_NONE)).bytes() > 0, "no columns");
    assert!(Message::End.bytes() > 0);
}
