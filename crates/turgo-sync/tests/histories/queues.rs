//! Histories of channels whose values go to one receiver each.

use turgo_machine::thread;
use turgo_sync::mpsc::Sender;
use turgo_sync::mpsc::error::{TryRecvError, TrySendError};
use turgo_sync::{mpmc, mpsc};

use crate::lincheck::Recorder;
use crate::models::channel::{Channel, ChannelCall, ChannelResult};
use crate::models::permits::{PermitsCall, PermitsResult};
use crate::threads::{Random, histories, linearizable};
use crate::waiting::{Seats, Waiting};

const ROOM: u32 = 2;

type Calls<'a> = Recorder<'a, ChannelCall, ChannelResult>;

/// A receiver, alone or among others.
trait Receives: Send + 'static {
    fn receive(&mut self) -> impl Future<Output = Option<u32>>;
    fn try_receive(&mut self) -> Result<u32, TryRecvError>;
    fn close(&mut self);
}

macro_rules! receives {
    ($receiver:ty) => {
        impl Receives for $receiver {
            fn receive(&mut self) -> impl Future<Output = Option<u32>> {
                self.recv()
            }

            fn try_receive(&mut self) -> Result<u32, TryRecvError> {
                self.try_recv()
            }

            fn close(&mut self) {
                <$receiver>::close(self);
            }
        }
    };
}

receives!(mpsc::Receiver<u32>);
receives!(mpmc::Receiver<u32>);

/// Waits for room in steps and fills it, or leaves it unused, or gives up.
fn reserve(sender: &Sender<u32>, calls: &mut Calls<'_>, value: u32, random: &mut Random) {
    let mut asked = None;
    let answered = |taken: bool| {
        ChannelResult::Room(if taken { PermitsResult::Taken } else { PermitsResult::Closed })
    };
    let begin = ChannelCall::Room(PermitsCall::Begin(value, 1));
    let finish = ChannelCall::Room(PermitsCall::Finish(value));
    calls.record_all(|| match asked.insert(Waiting::begin(sender.reserve())) {
        Ok(answer) => vec![
            (begin, ChannelResult::Room(PermitsResult::Asked)),
            (finish, answered(answer.is_ok())),
        ],
        Err(_) => vec![(begin, ChannelResult::Room(PermitsResult::Queued))],
    });
    let answer = match asked.unwrap() {
        Ok(answer) => answer,
        Err(waiting) if random.below(2) == 0 => {
            let mut answer = None;
            calls.record(finish, || answered(answer.insert(waiting.finish()).is_ok()));
            answer.unwrap()
        }
        Err(waiting) => {
            thread::yield_now();
            return calls.record(ChannelCall::Room(PermitsCall::GiveUp(value)), || {
                drop(waiting);
                ChannelResult::Room(PermitsResult::Done)
            });
        }
    };
    let Ok(permit) = answer else { return };
    if random.below(4) == 0 {
        return calls.record(ChannelCall::Room(PermitsCall::Give(1)), || {
            drop(permit);
            ChannelResult::Room(PermitsResult::Done)
        });
    }
    calls.record(ChannelCall::Put(value), || {
        permit.send(value);
        ChannelResult::Done
    });
}

/// Sends in steps.
fn send(sender: &Sender<u32>, calls: &mut Calls<'_>, value: u32) {
    let answered = |sent: bool| if sent { ChannelResult::Sent } else { ChannelResult::Closed };
    let begin = ChannelCall::Room(PermitsCall::Begin(value, 1));
    let finish = ChannelCall::FinishSend(value, value);
    let mut waiting = None;
    calls.record_all(|| match Waiting::begin(sender.send(value)) {
        Ok(answer) => vec![
            (begin, ChannelResult::Room(PermitsResult::Asked)),
            (finish, answered(answer.is_ok())),
        ],
        Err(waits) => {
            waiting = Some(waits);
            vec![(begin, ChannelResult::Room(PermitsResult::Queued))]
        }
    });
    let Some(waiting) = waiting else { return };
    calls.record(finish, || answered(waiting.finish().is_ok()));
}

