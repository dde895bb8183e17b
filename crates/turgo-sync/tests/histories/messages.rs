//! Histories of broadcasts, with receivers that lag, give up, leave and come again.

use turgo_sync::broadcast::error::{RecvError, TryRecvError};
use turgo_sync::broadcast::{Receiver, channel};

use crate::lincheck::Recorder;
use crate::models::broadcast::{Broadcast, BroadcastCall, BroadcastResult};
use crate::threads::{Random, histories, linearizable};
use crate::waiting::{Seats, Waiting, wait};

const KEPT: usize = 2;

type Calls<'a> = Recorder<'a, BroadcastCall, BroadcastResult>;

fn answered(answer: Result<u32, RecvError>) -> BroadcastResult {
    match answer {
        Ok(value) => BroadcastResult::Received(value),
        Err(RecvError::Lagged(missed)) => BroadcastResult::Lagged(missed),
        Err(RecvError::Closed) => BroadcastResult::Over,
    }
}

/// Receives to the end, as one receiver after another.
fn receive(mut receiver: Receiver<u32>, calls: &mut Calls<'_>, mut own: u32, random: &mut Random) {
    let mut over = false;
    while !over {
        match random.below(6) {
            0 => calls.record(BroadcastCall::TryReceive(own), || match receiver.try_recv() {
                Ok(value) => BroadcastResult::Received(value),
                Err(TryRecvError::Lagged(missed)) => BroadcastResult::Lagged(missed),
                Err(TryRecvError::Empty) => BroadcastResult::Empty,
                Err(TryRecvError::Closed) => {
                    over = true;
                    BroadcastResult::Over
                }
            }),
            1 => calls.record_all(|| {
                let came = Waiting::begin(receiver.recv()).or_else(Waiting::hurry).ok();
                over = came == Some(Err(RecvError::Closed));
                let noted = came.map(|came| (BroadcastCall::Receive(own), answered(came)));
                noted.into_iter().collect()
            }),
            2 => {
                let mut other = None;
                calls.record(BroadcastCall::Join(own + 100), || {
                    other = Some(receiver.resubscribe());
                    BroadcastResult::Done
                });
                let left = std::mem::replace(&mut receiver, other.unwrap());
                calls.record(BroadcastCall::Leave(own), || {
                    drop(left);
                    BroadcastResult::Done
                });
                own += 100;
            }
            _ => calls.record(BroadcastCall::Receive(own), || {
                let came = wait(receiver.recv());
                over = came == Err(RecvError::Closed);
                answered(came)
            }),
        }
    }
    calls.record(BroadcastCall::Leave(own), || {
        drop(receiver);
        BroadcastResult::Done
    });
}

#[test]
fn each_receives_all_or_is_told_what_it_missed() {
    histories(|round| {
        let (threads, operations) = round.size();
        let (senders, receivers) = (threads / 2, threads - threads / 2);
        let spec = Broadcast { kept: KEPT, senders, receivers };
        let object = || {
            let (sender, receiver) = channel(KEPT);
            let mut receives: Vec<_> = (1..receivers).map(|_| receiver.resubscribe()).collect();
            receives.push(receiver);
            (Seats::new((0..senders).map(|_| sender.clone())), Seats::new(receives))
        };
        linearizable(&spec, object, threads, move |(sends, receives), calls, thread| {
            let mut random = round.random(thread);
            if thread < receivers {
                return receive(receives.take(thread), calls, thread, &mut random);
            }
            let sender = sends.take(thread - receivers);
            for number in 0..operations {
                let value = thread * 1000 + number;
                calls.record(BroadcastCall::Send(value), || match sender.send(value) {
                    Ok(receivers) => BroadcastResult::Sent(receivers),
                    Err(_) => BroadcastResult::Nobody,
                });
            }
            calls.record(BroadcastCall::LeaveSender, || {
                drop(sender);
                BroadcastResult::Done
            });
        });
    });
}
