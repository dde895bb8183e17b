//! Histories of watched values.

use turgo_sync::watch::{Receiver, channel};

use crate::lincheck::Recorder;
use crate::models::watch::{Watch, WatchCall, WatchResult};
use crate::threads::{Random, histories, linearizable};
use crate::waiting::{Seats, Waiting, wait};

type Calls<'a> = Recorder<'a, WatchCall, WatchResult>;

/// Watches until all senders are gone.
fn watch(mut receiver: Receiver<u32>, calls: &mut Calls<'_>, own: u32, random: &mut Random) {
    let mut over = false;
    let answered = |is_there: bool| if is_there { WatchResult::Done } else { WatchResult::Over };
    while !over {
        match random.below(6) {
            0 => calls.record(WatchCall::Look, || WatchResult::Value(*receiver.borrow())),
            1 => calls.record(WatchCall::Update(own), || {
                let value = receiver.borrow_and_update();
                WatchResult::Seen(*value, value.has_changed())
            }),
            2 => calls.record(WatchCall::HasChanged(own), || {
                receiver.has_changed().map_or(WatchResult::Over, WatchResult::Is)
            }),
            3 => calls.record_all(|| {
                let came = Waiting::begin(receiver.changed()).or_else(Waiting::hurry).ok();
                let noted = came.map(|came| (WatchCall::Changed(own), answered(came.is_ok())));
                noted.into_iter().collect()
            }),
            _ => calls.record(WatchCall::Changed(own), || {
                over = wait(receiver.changed()).is_err();
                answered(!over)
            }),
        }
    }
    calls.record(WatchCall::Look, || WatchResult::Value(*receiver.borrow()));
}

#[test]
fn who_watches_sees_newer_values_and_the_last() {
    histories(|round| {
        let (threads, operations) = round.size();
        let (senders, receivers) = (threads / 2, threads - threads / 2);
        let object = || {
            let (sender, receiver) = channel(0);
            let receives = (0..receivers).map(|_| receiver.clone());
            (Seats::new((0..senders).map(|_| sender.clone())), Seats::new(receives))
        };
        linearizable(
            &Watch { senders, receivers },
            object,
            threads,
            move |object, calls, thread| {
                let mut random = round.random(thread);
                if thread < receivers {
                    return watch(object.1.take(thread), calls, thread, &mut random);
                }
                let sender = object.0.take(thread - receivers);
                for number in 0..operations {
                    let value = thread * 1000 + number;
                    calls.record(WatchCall::Replace(value), || {
                        WatchResult::Value(sender.send_replace(value))
                    });
                }
                calls.record(WatchCall::Leave, || {
                    drop(sender);
                    WatchResult::Done
                });
            },
        );
    });
}
