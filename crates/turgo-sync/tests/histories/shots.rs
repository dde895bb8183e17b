//! Histories of channels for one value.

use turgo_sync::oneshot::error::TryRecvError;
use turgo_sync::oneshot::{Receiver, Sender, channel};

use crate::lincheck::Recorder;
use crate::models::oneshot::{Act, Oneshot, OneshotCall, OneshotResult};
use crate::threads::{Random, histories, linearizable_by};
use crate::waiting::{Seats, Waiting, wait};

type Calls<'a> = Recorder<'a, OneshotCall, OneshotResult>;

fn send(mut sender: Sender<u32>, calls: &mut Calls<'_>, number: u32, random: &mut Random) {
    if random.below(2) == 0 {
        calls.record(OneshotCall(number, Act::IsClosed), || OneshotResult::Is(sender.is_closed()));
    }
    if random.below(3) == 0 {
        calls.record_all(|| {
            let closed = Waiting::begin(sender.closed()).or_else(Waiting::hurry).is_ok();
            closed
                .then_some((OneshotCall(number, Act::Closed), OneshotResult::Done))
                .into_iter()
                .collect()
        });
    }
    if random.below(5) == 0 {
        return calls.record(OneshotCall(number, Act::Leave), || {
            drop(sender);
            OneshotResult::Done
        });
    }
    calls.record(OneshotCall(number, Act::Send(number)), || match sender.send(number) {
        Ok(()) => OneshotResult::Done,
        Err(_) => OneshotResult::Refused,
    });
}

fn receive(mut receiver: Receiver<u32>, calls: &mut Calls<'_>, number: u32, random: &mut Random) {
    let mut over = false;
    while !over && random.below(2) == 0 {
        calls.record(OneshotCall(number, Act::TryReceive), || match receiver.try_recv() {
            Err(TryRecvError::Empty) => OneshotResult::Empty,
            answer => {
                over = true;
                answer.map_or(OneshotResult::Over, OneshotResult::Received)
            }
        });
    }
    if over {
        return;
    }
    if random.below(3) == 0 {
        calls.record(OneshotCall(number, Act::Close), || {
            receiver.close();
            OneshotResult::Done
        });
    }
    if random.below(4) == 0 {
        // Dropped, it is closed; a value that was sent before goes with it.
        return calls.record(OneshotCall(number, Act::Close), || {
            drop(receiver);
            OneshotResult::Done
        });
    }
    calls.record(OneshotCall(number, Act::Receive), || {
        wait(receiver).map_or(OneshotResult::Over, OneshotResult::Received)
    });
}

#[test]
fn a_value_is_received_or_refused() {
    histories(|round| {
        let (threads, operations) = round.size();
        // Pairs of threads with many channels one after the other.
        let threads = threads & !1;
        let object = || {
            let pairs = (0..threads / 2).map(|_| (0..operations).map(|_| channel()).unzip());
            let (sends, receives): (Vec<Vec<_>>, Vec<Vec<_>>) = pairs.unzip();
            (Seats::new(sends), Seats::new(receives))
        };
        let key = |call: &OneshotCall| call.0;
        linearizable_by(&Oneshot, key, object, threads, move |(sends, receives), calls, thread| {
            let mut random = round.random(thread);
            let numbers = (thread / 2 * 1000)..;
            if thread % 2 == 0 {
                let all = sends.take(thread / 2).into_iter().zip(numbers);
                all.for_each(|(sender, number)| send(sender, calls, number, &mut random));
            } else {
                let all = receives.take(thread / 2).into_iter().zip(numbers);
                all.for_each(|(receiver, number)| receive(receiver, calls, number, &mut random));
            }
        });
    });
}
