//! Merging producers: X1 to X3.

use std::task::{Context, Poll, Waker};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;

use super::{Wakes, rows};
use crate::message::Message;
use crate::runtime::inlet::{ExchangeInlet, Inlet, Input};
use crate::runtime::ring::{Sender, ring};

fn merged(producers: usize) -> (Vec<Sender<Message>>, ExchangeInlet) {
    let (senders, receivers) = (0..producers).map(|_| ring(1 << 20)).unzip();
    (senders, ExchangeInlet::new(receivers))
}

/// What comes next, as text: rows by their first value.
fn next(inlet: &mut ExchangeInlet) -> String {
    match inlet.poll(&mut Context::from_waker(Waker::noop())).unwrap() {
        Poll::Pending => "pending".into(),
        Poll::Ready(Input::Abandoned) => "abandoned".into(),
        Poll::Ready(Input::Message(Message::Batch(batch))) => {
            format!("row {}", batch.rows.column(0).as_primitive::<Int64Type>().value(0))
        }
        Poll::Ready(Input::Message(Message::Watermark(time))) => format!("watermark {time}"),
        Poll::Ready(Input::Message(Message::Barrier(generation))) => {
            format!("barrier {generation}")
        }
        Poll::Ready(Input::Message(Message::End)) => "end".into(),
    }
}

fn row(value: i64) -> Message {
    Message::Batch(rows(&[value]))
}

/// X1.
#[test]
fn the_watermark_is_the_minimum_of_the_producers_that_have_not_ended() {
    let (senders, mut inlet) = merged(2);
    senders[0].send(Message::Watermark(10));
    senders[0].send(Message::Watermark(30));
    assert_eq!(next(&mut inlet), "pending", "the other has promised nothing");
    senders[1].send(Message::Watermark(20));
    assert_eq!(next(&mut inlet), "watermark 20");
    senders[1].send(Message::Watermark(20));
    assert_eq!(next(&mut inlet), "pending", "that is no news");
    senders[1].send(Message::End);
    assert_eq!(next(&mut inlet), "watermark 30", "who has ended holds nothing back");
    senders[0].send(Message::End);
    assert_eq!(next(&mut inlet), "end");
}

/// X1: an instance learns late in a run, or never, how far the others have come.
#[test]
fn the_last_watermark_is_the_same_whoever_ends_last() {
    for order in [[0, 1], [1, 0]] {
        let (senders, mut inlet) = merged(2);
        senders[0].send(Message::Watermark(30));
        senders[1].send(Message::Watermark(20));
        assert_eq!(next(&mut inlet), "watermark 20");
        order.into_iter().for_each(|producer| senders[producer].send(Message::End));
        assert_eq!(next(&mut inlet), "watermark 30", "{order:?}");
        assert_eq!(next(&mut inlet), "end");
    }
}

/// X2.
#[test]
fn nothing_is_taken_from_behind_a_barrier_before_all_have_sent_it() {
    let (senders, mut inlet) = merged(3);
    senders[0].send(Message::Barrier(1));
    senders[0].send(row(100));
    senders[1].send(row(1));
    assert_eq!(next(&mut inlet), "row 1");
    assert_eq!(next(&mut inlet), "pending", "row 100 lies behind the barrier");
    senders[1].send(Message::Barrier(1));
    senders[2].send(row(2));
    assert_eq!(next(&mut inlet), "row 2");
    senders[2].send(Message::End);
    assert_eq!(next(&mut inlet), "barrier 1", "who has ended sends none");
    assert_eq!(next(&mut inlet), "row 100");
}

#[test]
fn a_message_that_arrives_wakes_the_task_that_found_none() {
    let (senders, mut inlet) = merged(2);
    let (wakes, waker) = Wakes::new();
    assert!(inlet.poll(&mut Context::from_waker(&waker)).unwrap().is_pending());
    senders[1].send(row(1));
    senders[0].send(row(2));
    assert_eq!(wakes.count(), 2, "from whichever producer");
}

/// X3.
#[test]
fn a_producer_that_is_gone_makes_the_end_an_abandonment() {
    let (mut senders, mut inlet) = merged(2);
    drop(senders.pop());
    senders[0].send(row(1));
    assert_eq!(next(&mut inlet), "row 1", "the others are worked off");
    senders[0].send(Message::End);
    assert_eq!(next(&mut inlet), "abandoned");
}

/// X1 and X2 when a run is stopped: rows of the one that is gone were never read.
#[test]
fn nothing_is_promised_for_a_producer_that_is_gone() {
    let (mut senders, mut inlet) = merged(2);
    senders[0].send(Message::Watermark(50));
    senders[1].send(Message::Watermark(20));
    assert_eq!(next(&mut inlet), "watermark 20");
    senders[0].send(Message::Barrier(1));
    senders[0].send(row(1));
    assert_eq!(next(&mut inlet), "pending");
    drop(senders.pop());
    assert_eq!(next(&mut inlet), "row 1", "no barrier, and nobody waits for it");
    senders[0].send(Message::Watermark(70));
    senders[0].send(Message::Barrier(2));
    senders[0].send(row(2));
    assert_eq!(next(&mut inlet), "row 2");
    drop(senders);
    assert_eq!(next(&mut inlet), "abandoned");
}

#[test]
fn producers_take_turns() {
    let (senders, mut inlet) = merged(2);
    for value in 0..2 {
        senders[0].send(row(value));
        senders[1].send(row(10 + value));
    }
    let order: Vec<_> = (0..4).map(|_| next(&mut inlet)).collect();
    assert_eq!(order, ["row 0", "row 10", "row 1", "row 11"]);
}

#[test]
fn an_input_without_producers_ends_at_once() {
    let (_, mut inlet) = merged(0);
    assert_eq!(next(&mut inlet), "end");
}