/// Takes room and fills it, or does not. The two take effect one after the other: others may come between.
fn try_send(sender: &Sender<u32>, calls: &mut Calls<'_>, value: u32) {
    let tried = |result| (ChannelCall::Room(PermitsCall::Try(1)), ChannelResult::Room(result));
    calls.record_all(|| match sender.try_send(value) {
        Ok(()) => {
            vec![tried(PermitsResult::Taken), (ChannelCall::Put(value), ChannelResult::Done)]
        }
        Err(TrySendError::Full(_)) => vec![tried(PermitsResult::Short)],
        Err(TrySendError::Closed(_)) => vec![tried(PermitsResult::Closed)],
    });
}

/// Receives until the channel is over; closes it after so many calls.
fn receive(
    receiver: &mut impl Receives,
    calls: &mut Calls<'_>,
    mut closes_after: Option<u32>,
    random: &mut Random,
) {
    let mut over = false;
    let answered = |value: Option<u32>| value.map_or(ChannelResult::Over, ChannelResult::Received);
    while !over {
        match random.below(4) {
            0 => calls.record(ChannelCall::TryReceive, || match receiver.try_receive() {
                Ok(value) => ChannelResult::Received(value),
                Err(TryRecvError::Empty) => ChannelResult::Empty,
                Err(TryRecvError::Disconnected) => {
                    over = true;
                    ChannelResult::Over
                }
            }),
            // A wait that is given up has no effect.
            1 => calls.record_all(|| {
                let waiting = Waiting::begin(receiver.receive());
                let came = waiting.or_else(Waiting::hurry).ok();
                over = came == Some(None);
                came.map(|value| (ChannelCall::Receive, answered(value))).into_iter().collect()
            }),
            _ => calls.record(ChannelCall::Receive, || {
                let value = crate::waiting::wait(receiver.receive());
                over = value.is_none();
                answered(value)
            }),
        }
        closes_after = closes_after.and_then(|left| left.checked_sub(1));
        if closes_after == Some(0) {
            calls.record(ChannelCall::Close, || {
                receiver.close();
                ChannelResult::Done
            });
        }
    }
}

/// So many receivers, and the other threads send.
fn histories_with<R: Receives>(receivers: u32, channel: fn() -> (Sender<u32>, Vec<R>)) {
    histories(move |round| {
        let (threads, operations) = round.size();
        let senders = threads - receivers;
        let spec = Channel { room: ROOM, senders };
        let object = || {
            let (sender, receivers) = channel();
            (Seats::new((0..senders).map(|_| sender.clone())), Seats::new(receivers))
        };
        linearizable(&spec, object, threads, move |(sends, receives), calls, thread| {
            let mut random = round.random(thread);
            if thread < receivers {
                let closes = (random.below(3) == 0).then(|| 1 + random.below(2 * operations));
                return receive(&mut receives.take(thread), calls, closes, &mut random);
            }
            let sender = sends.take(thread - receivers);
            for number in 0..operations {
                let value = thread * 1000 + number;
                match random.below(4) {
                    0 => try_send(&sender, calls, value),
                    1 => send(&sender, calls, value),
                    _ => reserve(&sender, calls, value, &mut random),
                }
            }
            calls.record(ChannelCall::Leave, || {
                drop(sender);
                ChannelResult::Done
            });
        });
    });
}

#[test]
fn what_one_receives_is_what_was_sent() {
    histories_with(1, || {
        let (sender, receiver) = mpsc::channel(ROOM as usize);
        (sender, vec![receiver])
    });
}

#[test]
fn what_several_receive_is_what_was_sent() {
    histories_with(2, || {
        let (sender, receiver) = mpmc::channel(ROOM as usize);
        (sender, vec![receiver.clone(), receiver])
    });
}
