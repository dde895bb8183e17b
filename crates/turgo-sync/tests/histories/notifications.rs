//! Histories of notifications.

use turgo_sync::Notify;

use crate::lincheck::Recorder;
use crate::models::notify::{Notify as Model, NotifyCall, NotifyResult};
use crate::threads::{Random, histories, linearizable};
use crate::waiting::{Sleepers, Waiting};

type Calls<'a> = Recorder<'a, NotifyCall, NotifyResult>;

fn tell(notify: &Notify, calls: &mut Calls<'_>, call: NotifyCall) {
    calls.record(call, || {
        match call {
            NotifyCall::One => notify.notify_one(),
            NotifyCall::Last => notify.notify_last(),
            _ => notify.notify_waiters(),
        }
        NotifyResult::Done
    });
}

/// Waits in steps; gives up now and then, also before it has a place.
fn wait(
    (notify, sleepers): &(Notify, Sleepers),
    calls: &mut Calls<'_>,
    waiter: u32,
    random: &mut Random,
) {
    let mut made = None;
    calls.record(NotifyCall::Make(waiter), || {
        made = Some(notify.notified());
        NotifyResult::Done
    });
    let made = made.unwrap();
    let give_up = |calls: &mut Calls<'_>, drops: &mut dyn FnMut()| {
        calls.record(NotifyCall::GiveUp(waiter), || {
            drops();
            NotifyResult::Done
        });
    };
    if random.below(6) == 0 {
        let mut made = Some(made);
        return give_up(calls, &mut || drop(made.take()));
    }
    let mut waiting = None;
    calls.record_all(|| match Waiting::begin(made) {
        Ok(()) => vec![
            (NotifyCall::Begin(waiter), NotifyResult::Asked),
            (NotifyCall::Finish(waiter), NotifyResult::Told),
        ],
        Err(waits) => {
            waiting = Some(waits);
            vec![(NotifyCall::Begin(waiter), NotifyResult::Queued)]
        }
    });
    let Some(waits) = waiting else { return };
    if random.below(3) > 0 {
        sleepers.one_more();
        return calls.record(NotifyCall::Finish(waiter), || {
            waits.finish();
            NotifyResult::Told
        });
    }
    calls.record_all(|| match waits.hurry() {
        Ok(()) => vec![(NotifyCall::Finish(waiter), NotifyResult::Told)],
        Err(waits) => {
            drop(waits);
            vec![(NotifyCall::GiveUp(waiter), NotifyResult::Done)]
        }
    });
}

/// Finds what is kept when all others are done.
fn find(notify: &Notify, calls: &mut Calls<'_>, waiter: u32) {
    calls.record(NotifyCall::Make(waiter), || NotifyResult::Done);
    let mut found = false;
    calls.record(NotifyCall::Begin(waiter), || {
        found = Waiting::begin(notify.notified()).is_ok();
        if found { NotifyResult::Asked } else { NotifyResult::Idle }
    });
    if found {
        calls.record(NotifyCall::Finish(waiter), || NotifyResult::Told);
    } else {
        calls.record(NotifyCall::GiveUp(waiter), || NotifyResult::Done);
    }
}

#[test]
fn notifications_go_to_those_they_are_for() {
    histories(|round| {
        let (threads, operations) = round.size();
        let object = || (Notify::new(), Sleepers::new(threads - 1));
        linearizable(&Model, object, threads, move |object, calls, thread| {
            let (notify, sleepers) = object;
            let mut random = round.random(thread);
            for number in 0..operations {
                match random.below(8) {
                    0..=3 if thread > 0 => wait(object, calls, thread * 1000 + number, &mut random),
                    6 => tell(notify, calls, NotifyCall::Last),
                    7 => tell(notify, calls, NotifyCall::All),
                    _ => tell(notify, calls, NotifyCall::One),
                }
            }
            if thread > 0 {
                return sleepers.leave();
            }
            sleepers.rouse(|| tell(notify, calls, NotifyCall::All));
            calls.record(NotifyCall::Rest, || NotifyResult::Done);
            find(notify, calls, 1);
            find(notify, calls, 2);
        });
    });
}
